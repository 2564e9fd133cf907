// Ids, journals, recipients' lines and escapes take any octets.
// Compiled together with Sources/Spooler by scripts/fuzz.
internal import Bytes

/// One input of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSmallThings(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let octets = Array(UnsafeBufferPointer(start: start, count: count))
    if let id = MessageID(octets) { precondition(id.bytes.bytes == octets, "an id changed") }
    precondition(Journal(octets).names.allSatisfy { !$0.isEmpty }, "a journal gives an empty name")
    if !octets.contains(.newline), let recipient = try? Recipient.parse(octets[...]) {
        precondition(recipient.line.bytes == octets, "a recipient's line changed")
        var modern = recipient
        modern.modernize()
        precondition((try? Recipient.parse(modern.line.bytes[...])) == modern, "a recipient is not read back")
    }
    let text = ByteString(octets)
    precondition(Escape.decode(Escape.encode(text)) == text, "an escape loses octets")
    _ = (Escape.decode(text), HostAndPort(spelled: text), HeaderFile.uniqueForm(of: text))
    return 0
}
