import Bytes
import EximLog
import Expansion
import MailSystem
import MailText
import Routing

/// Shows what the rewriting rules make of an address in each of its places (manual, option -brw).
struct RewritingTest: Sendable {
    private let system: MailSystem

    init(_ site: Site) async throws(ToolFailure) { system = try await site.mailSystem() }

    /// The header lines in Exim's order.
    private static let fields: [(label: ByteString, kind: HeaderKind)] = [
        ("  sender: ", .sender), ("    from: ", .from), ("      to: ", .to), ("      cc: ", .cc),
        ("     bcc: ", .bcc), ("reply-to: ", .replyTo),
    ]

    /// Shows the first address, as Exim does.
    func run(_ addresses: [ByteString], on console: Console) async throws -> ExitStatus {
        guard !addresses.isEmpty else {
            console.write("-brw needs an address argument\n")
            return .failure
        }
        console.write(await answer(to: addresses[0]))
        return .success
    }

    private func answer(to text: ByteString) async -> ByteString {
        guard !system.rewriter.isEmpty else { return "No rewrite rules are defined\n" }
        let address: EmailAddress
        do throws(AddressError) {
            address = try AddressParser.parseOne(text).address
        } catch {
            let reason = error.message
            let first = ByteString(reason.prefix(1)).uppercasedASCII()
            return "Syntax error in \(text)\n\(first)\(ByteString(reason.dropFirst()))\n"
        }
        let domain = system.settings.qualifyRecipient
        let qualified: ByteString = "\(address.text)@\(domain)"
        let whole = address.isQualified ? text : text.replacing(address.text, with: qualified)
        var result = ByteString()
        for field in Self.fields {
            result += "\(field.label)\(await header(whole, field.kind))\n" as ByteString
        }
        let envelope = address.qualified(with: domain)
        result += "env-from: \(await self.envelope(envelope, .envelopeFrom))\n" as ByteString
        return result + ByteString("  env-to: \(await self.envelope(envelope, .envelopeTo))\n")
    }

    private func header(_ text: ByteString, _ kind: HeaderKind) async -> ByteString {
        let header = Header("x: \(text)", kind: kind)
        do throws(ExpansionError) {
            guard let rewritten = try await system.rewriter.rewrite(header, Facts()) else { return text }
            return ByteString(rewritten.text.dropFirst(3))
        } catch {
            system.log.panic(error.text)
            return text
        }
    }

    private func envelope(_ address: EmailAddress, _ field: RewriteField) async -> ByteString {
        do throws(ExpansionError) {
            return try await system.rewriter.rewrite(address, as: field, Facts()).text
        } catch {
            system.log.panic(error.text)
            return address.text
        }
    }
}
