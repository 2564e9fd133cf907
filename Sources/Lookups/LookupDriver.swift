package import Bytes

/// What a lookup found.
package enum LookupOutcome: Sendable, Hashable {
    /// The data under the key; it may be empty.
    case found(ByteString)
    /// The file or database has no such key.
    case notFound
    /// The answer cannot be had now (or the file cannot be opened); the text is Exim's.
    case deferred(ByteString)
}

/// How a driver is asked (manual, section 9.2).
package enum LookupStyle: Sendable, Hashable {
    /// A key in a file, whose path must be absolute.
    case keyInFile
    /// A key in a directory, whose path must be absolute.
    case keyInDirectory
    /// A key without a file, such as `passwd`, `dnsdb` or `sqlite`: one string is the whole question.
    case query
}

/// One question for a driver.
package struct LookupRequest: Sendable, Hashable {
    /// The file or directory; empty for query-style drivers.
    package var file: ByteString
    /// The key or the query.
    package var key: ByteString
    /// What followed the type's name after a comma, such as `filter=dir,ret=full`; nil when nothing did.
    package var options: ByteString?

    /// Makes a question.
    package init(key: ByteString, file: ByteString = ByteString(), options: ByteString? = nil) {
        self.key = key
        self.file = file
        self.options = options
    }
}

/// One kind of file or database.
package protocol LookupDriver: Sendable {
    /// How the driver is asked.
    var style: LookupStyle { get }

    /// Looks up one key; never throws: trouble is a deferral with Exim's text.
    func find(_ request: LookupRequest) async -> LookupOutcome

    /// The string made safe for use inside a query (`${quote_<type>:...}`); nil when options are refused.
    func quote(_ text: ByteString) -> ByteString
}

extension LookupDriver {
    /// Nothing needs quoting, as in every single-key driver.
    package func quote(_ text: ByteString) -> ByteString { text }
}
