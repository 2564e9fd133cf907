package import Bytes
import MailText

/// Whether addresses beyond ASCII are turned into A-labels (manual, section 60.1, `utf8_downconvert`).
package enum Downconversion: Sendable, Hashable {
    /// Never.
    case never
    /// Where the host does not know SMTPUTF8.
    case whereNeeded
    /// Always.
    case always

    /// What `1`, `0` and `-1` say; nil for another text.
    package init?(_ text: ByteString) {
        switch text {
        case "1": self = .always
        case "0": self = .never
        case "-1": self = .whereNeeded
        default: return nil
        }
    }
}

extension Transaction {
    /// The same with addresses that any host takes, where that is wanted; the message's header stays as it is.
    ///
    /// An address that has no such form leaves all as it was.
    func converted(for extensions: ServerExtensions) -> Transaction {
        guard needsSMTPUTF8, downconversion != .never, downconversion == .always || !extensions.smtpUTF8
        else { return self }
        do throws(InternationalName.Trouble) {
            var result = self
            result.needsSMTPUTF8 = false
            result.sender = try Self.ascii(sender)
            for (index, recipient) in recipients.enumerated() {
                result.recipients[index].sent = try Self.ascii(recipient.address)
            }
            return result
        } catch {
            return self
        }
    }

    private static func ascii(_ address: ByteString) throws(InternationalName.Trouble) -> ByteString {
        guard let parts = address.cutAtLast(UInt8(ascii: "@")) else { return address }
        let local = try InternationalName.asciiLocalPart(ByteString(parts.before))
        return "\(local)@\(try InternationalName.asciiDomain(ByteString(parts.after)))"
    }
}
