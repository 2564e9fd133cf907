package import Bytes

/// A hints database as text, line by line as exim_dumpdb prints it.
package struct HintsDump: Sendable {
    /// What a record gives.
    package struct Piece: Sendable, Equatable {
        /// The lines, each with its newline; empty when the record shows nothing.
        package var text = ByteString()
        /// What is wrong with the record, with a newline; for standard error.
        package var complaint = ByteString()
        /// Whether exim_dumpdb ends with status 1 because of it.
        package var isFailure = false
    }

    /// Keys longer than this make exim_dumpdb end with status 1.
    package static let longestKey = 1023

    private let kind: HintsKind
    private let layout: HintsLayout
    private let zone: HintsTime.Zone
    /// Whether what the exim_dumpdb of the layout's Exims leaves out or gets wrong is printed so.
    ///
    /// Those up to 4.99.1 print of `misc` time and key only, and as a filter's epoch the time of the record.
    private let isReleased: Bool
    /// Whether keys are shown, and nothing else (-k).
    package var keysOnly = false

    /// Makes a printer.
    ///
    /// - Parameter asExim: whether the output is to equal that of the Exim whose layout it is; else it is complete.
    package init(
        _ kind: HintsKind, layout: HintsLayout, zone: HintsTime.Zone = .local, asExim: Bool = true
    ) {
        self.kind = kind
        self.layout = layout
        self.zone = zone
        isReleased = asExim && layout == .released
    }

    /// The lines of one record.
    package func piece(_ row: HintsRow) -> Piece {
        guard row.key.count <= Self.longestKey else {
            return failure("**** Key of \(row.key.count) octets is too long\n")
        }
        if keysOnly { return Piece(text: "  \(row.key)\n") }
        let isReadable =
            row.isFindable && (layout == .released || HintsLayout(guessedFrom: row.octets) == layout)
        guard isReadable else {
            return Piece(
                complaint: """
                    **** Entry "\(row.key)" was in the key scan, but the record was not found in the file - \
                    something is wrong!

                    """)
        }
        do throws(HintsRecordError) {
            return try lines(row)
        } catch {
            return damaged(row, error)
        }
    }

    private func failure(_ complaint: ByteString) -> Piece { Piece(complaint: complaint, isFailure: true) }

    private func damaged(_ row: HintsRow, _ error: HintsRecordError) -> Piece {
        if kind == .callout, case .length = error { return Piece() }
        guard kind == .wait else {
            return Piece(complaint: "**** Data for \(row.key) corrupted: \(error.description)\n")
        }
        switch error {
        case .messageID:
            return failure(
                """
                **** Data for \(row.key) corrupted: bad character in message id
                \(Hex.encode(row.octets.dropFirst(layout.headerLength + 8)))

                """)
        default:
            let count = RecordFields(row.octets).signed32(at: layout.headerLength) ?? 0
            let hex = ByteString(String(UInt32(bitPattern: count), radix: 16))
            return failure(
                """
                **** Data for \(row.key) corrupted
                  count=\(count)=0x\(hex) max=\(HintsLimits.waitIDs)

                """)
        }
    }

    private func lines(_ row: HintsRow) throws(HintsRecordError) -> Piece {
        if kind == .misc, isReleased {
            let header = try RecordReader(row.octets, layout: layout, needed: 0).header
            return Piece(text: "\(time(header.written)) \(row.key)\n")
        }
        guard kind != .misc || Self.isKnown(misc: row.key) else {
            let header = try RecordReader(row.octets, layout: layout, needed: 0).header
            let data = row.octets.dropFirst(layout.headerLength)
            return Piece(text: "\(time(header.written)) \(row.key)\n\(Self.quoted(data))\n\n")
        }
        return Piece(text: text(try DecodedHint(kind, key: row.key, row.octets, layout: layout), row.key))
    }

    /// The lines of a record that was read.
    private func text(_ hint: DecodedHint, _ key: ByteString) -> ByteString {
        switch hint {
        case .retry(let record): retry(record, key)
        case .wait(let record):
            "\(key) \(record.ids.reduce(into: ByteString()) { $0 += "\($1) " as ByteString })\n"
        case .calloutAddress(let record):
            "\(time(hint.written)) \(key) callout=\(Self.word(record.result))\n"
        case .calloutDomain(let record):
            """
            \(time(hint.written)) \(key) callout=\(Self.word(record.result)) \
            postmaster=\(word(record.postmaster, record.postmasterStamp)) \
            random=\(word(record.random, record.randomStamp))

            """
        case .serialize(let record):
            "\(time(hint.written)) \(key)\nserialize \(Self.serialized(key)): \(record.count) running\n"
        case .ehlo(let record): "\(time(hint.written)) \(key)\n\(Self.ehlo(record, key))\n"
        case .rateLimit(let record): rateLimit(record, key)
        case .seen: "\(key)\t\(time(hint.written))\n"
        case .tls(let record): "  \(key) \(record.session.prefix { $0 != 0 })\n"
        }
    }

    private func time(_ stamp: Int64) -> ByteString { HintsTime.text(stamp, zone) }

    private func retry(_ record: RetryRecord, _ key: ByteString) -> ByteString {
        var text: ByteString = "  \(key) \(record.basicErrno) \(record.moreErrno) \(record.text)\n"
        for (time, end) in [(record.firstFailed, "  "), (record.lastTry, "  "), (record.nextTry, " ")] {
            HintsTime.append(time, zone, to: &text)
            text.append(contentsOf: end.utf8)
        }
        if record.expired { text.append(UInt8(ascii: "*")) }
        text.append(.newline)
        return text
    }

    private func rateLimit(_ record: RateLimitRecord, _ key: ByteString) -> ByteString {
        var line: ByteString = """
            \(time(record.header.written)).\(record.microseconds, zeroPadded: 6) \
            rate: \(HintsTime.decimal(record.rate, width: 10))
            """
        if let filter = record.filter, key.contains(ByteString("/unique/")) {
            let epoch = isReleased ? record.header.written : filter.epoch
            line += " epoch: \(time(epoch)) size: \(filter.octets.count)" as ByteString
        }
        return "\(line) key: \(key)\n"
    }

    private func word(_ result: CalloutResult, _ stamp: Int64) -> ByteString {
        result == .unknown ? Self.word(result) : "\(Self.word(result)) (\(time(stamp)))"
    }

    /// Exim's word for a result; 3 is unknown to its tools.
    static func word(_ result: CalloutResult) -> ByteString {
        switch result {
        case .accept: "accept"
        case .reject: "reject"
        case .unknown, .nullSenderRejected: "unknown"
        }
    }

    private static let serializedKeys: [(prefix: ByteString, name: ByteString)] = [
        ("etrn-", "etrn"), ("tpt-serialize-", "tpt"), ("host-serialize-", "host"),
    ]

    private static func serialized(_ key: ByteString) -> ByteString {
        serializedKeys.first { key.starts(with: $0.prefix) }?.name ?? ""
    }

    private static func isKnown(misc key: ByteString) -> Bool {
        !serialized(key).isEmpty || key.ends(with: ByteString(".EHLO"))
    }

    private static func ehlo(_ record: EHLORecord, _ key: ByteString) -> ByteString {
        func hex(_ bits: UInt16) -> ByteString {
            let digits = ByteString(String(bits, radix: 16, uppercase: true))
            return ByteString(repeatElement(UInt8(ascii: "0"), count: 4 - digits.count)) + digits
        }
        let limits = record.limits ?? EHLORecord.Limits()
        return """
            helo/ehlo \(key.dropLast(5)) clr \(hex(record.clearFeatures))/\(hex(record.clearAuthenticators)) \
            cry \(hex(record.cryptedFeatures))/\(hex(record.cryptedAuthenticators)) \
            lim \(limits.mail, zeroPadded: 5)/\(limits.rcpt, zeroPadded: 5)/\(limits.rcptDomain, zeroPadded: 5)
            """
    }

    private static func quoted(_ octets: ArraySlice<UInt8>) -> ByteString {
        var text: ByteString = "\""
        for octet in octets {
            if octet.isASCIIPrinting, octet != UInt8(ascii: "\""), octet != UInt8(ascii: "\\") {
                text.append(octet)
            } else {
                let octal = String(octet, radix: 8)
                text += ByteString("\\" + String(repeating: "0", count: 3 - octal.count) + octal)
            }
        }
        text.append(UInt8(ascii: "\""))
        return text
    }
}
