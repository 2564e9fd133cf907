import Bytes

/// CRLF made LF, over pieces that part anywhere.
struct UnixLines {
    let isNeeded: Bool
    private var held = false

    init(isNeeded: Bool) { self.isNeeded = isNeeded }

    /// A carriage return that came last of all.
    var rest: [UInt8] { held ? [.carriageReturn] : [] }

    mutating func convert(_ octets: ArraySlice<UInt8>) -> [UInt8] {
        guard isNeeded else { return Array(octets) }
        var result: [UInt8] = []
        result.reserveCapacity(octets.count + 1)
        for octet in octets {
            if held, octet != .newline { result.append(.carriageReturn) }
            held = octet == .carriageReturn
            if !held { result.append(octet) }
        }
        return result
    }
}
