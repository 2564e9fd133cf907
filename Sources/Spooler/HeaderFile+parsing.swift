public import Bytes

extension HeaderFile {
    /// Reads a header file.
    ///
    /// - Parameter named: the message that the file's name says; nil to believe the first line.
    /// - Throws: an error that names line and offset, for everything that Exim refuses, and for what Exim
    ///   takes and then loses mail over.
    public init(parsing octets: ByteString, named name: MessageID? = nil) throws(SpoolFormatError) {
        var reader = LineReader(octets.bytes, id: name)
        self = try Self.envelope(from: &reader, named: name)
        try readHeaders(from: &reader)
    }

    /// Reads a header file up to the recipients; what follows is not looked at.
    public init(parsingEnvelopeOf octets: ByteString, named name: MessageID? = nil) throws(SpoolFormatError) {
        var reader = LineReader(octets.bytes, id: name)
        self = try Self.envelope(from: &reader, named: name)
    }

    private static func envelope(
        from reader: inout LineReader, named name: MessageID?
    ) throws(SpoolFormatError) -> HeaderFile {
        if reader.isAtEnd {
            reader.begin()
            throw reader.error(.emptyFile)
        }
        let id = try readID(from: &reader, named: name)
        var file = HeaderFile(id: id, origin: ("", 0, 0), sender: "", receivedTime: 0)
        try file.readOwner(from: &reader)
        try file.readSender(from: &reader)
        try file.readTime(from: &reader)
        try file.readVariables(from: &reader)
        try file.readTree(from: &reader)
        try file.readRecipients(from: &reader)
        return file
    }

    private static func readID(
        from reader: inout LineReader, named name: MessageID?
    ) throws(SpoolFormatError) -> MessageID {
        let line = try reader.next()
        guard line.suffix(2).elementsEqual("-H".utf8), let id = MessageID(line.dropLast(2)) else {
            throw reader.error(.badFirstLine)
        }
        if let name, name != id { throw reader.error(.otherMessage(id)) }
        reader.id = id
        return id
    }

    /// Reads `login uid gid`, from its end: the login may hold blanks.
    private mutating func readOwner(from reader: inout LineReader) throws(SpoolFormatError) {
        let line = try reader.next()
        var rest = line.trimmedEnd()
        let gid = Self.takeNumber(from: &rest)
        let uid = Self.takeNumber(from: &rest)
        guard let uid, let gid else { throw reader.error(.badOwner) }
        (login, self.uid, self.gid) = (ByteString(rest), uid, gid)
        if !ownerLine.bytes.elementsEqual(line) { ownerSpelling = ByteString(line) }
    }

    /// Takes a blank and a number off the end.
    private static func takeNumber(from line: inout ArraySlice<UInt8>) -> Int64? {
        guard let blank = line.lastIndex(where: { !$0.isASCIIDigit && $0 != UInt8(ascii: "-") }),
            line[blank] == .blank
        else { return nil }
        defer { line = line[..<blank] }
        return line[(blank + 1)...].decimalInteger()
    }

    private mutating func readSender(from reader: inout LineReader) throws(SpoolFormatError) {
        let line = try reader.next()
        guard line.count >= 2, line.first == UInt8(ascii: "<"), line.last == UInt8(ascii: ">") else {
            throw reader.error(.badSender)
        }
        sender = ByteString(line.dropFirst().dropLast())
    }

    private mutating func readTime(from reader: inout LineReader) throws(SpoolFormatError) {
        let line = try reader.next()
        let words = line.split { $0.isASCIISpace }
        guard words.count >= 2, let time = words[0].decimalInteger(), let count = words[1].decimalInteger()
        else {
            throw reader.error(.badTime)
        }
        (receivedTime, warningCount) = (time, count)
        if !timeLine.bytes.elementsEqual(line) { timeSpelling = ByteString(line) }
    }

    private mutating func readTree(from reader: inout LineReader) throws(SpoolFormatError) {
        guard reader.octets[reader.place...].starts(with: "XX\n".utf8) else {
            nonRecipients = try AddressTree(reading: &reader)
            return
        }
        _ = try reader.next()
    }
}

// MARK: - Variables

extension HeaderFile {
    private mutating func readVariables(from reader: inout LineReader) throws(SpoolFormatError) {
        variables.reserveCapacity(24)
        while reader.nextOctet == UInt8(ascii: "-") {
            let line = try reader.next(limit: Self.maximumLongLineLength)
            let end = try Self.endOfVariable(line, in: &reader)
            variables.append(VariableLine(spelled: reader.octets[line.startIndex..<end]))
        }
        if reader.isAtEnd {
            reader.begin()
            throw reader.error(.truncated)
        }
    }

    /// Looks at what makes a whole file bad, and reads the value of an ACL variable; gives the end of the
    /// variable.
    private static func endOfVariable(
        _ line: ArraySlice<UInt8>, in reader: inout LineReader
    ) throws(SpoolFormatError) -> Int {
        let start = try nameStart(of: line, in: reader)
        let name = line[start...].prefix { $0 != .blank }
        if name.starts(with: "acl".utf8) {
            return try endOfACLVariable(line[start...], in: &reader)
        }
        if name.elementsEqual("frozen".utf8), line[name.endIndex...].trimmed().decimalInteger() == nil {
            throw reader.error(.badNumber(variable: "frozen"))
        }
        return line.endIndex
    }

