import Bytes
import Expansion
import Filter
import Foundation
import TestKit
import Testing

@Suite("Filters")
struct FilterTests {
    private static let sample: ByteString = """
        # Exim filter
        if $h_subject: contains "x y" and not (personal alias a@b or error_message) then
          unseen deliver "A <a@b>" errors_to c@d  # comment
          noerror save $home/mail 0640
        elif foranyaddress $h_to: ($thisaddress matches "^a\\\\.") then pipe "/bin/x \\"y z\\"" \\
        else seen vacation subject "a\\n b" text "\\x41\\101" once_repeat 1h return message endif
        if 10k is not above $n1 then add 3 to n1 headers charset utf-8 endif
        logfile /tmp/x 600 logwrite "y" testprint z seen finish

        """

    @Test(
        "A text's first line tells what kind of filter it is",
        arguments: [
            ("# Exim filter", FilterFile.Kind.exim), ("  #EXIM\tFilter <<", .exim), ("#exim filterx", .exim),
            ("# Sieve filter", .sieve), ("# exim filte", .list), ("a@b", .list), ("", .list), ("#", .list),
        ] as [(ByteString, FilterFile.Kind)])
    func kinds(text: ByteString, kind: FilterFile.Kind) { #expect(FilterFile.kind(of: text) == kind) }

    @Test("Any octets are a filter or a mistake, and the mistake has words")
    func fuzz() throws {
        _ = try FilterFile(Self.sample.replacing("\\\n" as ByteString, with: "\n" as ByteString), .system)
        var random = SeededGenerator(seed: 11)
        for _ in 0..<4000 {
            do throws(FilterError) {
                _ = try FilterFile(Self.sample.mutated(using: &random), .system)
            } catch {
                #expect(!error.text.isEmpty)
            }
        }
    }

    @Test("Conditions and brackets may nest only so deep")
    func depth() {
        for word in ["not ", "("] as [ByteString] {
            let deep = ByteString(Array(repeating: word.bytes, count: 10_000).joined())
            #expect(throws: FilterError.self) {
                try FilterFile("# Exim filter\nif \(deep)delivered then finish endif\n", FilterRights())
            }
        }
    }

    private func run(_ text: ByteString, _ change: (inout Facts) -> Void = { _ in }) async throws
        -> FilterOutcome
    {
        var facts = Facts()
        facts.message.sender = "a@b"
        change(&facts)
        let setting = FilterRun.Setting(FilterRights(), qualifyDomain: "here")
        var run = FilterRun(setting, Expander(Environment()), facts)
        return try await run.run(try FilterFile("# Exim filter\n\(text)\n", FilterRights()))
    }

    @Test("Only delivery commands without unseen are significant, and seen makes any command so")
    func significance() async throws {
        for (text, isSignificant) in [
            ("deliver x@y", true), ("unseen deliver x@y", false), ("mail text x to a@b", false),
            ("seen mail text x to a@b", true), ("finish", false), ("seen finish", true), ("save /x", true),
            ("unseen pipe x", false),
        ] as [(ByteString, Bool)] {
            #expect(try await run(text).isSignificant == isSignificant, "\(text)")
        }
    }

    @Test("A bounce is never answered, and what a regular expression captured goes with later deliveries")
    func replies() async throws {
        #expect(try await run("mail text x to a@b") { $0.message.sender = "" }.deliveries.isEmpty)
        let outcome = try await run("if abc matches \"(b)\" then pipe \"/bin/x $1\" endif")
        #expect(outcome.deliveries.map { $0.captures.map(\.bytes) } == [["b", "b"]])
    }

    @Test("Octets that are no filter leave nothing half done: a mistake anywhere and nothing is obeyed")
    func mistakes() async throws {
        await #expect(throws: FilterError.self) { try await run("deliver x@y\nfoo") }
    }
}
