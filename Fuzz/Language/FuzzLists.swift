// Any octets are a list that matches, does not match, or cannot be told with a reason. The first line is what is sought.
internal import Bytes
internal import Expansion

/// One input of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzLists(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let octets = ByteString(Array(UnsafeBufferPointer(start: start, count: count)))
    // The system's devices have no end.
    guard !octets.contains(ByteString("/dev/")), !octets.contains(ByteString("/proc/")) else { return 0 }
    let parts = octets.cut(at: .newline) ?? (octets[...], [])
    let (subject, text) = (ByteString(parts.before), ByteString(parts.after))
    let expander = Expander(World.environment)
    let host = HostIdentity(name: subject, address: IPAddress(subject) ?? "10.1.2.3")
    for list in [ListText(text), ListText(literal: text)] {
        let answers = awaiting { () -> [ListMatch] in
            var facts = World.facts
            return [
                await expander.matchDomain(subject, in: list, &facts),
                await expander.matchAddress(subject, in: list, &facts),
                await expander.matchLocalPart(subject, in: list, &facts),
                await expander.matchHost(host, in: list, &facts),
            ]
        }
        for case .deferred(let reason) in answers { precondition(!reason.isEmpty, "nobody is told why") }
    }
    return 0
}
