package import Bytes
package import Expansion
import MailText

/// Runs the MIME ACL for each part of a message, and of the messages that are attached to it (manual, section 45.4).
extension ACLEvaluator {
    /// Gives the first verdict that is not `accept`; the message's copy is made.
    package func runMIME(
        _ option: Template, at moment: ACLMoment, _ state: inout ACLState
    ) async -> ACLVerdict {
        guard let copy = state.scanning.copy else { return ACLVerdict(.accept) }
        var verdict = ACLVerdict(.accept)
        do throws(ScanTrouble) {
            try await copy.make(state.facts, date: inboxDate(state))
            var files = [copy.path]
            var next = 0
            while next < files.count {
                defer { next += 1 }
                state.facts.message.scan.isInAttachedMessage = next > 0
                state.scanning.partFile = files[next]
                let count = state.facts.message.scan.partCount
                verdict = try await inspect(files[next], option, moment, copy, &files, &state)
                if next > 0 {
                    state.facts.message.scan.partCount = count
                    let file = files[next]
                    await ScanThread.run { ScanFolder.removeFile(file) }
                }
                guard verdict.decision == .accept else { break }
            }
        } catch {
            verdict = .failing(error.text)
        }
        state.scanning.partFile = nil
        state.facts.message.scan.part = nil
        state.facts.message.scan.decoded = nil
        return verdict
    }

    /// How the first line of an mbox tells the time.
    func inboxDate(_ state: ACLState) async -> ByteString {
        (try? await expander.expand("$tod_bsdinbox", state.facts).bytes) ?? ""
    }

    /// The parts of one file; messages among them are decoded into files of their own, which come later.
    private func inspect(
        _ file: ByteString, _ option: Template, _ moment: ACLMoment, _ copy: ScanCopy,
        _ files: inout [ByteString], _ state: inout ACLState
    ) async throws(ScanTrouble) -> ACLVerdict {
        for part in try await Self.parts(of: file).get() {
            var shown = part
            shown.filename = expander.decodingWordsAsTheyAre(part.filename)
            state.facts.message.scan.part = shown
            state.facts.message.scan.partCount = part.number
            state.facts.message.scan.decoded = nil
            let verdict = await run(option, at: moment, &state)
            guard verdict.decision == .accept else { return verdict }
            if part.isMessage {
                let path: ByteString = "\(copy.folder)/__rfc822_\(files.count)"
                _ = try await MIMEDecoding(file: file, part: part, owner: copy.owner).run(into: path)
                files.append(path)
            }
        }
        return ACLVerdict(.accept)
    }

    private static func parts(of file: ByteString) async -> Result<[MIMEPart], ScanTrouble> {
        await ScanThread.run {
            Result { () throws(ScanTrouble) in
                var reader = try ScanReader(file)
                var walk = MIMEWalk()
                var parts: [MIMEPart] = []
                var end = 0
                func note(_ step: MIMEWalk.Step) throws(ScanTrouble) {
                    switch step {
                    case .more: break
                    case .part(let part): parts.append(part)
                    case .tooMuch(let text): throw ScanTrouble(text)
                    }
                }
                while let line = try reader.next() {
                    end = line.end
                    try note(walk.take(line.octets, beginsLine: line.beginsLine, endsAt: line.end))
                }
                try note(walk.finish(at: end))
                return parts
            }
        }
    }
}

/// Decodes the body of a part into a file.
struct MIMEDecoding: Sendable {
    let file: ByteString
    let part: MIMEPart
    let owner: ScanOwner?

    func run(into path: ByteString) async throws(ScanTrouble) -> DecodedPart {
        let work = self
        let outcome = await ScanThread.run { () -> Result<DecodedPart, ScanTrouble> in
            Result { () throws(ScanTrouble) in try work.decode(into: path) }
        }
        return try outcome.get()
    }

    private func decode(into path: ByteString) throws(ScanTrouble) -> DecodedPart {
        var reader = try ScanReader(file, from: part.bodyStart)
        var writer = try ScanWriter(path, owner: owner)
        var decoding = TransferDecoding(part.transferEncoding)
        var output: [UInt8] = []
        while let line = try reader.next() {
            if line.beginsLine, let enclosing = part.enclosing, line.octets.behindBoundary(enclosing) != nil {
                break
            }
            output.removeAll(keepingCapacity: true)
            decoding.take(line.octets, into: &output)
            try writer.write(output)
        }
        output.removeAll(keepingCapacity: true)
        decoding.finish(into: &output)
        try writer.write(output)
        try writer.flush()
        return DecodedPart(path: path, kilobytes: (writer.size + 1023) / 1024, anomaly: decoding.anomaly)
    }
}
