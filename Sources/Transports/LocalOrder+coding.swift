package import Bytes

/// Writes values one after the other, each with its length before it, for the pipe between two of our processes.
struct FieldWriter {
    private(set) var octets = ByteString()

    mutating func put(_ text: ByteString) {
        octets += "\(text.count):" as ByteString
        octets += text
    }

    mutating func put(_ number: some BinaryInteger) { put("\(number)" as ByteString) }

    mutating func put(_ flag: Bool) { put(flag ? 1 : 0) }
}

/// Reads what `FieldWriter` wrote; nil for anything else.
struct FieldReader {
    /// The most octets of one field.
    static let limit = 64 << 20

    private let octets: ByteString
    private var place = 0

    init(_ octets: ByteString) { self.octets = octets }

    var isAtEnd: Bool { place == octets.count }

    mutating func text() -> ByteString? {
        guard let colon = octets[place...].firstIndex(of: UInt8(ascii: ":")),
            let length = octets[place..<colon].decimalInteger(), length >= 0, length <= Self.limit,
            Int(length) <= octets.count - colon - 1
        else { return nil }
        let start = colon + 1
        place = start + Int(length)
        return ByteString(octets[start..<place])
    }

    mutating func number<Number: FixedWidthInteger>(_ kind: Number.Type = Number.self) -> Number? {
        text()?.decimalInteger().flatMap { Number(exactly: $0) }
    }

    mutating func flag() -> Bool? { number(Int.self).map { $0 != 0 } }
}

extension LocalOrder {
    /// The order as octets.
    package var encoded: ByteString {
        var writer = FieldWriter()
        for text in [
            transport, path, head, tail, checkString, escapeString, createFile, home, maildirTag, hostName,
        ] {
            writer.put(text)
        }
        writer.put(kind.rawValue)
        for number in [uid, gid, mode, directoryMode, lockFileMode] { writer.put(number) }
        for number in [
            bodyStart ?? -1, bodySize, lockRetries, lockInterval, lockFileTimeout, quota, maildirRetries,
        ] { writer.put(number) }
        for flag in [
            isWireFormat, usesCRLF, failsNarrower, createsDirectory, mustExist, allowsSymlink, checksOwner,
            checksGroup, usesLockFile, usesFcntl, usesFlock, quotaIsInclusive,
        ] { writer.put(flag) }
        return writer.octets
    }

    /// Reads an order; nil for octets that are none.
    package init?(decoding octets: ByteString) {
        var reader = FieldReader(octets)
        var texts: [ByteString] = []
        for _ in 0..<10 {
            guard let text = reader.text() else { return nil }
            texts.append(text)
        }
        guard let kind = reader.number(UInt8.self).flatMap(Kind.init(rawValue:)) else { return nil }
        var modes: [UInt32] = []
        for _ in 0..<5 {
            guard let number = reader.number(UInt32.self) else { return nil }
            modes.append(number)
        }
        var numbers: [Int] = []
        for _ in 0..<7 {
            guard let number = reader.number(Int.self) else { return nil }
            numbers.append(number)
        }
        var flags: [Bool] = []
        for _ in 0..<12 {
            guard let flag = reader.flag() else { return nil }
            flags.append(flag)
        }
        guard reader.isAtEnd else { return nil }
        self.init(
            transport: texts[0], kind: kind, path: texts[1], uid: modes[0], gid: modes[1], hostName: texts[9])
        (head, tail, checkString, escapeString) = (texts[2], texts[3], texts[4], texts[5])
        (createFile, home, maildirTag) = (texts[6], texts[7], texts[8])
        (mode, directoryMode, lockFileMode) = (modes[2], modes[3], modes[4])
        bodyStart = numbers[0] < 0 ? nil : numbers[0]
        (bodySize, lockRetries, lockInterval, lockFileTimeout) = (
            numbers[1], numbers[2], numbers[3], numbers[4]
        )
        (quota, maildirRetries) = (numbers[5], numbers[6])
        (isWireFormat, usesCRLF, failsNarrower, createsDirectory) = (flags[0], flags[1], flags[2], flags[3])
        (mustExist, allowsSymlink, checksOwner, checksGroup) = (flags[4], flags[5], flags[6], flags[7])
        (usesLockFile, usesFcntl, usesFlock, quotaIsInclusive) = (flags[8], flags[9], flags[10], flags[11])
    }
}

extension LocalOutcome {
    /// The outcome as octets.
    package var encoded: ByteString {
        var writer = FieldWriter()
        switch self {
        case .delivered:
            writer.put(0)
            writer.put(0)
            writer.put("")
            writer.put(false)
        case .deferred(let trouble):
            writer.put(1)
            writer.put(trouble.errno)
            writer.put(trouble.text)
            writer.put(trouble.freezes)
        }
        return writer.octets
    }

    /// Reads an outcome; nil for octets that are none.
    package init?(decoding octets: ByteString) {
        var reader = FieldReader(octets)
        guard let code = reader.number(Int.self), let errno = reader.number(Int32.self),
            let text = reader.text(), let freezes = reader.flag(), reader.isAtEnd
        else { return nil }
        guard code != 0 else {
            self = .delivered
            return
        }
        var trouble = TransportTrouble(text, errno: errno)
        trouble.freezes = freezes
        self = .deferred(trouble)
    }
}
