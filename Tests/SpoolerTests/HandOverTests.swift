import Bytes
import Foundation
import Spooler
import Testing

@Suite("Hand-over and requeueing")
struct HandOverTests {
    private func target(_ scratch: ScratchSpool) throws -> ByteString {
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/out", withIntermediateDirectories: false)
        return ByteString(scratch.path + "/out")
    }

    @Test(
        "QF-05: what is handed over is a pair in the ordinary format, naming its recipients",
        arguments: [HandOverStyle.linked, .copied])
    func handOver(style: HandOverStyle) throws {
        let scratch = try ScratchSpool()
        let target = try target(scratch)
        let id = try scratch.spool.accept()
        let message = try scratch.spool.take(id)
        var header = message.header
        header.recipients.removeFirst()
        try message.handOver(to: target, header: header, as: style)
        #expect(scratch.files().filter { $0.hasPrefix("out/") } == ["out/\(id)-D", "out/\(id)-H"])
        let copy = try HeaderFile(parsing: try scratch.read("out/\(id)-H"), named: id)
        #expect(copy.recipients.map(\.address) == ["B@Example.ORG"])
        #expect(try scratch.read("out/\(id)-D") == scratch.read("input/\(id)-D"))
        let links = try FileManager.default.attributesOfItem(atPath: "\(scratch.path)/out/\(id)-D")[
            .referenceCount]
        #expect(links as? Int == (style == .linked ? 2 : 1))
        // The same once more, as after a crash before the recipients were noted: it has been done.
        try message.handOver(to: target, header: header, as: style)
        // Nothing is overwritten.
        header.recipients.removeAll()
        header.recipients.append(Recipient("someone.else@example.org"))
        let error = #expect(throws: SpoolError.self) {
            try message.handOver(to: target, header: header, as: style)
        }
        #expect(error?.errorNumber == 17)
        #expect(scratch.files().filter { $0.hasPrefix("out/") }.count == 2)
    }

    @Test(
        "A hand-over that stops leaves -D alone at most, and succeeds when it is tried again",
        arguments: [SpoolStep.linkData, .linkHeader], [HandOverStyle.linked, .copied])
    func stopped(stop: SpoolStep, style: HandOverStyle) throws {
        let scratch = try ScratchSpool()
        let target = try target(scratch)
        let id = try scratch.spool.accept()
        do {
            let message = try scratch.stopping(at: stop).take(id)
            #expect(throws: SpoolError.self) {
                try message.handOver(to: target, header: message.header, as: style)
            }
        }
        #expect(!scratch.files().contains("out/\(id)-H"))
        let message = try scratch.spool.take(id)
        try message.handOver(to: target, header: message.header, as: style)
        #expect(scratch.files().filter { $0.hasPrefix("out/") } == ["out/\(id)-D", "out/\(id)-H"])
    }

    @Test("A failing hand-over leaves nothing, and never replaces somebody's -D")
    func failing() throws {
        let scratch = try ScratchSpool()
        let target = try target(scratch)
        let id = try scratch.spool.accept()
        var spool = scratch.spool
        spool.beforeStep = { (step) throws(SpoolError) in
            if step == .linkHeader { throw SpoolError("test", "", .system(errno: 28)) }
        }
        do {
            let message = try spool.take(id)
            #expect(throws: SpoolError.self) {
                try message.handOver(to: target, header: message.header, as: .copied)
            }
        }
        #expect(scratch.files().filter { $0.hasPrefix("out/") } == [])
        try scratch.write("another", to: "out/\(id)-D")
        let message = try scratch.spool.take(id)
        #expect(throws: SpoolError.self) {
            try message.handOver(to: target, header: message.header, as: .linked)
        }
        #expect(try scratch.read("out/\(id)-D") == "another")
    }

    @Test(
        "QF-02 AUX-17: what was handed over comes back as it was, under its own id or a fresh one of either form",
        arguments: [nil, MessageID.Format.short, .long])
    func requeue(format: MessageID.Format?) throws {
        let scratch = try ScratchSpool()
        let target = try target(scratch)
        let id = try scratch.spool.accept(body: "one\ntwo\0\n", format: .short)
        let original = try scratch.read("input/\(id)-H")
        do {
            let message = try scratch.spool.take(id)
            try message.handOver(to: target, header: message.header, as: .copied)
            #expect(
                try scratch.spool.requeue(from: target, id, as: .same, removingSource: true) == .alreadyQueued
            )
            try message.remove()
        }
        let identity = format.map { RequeueIdentity.fresh(generator($0)) } ?? .same
        let outcome = try scratch.spool.requeue(from: target, id, as: identity, removingSource: true)
        guard case .queued(let new) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(new.format == format ?? .short)
        #expect((new == id) == (format == nil))
        #expect(try scratch.read("input/\(new)-H") == original.replacing(id.bytes, with: new.bytes))
        #expect(try scratch.read("input/\(new)-D") == "\(new.bytes)-D\none\ntwo\0\n")
        #expect(scratch.files().count == 2)
        #expect(try scratch.spool.requeue(from: target, id, as: .same, removingSource: true) == .noHeader)
    }

    @Test("A pair that is not complete or not readable is not taken")
    func incomplete() throws {
        let scratch = try ScratchSpool()
        let target = try target(scratch)
        let header = try sampleHeader()
        try scratch.write(header.serialized(), to: "out/\(header.id)-H")
        #expect(
            try scratch.spool.requeue(from: target, header.id, as: .same, removingSource: true) == .incomplete
        )
        try scratch.write("garbage", to: "out/\(header.id)-D")
        guard
            case .malformed = try scratch.spool.requeue(
                from: target, header.id, as: .same, removingSource: true)
        else {
            Issue.record("taken")
            return
        }
        #expect(scratch.files().count == 2)
    }
}

