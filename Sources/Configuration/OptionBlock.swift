package import Bytes
package import Expansion

/// The options of the main section, or of one driver instance: what the file sets, by name.
///
/// The typed accessors return nil where the file sets nothing, so that each user names its own default,
/// as the manual does. Asking for an option that its table does not know is a bug and stops the program.
package struct OptionBlock: Sendable {
    /// The section that a block belongs to.
    package enum Kind: String, Sendable, Hashable {
        /// The main section.
        case main
        /// A router instance.
        case router
        /// A transport instance.
        case transport
        /// An authenticator instance.
        case authenticator
    }

    /// Which section the block stands in.
    package let kind: Kind
    /// The instance's name.
    package let name: ByteString
    /// The driver's name; empty in the main section.
    package internal(set) var driver: ByteString
    /// Where the instance begins.
    package let place: SourcePlace
    /// The values that were set, with their places.
    package private(set) var values: [ByteString: Setting] = [:]

    /// The rules of a transport's `headers_rewrite`.
    package internal(set) var headerRules: [RewriteRule] = []

    /// One setting.
    package struct Setting: Sendable, Hashable {
        /// The value, checked for its kind.
        package var value: OptionValue
        /// The value's text as the file has it.
        package var source: ByteString
        /// Where it is set.
        package var place: SourcePlace
        /// Whether `hide` stood before it.
        package var isHidden: Bool
    }

    /// Makes an empty block.
    package init(kind: Kind, name: ByteString, driver: ByteString, place: SourcePlace) {
        self.kind = kind
        self.name = name
        self.driver = driver
        self.place = place
    }

    /// Sets or replaces an option; list options that may be given several times are joined by the reader.
    mutating func set(_ option: ByteString, to setting: Setting) { values[option] = setting }

    /// The tables that this block's options come from, the generic one first.
    var tables: [OptionTable] {
        switch kind {
        case .main: [.main]
        case .router: [.router] + (DriverTables.routers[driver].map { [$0] } ?? [])
        case .transport: [.transport] + (DriverTables.transports[driver].map { [$0] } ?? [])
        case .authenticator: [.authenticator] + (DriverTables.authenticators[driver].map { [$0] } ?? [])
        }
    }

    private func value(_ option: ByteString) -> OptionValue? {
        if let setting = values[option] { return setting.value }
        precondition(tables.contains { $0[option] != nil }, "no option \(option) in \(kind) \(driver)")
        return nil
    }

    /// A switch that is not expanded.
    package func flag(_ option: ByteString) -> Bool? {
        guard case .flag(let value) = value(option) else { return nil }
        return value
    }

    /// A number: plain, of octets, a mode, or thousandths.
    package func number(_ option: ByteString) -> Int64? {
        guard case .number(let value) = value(option) else { return nil }
        return value
    }

    /// An interval in seconds.
    package func seconds(_ option: ByteString) -> Int64? {
        guard case .seconds(let value) = value(option) else { return nil }
        return value
    }

    /// Intervals in seconds.
    package func intervals(_ option: ByteString) -> [Int64]? {
        guard case .intervals(let value) = value(option) else { return nil }
        return value
    }

    /// Text that is never expanded.
    package func text(_ option: ByteString) -> ByteString? {
        guard case .text(let value) = value(option) else { return nil }
        return value
    }

    /// Text to expand when it is used; switches and numbers come as the text that was written.
    package func template(_ option: ByteString) -> Template? {
        switch value(option) {
        case .template(let template): template
        case .flag(let flag): Template(flag ? "true" : "false")
        case .number(let number): Template("\(number)")
        case .seconds(let seconds): Template("\(seconds)s")
        case .text(let text): Template(text)
        case .intervals, nil: nil
        }
    }

    /// `bounce_return_size_limit`, or what its older name `return_size_limit` says, in octets.
    package var bounceReturnSizeLimit: Int64 {
        number("bounce_return_size_limit") ?? number("return_size_limit") ?? 100 << 10
    }

    /// A domain, host, address or local part list.
    package func list(_ option: ByteString) -> ListText? { template(option).map { ListText($0.source) } }
}

/// The tables of each driver that Exim has; membership says that the driver is known.
enum DriverTables {
    static let routers: [ByteString: OptionTable] = [
        "accept": .withoutOptions, "ipliteral": .withoutOptions, "dnslookup": .dnslookup,
        "manualroute": .manualroute, "redirect": .redirect, "iplookup": .iplookup,
        "queryprogram": .queryprogram,
    ]
    static let transports: [ByteString: OptionTable] = [
        "appendfile": .appendfile, "autoreply": .autoreply, "lmtp": .lmtp, "pipe": .pipe,
        "queuefile": .queuefile, "smtp": .smtp,
    ]
    static let authenticators: [ByteString: OptionTable] = [
        "plaintext": .plaintext, "cram_md5": .cramMD5, "cyrus_sasl": .cyrusSASL, "dovecot": .dovecot,
        "gsasl": .gsasl, "heimdal_gssapi": .heimdalGSSAPI, "spa": .spa, "external": .external,
        "tls": .tlsAuthenticator,
    ]
    /// Routers that run today.
    static let runningRouters: Set<ByteString> = [
        "accept", "dnslookup", "ipliteral", "manualroute", "queryprogram", "redirect",
    ]
    /// Authenticators that run today.
    static let runningAuthenticators: Set<ByteString> = [
        "cram_md5", "dovecot", "external", "plaintext", "tls",
    ]
    /// Transports that run today; mail that is routed to another one is deferred.
    static let runningTransports: Set<ByteString> = [
        "appendfile", "autoreply", "lmtp", "pipe", "queuefile", "smtp",
    ]
}
