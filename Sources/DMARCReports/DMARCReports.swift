// DMARCReports: what receivers learnt about senders, kept and told.
//
// Purpose: read history files (Exim's and OpenDMARC's) into a relational store, make and hand over aggregate
// reports (RFC 7489 section 7.2), read those that others sent, count, and expire. It asks no DNS and sends no
// mail: both are closures of the caller.
// May import: Bytes, MailText, PostgreSQL, GRDB, CZlib (and Glibc; Foundation only as the currency of GRDB).
// Read in this order:
//   History/      AuthenticationResult, HistoryRecord (values), HistoryParser, ARCSealParser (one record's text to a
//                 value), HistoryReader (a stream to records), HistoryFile (a growing file), HistoryAppender
//   Store/        DMARCSchema, OpenDMARCViews (tables), DMARCStore, StoreTransaction, NameTable, HistoryInsertion, HistoryStoring, HistoryImport
//   PostgreSQL/   PostgresSchema, PostgresStore, PostgresHistory
//   Compression/  GzipWriter, Inflater, ZipArchive
//   Reports/      OrganizationalDomain, ReportAddress, ExternalDestination, AggregateReport, XMLWriter,
//                 AggregateReportXML, ReportMail, Reporting
//   Foreign/      XMLReader, ForeignReport, ForeignReportReader, ForeignReportImport
//   Statistics/   Statistics (values and queries), StatisticsText, WebPage, StatisticsPage
