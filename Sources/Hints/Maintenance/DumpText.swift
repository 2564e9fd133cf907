package import Bytes

/// A record to be imported.
package struct ImportedHint: Sendable, Equatable {
    /// The key, without NUL.
    package let key: ByteString
    /// The record, with the time stamp that it is to have.
    package let hint: DecodedHint

    /// Makes one.
    package init(key: ByteString, hint: DecodedHint) {
        self.key = key
        self.hint = hint
    }
}

/// What could not be imported, and why.
package struct ImportFault: Sendable, Equatable {
    /// The line's number, or the record's key.
    package let place: ByteString
    /// The reason in words.
    package let reason: ByteString

    /// Makes one.
    package init(_ place: ByteString, _ reason: ByteString) {
        self.place = place
        self.reason = reason
    }
}

/// Reads what exim_dumpdb of any Exim, on any kind of database, prints.
///
/// The text lacks some things: the time a retry or wait record was written (the last try, and the present, are
/// taken), the filter of a rate with `unique=` (an empty one is taken, so what was counted may be counted once more),
/// and with Exim 4.99.1 and earlier all of `misc` but its keys. TLS sessions cannot be read from it at all.
package struct DumpText: Sendable {
    private let kind: HintsKind
    private let zone: HintsTime.Zone
    private let now: Int64
    private var lines: ArraySlice<ArraySlice<UInt8>> = []
    private var number = 0
    /// What was read.
    package private(set) var hints: [ImportedHint] = []
    /// What was not.
    package private(set) var faults: [ImportFault] = []

    /// The most octets of a filter; larger sizes are taken for damage.
    private static let mostFilterOctets: Int64 = 8 << 20

    /// Reads a text; the zone is that of the exim_dumpdb that printed it (`.utc` for its -z).
    package init(_ kind: HintsKind, _ text: ByteString, zone: HintsTime.Zone, now: Int64) {
        self.kind = kind
        self.zone = zone
        self.now = now
        lines = text.split(separator: .newline, omittingEmptySubsequences: false)[...]
        while let line = next() { read(ByteString(line)) }
        if kind == .wait { countContinuations() }
    }

    private mutating func next() -> ArraySlice<UInt8>? {
        number += 1
        return lines.popFirst()
    }

    private mutating func fault(_ reason: ByteString) { faults.append(ImportFault("line \(number)", reason)) }

    private mutating func add(_ key: some Sequence<UInt8>, _ hint: DecodedHint) {
        let key = ByteString(key)
        guard !key.isEmpty, key.count < HintsLimits.keyLength else {
            return fault("no key, or one that is too long")
        }
        hints.append(ImportedHint(key: key, hint: hint))
    }

    private mutating func read(_ line: ByteString) {
        // A key may hold a newline (ETRN's argument did), and exim_dumpdb complains in between.
        if line.isEmpty { return }
        if line.starts(with: ByteString("****")) { return fault("a complaint of exim_dumpdb") }
        switch kind {
        case .retry: retry(line)
        case .wait: wait(line)
        case .callout: callout(line)
        case .ratelimit: rateLimit(line)
        case .seen: seen(line)
        case .misc: misc(line)
        case .tls: fault("a TLS session cannot be read from text")
        }
    }

    // MARK: retry

    private mutating func retry(_ line: ByteString) {
        guard line.starts(with: ByteString("  ")), let first = RetryLine(line.dropFirst(2)) else {
            return fault("no line of a retry record: two blanks, key, two numbers and text are expected")
        }
        guard let second = next().map({ ByteString($0) }), second.count >= 3 * HintsTime.textLength + 4,
            let failed = time(second, at: 0), let last = time(second, at: 22), let due = time(second, at: 44)
        else { return fault("no line with the three times of a retry record") }
        var record = RetryRecord(firstFailed: failed, lastTry: last, nextTry: due)
        record.restore(RetryError(basicErrno: first.basic, moreErrno: first.more, text: first.text))
        record.expired = second.last == UInt8(ascii: "*")
        record.header.written = last
        add(first.key, .retry(record))
    }

    private func time(_ line: ByteString, at place: Int) -> Int64? {
        guard line.count >= place + HintsTime.textLength else { return nil }
        return HintsTime.parse(line[place..<(place + HintsTime.textLength)], zone)
    }

    // MARK: wait

    private mutating func wait(_ line: ByteString) {
        let words = line.split(separator: .blank).map { ByteString($0) }
        guard let host = words.first, words.count > 1 || line.last == .blank else {
            return fault("no wait record: a host and message ids are expected")
        }
        let ids = Array(words.dropFirst())
        guard ids.count <= HintsLimits.waitIDs, ids.allSatisfy(MessageKey.isID),
            Set(ids.map(\.count)).count <= 1
        else { return fault("not all are message ids of one length, or there are more than 50") }
        var record = WaitRecord(ids: ids)
        record.header.written = now
        add(host, .wait(record))
    }

    /// A main record's sequence is the number of its continuations, which the text does not tell.
    private mutating func countContinuations() {
        let groups = WaitGroups(hints.map(\.key))
        for index in hints.indices {
            guard case .wait(var record) = hints[index].hint else { continue }
            let key = hints[index].key
            record.sequence = groups.numbers[key].map { $0 } ?? groups.counts[key] ?? 0
            hints[index] = ImportedHint(key: key, hint: .wait(record))
        }
    }

    // MARK: callout

    private mutating func callout(_ line: ByteString) {
        guard let written = time(line, at: 0), line.count > 21, line[20] == .blank,
            let range = ByteString(line[21...]).lastRange(of: " callout=")
        else { return fault("no callout record: time, key and callout= are expected") }
        let rest = ByteString(line[21...])
        var words = ByteString(rest[range.upperBound...])[...]
        guard let result = Self.result(&words) else { return fault("unknown result of a callout") }
        let key = rest[..<range.lowerBound]
        if words.isEmpty {
            var record = CalloutAddressRecord(result: result)
            record.header.written = written
            return add(key, .calloutAddress(record))
        }
        var record = CalloutDomainRecord(result: result)
        record.header.written = written
        guard let postmaster = tested(" postmaster=", &words), let random = tested(" random=", &words) else {
            return fault("no domain record: postmaster= and random= are expected")
        }
        (record.postmaster, record.postmasterStamp) = postmaster
        (record.random, record.randomStamp) = random
        add(key, .calloutDomain(record))
    }

    private func tested(
        _ name: ByteString, _ rest: inout ArraySlice<UInt8>
    ) -> (CalloutResult, Int64)? {
        guard rest.starts(with: name) else { return nil }
        rest = rest.dropFirst(name.count)
        guard let result = Self.result(&rest) else { return nil }
        guard rest.starts(with: ByteString(" (")) else { return (result, 0) }
        let text = rest.dropFirst(2).prefix(HintsTime.textLength)
        guard let stamp = HintsTime.parse(text, zone) else { return nil }
        rest = rest.dropFirst(text.count + 3)
        return (result, stamp)
    }

    private static func result(_ rest: inout ArraySlice<UInt8>) -> CalloutResult? {
        for result in [CalloutResult.accept, .reject, .unknown]
        where rest.starts(with: HintsDump.word(result)) {
            rest = rest.dropFirst(HintsDump.word(result).count)
            return result
        }
        return nil
    }

    // MARK: ratelimit, seen, misc

    private mutating func rateLimit(_ line: ByteString) {
        guard let written = time(line, at: 0), line.count > 34, line[20] == UInt8(ascii: "."),
            let fraction = line[21..<27].decimalInteger(), fraction >= 0,
            let start = line.firstRange(of: ByteString(" rate: "), from: 27),
            let mark = line.firstRange(of: ByteString("key: "), from: start.upperBound)
        else { return fault("no rate: time, rate: and key: are expected") }
        let words = line[start.upperBound..<mark.lowerBound].split(separator: .blank)
        guard let number = words.first, let rate = Double(ByteString(number).string), rate.isFinite, rate >= 0
        else { return fault("no number after rate:") }
        var record = RateLimitRecord(microseconds: Int32(clamping: fraction), rate: rate)
        record.header.written = written
        if words.count == 6 {
            let epoch = HintsTime.parse(ByteString("\(words[2]) \(words[3])"), zone)
            guard let epoch, let size = words[5].decimalInteger(), (1...Self.mostFilterOctets).contains(size)
            else { return fault("no epoch: and size: of a filter") }
            record.filter = RateLimitRecord.Filter(epoch: epoch, size: Int(size))
        }
        add(line[mark.upperBound...], .rateLimit(record))
    }

    private mutating func seen(_ line: ByteString) {
        guard let halves = line.cutAtLast(0x09), let written = HintsTime.parse(halves.after, zone) else {
            return fault("no record of seen: key, tab and time are expected")
        }
        var record = SeenRecord()
        record.header.written = written
        add(halves.before, .seen(record))
    }

    private mutating func misc(_ line: ByteString) {
        guard let written = time(line, at: 0), line.count > 21, line[20] == .blank else {
            return fault("no record of misc: time and key are expected")
        }
        let key = ByteString(line[21...])
        guard let detail = lines.first.map({ ByteString($0) }), let hint = Self.detail(detail, written) else {
            return fault("\(key): the text does not tell the record's content (Exim 4.99.1 and earlier)")
        }
        _ = next()
        add(key, hint)
    }

    private static func detail(_ line: ByteString, _ written: Int64) -> DecodedHint? {
        let words = line.split(separator: .blank).map { ByteString($0) }
        if words.count == 4, words[0] == "serialize", let count = words[2].decimalInteger() {
            guard let count = Int32(exactly: count), count >= 0 else { return nil }
            var record = SerializeRecord(count: count)
            record.header.written = written
            return .serialize(record)
        }
        guard words.count == 8, words[0] == "helo/ehlo", let clear = hexPair(words[3]),
            let crypted = hexPair(words[5])
        else { return nil }
        let limits = words[7].split(separator: UInt8(ascii: "/")).compactMap { $0.decimalInteger() }
            .compactMap { UInt32(exactly: $0) }
        guard limits.count == 3 else { return nil }
        var record = EHLORecord(
            clear: clear, crypted: crypted,
            limits: EHLORecord.Limits(mail: limits[0], rcpt: limits[1], rcptDomain: limits[2]))
        record.header.written = written
        return .ehlo(record)
    }

    private static func hexPair(_ text: ByteString) -> (features: UInt16, authenticators: UInt16)? {
        guard let halves = text.cut(at: UInt8(ascii: "/")),
            let features = UInt16(ByteString(halves.before).string, radix: 16),
            let authenticators = UInt16(ByteString(halves.after).string, radix: 16)
        else { return nil }
        return (features, authenticators)
    }
}

