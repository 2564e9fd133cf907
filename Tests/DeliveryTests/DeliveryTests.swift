// DeliveryTests: deliveries, one by one, compared with the installed Exim.
//
// Purpose: Fixtures/<Area>/exim.conf configures both programs; each scripted delivery in Fixtures/<Area>/*.delivery
// is made by both, each on a site of its own with scripted servers, and what they log, send, list, spool, bounce and
// hint must be equal. Fixtures/differences.txt has the differences that we know, each with its reason; one that is
// there no more is a failure too.
// May import: TestKit, Bytes, Foundation.
// Read in this order: Delivery.swift, DeliveryArea.swift, ScriptedServer.swift, ScriptedProxy.swift, Stage.swift, Remains.swift,
// DeliveryTests.swift, EventTests.swift, ServerTLS.swift, TLSTests.swift, MailSite+wire.swift,
// TLSGuardTests.swift, DANETests.swift, SigningTests.swift, RealServerTests.swift, SocksTests.swift.
import Bytes
import TestKit
import Testing

/// All tests here: one area at a time, since each keeps both cores busy.
@Suite("Deliveries beside a real Exim", .serialized, .needsRoot)
struct DeliveryTests {
    @Test(
        "AUX-17: the same delivery leaves the same logs, spool, bounces, hints and conversations as with Exim",
        arguments: try DeliveryArea.all().filter { !["Dane", "Events", "Signing", "Tls"].contains($0.name) })
    func deliveries(area: DeliveryArea) async throws { try check(area, await area.outcomes()) }

    /// What is left must be equal, but for what is known to differ.
    func check(_ area: DeliveryArea, _ outcomes: [(String, [String], [String])]) throws {
        let known = try KnownDifferences(in: DeliveryArea.fixtures)
        for (title, wanted, found) in outcomes {
            let difference = KnownDifferences.between(wanted, found)
            #expect(
                !(wanted + found).contains { $0.hasPrefix("not made: ") },
                "\(area.name)/\(title): \(wanted + found)")
            let allowed = known.lines(of: "\(area.name)/\(title)")
            #expect(
                difference == allowed,
                "\(area.name)/\(title):\n\(difference.joined(separator: "\n"))\n\(Self.missing(allowed, difference))"
            )
        }
    }

    private static func missing(_ allowed: [String], _ found: [String]) -> String {
        let gone = allowed.filter { !found.contains($0) }
        return gone.isEmpty ? "" : "known, but not there:\n" + gone.joined(separator: "\n")
    }

    @Test("Each known difference belongs to a delivery, and there are at least eighty deliveries")
    func inventory() throws {
        let titles = try DeliveryArea.all().flatMap { area in
            area.deliveries.map { "\(area.name)/\($0.title)" }
        }
        #expect(Set(titles).count == titles.count)
        #expect(titles.count >= 80)
        for place in try KnownDifferences(in: DeliveryArea.fixtures).places {
            #expect(titles.contains(place), "\(place)")
        }
    }
}
