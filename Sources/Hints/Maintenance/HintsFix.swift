package import Bytes

/// The dialogue of exim_fixdb: a line in; text, and perhaps an edit, out.
package struct HintsFix: Sendable {
    /// What is to be done with the database.
    package enum Edit: Sendable, Equatable {
        /// Store these octets under the key.
        case store(key: ByteString, octets: ByteString)
        /// Delete the record.
        case delete(key: ByteString)
    }

    /// What a line gives.
    package struct Answer: Sendable, Equatable {
        /// What is to be printed, before the next prompt.
        package var text = ByteString()
        /// The edit, or nil.
        package var edit: Edit?
        /// Whether the dialogue is over.
        package var isEnd = false
    }

    /// What a database answers; may throw what the database throws.
    package typealias LookUp = (ByteString) throws -> ByteString?

    /// The prompt before each line.
    package static let prompt: ByteString = "> "
    /// The most octets of a line that are regarded.
    package static let lineLength = 255

    let kind: HintsKind
    let layout: HintsLayout
    let zone: HintsTime.Zone
    let digest: @Sendable (ByteString) -> ByteString?
    private var key: ByteString?

    /// Begins a dialogue.
    ///
    /// - Parameter digest: MD5, for the filters of rates; nil where the system has none.
    package init(
        _ kind: HintsKind, layout: HintsLayout, zone: HintsTime.Zone = .local,
        digest: @escaping @Sendable (ByteString) -> ByteString? = { _ in nil }
    ) {
        self.kind = kind
        self.layout = layout
        self.zone = zone
        self.digest = digest
    }

    /// Obeys a line without its newline.
    ///
    /// - Parameter now: the present in seconds since 1970, which records are stamped with.
    package mutating func take(_ line: ByteString, now: Int64, _ lookUp: LookUp) rethrows -> Answer {
        let line = line.prefix(Self.lineLength)
        if line == ByteString("q")[...] { return Answer(isEnd: true) }
        var words = line.split { $0.isASCIISpace }.map { ByteString($0) }[...]
        let isBare = line.first?.isASCIIDigit == true && (words.first?.count ?? 0) == 1
        if !isBare, line != ByteString("d")[...] { key = words.popFirst() ?? "" }
        guard let key else { return Answer(text: "No previous record name is set\n") }
        guard let field = words.popFirst() else { return try show(key, lookUp) }
        if field == "d" { return try delete(key, words.first, lookUp) }
        guard let number = Self.integer(field), field.first?.isASCIIDigit == true else {
            return Answer(text: "field number or d expected\n")
        }
        guard let value = words.first else { return Answer(text: "value missing\n") }
        return try change(key, FieldChange(number: number, value: value, now: now), lookUp)
    }

    /// The record's time and fields, as the dialogue shows them.
    package func text(of key: ByteString, _ octets: ByteString) -> ByteString {
        do throws(HintsRecordError) {
            return FieldList(zone: zone).text(try FixedHint(self, key, octets))
        } catch {
            return Self.damaged(key, error)
        }
    }

    private func delete(_ key: ByteString, _ more: ByteString?, _ lookUp: LookUp) rethrows -> Answer {
        guard more == nil else { return Answer(text: "unexpected value after \"d\"\n") }
        guard try lookUp(key) != nil else { return Answer(text: "not found\n") }
        return Answer(text: "deleted\n", edit: .delete(key: key))
    }

    private mutating func show(_ key: ByteString, _ lookUp: LookUp) rethrows -> Answer {
        guard let octets = try lookUp(key) else { return notFound(key) }
        return Answer(text: text(of: key, octets))
    }

    private mutating func notFound(_ key: ByteString) -> Answer {
        self.key = nil
        return Answer(text: "record \(key) not found\n")
    }

    private static func damaged(_ key: ByteString, _ error: HintsRecordError) -> ByteString {
        "**** Data for '\(key)' corrupted: \(error.description)\n"
    }

    private mutating func change(_ key: ByteString, _ change: FieldChange, _ lookUp: LookUp) rethrows
        -> Answer
    {
        guard let octets = try lookUp(key) else {
            return Answer(text: "not found\n\(notFound(key).text)")
        }
        do throws(HintsRecordError) {
            var hint = try FixedHint(self, key, octets)
            let remark = hint.apply(change, digest)
            let isUnknown = remark == FieldChange.unknownField
            hint.header = HintsHeader(written: change.now)
            let text = isUnknown ? remark : "\(remark)\(FieldList(zone: zone).text(hint))"
            return Answer(text: text, edit: .store(key: key, octets: hint.encode(layout: layout)))
        } catch {
            return Answer(text: Self.damaged(key, error))
        }
    }

    /// A number as C's atoi reads it: digits at the start, 0 without any.
    static func integer(_ text: ByteString) -> Int32? {
        let sign = text.prefix { $0 == UInt8(ascii: "-") }.prefix(1)
        let digits = text.dropFirst(sign.count).prefix(while: \.isASCIIDigit)
        guard let number = digits.prefix(10).decimalInteger() else { return nil }
        return Int32(clamping: sign.isEmpty ? number : -number)
    }
}

/// A change of one field.
struct FieldChange {
    static let unknownField: ByteString = "unknown field number\n"
    static let badTime: ByteString = "bad time value\n"

    let number: Int32
    let value: ByteString
    let now: Int64

    var time: Int64? { HintsTime.parse(entered: value, now: now) }
    var integer: Int32 { HintsFix.integer(value) ?? 0 }
}
