import Bytes
import ChildPrograms
import Glibc
import Synchronization

/// A pipe whose ends close with it.
struct Pipe: ~Copyable {
    private let ends: (reading: CInt, writing: CInt)
    private let state = Mutex((reading: true, writing: true))

    init() throws(SystemFailure) {
        do throws(ChildFailure) { ends = try ChildPipe.ends() } catch {
            throw SystemFailure(number: error.number)
        }
    }

    deinit {
        closeReading()
        closeWriting()
    }

    var reading: CInt { ends.reading }
    var writing: CInt { ends.writing }

    func closeReading() {
        state.withLock { open in
            if open.reading { close(ends.reading) }
            open.reading = false
        }
    }

    func closeWriting() {
        state.withLock { open in
            if open.writing { close(ends.writing) }
            open.writing = false
        }
    }

    /// Gives the reading end away.
    func takeReading() -> Descriptor {
        state.withLock { $0.reading = false }
        return Descriptor(ends.reading)
    }

    /// Gives the writing end away.
    func takeWriting() -> Descriptor {
        state.withLock { $0.writing = false }
        return Descriptor(ends.writing)
    }

    func writeAll(_ octets: ByteString) -> Bool {
        defer { closeWriting() }
        do {
            try System.write(ends.writing, octets.bytes[...])
            return true
        } catch {
            return false
        }
    }

    func readAll(limit: Int) -> ByteString {
        var result = ByteString()
        var block = [UInt8](repeating: 0, count: 4096)
        while result.count < limit {
            let count = unsafe read(ends.reading, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            result += block[..<count]
        }
        return result
    }
}
