import Bytes

/// Puts items together to a list, with separators inside them doubled.
struct ListOutput {
    let separator: UInt8
    private(set) var value = TaintedBytes(ByteString())
    private var isEmpty = true

    init(separator: UInt8) { self.separator = separator }

    mutating func add(_ item: TaintedBytes) {
        if !isEmpty {
            value.bytes.append(separator)
            // A blank keeps an empty item, or a separator at an item's front, from looking like a doubled one.
            if item.bytes.isEmpty || item.bytes.first == separator { value.bytes.append(.blank) }
        }
        isEmpty = false
        for octet in item.bytes {
            value.bytes.append(octet)
            if octet == separator { value.bytes.append(octet) }
        }
        value.taint = value.taint.joined(with: item.taint)
    }
}
