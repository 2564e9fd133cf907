package import Bytes
import CZlib

/// Compresses octets as they come to the gzip format (RFC 1952), keeping only the result.
package struct GzipWriter: ~Copyable {
    private let stream: DeflateStream
    private var result = ByteString()

    /// Starts; fails only when memory is short.
    package init() throws(DMARCError) { stream = try DeflateStream() }

    /// How many octets the result has so far.
    package var count: Int { result.count }

    /// Takes octets.
    package mutating func write(_ octets: ByteString) {
        stream.deflate(octets.bytes, Z_NO_FLUSH, into: &result)
    }

    /// Ends, and gives the whole file.
    package consuming func finish() -> ByteString {
        stream.deflate([], Z_FINISH, into: &result)
        return result
    }
}

/// zlib's state; it must not move, since zlib keeps its address.
@safe private struct DeflateStream: ~Copyable {
    private static let outputSize = 1 << 14
    /// 15 bits of window, and 16 for the gzip header.
    private static let gzipWindow: Int32 = 15 + 16
    private let state: UnsafeMutablePointer<z_stream>

    init() throws(DMARCError) {
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: z_stream())
        let result = unsafe deflateInit2_(
            state, Z_BEST_COMPRESSION, Z_DEFLATED, Self.gzipWindow, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else { throw DMARCError(.system, at: "zlib", "cannot start: error \(result)") }
    }

    deinit {
        unsafe deflateEnd(state)
        unsafe state.deallocate()
    }

    func deflate(_ octets: [UInt8], _ flush: Int32, into result: inout ByteString) {
        var input = octets
        var output = [UInt8](repeating: 0, count: Self.outputSize)
        unsafe input.withUnsafeMutableBufferPointer { input in
            unsafe state.pointee.next_in = input.baseAddress
            unsafe state.pointee.avail_in = UInt32(input.count)
            var room: UInt32 = 0
            repeat {
                unsafe output.withUnsafeMutableBufferPointer { output in
                    unsafe state.pointee.next_out = output.baseAddress
                    unsafe state.pointee.avail_out = UInt32(output.count)
                    _ = unsafe CZlib.deflate(state, flush)
                    room = unsafe state.pointee.avail_out
                }
                result += output[..<(Self.outputSize - Int(room))]
            } while room == 0
            unsafe state.pointee.next_in = nil
            unsafe state.pointee.avail_in = 0
        }
    }
}
