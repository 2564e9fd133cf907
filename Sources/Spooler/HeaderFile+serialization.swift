public import Bytes

extension HeaderFile {
    /// The octets of the file; the same as those that were read, where nothing was touched.
    public func serialized() -> ByteString {
        var octets: [UInt8] = []
        octets.reserveCapacity(2048 + headerSize + recipients.count * 40)
        Self.add(id.bytes + "-H".utf8, to: &octets)
        Self.add(ownerSpelling ?? ownerLine, to: &octets)
        Self.add("<\(sender)>", to: &octets)
        Self.add(timeSpelling ?? timeLine, to: &octets)
        for variable in variables { Self.add(variable.octets, to: &octets) }
        nonRecipients.write(to: &octets)
        Self.add(countSpelling ?? countLine, to: &octets)
        for recipient in recipients { Self.add(recipient.line, to: &octets) }
        octets.append(.newline)
        for header in headers {
            octets.append(contentsOf: header.prefix.bytes)
            octets.append(contentsOf: header.text.bytes)
        }
        return ByteString(octets)
    }

    private static func add(_ line: ByteString, to octets: inout [UInt8]) {
        octets.append(contentsOf: line.bytes)
        octets.append(.newline)
    }

    /// The second line as Exim writes it.
    var ownerLine: ByteString { "\(login.bytes.prefix(Self.maximumLoginLength)) \(uid) \(gid)" }

    /// The fourth line as Exim writes it.
    var timeLine: ByteString { "\(receivedTime) \(warningCount)" }

    /// The line that announces the recipients.
    var countLine: ByteString { "\(recipients.count)" }

    /// Prepares for being written: forms that a later Exim would misread become today's.
    mutating func modernize() {
        for index in recipients.indices where recipients[index].legacySpelling != nil {
            recipients[index].modernize()
        }
    }
}

// MARK: - What may be written

extension HeaderFile {
    /// Refuses what an Exim of either generation would misread, before it is written.
    ///
    /// - Throws: an error with line 0 (there is no file yet) that tells what is wrong.
    public func check() throws(SpoolFormatError) {
        do throws(SpoolFormatError.Reason) {
            try checkEnvelope()
            try checkRecipients()
            for header in headers { try Self.check(header) }
        } catch {
            throw SpoolFormatError(id: id, part: .envelope, line: 0, offset: 0, reason: error)
        }
    }

    private func checkEnvelope() throws(SpoolFormatError.Reason) {
        try Self.check(login, "the login name", limit: Self.maximumLineLength)
        try Self.check(sender, "the sender", limit: Self.maximumLineLength - 3)
        for variable in variables { try Self.check(variable) }
        if let name = nonRecipients.unwritableName { throw .unwritable("the non-recipient \(name)") }
    }

    private static func check(_ variable: VariableLine) throws(SpoolFormatError.Reason) {
        if variable.octets.count >= maximumLongLineLength && variable.aclVariable == nil {
            throw .lineTooLong(limit: maximumLongLineLength)
        }
        guard variable.octets.contains(UInt8(ascii: "(")), case .quoted(let lookup) = variable.taint else {
            return
        }
        if !quoters.contains(lookup) { throw .unknownQuoter(lookup) }
    }

    private func checkRecipients() throws(SpoolFormatError.Reason) {
        guard !recipients.isEmpty else { throw .noRecipients }
        guard recipients.count <= Self.maximumRecipients else {
            throw .tooManyRecipients(Int64(recipients.count))
        }
        for recipient in recipients {
            try Self.check(
                recipient.line, "the recipient \(recipient.address)", limit: Self.maximumLongLineLength - 1)
            guard !recipient.address.isEmpty else { throw .badRecipient }
            if let parent = recipient.parent, !recipients.indices.contains(parent) {
                throw .parentOutOfRange(Int64(parent))
            }
        }
    }

    private static func check(
        _ value: ByteString, _ what: @autoclosure () -> ByteString, limit: Int
    ) throws(SpoolFormatError.Reason) {
        guard value.count <= limit else { throw .lineTooLong(limit: limit) }
        if value.contains(where: { $0 == .newline || $0 == 0 }) { throw .unwritable(what()) }
    }

    private static func check(_ header: HeaderLine) throws(SpoolFormatError.Reason) {
        guard let first = header.text.first, !first.isASCIISpace, header.text.last == .newline else {
            throw .badHeaderText
        }
        guard !header.text.contains(0) else { throw .badHeaderText }
        guard header.type != 0, header.type != .newline, !header.type.isASCIIDigit else {
            throw .badHeaderPrefix
        }
    }
}
