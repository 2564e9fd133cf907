package import Bytes

/// The table of drivers that expansions and lists may ask, by name.
package struct LookupDrivers: Sendable {
    private let drivers: [ByteString: any LookupDriver]

    /// Makes a table.
    package init(_ drivers: [ByteString: any LookupDriver]) {
        self.drivers = drivers
    }

    /// The driver of that name, or nil.
    package func driver(named name: ByteString) -> (any LookupDriver)? { drivers[name] }
}