@Suite("Checking a spool")
struct SpoolCheckTests {
    @Test("Everything odd is found; only what cannot lose mail is repaired")
    func findings() throws {
        let scratch = try ScratchSpool()
        let ids = try (0..<6).map { _ in try scratch.spool.accept() }
        let input = scratch.path + "/input/"
        try FileManager.default.removeItem(atPath: input + "\(ids[0])-H")
        try FileManager.default.removeItem(atPath: input + "\(ids[1])-D")
        try scratch.write("garbage", to: "input/\(ids[2])-H")
        try scratch.write("garbage that is long enough for a body", to: "input/\(ids[3])-D")
        try scratch.write("half", to: "input/hdr.\(ids[4])")
        try scratch.write("a@b\n", to: "input/1xUfCN-0002hB-01-J")
        try scratch.write("log\n", to: "msglog/1xUfCN-0002hB-02")
        var found: [String: SpoolFinding] = [:]
        try scratch.spool.check(olderThan: 0, now: SpoolTime.now().seconds + 5) {
            found["\($0.kind)".split(separator: "(").first.map(String.init) ?? ""] = $0
        }
        #expect(
            found.keys.sorted() == [
                "badDataFile", "leftoverTemporary", "loneData", "loneHeader", "loneJournal", "loneMessageLog",
                "malformed",
            ])
        #expect(
            try outcomes(found, scratch.spool) == [
                "badDataFile": .leftToPeople, "leftoverTemporary": .repaired, "loneData": .repaired,
                "loneHeader": .leftToPeople, "loneJournal": .repaired, "loneMessageLog": .repaired,
                "malformed": .leftToPeople,
            ])
        #expect(scratch.states(of: ids[0]) == "")
        #expect(scratch.states(of: ids[1]) == "H log" && scratch.states(of: ids[4]) == "D H log")
        #expect(try scratch.spool.remove(ids[1]) == .removedRemains)
        #expect(try scratch.spool.remove(ids[2]) == .removed)
        #expect(try scratch.spool.remove(ids[2]) == .absent)
    }

    private func outcomes(_ found: [String: SpoolFinding], _ spool: Spool) throws -> [String: RepairOutcome] {
        try found.mapValues { try spool.repair($0) }
    }

    @Test("What is young, or being worked on, is left alone")
    func young() throws {
        let scratch = try ScratchSpool()
        let pending = try scratch.spool.newMessage(generator())
        var found: [SpoolFinding] = []
        try scratch.spool.check(olderThan: 3600, now: SpoolTime.now().seconds) { found.append($0) }
        #expect(found == [])
        try scratch.spool.check(olderThan: 0, now: SpoolTime.now().seconds + 5) { found.append($0) }
        #expect(found.count == 1)
        for finding in found { #expect(try scratch.spool.repair(finding) == .held) }
        let id = try pending.commit(try sampleHeader()).id
        for finding in found { #expect(try scratch.spool.repair(finding) == .vanished) }
        #expect(scratch.states(of: id) == "D H")
    }

    @Test("A tree out of order is put in order")
    func tree() throws {
        let scratch = try ScratchSpool()
        let id = try scratch.spool.accept()
        let octets = try scratch.read("input/\(id)-H").replacing(
            ByteString("\nXX\n"), with: ByteString("\nYN b@x\nNN c@x\n"))
        try scratch.write(octets, to: "input/\(id)-H")
        var found: [SpoolFinding] = []
        try scratch.spool.check(olderThan: 0, now: 0) { found.append($0) }
        #expect(found.map(\.kind) == [.treeOutOfOrder])
        for finding in found { #expect(try scratch.spool.repair(finding) == .repaired) }
        let written = try scratch.read("input/\(id)-H")
        #expect(written.contains(ByteString("\nNY b@x\nNN c@x\n")))
    }
}
