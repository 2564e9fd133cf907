package import Bytes

/// That something was seen, and when (database `seen`).
package struct SeenRecord: HintsRecord {
    package var header: HintsHeader

    /// Makes a record; a write sets its time.
    package init() { header = HintsHeader() }

    package init(decoding octets: ByteString, layout: HintsLayout) throws(HintsRecordError) {
        let reader = try RecordReader(octets, layout: layout, needed: 0)
        guard reader.remaining == 0 else { throw .length(octets.count) }
        header = reader.header
    }

    package func encode(layout: HintsLayout) -> ByteString { RecordWriter(header, layout: layout).octets }
}

/// How many run at present: connections to a host, transports, ETRN runs (database `misc`).
package struct SerializeRecord: HintsRecord {
    /// The age in seconds from which a record counts as left over by a crash.
    package static let staleAfter: Int64 = 21_600

    package var header: HintsHeader
    /// How many, 0 or more.
    package var count: Int32
    private var tail = ByteString([0, 0, 0, 0])

    /// Makes a record.
    package init(count: Int32) {
        header = HintsHeader()
        self.count = count
    }

    package init(decoding octets: ByteString, layout: HintsLayout) throws(HintsRecordError) {
        var reader = try RecordReader(octets, layout: layout, needed: 8)
        header = reader.header
        count = try reader.signed32()
        guard count >= 0 else { throw .outOfRange(field: "count") }
        guard reader.remaining == 4 else { throw .length(octets.count) }
        tail = reader.rest
    }

    package func encode(layout: HintsLayout) -> ByteString {
        var writer = RecordWriter(header, layout: layout)
        writer.append(count)
        writer.append(octets: tail)
        return writer.octets
    }
}

/// What a host's EHLO response said, for early pipelining (database `misc`, key `<ip>:<port>.EHLO`).
package struct EHLORecord: HintsRecord {
    /// The limits of RFC 9422; zero where the host told none.
    package struct Limits: Sendable, Equatable {
        /// MAILMAX.
        package var mail: UInt32
        /// RCPTMAX.
        package var rcpt: UInt32
        /// RCPTDOMAINMAX.
        package var rcptDomain: UInt32

        /// Makes limits.
        package init(mail: UInt32 = 0, rcpt: UInt32 = 0, rcptDomain: UInt32 = 0) {
            self.mail = mail
            self.rcpt = rcpt
            self.rcptDomain = rcptDomain
        }
    }

    package var header: HintsHeader
    /// Exim's feature bits without TLS.
    package var clearFeatures: UInt16
    /// Exim's feature bits under TLS.
    package var cryptedFeatures: UInt16
    /// The authenticators that may be used without TLS, by their place in this very configuration.
    package var clearAuthenticators: UInt16
    /// The authenticators that may be used under TLS.
    package var cryptedAuthenticators: UInt16
    /// The limits; nil in a record of an Exim that does not know them.
    package var limits: Limits?
    private var padding = ByteString([0, 0, 0, 0])

    /// Makes a record.
    package init(
        clear: (features: UInt16, authenticators: UInt16),
        crypted: (features: UInt16, authenticators: UInt16),
        limits: Limits?
    ) {
        header = HintsHeader()
        clearFeatures = clear.features
        cryptedFeatures = crypted.features
        clearAuthenticators = clear.authenticators
        cryptedAuthenticators = crypted.authenticators
        self.limits = limits
    }

    package init(decoding octets: ByteString, layout: HintsLayout) throws(HintsRecordError) {
        var reader = try RecordReader(octets, layout: layout, needed: 8)
        header = reader.header
        clearFeatures = try reader.unsigned16()
        cryptedFeatures = try reader.unsigned16()
        clearAuthenticators = try reader.unsigned16()
        cryptedAuthenticators = try reader.unsigned16()
        switch reader.remaining {
        case 0: limits = nil
        case 16:
            limits = Limits(
                mail: try reader.unsigned32(), rcpt: try reader.unsigned32(),
                rcptDomain: try reader.unsigned32())
            padding = reader.rest
        default: throw .length(octets.count)
        }
    }

    package func encode(layout: HintsLayout) -> ByteString {
        var writer = RecordWriter(header, layout: layout)
        for bits in [clearFeatures, cryptedFeatures, clearAuthenticators, cryptedAuthenticators] {
            writer.append(bits)
        }
        if let limits {
            for limit in [limits.mail, limits.rcpt, limits.rcptDomain] { writer.append(limit) }
            writer.append(octets: padding)
        }
        return writer.octets
    }
}

/// A TLS session that may be resumed (database `tls`); the data are secret.
package struct TLSSessionRecord: HintsRecord {
    package var header: HintsHeader
    /// Whether the session's certificate failed verification, which was not required.
    package var verifyOverride: Bool
    /// Exim's number for the state of the certificate's OCSP proof: 0 to 4.
    package var ocspStatus: UInt8
    /// The session in the TLS library's own form.
    package var session: ByteString
    private var tail = ByteString(repeatElement(0, count: 7))

    /// Makes a record; session data come from a peer, so it is tainted.
    package init(verifyOverride: Bool, ocspStatus: UInt8, session: ByteString) {
        header = HintsHeader(tainted: true)
        self.verifyOverride = verifyOverride
        self.ocspStatus = min(ocspStatus, 4)
        self.session = session
    }

    package init(decoding octets: ByteString, layout: HintsLayout) throws(HintsRecordError) {
        var reader = try RecordReader(octets, layout: layout, needed: 8)
        header = reader.header
        let flags = try reader.octets(1)[0]
        verifyOverride = flags & 1 != 0
        ocspStatus = flags >> 1
        guard ocspStatus <= 4 else { throw .outOfRange(field: "flags") }
        session = try reader.octets(reader.remaining - 7)
        tail = reader.rest
    }

    package func encode(layout: HintsLayout) -> ByteString {
        var writer = RecordWriter(header, layout: layout)
        writer.append(UInt8(ocspStatus << 1 | (verifyOverride ? 1 : 0)))
        writer.append(octets: session)
        writer.append(octets: tail)
        return writer.octets
    }
}
