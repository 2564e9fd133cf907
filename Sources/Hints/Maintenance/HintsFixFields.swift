package import Bytes

/// A record as exim_fixdb sees it; of `misc`, `seen` and `tls` it knows the time only.
enum FixedHint {
    case known(DecodedHint)
    case opaque(HintsKind, HintsHeader, content: ByteString)

    init(_ fix: HintsFix, _ key: ByteString, _ octets: ByteString) throws(HintsRecordError) {
        switch fix.kind {
        case .misc, .seen, .tls:
            let header = try RecordReader(octets, layout: fix.layout, needed: 0).header
            self = .opaque(fix.kind, header, content: ByteString(octets.dropFirst(fix.layout.headerLength)))
        case .retry, .wait, .callout, .ratelimit:
            self = .known(try DecodedHint(fix.kind, key: key, octets, layout: fix.layout))
        }
    }

    var header: HintsHeader {
        get {
            switch self {
            case .known(let hint): HintsHeader(written: hint.written)
            case .opaque(_, let header, _): header
            }
        }
        set {
            switch self {
            case .known(let hint): self = .known(hint.stamped(newValue))
            case .opaque(let kind, _, let content): self = .opaque(kind, newValue, content: content)
            }
        }
    }

    func encode(layout: HintsLayout) -> ByteString {
        switch self {
        case .known(let hint): return hint.encode(layout: layout)
        case .opaque(_, let header, let content):
            return RecordWriter(header, layout: layout).octets + content
        }
    }

    /// Changes a field; gives what is to be said before the record is shown again.
    mutating func apply(_ change: FieldChange, _ digest: (ByteString) -> ByteString?) -> ByteString {
        switch self {
        case .known(.retry(var record)):
            defer { self = .known(.retry(record)) }
            return record.apply(change)
        case .known(.calloutAddress(var record)):
            guard change.number == 0 else { return FieldChange.unknownField }
            defer { self = .known(.calloutAddress(record)) }
            return Self.set(&record.result, change)
        case .known(.calloutDomain(var record)):
            defer { self = .known(.calloutDomain(record)) }
            return record.apply(change)
        case .known(.rateLimit(var record)):
            defer { self = .known(.rateLimit(record)) }
            return record.apply(change, digest)
        case .known(.wait): return "Can't change contents of wait database record\n"
        case .opaque(.misc, _, _): return "Can't change contents of misc database record\n"
        case .opaque(.tls, _, _): return "Can't change contents of tls database record\n"
        case .known, .opaque: return ""
        }
    }

    fileprivate static func set(_ result: inout CalloutResult, _ change: FieldChange) -> ByteString {
        guard let value = CalloutResult(rawValue: change.integer) else {
            return "a result is 0 (unknown), 1 (accept), 2 (reject) or 3 (null sender rejected)\n"
        }
        result = value
        return ""
    }
}

extension RetryRecord {
    fileprivate mutating func apply(_ change: FieldChange) -> ByteString {
        switch change.number {
        case 0: basicErrno = change.integer
        case 1: moreErrno = change.integer
        case 2: return set(\.firstFailed, change)
        case 3: return set(\.lastTry, change)
        case 4: return set(\.nextTry, change)
        case 5:
            switch change.value {
            case "yes": expired = true
            case "no": expired = false
            // Exim prints an "n" here where it means a newline.
            default: return "\"yes\" or \"no\" expected=n"
            }
        default: return FieldChange.unknownField
        }
        return ""
    }

    private mutating func set(_ field: WritableKeyPath<RetryRecord, Int64>, _ change: FieldChange)
        -> ByteString
    {
        guard let time = change.time else { return FieldChange.badTime }
        self[keyPath: field] = time
        return ""
    }
}

extension CalloutDomainRecord {
    fileprivate mutating func apply(_ change: FieldChange) -> ByteString {
        switch change.number {
        case 0: return FixedHint.set(&result, change)
        case 1:
            postmasterStamp = change.now
            return FixedHint.set(&postmaster, change)
        case 2:
            randomStamp = change.now
            return FixedHint.set(&random, change)
        default: return FieldChange.unknownField
        }
    }
}

extension RateLimitRecord {
    fileprivate mutating func apply(_ change: FieldChange, _ digest: (ByteString) -> ByteString?)
        -> ByteString
    {
        switch change.number {
        // The rewriting that follows sets the time anyway.
        case 0: return change.time == nil ? FieldChange.badTime : ""
        case 1: microseconds = min(max(change.integer, 0), 999_999)
        case 2: rate = Self.number(change.value)
        case 3 where filter != nil:
            guard let time = change.time else { return FieldChange.badTime }
            filter?.epoch = time
        case 4 where filter != nil: return look(change.value, digest, adding: false)
        case 5 where filter != nil: return look(change.value, digest, adding: true)
        default: return FieldChange.unknownField
        }
        return ""
    }

