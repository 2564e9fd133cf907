import Bytes
import Foundation
import Spooler
import TestKit
import Testing

@Suite("Header files")
struct HeaderFileTests {
    @Test(
        "AUX-17 QF-05: an untouched header file is written with the same octets", arguments: Fixture.headers)
    func roundTrip(fixture: Fixture) throws {
        let octets = try fixture.octets()
        let header = try HeaderFile(parsing: octets, named: fixture.id)
        #expect(header.serialized() == octets)
        try header.check()
    }

    @Test("There are fixtures of both generations")
    func present() {
        #expect(Fixture.headers.count >= 90)
        #expect(Set(Fixture.headers.compactMap { $0.id?.format }) == [.short, .long])
    }

    @Test("Every data file has the lines and zeros that its header file counts", arguments: Fixture.data)
    func bodyCounts(fixture: Fixture) throws {
        guard let file = fixture.sibling("-H") else { return }
        let header = try HeaderFile(parsing: try file.octets())
        let data = try fixture.octets()
        let body = data.dropFirst(header.id.dataStartOffset)
        #expect(data.starts(with: "\(header.id)-D\n".utf8))
        guard !header.isWireFormat else { return }
        #expect(header.bodyLineCount == body.count { $0 == .newline })
        #expect(header.bodyZeroCount ?? 0 == body.count { $0 == 0 })
    }

    @Test("The size after S= is Exim's", arguments: Fixture.data)
    func receptionSize(fixture: Fixture) throws {
        guard let file = fixture.sibling("-H"), let id = fixture.id else { return }
        let header = try HeaderFile(parsing: try file.octets())
        guard header.deliverFirstTime else { return }
        let split = ByteString([id.subdirectory]).string
        let directory = fixture.url.deletingLastPathComponent()
        let logs = ["msglog/\(id)", "../msglog/\(id)", "../../msglog/\(split)/\(id)"]
            .map { Fixture(url: directory.appending(path: $0), name: $0) }
        let line = try #require(logs.lazy.compactMap { log in Result { try log.octets() }.success }.first)
        let place = try #require(line.firstRange(of: ByteString(" S=")))
        let size = line[place.upperBound...].prefix { $0.isASCIIDigit }.decimalInteger().map(Int.init)
        let body = try fixture.octets().count - id.dataStartOffset
        #expect(header.receptionSize(bodySize: body) == size)
    }

    @Test(
        "Any octets give a value or an error, and what is read is written the same",
        arguments: Fixture.headers)
    func fuzz(fixture: Fixture) throws {
        let original = try fixture.octets()
        var random = SeededGenerator(seed: UInt64(original.count))
        for _ in 0..<60 {
            let octets = mutated(original, &random)
            guard let header = read(octets) else { continue }
            let written = header.serialized()
            #expect(written == octets)
            #expect(try HeaderFile(parsing: written) == header)
            try header.check()
            _ = header.lineByLine
        }
    }

    /// Reads, and sees that an error names a place within the file.
    private func read(_ octets: ByteString) -> HeaderFile? {
        do throws(SpoolFormatError) {
            return try HeaderFile(parsing: octets)
        } catch {
            #expect(0...octets.count ~= error.offset)
            #expect(error.line == octets[..<error.offset].count { $0 == .newline } + 1)
            return nil
        }
    }

    @Test("A changed file is read back as it was meant", arguments: Fixture.headers)
    func changed(fixture: Fixture) throws {
        var header = try HeaderFile(parsing: try fixture.octets())
        header.sender = "new@example.com"
        header.frozenSince = 17
        header.addRecipient("added@example.org")
        header.recipients[0].errorsTo = "owner@example.org"
        header.markAllDelivered()
        header[aclVariable: "m_bobbin"] = TaintedBytes("one\ntwo\n", .quoted(for: "sqlite"))
        for index in header.headers.indices { header.headers[index].isDeleted.toggle() }
        try header.check()
        let back = try HeaderFile(parsing: header.serialized())
        #expect(back.lineByLine == header.lineByLine)
        #expect(back.frozenSince == 17)
        #expect(back.undelivered.isEmpty)
        #expect(back[aclVariable: "m_bobbin"] == TaintedBytes("one\ntwo\n", .quoted(for: "sqlite")))
    }

