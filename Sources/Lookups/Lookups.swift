// Lookups: files and databases that lists and expansions ask.
//
// Purpose: one face for all lookup drivers, the lookup types' syntax (`partial-`, `*`, `*@`, options), and the
// drivers themselves. Keys come already expanded; answers go back with no taint of their own.
// May import: Bytes, MailText, DNS, PostgreSQL, Redis; outside: GRDB (SQLiteSearch.swift).
// Read in this order: LookupDriver.swift, LookupType.swift, LookupDrivers.swift, FileCache.swift,
// LinearEntries.swift, EscapeSequence.swift, PatternCache.swift, LinearSearch.swift, DirectorySearch.swift,
// PasswordSearch.swift, ConstantDatabase.swift, ListItems.swift, JSONElement.swift, JSONSearch.swift, SQLiteSearch.swift,
// StatementQuoting.swift, ServerList.swift, RedisSearch.swift, PostgresSearch.swift, DNSLookup.swift.
// Source: the manual's chapter 9, "File and database lookups".
