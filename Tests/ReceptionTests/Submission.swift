import Bytes
import TestKit

extension Area {
    /// What a run of the program came to, on a site of its own, with a DNS server of the test's or the system's.
    func submission(_ script: Script, _ server: ByteString?, isExim: Bool) throws -> [String] {
        let site = try MailSite(configuration)
        let arguments = script.arguments ?? []
        let view = try server.map { try site.asking($0) } ?? []
        let run =
            try isExim
            ? site.start(exim: arguments, input: script.input, through: view)
            : site.start("bobbin", ["exim"] + arguments, input: script.input, through: view)
        let ending = try run.wait(within: 30)
        var lines = ["exit: \(ending.code ?? -1)"]
        lines += Self.lines(ending.output).map { "reply: \(masked($0))" }
        lines += Self.lines(ending.errors).map { "error: \(masked($0))" }
            .filter { !$0.contains(Traces.lostPrivilege) }
        return lines + (try Traces(site, [], [:]).lines[""] ?? [])
    }

    private static func lines(_ text: ByteString) -> [ByteString] {
        text.split(separator: .newline).map {
            ByteString($0.last == .carriageReturn ? $0.dropLast() : $0)
        }
    }
}