    @Test("Unknown lines stay where they are")
    func unknown() throws {
        let octets: ByteString = """
            1xUfCN-0002hB-01-H
            mail 8 8
            <>
            1 0
            -future_thing 17
            -body_linecount 1
            -
            --another (x)
            XX
            1
            a@example.org


            """
        var header = try HeaderFile(parsing: octets)
        header.heloName = TaintedBytes("h", .tainted)
        let lines = header.variables.map(\.octets.string)
        #expect(lines == ["-future_thing 17", "--helo_name h", "-body_linecount 1", "-", "--another (x)"])
    }

    @Test("A new file has its variables in Exim's order, whatever the order of setting")
    func order() throws {
        var header = try sampleHeader()
        header.dsnReturn = 1
        header.tlsResumption = UInt8(ascii: "A")
        header.bodyLineCount = 3
        header.heloName = TaintedBytes("client", .tainted)
        header[aclVariable: "m0"] = "x"
        header[aclVariable: "c_a"] = "y"
        header.receivedTimeComplete = SpoolTime(seconds: 5, microseconds: 6)
        header.remoteHost = HostAndPort(address: "192.0.2.1", port: 25)
        header.receivedTimeMicroseconds = 7
        #expect(
            header.variables.map(\.octets.string) == [
                "-received_time_usec .000007", "-received_time_complete 5.000006", "--helo_name client",
                "-host_address [192.0.2.1]:25", "-aclc _a 1\ny", "-aclm 0 1\nx", "-body_linecount 3",
                "-deliver_firsttime", "-tls_resumption A", "-dsn_ret 1",
            ])
    }
}

extension HeaderFile {
    /// What the file means, without how it was spelled.
    var lineByLine: [String] {
        let fixed = ["\(id) \(login) \(uid) \(gid) <\(sender)> \(receivedTime) \(warningCount)"]
        let tree = nonRecipients.names.map(\.string)
        let list = recipients.map {
            "\($0.address) \($0.orcpt) \($0.dsn.rawValue) \($0.errorsTo) \($0.parent ?? -1)"
        }
        let variables = variables.map { "\(ByteString($0.name)) \($0.value.bytes) \($0.value.taint)" }
        let headers = headers.map { "\($0.type) \($0.text)" }
        let typed = VariableName.allCases.map { "\(self[$0]?.bytes ?? "-")" }
        return fixed + variables + tree + list + headers + typed + aclVariables.map(\.name.string)
    }
}

extension Result {
    /// The value, where there is one.
    var success: Success? {
        guard case .success(let value) = self else { return nil }
        return value
    }
}

/// A copy with a few octets changed, removed, doubled, or cut off.
func mutated(_ original: ByteString, _ random: inout SeededGenerator) -> ByteString {
    var octets = original.bytes
    let telling = Array("0123456789-,#<> \n\0YNX*()[".utf8)
    for _ in 0..<Int.random(in: 1...4, using: &random) where !octets.isEmpty {
        let place = Int.random(in: octets.indices, using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0: octets[place] = UInt8.random(in: 0...255, using: &random)
        case 1: octets.remove(at: place)
        case 2: octets.removeSubrange(place..<min(octets.count, place + 40))
        case 3: octets.insert(contentsOf: octets[place..<min(octets.count, place + 30)], at: place)
        case 4: octets.removeLast(octets.count - place)
        case 5: octets.insert(telling.randomElement(using: &random) ?? 0, at: place)
        default: octets[place] = telling.randomElement(using: &random) ?? 0
        }
    }
    return ByteString(octets)
}
