import Bytes
import ChildPrograms
import Glibc

/// Carries out a pipe order: starts the command, gives it the message, hears what it says, and how it ends.
struct PipeDelivery {
    /// What stands behind output that was cut.
    private static let cut: ByteString = "\n\n*** Too much output - remainder discarded ***\n"

    let order: PipeOrder
    /// The descriptor of the data file.
    let data: CInt

    func deliver() -> LocalReport {
        do throws(TransportTrouble) {
            try LocalPaths.checkWorkingDirectory(order.directory)
            guard let file = file else {
                return LocalReport(PipeEnding(.notFound))
            }
            var ending = try run(file)
            ending.file = file
            return LocalReport(ending)
        } catch {
            return LocalReport(.deferred(error))
        }
    }

    /// The command's file: as it is named, or the first of that name in `path`.
    private var file: ByteString? {
        guard let name = order.words.first else { return nil }
        if name.contains(UInt8(ascii: "/")) { return name }
        return order.path.split(separator: UInt8(ascii: ":")).map {
            "\(ByteString($0))/\(name)" as ByteString
        }
        .first { path in (try? System.status(path)).flatMap { $0 }?.isRegular == true }
    }

    private func run(_ file: ByteString) throws(TransportTrouble) -> PipeEnding {
        let message = try FilteredMessage(order.content, data)
        let begun = System.moment().seconds
        let deadline = order.timeout > 0 ? begun + Int64(order.timeout) : nil
        do throws(SystemFailure) {
            let input = try Pipe()
            let output = try Pipe()
            var child: ChildCommand
            do throws(SystemFailure) {
                child = try ChildCommand(
                    [file] + order.words.dropFirst(), environment: order.environment, in: order.directory,
                    input: input.reading, output: output.writing)
            } catch {
                return PipeEnding(.notStarted, error.number)
            }
            input.closeReading()
            output.closeWriting()
            let pipes = PipeConversation(
                input: input.takeWriting(), output: output.takeReading(), until: deadline,
                atMost: order.maximumOutput)
            return try converse(&child, pipes, message, until: deadline)
        } catch {
            throw TransportTrouble("running \(file)", errno: error.number)
        }
    }

    private func converse(
        _ child: inout ChildCommand, _ pipes: PipeConversation, _ message: borrowing FilteredMessage,
        until deadline: Int64?
    ) throws(SystemFailure) -> PipeEnding {
        var ending = PipeEnding(.timedOut)
        do throws(WritingFailure) {
            var writer = MessageWriter(message.content) { (octets) throws(WritingFailure) in
                try pipes.write(octets)
            }
            try writer.write(bodyFrom: message.descriptor(data))
            pipes.closeInput()
            try pipes.hearOut()
            if let end = child.wait(until: deadline ?? .max) { ending = Self.ending(end) }
            ending.output = pipes.said
        } catch {
            ending.output = pipes.said
            switch error {
            case .timedOut: child.kill()
            case .tooMuch:
                child.kill()
                ending = Self.ending(child.wait(until: .max) ?? .unknown)
                ending.output = pipes.said + Self.cut
            case .failed(let number): throw SystemFailure(number: number)
            }
        }
        return ending
    }

    private static func ending(_ end: ChildEnd) -> PipeEnding {
        switch end {
        case .exited(let status): PipeEnding(.exited, CInt(status))
        case .killed(let signal): PipeEnding(.killed, CInt(signal))
        // What nobody can tell has not gone well.
        case .unknown: PipeEnding(.exited, EX_TEMPFAIL)
        }
    }
}
