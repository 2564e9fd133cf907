import Bytes

/// A JSON value (RFC 8259), with numbers as they were written.
indirect enum JSONElement: Sendable, Hashable {
    case null
    case word(ByteString)
    case string(ByteString)
    case array([JSONElement])
    case object([Member])

    /// A name and its value.
    struct Member: Sendable, Hashable {
        var name: ByteString
        var value: JSONElement
    }

    /// The element at a place of an array, from 0; nil elsewhere.
    func item(_ place: Int) -> JSONElement? {
        guard case .array(let items) = self, items.indices.contains(place) else { return nil }
        return items[place]
    }

    /// The value of a member of an object; nil elsewhere.
    func member(_ name: ByteString) -> JSONElement? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// A string's octets; of another value its JSON text.
    var text: ByteString {
        if case .string(let octets) = self { return octets }
        return source
    }

    private var source: ByteString {
        switch self {
        case .null: "null"
        case .word(let word): word
        case .string(let octets): Self.quoted(octets)
        case .array(let items): "[\(items.map(\.source).joined(separator: ", "))]"
        case .object(let members):
            "{\(members.map { "\(Self.quoted($0.name)): \($0.value.source)" as ByteString }.joined(separator: ", "))}"
        }
    }

    private static func quoted(_ octets: ByteString) -> ByteString {
        var result: ByteString = "\""
        for octet in octets {
            switch octet {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += [UInt8(ascii: "\\"), octet]
            case 0x0A: result += ByteString("\\n")
            case 0x0D: result += ByteString("\\r")
            case 0x09: result += ByteString("\\t")
            case 0..<0x20: result += ByteString("\\u00") + Hex.encode([octet])
            default: result.append(octet)
            }
        }
        return result + [UInt8(ascii: "\"")]
    }
}

extension JSONElement {
    /// Reads a document; what is no JSON gives nil, and `place` tells where.
    struct Reader {
        /// How deep arrays and objects may lie in each other.
        static let deepest = 200

        private let octets: ByteString
        /// The octet that is read next.
        private(set) var place = 0
        private var depth = 0

        init(_ octets: ByteString) { self.octets = octets }

        /// One value with nothing but white space around it.
        mutating func document() -> JSONElement? {
            guard let value = value() else { return nil }
            skipBlanks()
            return place == octets.count ? value : nil
        }

        private var current: UInt8? { place < octets.count ? octets[place] : nil }

        private mutating func skipBlanks() {
            while let octet = current, octet == 0x20 || (0x09...0x0D).contains(octet) { place += 1 }
        }

        private mutating func take(_ octet: UInt8) -> Bool {
            skipBlanks()
            guard current == octet else { return false }
            place += 1
            return true
        }

        private mutating func value() -> JSONElement? {
            skipBlanks()
            guard depth < Self.deepest, let first = current else { return nil }
            depth += 1
            defer { depth -= 1 }
            switch first {
            case UInt8(ascii: "\""): return string().map { .string($0) }
            case UInt8(ascii: "["): return array()
            case UInt8(ascii: "{"): return object()
            default: return word()
            }
        }

        private mutating func array() -> JSONElement? {
            place += 1
            var items: [JSONElement] = []
            if take(UInt8(ascii: "]")) { return .array([]) }
            while let item = value() {
                items.append(item)
                if take(UInt8(ascii: "]")) { return .array(items) }
                guard take(UInt8(ascii: ",")) else { return nil }
            }
            return nil
        }

        private mutating func object() -> JSONElement? {
            place += 1
            var members: [Member] = []
            if take(UInt8(ascii: "}")) { return .object([]) }
            while true {
                skipBlanks()
                guard current == UInt8(ascii: "\""), let name = string(), take(UInt8(ascii: ":")),
                    let value = value()
                else { return nil }
                members.append(Member(name: name, value: value))
                if take(UInt8(ascii: "}")) { return .object(members) }
                guard take(UInt8(ascii: ",")) else { return nil }
            }
        }

        private mutating func word() -> JSONElement? {
            let start = place
            while let octet = current, octet.isASCIIAlphanumeric || "+-.".utf8.contains(octet) { place += 1 }
            let word = ByteString(octets[start..<place])
            switch word {
            case "null": return .null
            case "true", "false": return .word(word)
            default:
                guard let last = word.last, last.isASCIIDigit, Double(word.string) != nil else { return nil }
                return .word(word)
            }
        }

        private mutating func string() -> ByteString? {
            place += 1
            var result = ByteString()
            while let octet = current {
                place += 1
                switch octet {
                case UInt8(ascii: "\""): return result
                case UInt8(ascii: "\\"):
                    guard let scalar = escaped() else { return nil }
                    result += ByteString(String(scalar))
                case 0..<0x20: return nil
                default: result.append(octet)
                }
            }
            return nil
        }

        private mutating func escaped() -> Unicode.Scalar? {
            guard let octet = current else { return nil }
            place += 1
            switch octet {
            case UInt8(ascii: "n"): return "\n"
            case UInt8(ascii: "r"): return "\r"
            case UInt8(ascii: "t"): return "\t"
            case UInt8(ascii: "b"): return "\u{8}"
            case UInt8(ascii: "f"): return "\u{c}"
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(octet)
            case UInt8(ascii: "u"): return unicode()
            default: return nil
            }
        }

        /// Four hexadecimal digits, or two such groups that are a surrogate pair.
        private mutating func unicode() -> Unicode.Scalar? {
            guard let first = digits() else { return nil }
            guard (0xD800..<0xDC00).contains(first) else { return Unicode.Scalar(first) }
            guard current == UInt8(ascii: "\\") else { return nil }
            place += 1
            guard current == UInt8(ascii: "u") else { return nil }
            place += 1
            guard let second = digits(), (0xDC00..<0xE000).contains(second) else { return nil }
            return Unicode.Scalar(0x1_0000 + (first - 0xD800) << 10 + (second - 0xDC00))
        }

        private mutating func digits() -> UInt32? {
            var value: UInt32 = 0
            for _ in 0..<4 {
                guard let digit = current?.hexDigitValue else { return nil }
                value = value << 4 | UInt32(digit)
                place += 1
            }
            return value
        }
    }
}
