import Bytes
import Foundation
import PolicyChecks
import TestKit
import Testing

/// The openspf test suite for RFC 7208 (release 2014.04, from PyPI's pyspf 2.0.14; rfc7208-tests.LICENSE has its terms), made
/// JSON of YAML: records of type SPF have become TXT, and what explanations should be is left out, as they are not asked for.
@Suite("SPF: the RFC 7208 test suite")
struct SPFSuiteTests {
    /// Cases under one zone.
    struct Scenario: Decodable, Sendable, CustomTestStringConvertible {
        struct Case: Decodable, Sendable {
            let name, spec, helo, host, mailfrom: String
            let results: [String]
        }

        let description: String
        let tests: [Case]
        let zone: [String: [[String]]]
        var testDescription: String { description }
    }

    static let scenarios =
        (try? JSONDecoder().decode(
            [Scenario].self, from: Data(fixture("rfc7208-tests.json").bytes))) ?? []

    @Test("All of the suite is there")
    func whole() {
        #expect(Self.scenarios.map(\.tests.count).reduce(0, +) == 203)
    }

    @Test("Each case has one of the results that the suite allows", arguments: scenarios)
    func results(scenario: Scenario) async throws {
        let checker = SPFChecker(TestZone(names: scenario.zone))
        for test in scenario.tests {
            let question = SPFQuestion(
                client: try #require(IPAddress(ByteString(test.host))), sender: ByteString(test.mailfrom),
                helo: ByteString(test.helo), receiver: "mx.recv.ex")
            let verdict = await checker.check(question)
            #expect(
                test.results.contains(verdict.result.rawValue),
                "\(test.name) (\(test.spec)): \(verdict.result), \(verdict.problem ?? "")")
        }
    }
}
