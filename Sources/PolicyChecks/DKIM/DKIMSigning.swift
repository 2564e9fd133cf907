package import Bytes
import MailText
package import OpenSSL

/// One signature that a message is to get (manual, section 58.2).
package struct DKIMSigningOrder: Sendable, Hashable {
    /// `d=`.
    package var domain: ByteString
    /// `s=`.
    package var selector: ByteString
    /// The private key in PEM.
    package var key: ByteString
    /// `c=`, for header and body alike.
    package var form = DKIMCanonicalization.relaxed
    /// The hash of `a=`.
    package var hash = DKIMAlgorithm.Hash.sha256
    /// `i=`.
    package var identity: ByteString?
    /// How many seconds it is good for, for `t=` and `x=`; nil for neither, 0 for no end.
    package var lifetime: Int64?
    /// Which header lines are signed.
    package var headers = DKIMHeaderChoice.usual

    /// Makes an order; the rest is set afterwards.
    package init(domain: ByteString, selector: ByteString, key: ByteString) {
        self.domain = domain
        self.selector = selector
        self.key = key
    }

    /// A domain or selector as it stands in a signature, with A-labels (RFC 8616, section 4); nil for one that has none.
    package static func asciiName(_ name: ByteString) -> ByteString? {
        do throws(InternationalName.Trouble) { return try InternationalName.asciiDomain(name) } catch {
            return nil
        }
    }

    /// An identity likewise: its local part is as it was.
    package static func asciiIdentity(_ identity: ByteString) -> ByteString? {
        guard let place = identity.lastIndex(of: UInt8(ascii: "@")) else { return identity }
        return asciiName(ByteString(identity[(place + 1)...])).map { ByteString(identity[...place]) + $0 }
    }

    /// The number of `dkim_timestamps`; nil for what is none.
    package static func seconds(_ text: ByteString) -> Int64? {
        let digits = ByteString(text.trimmed())
        guard !digits.isEmpty, digits.allSatisfy(\.isASCIIDigit) else { return nil }
        return digits.decimalInteger()
    }
}

/// Why a message cannot be signed.
package enum DKIMSigningTrouble: Error, Sendable, Hashable {
    /// The key is of no use; libcrypto's words.
    case key(ByteString)
    /// The header is longer than any that would be taken.
    case headerTooLong
}

/// Signs a message that is shown to it once, header first.
///
/// A class, since hashes under way belong to one owner.
package final class DKIMSigning {
    private let orders: [DKIMSigningOrder]
    private let hashes: DKIMBodyHashes
    private var lines: [ByteString] = []
    private var line = ByteString()
    private var isInBody = false
    private var headerSize = 0

    /// The longest header that is signed, in octets.
    package static let longestHeader = 1 << 24

    /// Begins a message.
    package init(_ orders: [DKIMSigningOrder]) {
        self.orders = orders
        hashes = DKIMBodyHashes(orders.map { DKIMBodyRequest(hash: $0.hash, form: $0.form) })
    }

    /// Takes octets of the message as it goes out, with LF line ends.
    package func take(_ octets: ArraySlice<UInt8>) throws(DKIMSigningTrouble) {
        var rest = octets
        while !isInBody, !rest.isEmpty {
            let end = rest.firstIndex(of: .newline).map { $0 + 1 } ?? rest.endIndex
            line += rest[rest.startIndex..<end]
            headerSize += end - rest.startIndex
            guard headerSize <= Self.longestHeader else { throw .headerTooLong }
            rest = rest[end...]
            if line.last == .newline { takeLine() }
        }
        if isInBody { hashes.take(rest) }
    }

    private func takeLine() {
        defer { line = ByteString() }
        if line == "\n" || line == "\r\n" {
            isInBody = true
        } else if line.first == .blank || line.first == 0x09, !lines.isEmpty {
            lines[lines.count - 1] += line
        } else if HeaderReader.isHeaderLine(line) {
            lines.append(line)
        } else {
            // As whoever receives it sees it.
            isInBody = true
            hashes.take(line.bytes[...])
        }
    }

    /// Ends the message, and gives the header lines of the signatures, in order, with LF line ends.
    package func finish(at now: Int64) throws(DKIMSigningTrouble) -> ByteString {
        if !line.isEmpty {
            line.append(.newline)
            takeLine()
        }
        let bodies = hashes.finish()
        var result = ByteString()
        for order in orders {
            let body = bodies[DKIMBodyRequest(hash: order.hash, form: order.form)]
            guard let body else { throw .key("the body cannot be hashed") }
            do throws(OpenSSLError) {
                result += try sign(order, body, at: now)
            } catch { throw .key(error.reason) }
        }
        return result
    }

    private func sign(
        _ order: DKIMSigningOrder, _ bodyHash: ByteString, at now: Int64
    ) throws(OpenSSLError) -> ByteString {
        let key = try PrivateKey(pem: order.key)
        let algorithm = DKIMAlgorithm(key.type, order.hash)
        let names = order.headers.names(in: lines)
        // Where lines are folded depends on the signature's length only.
        let blank = ByteString([UInt8](repeating: UInt8(ascii: "A"), count: key.signatureLength))
        let unsigned = Self.line(order, algorithm, names, bodyHash, blank, at: now)
        guard let template = DKIMSignature(unsigned) else {
            throw OpenSSLError(operation: "signing", reason: "no such algorithm")
        }
        let octets = try algorithm.signed(template.signedOctets(lines))
        let signature = try key.sign(octets, order.hash.digest)
        return Self.line(order, algorithm, names, bodyHash, signature, at: now)
    }

    private static func line(
        _ order: DKIMSigningOrder, _ algorithm: DKIMAlgorithm, _ names: [ByteString], _ bodyHash: ByteString,
        _ signature: ByteString, at now: Int64
    ) -> ByteString {
        var line = DKIMFolding("DKIM-Signature: v=1")
        line.add("a=", algorithm.word)
        line.add("q=", "dns/txt" as ByteString)
        line.add("c=", "\(order.form.word)/\(order.form.word)" as ByteString)
        line.add("d=", order.domain)
        line.add("s=", order.selector)
        line.add("h=", names)
        line.add("bh=", Base64.encode(bodyHash))
        if let identity = order.identity { line.add("i=", identity) }
        if let lifetime = order.lifetime {
            line.add("t=", "\(now)" as ByteString)
            let (end, isOver) = now.addingReportingOverflow(lifetime)
            if lifetime > 0, !isOver { line.add("x=", "\(end)" as ByteString) }
        }
        line.add("b=", Base64.encode(signature))
        return line.finished()
    }
}
