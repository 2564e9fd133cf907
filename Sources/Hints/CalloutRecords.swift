package import Bytes

/// What a callout learned (database `callout`).
package enum CalloutResult: Int32, Sendable, CaseIterable {
    /// Not tested, or no longer known.
    case unknown = 0
    /// Accepted.
    case accept = 1
    /// Refused.
    case reject = 2
    /// The empty sender was refused; in domain records only.
    case nullSenderRejected = 3
}

/// The result of a callout for one address, also of a quota check (key: address, or address and sender).
package struct CalloutAddressRecord: HintsRecord {
    package var header: HintsHeader
    /// What the host said to the recipient.
    package var result: CalloutResult
    private var tail = ByteString([0, 0, 0, 0])

    /// Makes a record.
    package init(result: CalloutResult) {
        header = HintsHeader()
        self.result = result
    }

    package init(decoding octets: ByteString, layout: HintsLayout) throws(HintsRecordError) {
        var reader = try RecordReader(octets, layout: layout, needed: 8)
        header = reader.header
        result = try reader.calloutResult("result")
        guard reader.remaining == 4 else { throw .length(octets.count) }
        tail = reader.rest
    }

    package func encode(layout: HintsLayout) -> ByteString {
        var writer = RecordWriter(header, layout: layout)
        writer.append(result.rawValue)
        writer.append(octets: tail)
        return writer.octets
    }
}

/// What callouts learned about a domain (key: the domain).
package struct CalloutDomainRecord: HintsRecord {
    package var header: HintsHeader
    /// What hosts of the domain said up to MAIL.
    package var result: CalloutResult
    /// What they said to the postmaster's address.
    package var postmaster: CalloutResult
    /// What they said to a random address.
    package var random: CalloutResult
    /// When the postmaster's address was tested; meaningful only where its result is known.
    package var postmasterStamp: Int64
    /// When a random address was tested; meaningful only where its result is known.
    package var randomStamp: Int64
    private var padding = ByteString([0, 0, 0, 0])
    private var isObsoleteLength = false

    /// Makes a record that knows only the domain's result.
    package init(result: CalloutResult) {
        header = HintsHeader()
        self.result = result
        postmaster = .unknown
        random = .unknown
        postmasterStamp = 0
        randomStamp = 0
    }

    package init(decoding octets: ByteString, layout: HintsLayout) throws(HintsRecordError) {
        var reader = try RecordReader(octets, layout: layout, needed: 16)
        header = reader.header
        result = try reader.calloutResult("result")
        postmaster = try reader.calloutResult("postmaster")
        random = try reader.calloutResult("random")
        padding = try reader.octets(4)
        switch reader.remaining {
        case 0:
            isObsoleteLength = true
            postmasterStamp = header.written
            randomStamp = header.written
        case 16:
            postmasterStamp = try reader.signed64()
            randomStamp = try reader.signed64()
        default: throw .length(octets.count)
        }
        try check(postmasterStamp, of: postmaster, "postmaster stamp")
        try check(randomStamp, of: random, "random stamp")
    }

    /// A stamp is defined only beside a result; Exim leaves whatever was in memory beside none.
    private func check(_ stamp: Int64, of result: CalloutResult, _ field: String) throws(HintsRecordError) {
        if result != .unknown, !HintsLimits.times.contains(stamp) { throw .outOfRange(field: field) }
    }

    package func encode(layout: HintsLayout) -> ByteString {
        var writer = RecordWriter(header, layout: layout)
        for value in [result, postmaster, random] { writer.append(value.rawValue) }
        writer.append(octets: padding)
        if isObsoleteLength { return writer.octets }
        writer.append(postmasterStamp)
        writer.append(randomStamp)
        return writer.octets
    }
}

extension RecordReader {
    fileprivate mutating func calloutResult(_ field: String) throws(HintsRecordError) -> CalloutResult {
        guard let result = CalloutResult(rawValue: try signed32()) else { throw .outOfRange(field: field) }
        return result
    }
}
