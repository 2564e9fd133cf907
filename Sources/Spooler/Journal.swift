internal import Bytes

/// What a journal (`-J`) says: the unique addresses that were served, one a line.
///
/// Only whole lines count. A last line without its newline was torn by a crash, and half an address may be
/// another's whole one; Exim takes it all the same, less its last octet.
struct Journal {
    /// The whole lines.
    let names: [ByteString]
    /// How many octets the whole lines take.
    let wholeSize: Int
    /// How many octets the file has.
    let fileSize: Int

    init(_ octets: [UInt8]) {
        let end = (octets.lastIndex(of: .newline) ?? -1) + 1
        names = octets[..<end].split(separator: .newline).filter { !$0.contains(0) }.map { ByteString($0) }
        wholeSize = end
        fileSize = octets.count
    }

    /// Whether the last line was torn.
    var isTorn: Bool { wholeSize < fileSize }

    /// The largest journal that is read.
    static let maximumSize = 64 << 20

    /// A journal's line of an address; what would end the line becomes a blank.
    static func line(_ address: ByteString) -> [UInt8] {
        address.bytes.map { $0 == .newline || $0 == 0 ? .blank : $0 } + [.newline]
    }
}

extension HeaderFile {
    /// Joins a journal's names to the non-recipients.
    mutating func join(_ journal: Journal) {
        for name in journal.names where name.count <= Self.maximumLineLength - 4 {
            nonRecipients.insert(name)
        }
    }
}

extension Spool {
    /// Reads a message's journal; nil when there is none.
    func journal(of id: MessageID, in place: Place) throws(SpoolError) -> Journal? {
        try System.read(path(.journal, of: id, in: place), limit: Journal.maximumSize).map(Journal.init)
    }
}
