// MailText: what the octets of a message and of an envelope mean.
//
// Purpose: addresses, header lines, dates, the header lines that Exim adds, delivery status notifications,
// and regular expressions; no files, no sockets, no clock.
// May import: Bytes, CPCRE2 (in PCRE2Pattern.swift only), Glibc (in LocalTime.swift only).
// Read in this order: EmailAddress.swift, AddressParser.swift, AddressScanner.swift, AddressList.swift,
// Header.swift, HeaderReader.swift, MailDate.swift, LocalTime.swift, ReceivedHeader.swift, Fixups.swift,
// UserName.swift, Notification.swift, Bounce.swift, DelayWarning.swift, SuccessReport.swift,
// PCRE2Pattern.swift.
