package import Bytes

/// What a lookup found.
package enum LookupOutcome: Sendable, Hashable {
    /// The data under the key; it may be empty.
    case found(ByteString)
    /// The file or database has no such key.
    case notFound
    /// The answer cannot be had now; the text is Exim's.
    case deferred(ByteString)
    /// The file or database cannot be opened at all; the text is Exim's.
    case unusable(ByteString)
}

/// How a driver is asked (manual, section 9.2).
package enum LookupStyle: Sendable, Hashable {
    /// A key in a file or directory, whose path should be absolute.
    case singleKey
    /// One string is the whole question, as with `passwd`, `dnsdb` or `sqlite`.
    case query
}

/// One question for a driver.
package struct LookupRequest: Sendable {
    /// The file or directory; empty for query-style drivers.
    package var file: ByteString
    /// The key or the query.
    package var key: ByteString
    /// What followed the type's name after a comma, such as `filter=dir` and `ret=full`.
    package var options: [ByteString]
    /// Expands a key that stands in the file (`wildlsearch`); the error is the reason for a deferral.
    package var expandKey: @Sendable (ByteString) async -> Result<ByteString, LookupTrouble>

    /// Makes a question; keys in the file are taken as they stand unless told how to expand them.
    package init(
        key: ByteString, file: ByteString = ByteString(), options: [ByteString] = [],
        expandKey: @escaping @Sendable (ByteString) async -> Result<ByteString, LookupTrouble> = {
            .success($0)
        }
    ) {
        self.key = key
        self.file = file
        self.options = options
        self.expandKey = expandKey
    }

    /// The value of the option `name=value`, or nil.
    package func option(_ name: ByteString) -> ByteString? {
        let start = name + ByteString("=")
        return options.first { $0.starts(with: start) }.map { ByteString($0.dropFirst(start.count)) }
    }
}

/// Why a lookup cannot be made, in Exim's words.
package struct LookupTrouble: Error, Sendable, Hashable {
    /// The text for the log.
    package let text: ByteString

    /// Makes an error.
    package init(_ text: ByteString) { self.text = text }
}

/// One kind of file or database.
package protocol LookupDriver: Sendable {
    /// How the driver is asked.
    var style: LookupStyle { get }

    /// Looks up one key; never throws: trouble is an outcome with Exim's text.
    func find(_ request: LookupRequest) async -> LookupOutcome

    /// The string made safe for use inside a query (`${quote_<type>:...}`).
    func quote(_ text: ByteString) -> ByteString
}

extension LookupDriver {
    /// Nothing needs quoting, as in every single-key driver.
    package func quote(_ text: ByteString) -> ByteString { text }
}
