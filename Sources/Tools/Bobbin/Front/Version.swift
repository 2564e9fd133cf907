import Bytes
import Configuration

/// What this program says of itself.
enum Version {
    /// Name and version.
    static let short = "Bobbin 0.1"
    /// The Exim whose options and output are followed.
    static let exim = "4.96"

    /// The lines of `-bV` up to the configuration file: what works here, and nothing else.
    static var text: ByteString {
        """
        \(short), options and output of Exim version \(exim)
        Copyright (c) the authors of Bobbin, who give it under the Apache License 2.0
        Hints DB: sqlite3
        Support for: \(words(Capabilities.features))
        Lookups (built-in): \(words(Capabilities.lookups))
        Authenticators: \(words(Capabilities.authenticators))
        Routers: \(words(Capabilities.routers))
        Transports: \(words(Capabilities.transports))
        Malware: \(words(Capabilities.malware))
        Fixed never_users: 0
        Configure owner: not checked
        Size of off_t: \(MemoryLayout<Int64>.size)

        """
    }

    private static func words(_ words: [ByteString]) -> ByteString { words.joined(separator: " ") }
}
