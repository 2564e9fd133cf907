package import Bytes

/// What works in this program: the lists of `-bV`, from which the predefined macros are made too.
package enum Capabilities {
    /// Lookup types, in Exim's order with ours at the end.
    package static let lookups: [ByteString] = [
        "lsearch", "wildlsearch", "nwildlsearch", "iplsearch", "cdb", "dnsdb", "dsearch", "json", "passwd",
        "pgsql",
        "redis", "spf", "sqlite",
    ]
    /// Features, by the words that Exim has for them.
    package static let features: [ByteString] = [
        "crypteq", "iconv()", "IPv6", "OpenSSL", "Content_Scanning", "DANE", "DKIM", "DNSSEC", "Event",
        "PROXY",
        "SOCKS", "SPF",
        "SRS",
    ]
    /// Authenticators that run.
    package static var authenticators: [ByteString] { DriverTables.runningAuthenticators.sorted() }
    /// Routers that run.
    package static var routers: [ByteString] { DriverTables.runningRouters.sorted() }
    /// Transports that run; `appendfile` knows one more form than mbox.
    package static var transports: [ByteString] {
        DriverTables.runningTransports.sorted().map { $0 == "appendfile" ? "appendfile/maildir" : $0 }
    }

    /// Virus scanners that are spoken to, in Exim's order.
    package static let malware: [ByteString] = [
        "f-prot6d", "fsecure", "sophie", "clamd", "avast", "sock", "cmdline",
    ]

    /// The virus scanners' macros.
    static var malwareMacros: [ByteString] {
        malware.map { name in
            "_HAVE_MALWARE_\(ByteString(name.filter { $0 != UInt8(ascii: "-") }).uppercasedASCII())"
        }
    }

    /// The lookup types that have a macro: one for each kind of file or server.
    static var lookupMacros: [ByteString] {
        lookups.filter { !$0.ends(with: ByteString("lsearch")) || $0 == "lsearch" }
            .map { "_HAVE_LOOKUP_\($0.uppercasedASCII())" }
    }
}
