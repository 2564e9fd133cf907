import Bytes
import ChildPrograms
import Glibc

/// A message as it is to be written: as it lies in the data file, or as a transport filter has made it.
struct FilteredMessage: ~Copyable {
    /// What is written; after a filter its header and body lie together in a file of ours.
    let content: MessageContent
    private let result: Descriptor?
    private let number: CInt?

    /// Runs the filter, if there is one; `data` is the descriptor of the data file.
    init(_ content: MessageContent, _ data: CInt) throws(TransportTrouble) {
        guard let filter = content.filter else {
            self.content = content
            result = nil
            number = nil
            return
        }
        let file: Descriptor
        let size: Int64
        do throws(SystemFailure) {
            file = try System.unnamedFile()
        } catch {
            throw TransportTrouble("making room for what the transport filter writes", errno: error.number)
        }
        try Self.run(filter, content, data, into: file.raw)
        do throws(SystemFailure) { size = try System.status(file.raw).size } catch {
            throw TransportTrouble("reading what the transport filter wrote", errno: error.number)
        }
        var filtered = content
        filtered.head = ""
        filtered.isWireFormat = false
        (filtered.bodyStart, filtered.bodySize) = (0, Int(size))
        self.content = filtered
        number = file.raw
        result = consume file
    }

    /// Where the body is read from.
    func descriptor(_ data: CInt) -> CInt { number ?? data }

    /// Header and body as the filter made them, for reading later.
    static func body(of content: MessageContent, _ data: CInt) -> Result<MessageBody, TransportTrouble> {
        do throws(TransportTrouble) {
            let message = try FilteredMessage(content, data)
            return .success(
                try MessageBody(
                    copyOf: message.descriptor(data), start: message.content.bodyStart ?? 0,
                    size: message.content.bodySize, isWireFormat: message.content.isWireFormat))
        } catch {
            return .failure(error)
        }
    }

    private static func run(
        _ filter: FilterOrder, _ content: MessageContent, _ data: CInt, into output: CInt
    ) throws(TransportTrouble) {
        let deadline = filter.timeout > 0 ? System.moment().seconds + Int64(filter.timeout) : nil
        let input: Pipe
        do throws(SystemFailure) { input = try Pipe() } catch {
            throw TransportTrouble("starting the transport filter", errno: error.number)
        }
        var child: ChildCommand
        do throws(SystemFailure) {
            child = try ChildCommand(
                filter.words, environment: filter.environment, in: filter.directory, input: input.reading,
                output: output)
        } catch {
            throw TransportTrouble(
                "Transport filter process failed (127): unable to execute command", errno: -24
            ).panicking
        }
        input.closeReading()
        let pipe = PipeConversation(input: input.takeWriting(), output: nil, until: deadline, atMost: 0)
        var plain = MessageContent()
        (plain.head, plain.bodyStart, plain.bodySize) = (content.head, content.bodyStart, content.bodySize)
        plain.isWireFormat = content.isWireFormat
        do throws(WritingFailure) {
            var writer = MessageWriter(plain) { (octets) throws(WritingFailure) in try pipe.write(octets) }
            try writer.write(bodyFrom: data)
        } catch {
            throw Self.trouble(error)
        }
        pipe.closeInput()
        guard let end = child.wait(until: deadline ?? .max) else { throw trouble(.timedOut) }
        let number: Int
        switch end {
        case .exited(0): return
        case .exited(let status): number = status
        case .killed(let signal): number = signal
        case .unknown: number = 127
        }
        throw TransportTrouble("Transport filter process failed (\(number))", errno: -24).panicking
    }

    private static func trouble(_ failure: WritingFailure) -> TransportTrouble {
        guard case .timedOut = failure else {
            return TransportTrouble("writing to the transport filter", errno: failure.number)
        }
        var trouble = TransportTrouble("transport filter timed out", errno: ETIMEDOUT)
        trouble.isTimeout = true
        return trouble
    }
}