/// The first line of a retry record: key, two numbers, text.
///
/// Keys of pipes and files may hold blanks.
struct RetryLine {
    let key: ByteString
    let basic: Int32
    let more: Int32
    let text: ByteString

    init?(_ line: ArraySlice<UInt8>) {
        let words = line.split(separator: .blank, omittingEmptySubsequences: false)
        // The key of a pipe, file or reply ends with a colon and the address that produced it.
        let isGenerated = ["T:|", "T:/", "T:>"].contains { line.starts(with: ByteString($0)) }
        for place in words.indices.dropFirst().dropLast() {
            guard let basic = Self.number(words[place]), let more = Self.number(words[place + 1]) else {
                continue
            }
            let last = words[place - 1]
            if isGenerated, !last.contains(UInt8(ascii: "@")) || !last.contains(UInt8(ascii: ":")) {
                continue
            }
            key = ByteString(line[line.startIndex..<last.endIndex])
            self.basic = basic
            self.more = more
            text = ByteString(line[min(words[place + 1].endIndex + 1, line.endIndex)...])
            return
        }
        return nil
    }

    private static func number(_ word: ArraySlice<UInt8>) -> Int32? {
        guard word.first != UInt8(ascii: "+") else { return nil }
        return word.decimalInteger().flatMap { Int32(exactly: $0) }
    }
}

