package import Bytes
import Glibc

/// What a `maildirsize` file says (Maildir++, and the manual's section 26.7).
///
/// The first line has the quotas, such as `10000000S,500C`; each further line adds octets and files: `312 1`.
package struct MaildirSizes: Sendable, Equatable {
    /// A file of that many octets is written anew, as Maildir++ has it.
    package static let sizeLimit = 5120

    /// `quota` as the file knows it.
    package var quota: Int64 = 0
    /// `quota_filecount` as the file knows it.
    package var quotaFiles: Int64 = 0
    /// All lines added up.
    package var amount = MailboxAmount()
    /// How many lines there are behind the first.
    package internal(set) var lineCount = 0

    /// An empty mailbox without quotas.
    package init() {}

    /// Reads a file; nil for one that is to be made anew.
    package init?(_ text: ByteString) {
        guard !text.isEmpty, text.count < Self.sizeLimit else { return nil }
        var lines = text.split(separator: .newline, omittingEmptySubsequences: false).map { ByteString($0) }
        if lines.last?.isEmpty == true { lines.removeLast() }
        guard let first = lines.first, takeQuotas(first) else { return nil }
        for line in lines.dropFirst() {
            guard let more = Self.amount(line) else { return nil }
            amount = amount + more
            lineCount += 1
        }
        guard amount.octets >= 0, amount.files >= 0 else { return nil }
    }

    /// Quotas of kinds that we do not know are passed over.
    private mutating func takeQuotas(_ line: ByteString) -> Bool {
        for item in line.split(separator: UInt8(ascii: ",")) {
            guard let letter = item.last, let number = item.dropLast().decimalInteger() else { return false }
            switch letter {
            case UInt8(ascii: "S"): quota = number
            case UInt8(ascii: "C"): quotaFiles = number
            default: continue
            }
        }
        return true
    }

    private static func amount(_ line: ByteString) -> MailboxAmount? {
        let words = line.split { $0.isASCIISpace }
        guard words.count == 2, let octets = words[0].decimalInteger(), let files = words[1].decimalInteger()
        else { return nil }
        return MailboxAmount(octets: octets, files: files)
    }

    /// A new file's text.
    package var text: ByteString { "\(quota)S,\(quotaFiles)C\n\(amount.octets) \(amount.files)\n" }
}

/// The file `maildirsize` at the top of a maildir.
struct MaildirSizeFile {
    /// How old a file must be at least that says that the quota is exceeded, to be believed no more.
    private static let patience: Int64 = 15 * 60

    let root: ByteString
    let order: LocalOrder
    /// The maildir that is delivered to: it has a `tmp`.
    let directory: ByteString

    private var path: ByteString { "\(root)/maildirsize" }
    private var quota: QuotaOrder { order.quota }

    /// How much there is: what the file says, or what is found, which is then written into it where it is kept.
    func present(keeping isKept: Bool) throws(TransportTrouble) -> MailboxAmount {
        do throws(SystemFailure) {
            let (text, modified) = try read()
            if let known = text.flatMap({ MaildirSizes($0) }), isGood(known, modified) { return known.amount }
        } catch {
            throw TransportTrouble("while opening or reading \(path)", errno: error.number)
        }
        let sizes = try recalculated()
        if isKept { try keep(sizes) }
        return sizes.amount
    }

    private func read() throws(SystemFailure) -> (ByteString?, Int64) {
        let file: Descriptor
        do throws(SystemFailure) { file = try System.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) } catch {
            guard error.number == ENOENT else { throw error }
            return (nil, 0)
        }
        let facts = try System.status(file.raw)
        if facts.isDirectory { throw SystemFailure(number: EISDIR) }
        guard facts.isRegular else { throw SystemFailure(number: EINVAL) }
        guard facts.size < MaildirSizes.sizeLimit else { return (nil, facts.modified) }
        // It may have grown meanwhile.
        let text = try? System.contents(of: file.raw, atMost: MaildirSizes.sizeLimit)
        return (text, facts.modified)
    }

    /// Whether the file's quotas are the transport's, and it does not claim without good reason that the mailbox is full.
    private func isGood(_ known: MaildirSizes, _ modified: Int64) -> Bool {
        guard known.quota == quota.size.value, known.quotaFiles == quota.files.value else { return false }
        let isFull =
            quota.size.value > 0 && known.amount.octets &+ quota.messageSize > quota.size.value
            || quota.files.value > 0 && known.amount.files &+ 1 > quota.files.value
        let isFresh = known.lineCount < 2 && System.moment().seconds - modified < Self.patience
        return !isFull || isFresh
    }

    private func recalculated() throws(TransportTrouble) -> MaildirSizes {
        var count = try MailboxCount(sizePattern: quota.sizePattern)
        var sizes = MaildirSizes()
        (sizes.quota, sizes.quotaFiles) = (quota.size.value, quota.files.value)
        sizes.amount = count.messages(
            of: root, choosing: try MailboxCount.compiled(quota.directoryPattern))
        return sizes
    }

    private func keep(_ sizes: MaildirSizes) throws(TransportTrouble) {
        // A reader sees the old file or the whole new one.
        let temporary: ByteString =
            "\(directory)/tmp/\(System.moment().seconds).P\(System.processID)Q\(UInt32.random(in: 0...UInt32.max)).maildirsize"
        do throws(SystemFailure) {
            let file = try System.open(temporary, O_WRONLY | O_CREAT | O_EXCL, order.mode)
            try System.write(file.raw, sizes.text.bytes[...])
            try System.rename(temporary, path)
        } catch {
            System.unlink(temporary)
            throw TransportTrouble("while opening or reading \(path)", errno: error.number)
        }
    }

    /// Notes a message more.
    ///
    /// The file is a cache: if that fails, the next recalculation mends it.
    func add(_ octets: Int64) {
        guard let file = try? System.open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK) else { return }
        try? System.write(file.raw, ("\(octets) 1\n" as ByteString).bytes[...])
    }
}
