import ArgumentParser
import Bytes
import Glibc
import MailSystem
import Spooler

/// What a local caller may say, whatever the form of his mail; the spellings are Exim's.
struct LocalOptions: ParsableArguments {
    @Option(name: .customShort("f"), help: "The envelope sender (trusted callers; '<>' for everybody).")
    var sender: String?

    @Option(name: .customShort("F"), help: "The caller's full name for a From: line.")
    var fullName: String?

    @Flag(name: .customShort("N"), help: "Never really deliver the message.")
    var dontDeliver = false

    @Flag(help: "Only queue it; a queue run delivers it.")
    var queueOnly = false

    @Flag(help: "Deliver what is local at once, and leave the rest to a queue run.")
    var queueSMTP = false

    @Flag(help: "Begin the delivery at once, where queue_only_override lets that be said.")
    var deliverNow = false

    @Option(name: .customLong("oMa", withSingleDash: true), help: "The client's address (trusted callers).")
    var peerAddress: String?

    @Option(help: ArgumentHelp("As -oMa.", visibility: .hidden))
    var host: String?

    @Option(name: .customLong("oMs", withSingleDash: true), help: "The client's name.")
    var peerName: String?

    @Option(name: .customLong("oMt", withSingleDash: true), help: "The client's user.")
    var peerIdent: String?

    @Option(name: .customLong("oMi", withSingleDash: true), help: "The address of ours that was used.")
    var interface: String?

    @Option(name: .customLong("oMaa", withSingleDash: true), help: "The authenticator's name.")
    var authenticator: String?

    @Option(name: .customLong("oMai", withSingleDash: true), help: "The authenticated id.")
    var authenticatedID: String?

    @Option(name: .customLong("oMas", withSingleDash: true), help: "The authenticated sender.")
    var authenticatedSender: String?

    @Option(name: .customLong("oMr", withSingleDash: true), help: "The protocol's name.")
    var protocolName: String?

    @Option(
        name: .customLong("oMm", withSingleDash: true), help: "The id of the message that this one answers.")
    var reference: String?

    @Flag(help: "For a session of SMTP: begin with TLS.")
    var tlsOnConnect = false

    /// When deliveries begin.
    var choice: DeliveryChoice { queueOnly ? .queue : deliverNow || queueSMTP ? .now : .standard }

    /// What the caller claims of a client, which counts from trusted ones only.
    func claims(of caller: LocalCaller) throws(StartError) -> PeerClaims {
        guard caller.isTrusted else {
            if host != nil { throw StartError("--host: only trusted users may name the client") }
            return PeerClaims()
        }
        return try rehearsed
    }

    /// The same where nothing is accepted for real, so that everybody may say what he likes.
    var rehearsed: PeerClaims {
        get throws(StartError) { try allClaims() }
    }

    private func allClaims() throws(StartError) -> PeerClaims {
        var claims = PeerClaims()
        let given: [(ByteString, String?)] = [
            ("a", peerAddress ?? host), ("i", interface), ("s", peerName), ("t", peerIdent),
            ("aa", authenticator), ("ai", authenticatedID), ("as", authenticatedSender),
            ("r", protocolName), ("m", reference),
        ]
        do throws(PeerClaims.Mistake) {
            for case (let letters, let value?) in given { try claims.take(letters, ByteString(value)) }
        } catch {
            throw StartError(error.text.string)
        }
        return claims
    }
}
