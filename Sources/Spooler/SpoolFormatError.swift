public import Bytes

/// Why the octets of a header file (`-H`) are refused, and where.
public struct SpoolFormatError: Error, Equatable, Sendable {
    /// The two parts that Exim's listings tell apart.
    public enum Part: Sendable, Hashable {
        /// Everything up to the recipients.
        case envelope
        /// The blank line and the message's header lines.
        case headers
    }

    /// What is wrong.
    public enum Reason: Error, Sendable, Hashable {
        /// The file holds nothing.
        case emptyFile
        /// The first line is not a message id and `-H`.
        case badFirstLine
        /// The first line names another message than the file's name.
        case otherMessage(MessageID)
        /// A line is longer than Exim can read.
        case lineTooLong(limit: Int)
        /// A line holds a NUL octet, at which Exim's reader ends.
        case nulOctet
        /// The file ends where something must follow.
        case truncated
        /// The second line is not login, user number, group number.
        case badOwner
        /// The third line is not an address in angle brackets.
        case badSender
        /// The fourth line is not two numbers.
        case badTime
        /// A variable that needs a number has none.
        case badNumber(variable: ByteString)
        /// An ACL variable's line has no name, no length, or a length that is out of range.
        case badACLVariable
        /// A variable is quoted for a lookup type that Exim does not have, or the quoter's bracket is not
        /// closed.
        case unknownQuoter(ByteString)
        /// A line of the non-recipients tree is not two flags, a blank and a name.
        case badTree
        /// The recipient count is not a number.
        case badRecipientCount
        /// There are no recipients; Exim would delete the message as completed.
        case noRecipients
        /// The recipient count is negative; Exim would die.
        case negativeRecipientCount(Int64)
        /// There are more recipients than Exim can read.
        case tooManyRecipients(Int64)
        /// There are fewer or more recipient lines than the count says.
        case recipientCountMismatch(counted: Int)
        /// A recipient's line cannot be taken apart.
        case badRecipient
        /// A recipient's parent is not in the list; Exim would crash.
        case parentOutOfRange(Int64)
        /// A header line does not begin with length, type and blank.
        case badHeaderPrefix
        /// A header line's text holds a NUL octet or does not end with a newline.
        case badHeaderText
        /// `-D` does not begin with its own name.
        case badDataFile
        /// A value holds octets that its place in the file cannot.
        case unwritable(ByteString)
    }

    /// The message, where it is known.
    public var id: MessageID?
    /// In which part of the file the trouble is.
    public var part: Part
    /// The line, counted from 1; 0 when the value was never a file.
    public var line: Int
    /// The octet at which the refused thing begins, counted from 0.
    public var offset: Int
    /// What is wrong.
    public var reason: Reason
}

extension SpoolFormatError: CustomStringConvertible {
    /// One sentence that names message, place and cause.
    public var description: String {
        let file = id.map { "\($0)-H" } ?? "-H"
        return "\(file): line \(line), offset \(offset): \(reason)"
    }
}

extension SpoolFormatError.Reason: CustomStringConvertible {
    /// The cause, and what was expected.
    public var description: String {
        switch self {
        case .emptyFile: "the file is empty"
        case .badFirstLine: "the first line is not a message id followed by -H"
        case .otherMessage(let id): "the first line names another message, \(id)"
        case .lineTooLong(let limit): "the line is longer than the \(limit) octets that Exim can read"
        case .nulOctet: "the line holds a NUL octet"
        case .truncated: "the file ends here, but more must follow"
        case .badOwner: "expected login, user number and group number"
        case .badSender: "expected the sender in angle brackets"
        case .badTime: "expected the time of arrival and the number of warnings sent"
        case .badNumber(let variable): "-\(variable) needs a number"
        case .badACLVariable:
            "expected an ACL variable's name and length, and that many octets with a newline"
        case .unknownQuoter(let name): "the value is quoted for \"\(name)\", which is no lookup type of Exim"
        case .badTree: "expected a line of the non-recipients tree: two flags, a blank, a name"
        case .badRecipientCount: "expected the number of recipients"
        case .noRecipients: "there are no recipients (Exim would delete the message)"
        case .negativeRecipientCount(let count): "the number of recipients is \(count)"
        case .tooManyRecipients(let count):
            "\(count) recipients are more than the \(HeaderFile.maximumRecipients) that Exim can read"
        case .recipientCountMismatch(let counted):
            "the list of recipients does not have the \(counted) lines announced"
        case .badRecipient: "the recipient's line cannot be taken apart"
        case .parentOutOfRange(let parent): "the recipient's parent, number \(parent), is not in the list"
        case .badHeaderPrefix: "expected a header line's length, type letter and a blank"
        case .badHeaderText: "a header line's text must not hold NUL and must end with a newline"
        case .badDataFile: "-D does not begin with its own name"
        case .unwritable(let what): "\(what) holds octets that cannot be written there"
        }
    }
}
