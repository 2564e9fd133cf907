import Bytes
import Expansion
import MailText

/// The `personal` condition (filter manual, sections 3.27 to 3.29): written to a person by a person.
extension FilterRun {
    private static let listHeaders: [ByteString] = [
        "list-id", "list-help", "list-subscribe", "list-unsubscribe", "list-post", "list-owner",
        "list-archive",
    ]
    /// What a sender's address holds that is no person.
    private static let robots: [ByteString] = [
        "server@", "daemon@", "root@", "listserv@", "majordomo@", "-request@",
    ]

    func isPersonal(_ aliases: [FilterWord]) async throws(FilterError) -> Bool {
        guard facts.message.sender?.isEmpty == false else { return false }
        guard !Self.listHeaders.contains(where: { header($0) != nil }) else { return false }
        if let automatic = header("auto-submitted"), !automatic.equalsIgnoringCase("no".utf8) { return false }
        let precedence = (header("precedence") ?? "").lowercasedASCII()
        guard !["bulk", "list", "junk"].contains(where: { precedence.contains(ByteString($0)) }) else {
            return false
        }
        var own = ownAddresses
        for alias in aliases { own.append(try await expand(alias.text, "filter file").bytes) }
        let isToUs = addresses("to").contains { address in own.contains { address.equalsIgnoringCase($0) } }
        guard isToUs else { return false }
        return !addresses("from").contains { address in
            let low = address.lowercasedASCII()
            return own.contains { low == $0.lowercasedASCII() } || Self.robots.contains { low.contains($0) }
                || (low.starts(with: "owner-" as ByteString) && low.contains(UInt8(ascii: "@")))
        }
    }

    /// The address at hand, with and without its affixes.
    private var ownAddresses: [ByteString] {
        let address = facts.address
        let localPart = address.localPart?.bytes ?? ""
        let domain = address.domain?.bytes ?? ""
        let whole: ByteString =
            "\(address.localPartPrefix?.bytes ?? "")\(localPart)\(address.localPartSuffix?.bytes ?? "")"
        return ["\(localPart)@\(domain)", "\(whole)@\(domain)"]
    }

    private func header(_ name: ByteString) -> ByteString? {
        facts.message.headers.lazy.compactMap { Self.value($0, name) }.first
    }

    private func addresses(_ name: ByteString) -> [ByteString] {
        facts.message.headers.compactMap { Self.value($0, name) }.flatMap { AddressParser.parseList($0) }
            .compactMap { item in
                guard case .success(let parsed) = item.outcome, !parsed.address.isNull else { return nil }
                return parsed.address.qualified(with: setting.qualifyDomain).text
            }
    }

    private static func value(_ header: HeaderText, _ name: ByteString) -> ByteString? {
        guard header.type != UInt8(ascii: "*"), let parts = header.text.cut(at: UInt8(ascii: ":")),
            parts.before.trimmedEnd().equalsIgnoringCase(name)
        else { return nil }
        return ByteString(parts.after.trimmed())
    }
}
