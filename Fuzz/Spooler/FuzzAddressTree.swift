// Whatever tree a file holds, every name is found, before and after others are inserted.
// Compiled together with Sources/Spooler by scripts/fuzz.
internal import Bytes

/// One input of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzAddressTree(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var reader = LineReader(Array(UnsafeBufferPointer(start: start, count: count)), id: nil)
    guard var tree = try? AddressTree(reading: &reader) else { return 0 }
    var names = Set(tree.names)
    while let line = try? reader.next(), !line.isEmpty {
        precondition(
            tree.insert(ByteString(line)) == names.insert(ByteString(line)).inserted, "found and not found")
    }
    precondition(names.allSatisfy(tree.contains), "a name is lost")
    precondition(Set(tree.names) == names, "a name is not listed")
    return 0
}
