public import Bytes

// How variables are found, set, and put into Exim's order; and those whose values have a form of their own.

extension HeaderFile {
    /// The value of a variable (of the last line, where there are several), or nil; a new one is put where
    /// Exim would write it, and nil removes the line.
    public subscript(name: VariableName) -> TaintedBytes? {
        get { variables.last { $0.isNamed(name) }?.value }
        set { set(name, newValue.map { VariableLine(name, $0) }) }
    }

    /// Whether there is a line of that name.
    public func has(_ name: VariableName) -> Bool { variables.contains { $0.isNamed(name) } }

    mutating func setFlag(_ name: VariableName, _ value: Bool) {
        guard value != has(name) else { return }
        set(name, value ? VariableLine(flag: name) : nil)
    }

    func number(_ name: VariableName) -> Int64? { self[name]?.bytes.trimmed().decimalInteger() }

    mutating func setNumber(_ name: VariableName, _ value: (some BinaryInteger)?) {
        guard let value else { return set(name, nil) }
        guard number(name) != Int64(value) else { return }
        set(name, VariableLine(name, TaintedBytes("\(value)")))
    }

    /// Puts a line in the place of the one of that name, or where Exim's order has it; nil removes it.
    mutating func set(_ name: VariableName, _ line: VariableLine?) {
        let present = variables.lastIndex { $0.isNamed(name) }
        switch (present, line) {
        case (let present?, let line?): variables[present] = line
        case (_, nil): variables.removeAll { $0.isNamed(name) }
        case (nil, let line?): variables.insert(line, at: place(for: name))
        }
    }

    /// Before the first line that Exim writes later; lines that Exim does not know stay where they are.
    private func place(for name: VariableName) -> Int {
        // A file is mostly filled in Exim's order: look from the end.
        var place = variables.count
        for index in variables.indices.reversed() {
            guard let known = VariableName.named(variables[index].name) else { continue }
            if known.rawValue <= name.rawValue { break }
            place = index
        }
        return place
    }
}

// MARK: - Escaping

extension HeaderFile {
    /// A value whose unprintable octets are escaped in the file.
    subscript(escaped name: VariableName) -> TaintedBytes? {
        get { self[name].map { TaintedBytes(Escape.decode($0.bytes), $0.taint) } }
        set { self[name] = newValue.map { TaintedBytes(Escape.encode($0.bytes), $0.taint) } }
    }
}

/// The escapes of certificate texts in `-H`: C's letters, three octal digits.
enum Escape {
    private static let letters: [(letter: UInt8, octet: UInt8)] = [
        (UInt8(ascii: "n"), 10), (UInt8(ascii: "r"), 13), (UInt8(ascii: "t"), 9), (UInt8(ascii: "b"), 8),
        (UInt8(ascii: "v"), 11), (UInt8(ascii: "f"), 12),
    ]

    /// Escapes what does not print, and the backslash (which Exim reads back as one, but does not write so).
    static func encode(_ octets: ByteString) -> ByteString {
        var result = ByteString()
        for octet in octets {
            if octet == UInt8(ascii: "\\") {
                result += #"\\"#.utf8
            } else if octet.isASCIIPrinting {
                result.append(octet)
            } else if let letter = letters.first(where: { $0.octet == octet })?.letter {
                result += [UInt8(ascii: "\\"), letter]
            } else {
                result += [UInt8(ascii: "\\"), 0x30 + octet >> 6, 0x30 + octet >> 3 & 7, 0x30 + octet & 7]
            }
        }
        return result
    }

    /// Reads every escape as Exim does: up to three octal digits, letters, `x` and up to two hex digits,
    /// else the octet.
    static func decode(_ octets: ByteString) -> ByteString {
        var result = ByteString()
        var rest = octets[...]
        while let octet = rest.popFirst() {
            guard octet == UInt8(ascii: "\\"), let escaped = rest.popFirst() else {
                result.append(octet)
                continue
            }
            result.append(decode(escaped, &rest))
        }
        return result
    }

    private static func decode(_ octet: UInt8, _ rest: inout ArraySlice<UInt8>) -> UInt8 {
        if let known = letters.first(where: { $0.letter == octet }) { return known.octet }
        var value = 0
        if 0x30...0x37 ~= octet {
            value = Int(octet & 7)
            for _ in 0..<2 {
                guard let digit = rest.first, 0x30...0x37 ~= digit else { break }
                value = value << 3 | Int(digit & 7)
                rest.removeFirst()
            }
            return UInt8(truncatingIfNeeded: value)
        }
        guard octet == UInt8(ascii: "x") else { return octet }
        for _ in 0..<2 {
            guard let digit = rest.first?.hexDigitValue else { break }
            value = value << 4 | digit
            rest.removeFirst()
        }
        return UInt8(truncatingIfNeeded: value)
    }
}

// MARK: - Values with a form of their own

/// A host's address and port.
public struct HostAndPort: Sendable, Hashable {
    /// The address without brackets.
    public var address: ByteString
    /// The port; nil in very old files.
    public var port: Int?

    /// Makes a pair.
    public init(address: ByteString, port: Int?) {
        self.address = address
        self.port = port
    }

