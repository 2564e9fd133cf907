import Bytes
import DMARCReports
import DNS
import Glibc
import MailSystem
import Subprocess
import SystemPackage

/// How reports get out: the configuration's resolver, and `bobbin-receiver submit`.
enum ReportDoors {
    static func make(_ options: SiteOptions) async throws -> Reporting.Doors {
        let resolver = try await options.site().mailSystem().resolver
        let words = try options.forwarded
        return Reporting.Doors(
            ask: { name in await ask(name, resolver) },
            submit: { mail in await submit(mail, words) })
    }

    private static func ask(_ name: ByteString, _ resolver: any NameResolver) async
        -> ExternalDestination.Answer
    {
        let answer = await resolver.lookup(name, .txt)
        switch answer.outcome {
        case .records(let records):
            return .records(
                records.compactMap { record in
                    guard case .text(let strings) = record.data else { return nil }
                    return strings.joined(separator: "")
                })
        case .noData, .noSuchDomain: return .records([])
        case .tryAgain(let reason), .failed(let reason): return .trouble(reason)
        }
    }

    private static func submit(_ mail: ReportMail, _ words: [ByteString]) async -> Reporting.Submission {
        let arguments =
            (["submit"] + words + ["-i", "-f", mail.sender, "--queue-only", "--", mail.recipient])
            .map(\.string)
        do {
            let result = try await Subprocess.run(
                .path(FilePath(Sibling.receiver.path.string)), arguments: Arguments(arguments),
                input: .inputWriter, output: .string(limit: 4096), error: .string(limit: 4096)
            ) { execution in
                let writer = execution.standardInputWriter
                _ = try await writer.write(mail.message.bytes)
                try await writer.finish()
            }
            if result.terminationStatus.isSuccess { return .accepted }
            let reason: ByteString =
                "bobbin-receiver: \(String(describing: result.terminationStatus)) \(ByteString(ByteString(result.standardError).trimmed()))"
            return result.terminationStatus == .exited(EX_DATAERR) ? .refused(reason) : .deferred(reason)
        } catch {
            return .deferred("bobbin-receiver: \(String(describing: error))")
        }
    }
}
