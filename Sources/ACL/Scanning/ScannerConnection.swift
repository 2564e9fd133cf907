package import Bytes

/// Where a scanner listens.
package enum ScannerPlace: Sendable, Hashable {
    /// A socket of this machine.
    case path(ByteString)
    /// A host, and ports that are tried in order.
    case internet(host: ByteString, ports: ClosedRange<UInt16>)
}

/// Why a scanner cannot be reached.
package struct ScannerUnreachable: Error, Sendable {
    /// What went wrong, in Exim's words.
    package var text: ByteString
    /// What was tried last, as `$callout_address` shows it; nil where no address is known.
    package var peer: ByteString?
    /// Whether the host has no address; then the log tells that for itself too, as Exim's search for hosts does.
    package var isUnknownHost: Bool

    /// Makes a value.
    package init(_ text: ByteString, peer: ByteString?, isUnknownHost: Bool = false) {
        self.text = text
        self.peer = peer
        self.isUnknownHost = isUnknownHost
    }
}

/// What a read of a scanner's answer came to.
package enum ScannerRead: Sendable, Hashable {
    /// Some octets.
    case octets([UInt8])
    /// The scanner has said all.
    case ended
    /// It cannot be read; the system's words.
    case failed(ByteString)
}

/// A connection to a scanner.
///
/// Its functions wait, up to the time it was made with, so that they are called on a thread of their own.
package protocol ScannerConnection: Sendable {
    /// Who it is, as `$callout_address` shows it.
    var peer: ByteString { get }
    /// Sends all octets; gives the system's words when that fails.
    func send(_ octets: ArraySlice<UInt8>) -> ByteString?
    /// Tells that no more is sent.
    func endSending()
    /// The next octets of the answer.
    func receive() -> ScannerRead
}

/// What came of a command that a shell ran.
package enum ScannerCommandEnd: Sendable, Hashable {
    /// It ended, with the system's wait status, and wrote this.
    case ended(status: Int, output: ByteString)
    /// It could not be run or heard to its end; why.
    case failed(ByteString)
}

/// How scanners are reached; the composition root gives it.
package struct ScannerReach: Sendable {
    /// Connects before a moment; it waits.
    package var connect:
        @Sendable (ScannerPlace, ContinuousClock.Instant) -> Result<any ScannerConnection, ScannerUnreachable>
    /// Runs a command by a shell, in a directory, for some seconds at most; it waits.
    package var command:
        @Sendable (_ command: ByteString, _ directory: ByteString, _ seconds: Int) -> ScannerCommandEnd
    /// Waits some seconds.
    package var pause: @Sendable (Int) -> Void

    /// Makes a value.
    package init(
        connect:
            @escaping @Sendable (ScannerPlace, ContinuousClock.Instant) -> Result<
                any ScannerConnection, ScannerUnreachable
            >,
        command: @escaping @Sendable (ByteString, ByteString, Int) -> ScannerCommandEnd,
        pause: @escaping @Sendable (Int) -> Void
    ) {
        self.connect = connect
        self.command = command
        self.pause = pause
    }

    /// Reaches nobody.
    package static let none = ScannerReach(
        connect: { _, _ in .failure(ScannerUnreachable("no scanner can be reached here", peer: nil)) },
        command: { _, _, _ in .failed("no command can be run here") }, pause: { _ in })
}

extension ScannerConnection {
    /// The most octets of an answer that are kept.
    static var mostOctets: Int { 1 << 16 }

    /// What has come when a line, or the answer, has ended.
    func receiveLine() -> Result<ByteString, ScanTrouble> {
        var answer = ByteString()
        while answer.count < Self.mostOctets {
            switch receive() {
            case .failed(let reason): return .failure(ScanTrouble("unable to read from socket (\(reason))"))
            case .ended: return .success(answer)
            case .octets(let octets):
                answer += octets
                if octets.contains(.newline) || octets.contains(0) { return .success(answer) }
            }
        }
        return .success(answer)
    }

    /// Sends a file as it is.
    func send(file: ByteString) throws(ScanTrouble) {
        var reader = try ScanReader(file)
        while true {
            let block = try reader.nextBlock()
            if block.isEmpty { return }
            if let reason = send(block) { throw ScanTrouble(reason) }
        }
    }
}

/// Options of a server in a list of servers, with blanks between them.
struct ScannerWords {
    let all: [ByteString]

    init(_ item: ByteString) {
        all = item.split { $0.isASCIISpace }.map { ByteString($0) }
    }

    /// The place that the first words name, and what follows it; nil where the port is missing.
    var place: (place: ScannerPlace, options: ArraySlice<ByteString>)? {
        guard let first = all.first else { return nil }
        if first.first == UInt8(ascii: "/") { return (.path(first), all.dropFirst()) }
        guard all.count > 1 else { return nil }
        return (.internet(host: first, ports: Self.ports(all[1])), all.dropFirst(2))
    }

    /// `783`, `783-790`; what is no number is port 0, where nobody listens.
    private static func ports(_ text: ByteString) -> ClosedRange<UInt16> {
        let parts = text.split(separator: UInt8(ascii: "-"), maxSplits: 1).map {
            ByteString($0).decimalInteger().flatMap { UInt16(exactly: $0) } ?? 0
        }
        let first = parts.first ?? 0
        return first...max(first, parts.last ?? first)
    }
}
