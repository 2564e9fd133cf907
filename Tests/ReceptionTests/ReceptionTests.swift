// ReceptionTests: reception, session by session, compared with the installed Exim.
//
// Purpose: Fixtures/<Area>/exim.conf configures both programs; each session in Fixtures/<Area>/*.smtp is held with
// both, and what they answer, spool and log must be equal. Fixtures/differences.txt has the differences that we know,
// each with its reason; one that is there no more is a failure too.
// May import: TestKit, Bytes, OpenSSL, Foundation.
// Read in this order: Script.swift, Area.swift, ProcessGroup.swift, SecureStream.swift, SiteCertificates.swift, Client.swift, Submission.swift, Traces.swift,
// ReceptionTests.swift, LimitTests.swift, TurnTests.swift, PeerTests.swift,
// TLSTests.swift, TLSGuardTests.swift, StopTests.swift, ScannerServer.swift, ClamProcess.swift, ScannerTests.swift, CutthroughTests.swift,
// ProxyTests.swift, DMARCTests.swift.
import Bytes
import TestKit
import Testing

/// All tests here: one at a time, since each keeps both cores busy with sessions.
@Suite("Reception beside a real Exim", .serialized, .needsRoot)
struct ReceptionTests {
    @Test(
        """
        AUX-17: the same session draws the same replies, spool files and log lines as with Exim \
        (in Samples, the documents' own statements: AUX-01 ${authresults}, AUX-13 filters, AUX-16 accept blocks, AUX-19 variables, \
        AUX-20 authresults, AUX-21 conditions)
        """,
        arguments: try Area.all().filter { $0.name != "Proxy" })
    func sessions(area: Area) async throws {
        _ = try await compare(area)
    }

    /// Holds an area's sessions with both programs, which must do the same but for what is known to differ; gives ours.
    func compare(_ area: Area) async throws -> [String: [String]] {
        let known = try KnownDifferences(in: Area.fixtures)
        let (wanted, found) = try await area.outcomes()
        for script in area.scripts {
            let difference = KnownDifferences.between(wanted[script.title] ?? [], found[script.title] ?? [])
            if area.name == "Smuggling" { Self.expectNothingSmuggled(script, found[script.title] ?? []) }
            let allowed = known.lines(of: "\(area.name)/\(script.title)")
            #expect(
                difference == allowed,
                "\(area.name)/\(script.title):\n\(difference.joined(separator: "\n"))\n\(Self.missing(allowed, difference))"
            )
        }
        let rest = KnownDifferences.between((wanted[""] ?? []).sorted(), (found[""] ?? []).sorted())
        #expect(rest == known.lines(of: "\(area.name)/"), "\(rest.joined(separator: "\n"))")
        return found
    }

    /// Where the client's lines end in CRLF, nothing but CRLF.CRLF ends a message.
    private static func expectNothingSmuggled(_ script: Script, _ found: [String]) {
        // In these there is a CRLF.CRLF, behind another octet.
        let wholes = ["CRCRLF.CRLF in the body", "NULCRLF.CRLF in the body"]
        guard script.title.hasSuffix("in the body") || script.title.hasSuffix("in a chunk"),
            !wholes.contains(script.title)
        else { return }
        let arrivals = found.filter { $0.hasPrefix("main:") && $0.contains(" <= ") }
        #expect(arrivals.count == 1, "\(script.title)")
        #expect(!arrivals.contains { $0.contains("<= smuggled") }, "\(script.title)")
    }

    private static func missing(_ allowed: [String], _ found: [String]) -> String {
        let gone = allowed.filter { !found.contains($0) }
        return gone.isEmpty ? "" : "known, but not there:\n" + gone.joined(separator: "\n")
    }

    @Test("Each known difference belongs to a session, and there are at least a hundred sessions")
    func inventory() throws {
        let areas = try Area.all()
        let titles = areas.flatMap { area in area.scripts.map { "\(area.name)/\($0.title)" } }
        #expect(Set(titles).count == titles.count)
        #expect(titles.count >= 100)
        let places = titles + areas.map { "\($0.name)/" }
        for place in try KnownDifferences(in: Area.fixtures).places {
            #expect(places.contains(place), "\(place)")
        }
    }
}
