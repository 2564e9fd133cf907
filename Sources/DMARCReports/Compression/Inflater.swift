import Bytes
import CZlib

/// Decompresses gzip files and deflate streams piece by piece, up to a limit.
@safe struct Inflater: ~Copyable {
    /// The framing of the compressed octets.
    enum Format: Int32 {
        /// RFC 1952.
        case gzip = 31
        /// RFC 1951, without frame, as in ZIP archives.
        case raw = -15
    }

    private static let outputSize = 1 << 16
    private let state: UnsafeMutablePointer<z_stream>

    init(_ format: Format) throws(DMARCError) {
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: z_stream())
        let result = unsafe inflateInit2_(
            state, format.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else { throw DMARCError(.system, at: "zlib", "cannot start: error \(result)") }
    }

    deinit {
        unsafe inflateEnd(state)
        unsafe state.deallocate()
    }

    /// Gives what the octets stand for to `use`, piece by piece; octets behind the end are passed over.
    ///
    /// Fails for damaged or cut input, and for more than `limit` octets of output, so that a small file cannot fill
    /// memory or time.
    consuming func inflate(
        _ octets: ArraySlice<UInt8>, limit: Int, _ use: ([UInt8]) throws(DMARCError) -> Void
    ) throws(DMARCError) {
        var input = Array(octets)
        var position = 0
        var total = 0
        while true {
            let step = step(&input, from: position)
            position += step.taken
            total += step.output.count
            guard total <= limit else {
                throw DMARCError(
                    .data, at: "compressed data", "more than \(limit) octets when decompressed: refused")
            }
            if !step.output.isEmpty { try use(step.output) }
            if step.result == Z_STREAM_END { return }
            guard step.result == Z_OK, step.taken > 0 || !step.output.isEmpty else {
                throw DMARCError(.data, at: "compressed data", "damaged or cut at octet \(position)")
            }
        }
    }

    private func step(_ input: inout [UInt8], from position: Int) -> (
        taken: Int, output: [UInt8], result: Int32
    ) {
        var taken = 0
        var result: Int32 = 0
        let output = unsafe [UInt8](unsafeUninitializedCapacity: Self.outputSize) { output, filled in
            unsafe input.withUnsafeMutableBufferPointer { input in
                let count = input.count - position
                unsafe state.pointee.next_in = input.baseAddress.map { unsafe $0 + position }
                unsafe state.pointee.avail_in = UInt32(clamping: count)
                unsafe state.pointee.next_out = output.baseAddress
                unsafe state.pointee.avail_out = UInt32(Self.outputSize)
                result = unsafe CZlib.inflate(state, Z_NO_FLUSH)
                taken = unsafe Int(UInt32(clamping: count) - state.pointee.avail_in)
                filled = unsafe Self.outputSize - Int(state.pointee.avail_out)
                unsafe state.pointee.next_in = nil
                unsafe state.pointee.next_out = nil
            }
        }
        return (taken, output, result)
    }
}
