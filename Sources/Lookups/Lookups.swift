// Lookups: files and databases that lists and expansions ask.
//
// Purpose: one face for all lookup drivers, the lookup types' syntax (`partial-`, `*`, `*@`, options), and the
// drivers themselves. Keys come already expanded; answers go back with no taint of their own.
// May import: Bytes, MailText, DNS.
// Read in this order: LookupDriver.swift, LookupType.swift, LookupDrivers.swift, FileContents.swift,
// LinearSearch.swift, AddressSearch.swift, DirectorySearch.swift, PasswordSearch.swift,
// ConstantDatabase.swift, DNSLookup.swift.