    /// Where the name begins; refuses a quoter that Exim does not have.
    private static func nameStart(
        of line: ArraySlice<UInt8>, in reader: LineReader
    ) throws(SpoolFormatError) -> Int {
        let start = line.startIndex + (line.dropFirst().first == UInt8(ascii: "-") ? 2 : 1)
        guard line[start...].first == UInt8(ascii: "(") else { return start }
        guard let bracket = line[start...].firstIndex(of: UInt8(ascii: ")")) else {
            throw reader.error(.unknownQuoter(ByteString(line[(start + 1)...])))
        }
        let quoter = ByteString(line[(start + 1)..<bracket])
        guard quoters.contains(quoter) else { throw reader.error(.unknownQuoter(quoter)) }
        return bracket + 1
    }

    /// Reads the value of `aclc name length`, `aclm name length` or, from before 4.61, `acl number length`.
    private static func endOfACLVariable(
        _ line: ArraySlice<UInt8>, in reader: inout LineReader
    ) throws(SpoolFormatError) -> Int {
        let words = line.split(separator: .blank, omittingEmptySubsequences: false)
        guard words.count == 3, !words[1].isEmpty, let length = words[2].decimalInteger(),
            isACLKind(words[0], variable: words[1], length: length),
            let length = Int(exactly: length), let value = reader.take(length),
            reader.take(1)?.first == .newline
        else { throw reader.error(.badACLVariable) }
        reader.count(newlinesOf: value)
        reader.count(newlinesOf: [.newline])
        return value.endIndex
    }

    private static func isACLKind(
        _ kind: ArraySlice<UInt8>, variable: ArraySlice<UInt8>, length: Int64
    ) -> Bool {
        if kind.elementsEqual("aclc".utf8) || kind.elementsEqual("aclm".utf8) { return length >= 0 }
        guard kind.elementsEqual("acl".utf8), let number = variable.decimalInteger() else { return false }
        return (0..<20).contains(number) && (0...Int64(maximumLegacyACLLength)).contains(length)
    }
}

// MARK: - Recipients

extension HeaderFile {
    private mutating func readRecipients(from reader: inout LineReader) throws(SpoolFormatError) {
        let line = try reader.next()
        let count = try Self.recipientCount(line, in: reader)
        var list: [Recipient] = []
        list.reserveCapacity(count)
        for _ in 0..<count {
            guard reader.nextOctet != .newline, !reader.isAtEnd else {
                reader.begin()
                throw reader.error(.recipientCountMismatch(counted: count))
            }
            list.append(try Self.recipient(of: count, from: &reader))
        }
        recipients = list
        if !countLine.bytes.elementsEqual(line) { countSpelling = ByteString(line) }
    }

    private static func recipientCount(
        _ line: ArraySlice<UInt8>, in reader: LineReader
    ) throws(SpoolFormatError) -> Int {
        guard let count = line.trimmed().decimalInteger() else { throw reader.error(.badRecipientCount) }
        guard count >= 0 else { throw reader.error(.negativeRecipientCount(count)) }
        guard count > 0 else { throw reader.error(.noRecipients) }
        guard count <= maximumRecipients else { throw reader.error(.tooManyRecipients(count)) }
        return Int(count)
    }

    private static func recipient(
        of count: Int, from reader: inout LineReader
    ) throws(SpoolFormatError) -> Recipient {
        let line = try reader.next(limit: maximumLongLineLength)
        let recipient: Recipient
        do throws(SpoolFormatError.Reason) {
            recipient = try Recipient.parse(line)
        } catch {
            throw reader.error(error)
        }
        if let parent = recipient.parent, parent >= count {
            throw reader.error(.parentOutOfRange(Int64(parent)))
        }
        return recipient
    }
}

// MARK: - Header lines

extension HeaderFile {
    private mutating func readHeaders(from reader: inout LineReader) throws(SpoolFormatError) {
        reader.begin()
        guard let blank = reader.take(1) else { throw reader.error(.truncated, .headers) }
        guard blank.first == .newline else {
            throw reader.error(.recipientCountMismatch(counted: recipients.count), .headers)
        }
        headers.reserveCapacity(8)
        while !reader.isAtEnd { headers.append(try Self.header(from: &reader)) }
    }

    private static func header(from reader: inout LineReader) throws(SpoolFormatError) -> HeaderLine {
        reader.begin()
        let octets = reader.octets
        let digits = octets[reader.place...].prefix(10).prefix { $0.isASCIIDigit }
        guard let length = digits.decimalInteger(), digits.endIndex < octets.count else {
            throw reader.error(.badHeaderPrefix, .headers)
        }
        let type = octets[digits.endIndex]
        guard type != 0, type != .newline else { throw reader.error(.badHeaderPrefix, .headers) }
        let behindType = digits.endIndex + 1
        // Exim skips any run of white space here, so a text never begins with it.
        let start = octets[behindType...].firstIndex { !$0.isASCIISpace } ?? octets.count
        let prefix = octets[reader.place..<start]
        guard reader.take(prefix.count) != nil, let text = reader.take(Int(length)) else {
            throw reader.error(.truncated, .headers)
        }
        guard text.last == .newline, !text.contains(0) else { throw reader.error(.badHeaderText, .headers) }
        defer {
            reader.count(newlinesOf: prefix)
            reader.count(newlinesOf: text.dropLast())
        }
        return HeaderLine(
            text: ByteString(text), type: type,
            legacyPrefix: isModern(prefix, digits: digits.count) ? nil : ByteString(prefix))
    }

    /// Whether a header's length is padded to three digits and no further, and its type followed by one
    /// blank.
    private static func isModern(_ prefix: ArraySlice<UInt8>, digits: Int) -> Bool {
        prefix.count == digits + 2 && prefix.last == .blank
            && (digits == 3 || digits > 3 && prefix.first != UInt8(ascii: "0"))
    }
}
