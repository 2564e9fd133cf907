import Bytes
import Configuration
import EximLog
import Expansion
import Foundation
import Glibc
import MailSystem
import Spooler

/// Expands strings that people give, one after the other.
struct ExpansionBench: Sendable {
    private let site: Site
    private let caller: Caller
    private let expander: Expander
    private var facts = Facts()

    /// Makes a bench; as in Exim the sender is the caller until a message is loaded.
    init(
        _ site: Site, caller: Caller, sender: ByteString? = nil, claimed: PeerClaims = PeerClaims()
    ) async throws(ToolFailure) {
        self.site = site
        self.caller = caller
        expander = try await site.mailSystem().expander
        let domain = expander.environment.settings.qualifyDomain
        facts.message.sender = "\(caller.login)@\(domain)"
        facts.connection.ident = ByteString(caller.login)
        facts.connection.authenticatedID = ByteString(caller.login)
        facts.connection.authenticatedSender = facts.message.sender
        facts.message.callerUID = Int(caller.uid)
        facts.message.callerGID = Int(caller.gid)
        if let sender { facts.message.sender = sender == "<>" ? "" : sender }
        claimed.apply(to: &facts.connection)
    }

    /// Loads a message for the variables that tell of one (manual, option -Mset).
    mutating func load(_ id: MessageID, from spool: Spool) throws(ToolFailure) {
        let reading: StoredReading
        do throws(SpoolError) { reading = try spool.read(id) } catch { throw ToolFailure(error) }
        switch reading {
        case .gone: throw ToolFailure(.noInput, "no such message on the queue: \(id.bytes)")
        case .malformed(let message): throw ToolFailure(.dataError, ByteString(message.error.description))
        case .message(let message):
            facts =
                StoredFacts(
                    message.header, bodySize: max(0, message.bodySize ?? 0), queue: spool.queue,
                    readBody: { offset, length in Self.body(of: id, in: spool, offset, length) }
                ).facts
        }
    }

    private static func body(of id: MessageID, in spool: Spool, _ offset: Int, _ length: Int) -> ByteString {
        // A body that cannot be read shows as empty, as in Exim.
        let octets = (try? spool.rawFile(.data, of: id)) ?? ByteString()
        let body = octets.dropFirst(id.dataStartOffset)
        return ByteString(
            offset < 0 ? body.suffix(-offset).prefix(length) : body.dropFirst(offset).prefix(length))
    }

    /// Loads a message that lies in a file, as if it had been submitted here (manual, option -bem).
    mutating func load(messageFile path: ByteString, takesRecipients: Bool) throws(ToolFailure) {
        guard unsafe access(path.string, R_OK) == 0 else {
            throw ToolFailure(.noInput, "failed to open \(path): \(SystemErrorText.of(Int(errno)))")
        }
        let octets: ByteString
        do {
            octets = ByteString(Array(try Data(contentsOf: URL(filePath: path.string))))
        } catch {
            throw ToolFailure(.noInput, "\(path) cannot be read: \(ByteString(error.localizedDescription))")
        }
        facts.message = SubmittedMessage(octets).facts(like: facts.message, takesRecipients: takesRecipients)
    }

    /// Expands strings, or the lines of standard input with a prompt when there are none.
    func expand(_ strings: [ByteString], on console: Console) async {
        for string in strings { console.write(await line(for: string)) }
        guard strings.isEmpty else { return }
        console.write("> ")
        console.output.flush()
        while let string = Self.logicalLine(console) {
            console.write(await line(for: string) + ByteString("> "))
            console.output.flush()
        }
        console.write("\n")
    }

    /// The line that Exim prints for a string.
    private func line(for string: ByteString) async -> ByteString {
        do {
            return "\(try await expander.expand(Template(withMacros(string)), facts).bytes)\n"
        } catch {
            return "Failed: \(error.text)\n"
        }
    }

    /// A line of input with its continuations.
    private static func logicalLine(_ console: Console) -> ByteString? {
        guard var line = console.readLine() else { return nil }
        while line.last == UInt8(ascii: "\\"), let next = console.readLine() {
            line = ByteString(line.dropLast()) + next.trimmedStart()
        }
        return line
    }

    /// Macros are known to admin users only, since they often hold passwords.
    private func withMacros(_ string: ByteString) -> ByteString {
        guard site.isAdmin(caller) else { return string }
        let text = site.configuration.macros.reduce(string) { $0.replacing($1.name, with: $1.text) }
        return PredefinedMacros.replaced(in: text)
    }
}
