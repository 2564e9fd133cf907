package import Bytes
import EximLog
import MailText

/// Macros that exist before a file is read, so that it can ask with `.ifdef` what there is (manual, "Builtin macros").
///
/// They tell the truth about this program: an option that has no effect yet has no macro, a driver that does not run neither.
package enum PredefinedMacros {
    /// All of them, in the order of their names; the text is `y` for all but two.
    package static let all: [Macro] = known.sorted().map { Macro(name: $0, text: text(of: $0)) }

    /// What the macros stand for that are not only asked for.
    private static let texts: [ByteString: ByteString] = [
        "_DKIM_SIGN_HEADERS": ByteString(SignedHeaders.names.joined(separator: ":")),
        "_DKIM_OVERSIGN_HEADERS": ByteString(
            SignedHeaders.names.map { "+\($0)" as ByteString }.joined(separator: ":")),
    ]

    private static func text(of name: ByteString) -> ByteString { texts[name] ?? "y" }

    /// What every name begins with one of.
    static let prefixes: [ByteString] = [
        "_OPT_", "_HAVE_", "_DRIVER_", "_ACL_", "_LOG_", "_EXP_", "_CRYPTO_",
        "_DKIM_",
    ]

    private static let known = Set(names)

    /// Whether there is such a macro.
    static func contains(_ name: ByteString) -> Bool { known.contains(name) }

    private static var names: [ByteString] {
        options + drivers + vocabulary + features + logSelectors + Array(texts.keys)
    }

    private static func macro(_ group: String, _ name: ByteString) -> ByteString {
        "_\(group)_\(name.uppercasedASCII())"
    }

    private static func options(_ group: String, _ table: OptionTable) -> [ByteString] {
        table.entries.compactMap { name, entry in
            if case .honoured = entry.support { macro("OPT_\(group)", name) } else { nil }
        }
    }

    private static func options(
        _ group: String, _ tables: [ByteString: OptionTable], running: Set<ByteString>
    ) -> [ByteString] {
        tables.filter { running.contains($0.key) }.flatMap {
            options("\(group)_\($0.key.uppercasedASCII())", $0.value)
        }
    }

    private static var options: [ByteString] {
        options("MAIN", .main) + options("ROUTERS", .router) + options("TRANSPORTS", .transport)
            + options("AUTHENTICATORS", .authenticator)
            + options("ROUTER", DriverTables.routers, running: DriverTables.runningRouters)
            + options("TRANSPORT", DriverTables.transports, running: DriverTables.runningTransports)
            + options(
                "AUTHENTICATOR", DriverTables.authenticators, running: DriverTables.runningAuthenticators)
    }

    private static var drivers: [ByteString] {
        DriverTables.runningRouters.map { macro("DRIVER_ROUTER", $0) }
            + DriverTables.runningTransports.map { macro("DRIVER_TRANSPORT", $0) }
            + DriverTables.runningAuthenticators.map { macro("DRIVER_AUTHENTICATOR", $0) }
    }

    private static var vocabulary: [ByteString] {
        ACLVocabulary.honoured.map {
            macro(ACLVocabulary.modifiers.contains($0) ? "ACL_MOD" : "ACL_COND", $0)
        }
    }

    private static let features: [ByteString] =
        [
            "_CRYPTO_HASH_SHA3", "_CRYPTO_SIGN_ED25519", "_HAVE_DKIM", "_HAVE_CONTENT_SCANNING",
            "_HAVE_CRYPTEQ", "_HAVE_DANE", "_HAVE_DNSSEC", "_HAVE_EVENT",
            "_HAVE_ICONV", "_HAVE_IPV6", "_HAVE_NATIVE_SRS", "_HAVE_PROXY", "_HAVE_SOCKS", "_HAVE_SPF",
            "_HAVE_SRS",
            "_HAVE_TLS1_3",
            "_HAVE_TLS_ALPN",
            "_HAVE_TRANSPORT_APPEND_MAILDIR",
        ] + Capabilities.lookupMacros + Capabilities.malwareMacros

    private static let logSelectors = LogItem.effectiveNames.map { macro("LOG", $0) }
}

extension PredefinedMacros {
    /// A text with its predefined macros replaced.
    package static func replaced(in text: ByteString) -> ByteString { replace(in: text, from: 0).text }

    /// Whether a name of ours can stand there: an underscore, a capital, and an underscore behind more of them.
    private static func mayName(_ text: ArraySlice<UInt8>) -> Bool {
        var rest = text
        while let place = rest.firstIndex(of: UInt8(ascii: "_")) {
            rest = rest[(place + 1)...]
            let begins = rest.first.map { $0.isASCIILetter && $0.uppercasedASCII == $0 } ?? false
            if begins, prefixes.contains(where: { rest.starts(with: $0.dropFirst()) }) { return true }
        }
        return false
    }

    /// Replaces predefined macros: whole words, since many a name is the beginning of another.
    static func replace(in line: ByteString, from start: Int) -> (text: ByteString, replaced: Bool) {
        guard mayName(line[start...]) else { return (line, false) }
        var result = ByteString(line[..<start])
        var place = start
        var replaced = false
        while place < line.count {
            let end =
                line[place...].firstIndex { !$0.isASCIIAlphanumeric && $0 != UInt8(ascii: "_") } ?? line.count
            let word = ByteString(line[place..<end])
            if word.first == UInt8(ascii: "_"), contains(word) {
                result += text(of: word)
                replaced = true
            } else {
                result += word
            }
            place = end
            if place < line.count {
                result.append(line[place])
                place += 1
            }
        }
        return (result, replaced)
    }
}
