// Any octets are a configuration, or an error that names its place.
internal import Bytes
internal import Configuration

/// One input of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzConfiguration(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let text = ByteString(Array(UnsafeBufferPointer(start: start, count: count)))
    // The system's devices have no end.
    guard !text.contains(ByteString("/dev/")), !text.contains(ByteString("/proc/")) else { return 0 }
    do throws(ConfigurationError) {
        _ = try Configuration.read(text: text, file: "/nowhere/fuzz.conf")
    } catch {
        precondition(!error.problem.isEmpty, "an error without words")
        precondition(
            (error.place?.line ?? 0) > 0 || error.problem.contains(ByteString("fuzz.conf")),
            "an error without place")
    }
    return 0
}
