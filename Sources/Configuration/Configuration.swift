// Configuration: Exim's configuration language, read once into one immutable value.
//
// Purpose: files, includes, macros and conditional lines; the main options; the sections acl, routers,
// transports, authenticators, retry and rewrite. It decides nothing about mail.
// May import: Bytes, MailText, EximLog, OpenSSL, Expansion.
// Read in this order: SourcePlace.swift, SourceReader.swift (physical lines to logical lines), Macros.swift, PredefinedMacros.swift,
// OptionKind.swift, OptionTable.swift and the tables in Tables/, OptionBlock.swift, ACLSection.swift,
// MainCheck.swift, TLSOptionCheck.swift, DriverSection.swift, AuthenticatorSides.swift, InstanceCheck.swift, RetrySection.swift, RewriteSection.swift, ConfigurationReader.swift, BuiltIn.swift.

package import Bytes
package import Expansion

/// A whole configuration, as the file says it: nothing expanded, everything checked for form.
package struct Configuration: Sendable {
    /// The file that was read first, for `$config_file` and messages; empty for the built-in one.
    package var file: ByteString = ""
    /// Main options that were set, by their Exim names.
    package var main = OptionBlock(
        kind: .main, name: "main", driver: "", place: SourcePlace(file: "", line: 0))
    /// The lists that `domainlist`, `hostlist`, `addresslist` and `localpartlist` define.
    package var namedLists = NamedLists()
    /// The names of lists that `hide` stood before; their values are not shown.
    package var hiddenLists: Set<ByteString> = []
    /// The named ACLs of the `acl` section.
    package var acls: [ByteString: AccessControlList] = [:]
    /// Router instances, in the order in which an address meets them.
    package var routers: [OptionBlock] = []
    /// Transport instances by name.
    package var transports: [ByteString: OptionBlock] = [:]
    /// The transports' names in the order of the file.
    package var transportOrder: [ByteString] = []
    /// Authenticator instances, in order.
    package var authenticators: [OptionBlock] = []
    /// Retry rules, in the order in which they are tried.
    package var retryRules: [RetryRule] = []
    /// Address rewriting rules, in order.
    package var rewriteRules: [RewriteRule] = []
    /// Macros at the end of reading.
    package var macros: [Macro] = []
    /// What was read but is not honoured yet: never ignored in silence.
    package var notices: [Notice] = []

    /// An option or section that Exim knows and that has no effect here, or an old spelling.
    package struct Notice: Sendable, Hashable {
        /// What follows from that.
        package enum Consequence: Sendable, Hashable {
            /// Nothing; the text says why it can have no effect.
            case needless(ByteString)
            /// It works, but does not mean what it seems to; the text says what to write.
            case deprecated(ByteString)
            /// Something is missing, but mail goes where it should.
            case none
            /// What asks for it is deferred; the text says why.
            case deferring(ByteString)
            /// It could change where mail goes or who gets in: nothing may start.
            case noStart
        }

        /// Where it is set.
        package var place: SourcePlace
        /// The option's name, with its driver where it has one.
        package var option: ByteString
        /// What follows from its having no effect.
        package var consequence: Consequence
        /// Whether it could change where mail goes or who gets in; then nothing may start.
        package var isDecisive: Bool { consequence == .noStart }
        /// Whether something is missing.
        package var isLack: Bool {
            switch consequence {
            case .none, .deferring, .noStart: true
            case .needless, .deprecated: false
            }
        }
        /// What is to be written in its place, when it is an old spelling.
        package var advice: ByteString? {
            if case .deprecated(let advice) = consequence { advice } else { nil }
        }
    }
}
