import ArgumentParser
import Bytes
import Hints
import OpenSSL

/// `bobbin hints fix`.
struct HintsFixCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "fix", abstract: "Change records of a hints database in a dialogue, as exim_fixdb does.",
        discussion: """
            A key shows its record; "KEY d" deletes it; "KEY NUMBER VALUE" sets a field; without KEY the last one is
            meant; "q" ends. Times are pairs of digits: minute last, before it hour, day, month, year.

            Example: let the next queue run try a host that is not due
              printf 'T:mx.example.com:192.0.2.1 d\\nq\\n' | bobbin hints fix retry
            """)

    @OptionGroup var options: HintsOptions
    @OptionGroup var zoneOption: HintsZoneOption
    @Argument(help: "Database.")
    var database: String

    mutating func run(on console: Console) async throws {
        let site = try options.site()
        let base = try site.base(named: ByteString(database))
        try await HintsFixDialogue(site, base, zoneOption.zone).run(on: console)
    }
}

/// Runs the dialogue on standard input and output, a transaction for each line.
struct HintsFixDialogue: Sendable {
    private let database: HintsDatabase
    private let base: HintsBase
    private let zone: HintsTime.Zone

    init(_ site: HintsSite, _ base: HintsBase, _ zone: HintsTime.Zone) {
        database = HintsDatabase(site.settings, name: base.name)
        self.base = base
        self.zone = zone
    }

    /// Reads lines to the end, or to `q`.
    func run(on console: Console) async throws(ToolFailure) {
        let scan = try base.scan()
        var fix = HintsFix(base.kind, layout: scan.layout, zone: zone, digest: Self.md5)
        console.write(HintsFix.prompt)
        console.output.flush()
        while let line = console.readLine() {
            let answer: HintsFix.Answer
            (fix, answer) = try await take(line, fix)
            console.write(answer.text)
            if answer.isEnd { return }
            console.write(HintsFix.prompt)
            console.output.flush()
        }
        console.write("\n")
        await database.close()
    }

    private func take(
        _ line: ByteString, _ fix: HintsFix
    ) async throws(ToolFailure) -> (HintsFix, HintsFix.Answer) {
        let outcome = await database.update { transaction in
            var fix = fix
            let answer = try fix.take(line, now: transaction.now) { try transaction.octets($0) }
            switch answer.edit {
            case .store(let key, let octets): try transaction.store(octets, key)
            case .delete(let key): try transaction.delete(key)
            case nil: break
            }
            return (fix, answer)
        }
        switch outcome {
        case .done(let result): return result
        case .givenUp(let trouble): throw ToolFailure(trouble)
        }
    }

    private static let md5: @Sendable (ByteString) -> ByteString? = { text in
        do throws(OpenSSLError) { return try Digest.of(text, .md5) } catch { return nil }
    }
}
