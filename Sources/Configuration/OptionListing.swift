package import Bytes

/// An option that a section or driver knows, for those who print configurations.
package struct KnownOption: Sendable, Hashable {
    /// Its name.
    package var name: ByteString
    /// The type of its value.
    package var kind: OptionKind
}

extension OptionBlock {
    /// The options that may be set here, each table in alphabetical order; a driver's generic options come first.
    package var knownOptions: [KnownOption] {
        tables.flatMap { table in
            table.entries.map { KnownOption(name: $0.key, kind: $0.value.kind) }.sorted { $0.name < $1.name }
        }
    }
}

/// All options of one part of a configuration: the main section, the generic ones of a kind of driver, or a driver's own.
package struct ConfigurationPart: Sendable {
    /// An option, and how far it is honoured.
    package struct Option: Sendable {
        /// Its name, and the type of its value.
        package var known: KnownOption
        /// How far it is honoured, if its driver runs.
        package var support: OptionSupport
    }

    /// Which part of the configuration it belongs to.
    package var kind: OptionBlock.Kind
    /// The driver; nil for the main section and for what all drivers of a kind have.
    package var driver: ByteString?
    /// Whether the driver runs; one that does not is refused where it is named.
    package var isRunning = true
    /// The options, in alphabetical order.
    package var options: [Option]

    private init(
        _ kind: OptionBlock.Kind, driver: ByteString? = nil, isRunning: Bool = true, _ table: OptionTable
    ) {
        self.kind = kind
        self.driver = driver
        self.isRunning = isRunning
        options = table.entries.map { Option(known: .init(name: $0, kind: $1.kind), support: $1.support) }
            .sorted { $0.known.name < $1.known.name }
    }

    /// Every group, the main section first, then routers, transports and authenticators, each with its drivers behind it.
    package static var all: [ConfigurationPart] {
        [ConfigurationPart(.main, .main)]
            + groups(.router, .router, DriverTables.routers, DriverTables.runningRouters)
            + groups(.transport, .transport, DriverTables.transports, DriverTables.runningTransports)
            + groups(
                .authenticator, .authenticator, DriverTables.authenticators,
                DriverTables.runningAuthenticators)
    }

    private static func groups(
        _ kind: OptionBlock.Kind, _ generic: OptionTable, _ drivers: [ByteString: OptionTable],
        _ running: Set<ByteString>
    ) -> [ConfigurationPart] {
        [ConfigurationPart(kind, generic)]
            + drivers.sorted { $0.key < $1.key }.map {
                ConfigurationPart(kind, driver: $0, isRunning: running.contains($0), $1)
            }
    }
}
