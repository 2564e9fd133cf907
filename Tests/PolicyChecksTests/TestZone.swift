import Bytes
import DNS

/// A resolver that answers from a few records, following aliases as servers do.
struct TestZone: NameResolver {
    /// Lists of a type and its data; a type `TIMEOUT` stands for silence about all that is not listed.
    var names: [String: [[String]]] = [:]

    /// Makes a zone of lines: a name, a type, the data.
    init(_ text: String) {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 2).map(String.init)
            names[words[0].lowercased(), default: []].append(Array(words.dropFirst()))
        }
    }

    init(names: [String: [[String]]]) {
        self.names = Dictionary(names.map { ($0.lowercased(), $1) }) { $0 + $1 }
    }

    func lookup(_ name: ByteString, _ type: RecordType) async -> DNSAnswer {
        var key = name.string.lowercased()
        if key.hasSuffix(".") { key.removeLast() }
        for _ in 0..<Self.mostAliases {
            let rows = names[key] ?? []
            let found = rows.filter { $0[0] == type.description }.compactMap(Self.record)
            if !found.isEmpty { return DNSAnswer(.records(found), canonicalName: name) }
            if rows.contains(["TIMEOUT"]) { break }
            guard let alias = rows.first(where: { $0[0] == "CNAME" }) else {
                return DNSAnswer(rows.isEmpty ? .noSuchDomain : .noData, canonicalName: name)
            }
            key = alias[1].lowercased()
        }
        return DNSAnswer(.tryAgain("no answer for \(name)"), canonicalName: name)
    }

    private static let mostAliases = 8

    private static func record(_ row: [String]) -> DNSRecord? {
        // Characters stand for octets where they can.
        let data = row.dropFirst().map { text in
            text.unicodeScalars.allSatisfy { $0.value < 256 }
                ? ByteString(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
                : ByteString(text)
        }
        guard let first = data.first else { return nil }
        return switch row[0] {
        case "A", "AAAA": IPAddress(first).map { DNSRecord(.address($0)) }
        case "MX": DNSRecord(.mailExchanger(preference: 0, exchange: first))
        case "PTR": DNSRecord(.name(first))
        default: DNSRecord(.text(data))
        }
    }
}