/// Which keys of a wait database are continuations of which.
struct WaitGroups {
    /// The number of each continuation.
    private(set) var numbers: [ByteString: Int32] = [:]
    /// The host of each continuation.
    private(set) var hosts: [ByteString: ByteString] = [:]
    /// For each host, one more than its highest continuation's number.
    private(set) var counts: [ByteString: Int32] = [:]

    init(_ keys: [ByteString]) {
        let all = Set(keys)
        for key in keys {
            guard let halves = key.cutAtLast(UInt8(ascii: ":")), halves.after.allSatisfy(\.isASCIIDigit),
                let number = halves.after.decimalInteger().flatMap({ Int32(exactly: $0) }),
                (0..<HintsLimits.waitContinuations).contains(number)
            else { continue }
            let host = ByteString(halves.before)
            guard all.contains(host) else { continue }
            numbers[key] = number
            hosts[key] = host
            counts[host] = max(counts[host] ?? 0, number + 1)
        }
    }
}

extension ByteString {
    /// The last place where `needle` stands.
    fileprivate func lastRange(of needle: ByteString) -> Range<Int>? {
        var found: Range<Int>?
        var start = 0
        while let range = firstRange(of: needle, from: start) {
            found = range
            start = range.lowerBound + 1
        }
        return found
    }
}
