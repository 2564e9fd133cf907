import Bytes

/// The names under which the program takes Exim's options, and the options that each implies
/// (manual, "Setting options by program name").
enum Personality: String, Sendable, CaseIterable {
    /// Plain Exim.
    case exim, exim4, sendmail
    /// As with `-bp`.
    case mailq
    /// As with `-q`.
    case runq
    /// As with `-bS`.
    case rsmtp
    /// As with `-i -oee`.
    case rmail
    /// As with `-bi`.
    case newaliases

    /// The personality of a name; nil for `bobbin` and every other one.
    init?(calledAs name: ByteString) { self.init(rawValue: name.string) }

    /// The options that stand before all others.
    var impliedOptions: [ByteString] {
        switch self {
        case .exim, .exim4, .sendmail: []
        case .mailq: ["-bp"]
        case .runq: ["-q"]
        case .rsmtp: ["-bS"]
        case .rmail: ["-i", "-oee"]
        case .newaliases: ["-bi"]
        }
    }

    /// A path without its directories.
    static func lastComponent(of path: ByteString) -> ByteString {
        path.cutAtLast(UInt8(ascii: "/")).map { ByteString($0.after) } ?? path
    }
}
