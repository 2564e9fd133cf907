// Expansion: Exim's string expansion language, its variables, and list matching.
//
// Purpose: templates are compiled once and evaluated with facts (what is known about the connection, the
// message and the address) in an environment (what may be asked of the world). Lists contain lookups, keys
// are expansions, expansions match lists: that recursion is why all of it is one module.
// May import: Bytes, MailText, OpenSSL, Lookups; outside: CCrypt (Password.swift).
// Read in this order: Template.swift, Node.swift, Compiler.swift and its extensions; Facts.swift and the three kinds of
// facts (SPFFacts.swift and ScanFacts.swift belong to the message's), Environment.swift, Variables.swift and its extensions,
// HistoricNames.swift; Expander.swift, Evaluation.swift and its extensions, Operators.swift and the files of its operators;
// CertificateItems.swift, DistinguishedName.swift, SRS.swift, SocketItem.swift, EventAction.swift, FolderName.swift;
// ListText.swift, ListOutput.swift, ListMatching.swift, StringItems.swift, DomainItems.swift, AddressItems.swift, HostItems.swift.
// Source: the manual's chapters 11, "String expansions", and 10, "Domain, host, address, and local part lists".
