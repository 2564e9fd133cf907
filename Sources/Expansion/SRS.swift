import Bytes
import OpenSSL

/// Exim's own sender rewriting (manual, `srs_encode` and `inbound_srs`): `SRS0=hash=day=domain=local@forwarder`.
enum SRS {
    /// The variable that `inbound_srs` sets.
    static let variable: ByteString = "srs_recipient"
    /// Days for which a rewritten sender is good, today not counted.
    static let lifetime: Int64 = 10
    private static let digits = ByteString("abcdefghijklmnopqrstuvwxyz234567")
    private static let hashLength = 4

    /// The sender as the forwarder shows it; the null sender stays null.
    static func encode(
        _ sender: ByteString, secret: ByteString, forwarder: ByteString, now: Int64
    ) throws(ExpansionError) -> ByteString {
        if sender.isEmpty { return "" }
        let parts = sender.cutAtLast(UInt8(ascii: "@"))
        let local = ByteString(parts?.before ?? sender[...])
        let domain = ByteString(parts?.after ?? [])
        let day = Int(now / 86_400 % 1024)
        let stamp = ByteString([digits[day >> 5], digits[day & 31]])
        let text = "SRS0=\(try hash(sender, secret))=\(stamp)=\(domain)=\(local)" as ByteString
        guard local.contains(UInt8(ascii: "\"")) else { return "\(text)@\(forwarder)" }
        return "\"\(ByteString(text.filter { $0 != UInt8(ascii: "\"") }))\"@\(forwarder)"
    }

    /// The first digits of a keyed hash over the whole sender.
    private static func hash(
        _ sender: ByteString, _ secret: ByteString
    ) throws(ExpansionError) -> ByteString {
        let octets = try Hashing.hmac(sender.lowercasedASCII(), key: secret, .md5)
        return ByteString(Hex.encode(octets).prefix(hashLength))
    }

    /// A local part that `encode` may have made.
    struct Inbound: Sendable, Hashable {
        private let hash: ByteString
        private let stamp: ByteString
        /// The original sender, in lower case.
        let recipient: ByteString

        /// Nil for a local part of another form.
        init?(_ localPart: ByteString) {
            let isQuoted = localPart.first == UInt8(ascii: "\"")
            let text = isQuoted ? ByteString(localPart.dropFirst().dropLast()) : localPart
            guard !isQuoted, text.startsIgnoringCase(with: ByteString("SRS0=")) else { return nil }
            let fields = text.dropFirst(5).split(
                separator: UInt8(ascii: "="), maxSplits: 3, omittingEmptySubsequences: false)
            guard fields.count == 4, !fields[0].isEmpty, fields[1].count == 2,
                fields[1].allSatisfy({ digits.contains($0.lowercasedASCII) })
            else { return nil }
            hash = ByteString(fields[0])
            stamp = ByteString(fields[1])
            let local = ByteString(fields[3])
            let original: ByteString = "\(local.quotedWhereNeeded)@\(ByteString(fields[2]))"
            recipient = original.lowercasedASCII()
        }

        /// Whether the hash is right and the day near enough; with an empty secret the form is enough.
        ///
        /// Hash and day are read in either case, for the sake of hosts that change it.
        func isGood(secret: ByteString, now: Int64) throws(ExpansionError) -> Bool {
            if secret.isEmpty { return true }
            let places = stamp.lowercasedASCII().compactMap { digits.firstIndex(of: $0) }
            let day = Int64(places[0] << 5 | places[1])
            let age = (now / 86_400 % 1024 - day + 1024) % 1024
            guard age <= lifetime, hash.count == hashLength else { return false }
            return try SRS.hash(recipient, secret) == hash.lowercasedASCII()
        }
    }
}

extension ByteString {
    /// A local part in quotes when it has octets that want them.
    fileprivate var quotedWhereNeeded: ByteString {
        let isPlain = allSatisfy { $0.isASCIIAlphanumeric || ".!#$%&'*+-/=?^_`{|}~".utf8.contains($0) }
        return isPlain ? self : "\"\(self)\""
    }
}

extension Evaluation {
    /// The condition `inbound_srs {local part}{secret}`: sets `$srs_recipient` as soon as the form is right.
    mutating func isInboundSRS(
        _ localPart: [Node], _ secret: [Node]
    ) async throws(ExpansionError) -> Bool {
        let local = try await text(localPart)
        let secret = try await text(secret).bytes
        guard let inbound = SRS.Inbound(local.bytes) else { return false }
        facts.extra[SRS.variable] = TaintedBytes(inbound.recipient, local.taint)
        return try inbound.isGood(secret: secret, now: environment.now().seconds)
    }
}
