package import Bytes
import Hints

/// How large a mailbox may grow, with everything expanded and settled (manual, section 26.2, the quota options).
package struct QuotaOrder: Sendable, Hashable {
    /// A limit, and whether passing it keeps mail out (`/no_check` takes that away).
    package struct Limit: Sendable, Hashable {
        /// Octets or files; 0 is none.
        package var value: Int64
        /// Whether a delivery beyond it is put off.
        package var isChecked: Bool

        /// Makes a limit.
        package init(_ value: Int64, isChecked: Bool = true) {
            (self.value, self.isChecked) = (value, isChecked)
        }

        /// Whether that much is kept out.
        func refuses(_ amount: Int64) -> Bool { isChecked && value > 0 && amount > value }
    }

    /// `quota`.
    package var size = Limit(0)
    /// `quota_filecount`.
    package var files = Limit(0)
    /// `quota_is_inclusive`.
    package var isInclusive = true
    /// `quota_warn_threshold` in octets; 0 is none.
    package var warnSize: Int64 = 0
    /// The size of the message as it lies in the queue.
    package var messageSize: Int64 = 0
    /// `mailbox_size`.
    package var knownSize: Int64?
    /// `mailbox_filecount`.
    package var knownFiles: Int64?
    /// `quota_directory`; empty for none.
    package var directory: ByteString = ""
    /// `quota_size_regex`; empty for none.
    package var sizePattern: ByteString = ""
    /// `maildir_use_size_file`.
    package var usesSizeFile = false
    /// `maildir_quota_directory_regex`.
    package var directoryPattern: ByteString = ""

    /// No limits.
    package init() {}

    /// Whether anybody wants to know how much there is.
    var isNeeded: Bool { size.value > 0 || files.value > 0 || warnSize > 0 }

    /// Throws when a message more does not fit; `name` is the file that it would be written to.
    func check(_ present: MailboxAmount, name: ByteString) throws(TransportTrouble) {
        if files.refuses(present.files &+ (isInclusive ? 1 : 0)) {
            throw TransportTrouble(
                "mailbox is full (MTA-imposed filecount quota exceeded while writing to \(name))",
                errno: EximErrno.eximQuota)
        }
        if size.refuses(present.octets &+ (isInclusive ? messageSize : 0)) {
            throw TransportTrouble(
                "mailbox is full (MTA-imposed quota exceeded while writing to \(name))",
                errno: EximErrno.eximQuota)
        }
    }

    /// Whether a message that was written has made the mailbox pass the threshold.
    func isExceeded(from present: Int64, by written: Int64) -> Bool {
        warnSize > 0 && present <= warnSize && present &+ written > warnSize
    }
}

/// How much there is in a mailbox.
package struct MailboxAmount: Sendable, Hashable {
    /// Octets of its files.
    package var octets: Int64
    /// Its files.
    package var files: Int64

    /// Makes an amount.
    package init(octets: Int64 = 0, files: Int64 = 0) { (self.octets, self.files) = (octets, files) }

    static func + (one: MailboxAmount, other: MailboxAmount) -> MailboxAmount {
        MailboxAmount(
            octets: clamped(one.octets.addingReportingOverflow(other.octets), other.octets),
            files: clamped(one.files.addingReportingOverflow(other.files), other.files))
    }

    private static func clamped(_ sum: (partialValue: Int64, overflow: Bool), _ other: Int64) -> Int64 {
        sum.overflow ? (other < 0 ? .min : .max) : sum.partialValue
    }
}

extension QuotaOrder: FieldCoded {
    mutating func pass(through coder: inout FieldCoder) {
        size.pass(through: &coder)
        files.pass(through: &coder)
        coder.pass(&isInclusive)
        coder.pass(&warnSize)
        coder.pass(&messageSize)
        coder.pass(&knownSize)
        coder.pass(&knownFiles)
        coder.pass(&directory)
        coder.pass(&sizePattern)
        coder.pass(&usesSizeFile)
        coder.pass(&directoryPattern)
    }
}

extension QuotaOrder.Limit: FieldCoded {
    mutating func pass(through coder: inout FieldCoder) {
        coder.pass(&value)
        coder.pass(&isChecked)
    }
}

/// Amounts as the quota options have them: a number, perhaps with decimals, and K, M or G behind it.
package struct QuotaValue: Sendable, Equatable {
    /// Octets, files, or, where it is a percentage, thousandths of a percent.
    package var amount: Int64
    /// Whether it ends in `%`.
    package var isPercentage = false
    /// Whether it ends in `/no_check`.
    package var isUnchecked = false

    /// The longest text that is looked at.
    package static let limit = 100

    private init(amount: Int64) { self.amount = amount }

    /// What a text says; nil when it says nothing of that kind.
    package static func parse(_ text: ByteString) -> QuotaValue? {
        var rest = text.trimmed()
        guard rest.count <= limit else { return nil }
        if rest.isEmpty { return QuotaValue(amount: 0) }
        var value = QuotaValue(amount: 0)
        let modifier = ByteString("/no_check")
        if rest.suffix(modifier.count).elementsEqual(modifier) {
            value.isUnchecked = true
            rest = rest.dropLast(modifier.count)
        }
        var factor = 1.0
        if rest.last == UInt8(ascii: "%") {
            value.isPercentage = true
            (rest, factor) = (rest.dropLast(), 1000)
        } else if let exponent = exponent(of: rest.last) {
            (rest, factor) = (rest.dropLast(), exponent)
        }
        guard let number = number(ByteString(rest)) else { return nil }
        value.amount = Int64(max(-0x1p62, min(0x1p62, (number * factor).rounded(.towardZero))))
        return value
    }

    private static func exponent(of letter: UInt8?) -> Double? {
        switch letter?.uppercasedASCII {
        case UInt8(ascii: "K"): 0x1p10
        case UInt8(ascii: "M"): 0x1p20
        case UInt8(ascii: "G"): 0x1p30
        default: nil
        }
    }

    private static func number(_ text: ByteString) -> Double? {
        // A letter with nothing before it is what an empty lookup leaves.
        if text.isEmpty { return 0 }
        let known = ByteString("0123456789.+-abcdefxABCDEFX")
        guard text.allSatisfy({ known.contains($0) }), text.contains(where: { (0x30...0x39).contains($0) }),
            let number = Double(text.string), number.isFinite
        else { return nil }
        return number
    }
}
