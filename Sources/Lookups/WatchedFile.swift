package import Bytes
import Synchronization

/// A file of which something is made, once for each state that it is found in.
package final class WatchedFile<Value: Sendable>: Sendable {
    private let path: ByteString
    private let purpose: ByteString
    private let make: @Sendable (ByteString) -> Value
    private let files = FileCache()
    private let made = Mutex<(identity: FileIdentity, value: Value)?>(nil)

    /// Reads nothing yet.
    ///
    /// - Parameters:
    ///   - path: the file, a regular one of at most 256 MB.
    ///   - purpose: what it is for, as errors have it.
    ///   - make: what is made of its octets.
    package init(_ path: ByteString, purpose: ByteString, make: @escaping @Sendable (ByteString) -> Value) {
        self.path = path
        self.purpose = purpose
        self.make = make
    }

    /// What the file's present state makes; throws where it cannot be read, with its name.
    package func value() throws(LookupTrouble) -> Value {
        let contents = try files.contents(of: path, purpose: purpose, lookup: purpose)
        // Who comes meanwhile waits: it is made once.
        return made.withLock { made in
            if let known = made, known.identity == contents.identity { return known.value }
            let fresh = make(contents.bytes)
            made = (contents.identity, fresh)
            return fresh
        }
    }
}