    /// Reads `[address]:port` (since 4.96) or `address.port` (before).
    init?(spelled text: ByteString) {
        if text.first == UInt8(ascii: "["), let bracket = text.firstIndex(of: UInt8(ascii: "]")) {
            address = ByteString(text[1..<bracket])
            let rest = text[(bracket + 1)...]
            port = rest.first == UInt8(ascii: ":") ? rest.dropFirst().decimalInteger().map(Int.init) : nil
            return
        }
        guard !text.isEmpty else { return nil }
        // An IPv4 address has three dots, also at the end of an IPv6 one; a port brings one more.
        let tail = text[((text.lastIndex(of: UInt8(ascii: ":")) ?? -1) + 1)...]
        let dots = tail.reduce(0) { $1 == UInt8(ascii: ".") ? $0 + 1 : $0 }
        guard dots == 1 || dots == 4, let (before, after) = text.cutAtLast(UInt8(ascii: ".")) else {
            (address, port) = (text, nil)
            return
        }
        (address, port) = (ByteString(before), after.decimalInteger().map(Int.init))
    }

    var spelled: ByteString {
        guard let port else { return "[\(address)]" }
        return "[\(address)]:\(port)"
    }
}

extension HeaderFile {
    /// The client's address and port.
    public var remoteHost: HostAndPort? {
        get { hostAddress.flatMap { HostAndPort(spelled: $0.bytes) } }
        set { hostAddress = newValue.map { TaintedBytes($0.spelled) } }
    }

    /// The address and port of our end.
    public var interface: HostAndPort? {
        get { interfaceAddress.flatMap { HostAndPort(spelled: $0.bytes) } }
        set { interfaceAddress = newValue.map { TaintedBytes($0.spelled) } }
    }

    /// The microseconds of `receivedTime`.
    public var receivedTimeMicroseconds: Int? {
        get {
            self[.receivedTimeUsec]?.bytes.cut(at: UInt8(ascii: "."))?.after.decimalInteger().map(Int.init)
        }
        set {
            let value = newValue.map { TaintedBytes(".\($0, zeroPadded: 6)") }
            self[.receivedTimeUsec] = value
        }
    }

    /// When the last octet of the body had come.
    public var receivedTimeComplete: SpoolTime? {
        get {
            guard let (before, after) = self[.receivedTimeComplete]?.bytes.cut(at: UInt8(ascii: ".")),
                let seconds = before.decimalInteger(),
                let fraction = after.decimalInteger().flatMap(Int32.init(exactly:))
            else { return nil }
            return SpoolTime(seconds: seconds, microseconds: fraction)
        }
        set {
            let value = newValue.map { TaintedBytes("\($0.seconds).\($0.microseconds, zeroPadded: 6)") }
            self[.receivedTimeComplete] = value
        }
    }

    /// The letter that tells how TLS resumption went: `A` plus a set of bits.
    public var tlsResumption: UInt8? {
        get { self[.tlsResumption]?.bytes.first }
        set { self[.tlsResumption] = newValue.map { TaintedBytes(ByteString([$0])) } }
    }

    /// ENVID, still in xtext.
    public var dsnEnvelopeID: ByteString? {
        get { self[.dsnEnvid]?.bytes }
        set { self[.dsnEnvid] = newValue.map { TaintedBytes($0) } }
    }

    /// The debug file of a message under ACL-controlled debugging.
    public var debugLogName: ByteString? {
        get { self[.debuglogName]?.bytes }
        set { self[.debuglogName] = newValue.map { TaintedBytes($0) } }
    }

    /// The debug selector of a message under ACL-controlled debugging.
    public var debugSelector: UInt64? {
        get {
            guard let text = self[.debugSelector]?.bytes else { return nil }
            if text.startsIgnoringCase(with: "0x".utf8) { return UInt64(text[2...].string, radix: 16) }
            return text.decimalInteger().flatMap(UInt64.init(exactly:))
        }
        set { self[.debugSelector] = newValue.map { TaintedBytes("0x\(String($0, radix: 16))") } }
    }
}

extension ArraySlice<UInt8> {
    /// The octets as text for people.
    var string: String { String(decoding: self, as: UTF8.self) }
}

// MARK: - ACL variables

extension HeaderFile {
    /// An ACL variable by its full name without `acl_`: `c0`, `m_foo`; nil removes it.
    ///
    /// Setting a name that cannot be an ACL variable's changes nothing.
    public subscript(aclVariable name: ByteString) -> TaintedBytes? {
        get { variables.last { $0.aclVariable?.name == name }?.value }
        set {
            guard let newValue else { return variables.removeAll { $0.aclVariable?.name == name } }
            let present = variables.lastIndex { $0.aclVariable?.name == name }
            guard let line = VariableLine(aclVariable: name, newValue) else { return }
            if let present {
                variables[present] = line
            } else {
                variables.insert(line, at: place(for: name[0] == UInt8(ascii: "c") ? .aclC : .aclM))
            }
        }
    }

    /// All ACL variables, in the file's order, which means nothing.
    public var aclVariables: [(name: ByteString, value: TaintedBytes)] { variables.compactMap(\.aclVariable) }
}
