package import Bytes
import MailText

/// What is asked of a sender's domain, whether a client may send for it.
package struct SPFQuestion: Sendable, Hashable {
    /// The client.
    package let client: IPAddress
    /// The argument of HELO or EHLO; empty when unknown.
    package let helo: ByteString
    /// The envelope sender; for an empty one the postmaster of the HELO name (RFC 7208 section 2.4).
    package let sender: ByteString
    /// Our own name, that explanations show.
    package let receiver: ByteString

    /// Makes a question; an address that wraps an IPv4 one is taken as that.
    package init(client: IPAddress, sender: ByteString, helo: ByteString = "", receiver: ByteString = "") {
        self.client = client.unmapped
        self.helo = helo
        self.sender = sender.isEmpty ? "postmaster@\(helo)" : sender
        self.receiver = receiver
    }

    /// The domain whose record counts: what follows the sender's last `@`, or all of it.
    package var domain: ByteString {
        ByteString(sender.cutAtLast(UInt8(ascii: "@"))?.after ?? sender[...])
    }

    /// The domain as the DNS knows it: in A-labels (RFC 7208 section 4.3), without the root's dot.
    var checkedDomain: ByteString {
        let bare = domain.last == UInt8(ascii: ".") ? ByteString(domain.dropLast()) : domain
        // A name that has no A-labels is none that could have a record.
        do throws(InternationalName.Trouble) { return try InternationalName.asciiDomain(bare) } catch {
            return bare
        }
    }

    /// The sender's local part; `postmaster` where there is none (RFC 7208 section 4.3).
    var localPart: ByteString {
        guard let parts = sender.cutAtLast(UInt8(ascii: "@")), !parts.before.isEmpty else {
            return "postmaster"
        }
        return ByteString(parts.before)
    }
}