    private mutating func look(
        _ value: ByteString, _ digest: (ByteString) -> ByteString?, adding: Bool
    ) -> ByteString {
        guard let digest = digest(value) else { return "no MD5 here, so the filter cannot be asked\n" }
        let wasSeen = filter?.contains(digest) == true
        if adding { filter?.insert(digest) }
        return wasSeen ? "seen \(value)\n" : adding ? "added \(value)\n" : "unseen \(value)\n"
    }

    /// The number that a text begins with, as C's atof; 0 without one, and for what no rate can be.
    private static func number(_ text: ByteString) -> Double {
        let characters = text.prefix { $0.isASCIIDigit || ByteString(".eE+-").contains($0) }
        for count in (0...characters.count).reversed() {
            if let value = Double(ByteString(characters.prefix(count)).string), value.isFinite {
                return max(value, 0)
            }
        }
        return 0
    }
}

extension RateLimitRecord.Filter {
    /// Whether a thing, given by its MD5, was counted; sometimes true though it was not.
    package func contains(_ digest: ByteString) -> Bool {
        bits(digest).allSatisfy { octets[$0.place] & $0.mask != 0 }
    }

    /// Notes a thing, given by its MD5, as counted.
    package mutating func insert(_ digest: ByteString) {
        for bit in bits(digest) { octets[bit.place] |= bit.mask }
    }

    /// The eight bits of a thing: h1 + n × h2, from the first two words of the digest (facts of Exim's ratelimit).
    private func bits(_ digest: ByteString) -> [(place: Int, mask: UInt8)] {
        let words = RecordFields(digest)
        guard let first = words.unsigned32(at: 0), let second = words.unsigned32(at: 4) else { return [] }
        return (0..<8).map { round in
            let hash = first &+ UInt32(round) &* second
            return (Int(hash / 8) % octets.count, 1 << UInt8(hash % 8))
        }
    }
}

extension DecodedHint {
    /// The record with another header.
    func stamped(_ header: HintsHeader) -> DecodedHint {
        func stamped<Record: HintsRecord>(_ record: Record) -> Record {
            var record = record
            record.header = header
            return record
        }
        return switch self {
        case .retry(let record): .retry(stamped(record))
        case .wait(let record): .wait(stamped(record))
        case .calloutAddress(let record): .calloutAddress(stamped(record))
        case .calloutDomain(let record): .calloutDomain(stamped(record))
        case .serialize(let record): .serialize(stamped(record))
        case .ehlo(let record): .ehlo(stamped(record))
        case .rateLimit(let record): .rateLimit(stamped(record))
        case .seen(let record): .seen(stamped(record))
        case .tls(let record): .tls(stamped(record))
        }
    }
}

/// The fields of a record as exim_fixdb shows them, the record's time first.
struct FieldList {
    let zone: HintsTime.Zone

    func text(_ hint: FixedHint) -> ByteString {
        "\(time(hint.header.written))\n\(fields(hint))"
    }

    private func time(_ stamp: Int64) -> ByteString { HintsTime.text(stamp, zone) }

    private func fields(_ hint: FixedHint) -> ByteString {
        switch hint {
        case .known(.retry(let record)):
            """
            0 error number: \(record.basicErrno) \(record.text)
            1 extra data:   \(record.moreErrno)
            2 first failed: \(time(record.firstFailed))
            3 last try:     \(time(record.lastTry))
            4 next try:     \(time(record.nextTry))
            5 expired:      \(record.expired ? "yes" : "no")

            """
        case .known(.wait(let record)):
            "Sequence: \(record.sequence)\n\(record.ids.reduce(into: ByteString()) { $0 += "\($1) " as ByteString })\n"
        case .known(.calloutAddress(let record)): "0 callout:    \(Self.result(record.result))\n"
        case .known(.calloutDomain(let record)):
            """
            0 callout:    \(Self.result(record.result))
            1 postmaster: \(Self.result(record.postmaster))
            2 random:     \(Self.result(record.random))

            """
        case .known(.rateLimit(let record)): rateLimit(record)
        case .known, .opaque: ""
        }
    }

    private static func result(_ result: CalloutResult) -> ByteString {
        "\(HintsDump.word(result)) (\(result.rawValue))"
    }

    private func rateLimit(_ record: RateLimitRecord) -> ByteString {
        var lines: ByteString = """
            0 time stamp:  \(time(record.header.written))
            1 fract. time: .\(record.microseconds, zeroPadded: 6)
            2 sender rate:  \(HintsTime.decimal(record.rate))

            """
        if let filter = record.filter {
            lines += """
                3 filter epoch: \(time(filter.epoch))
                4 test filter membership
                5 add element to filter

                """ as ByteString
        }
        return lines
    }
}
