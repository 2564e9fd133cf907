// Expansion: Exim's string expansion language, its variables, and list matching.
//
// Purpose: templates are compiled once and evaluated with facts (what is known about the connection, the
// message and the address) in an environment (what may be asked of the world). Lists contain lookups, keys
// are expansions, expansions match lists: that recursion is why all of it is one module.
// May import: Bytes, MailText, OpenSSL, Lookups.
// Read in this order: Template.swift, Node.swift, Compiler.swift and its extensions, Facts.swift and the three
// kinds of facts, Environment.swift, Variables.swift, Expander.swift, Evaluation.swift and its extensions,
// Operators.swift, Conditions.swift, ListItems.swift, ListText.swift, and the four Match files.
// Source: the manual's chapters "String expansions" and "Domain, host, address, and local part lists".
