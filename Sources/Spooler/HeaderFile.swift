public import Bytes

/// What a header file (`-H`) says: the envelope, the state of the delivery, and the message's header lines.
///
/// A value that was read and not touched is written with the same octets. What Exim does not know is carried
/// through in its place.
public struct HeaderFile: Sendable, Equatable {
    /// The message; written as the first line.
    public var id: MessageID
    /// The login name of the process that received the message.
    public var login: ByteString { didSet { ownerSpelling = nil } }
    /// The user number of that process.
    public var uid: Int64 { didSet { ownerSpelling = nil } }
    /// The group number of that process.
    public var gid: Int64 { didSet { ownerSpelling = nil } }
    /// The envelope sender, without brackets; empty for the null sender.
    public var sender: ByteString
    /// When the reception began, in seconds since 1970.
    public var receivedTime: Int64 { didSet { timeSpelling = nil } }
    /// How many warnings about delay have been sent.
    public var warningCount: Int64 { didSet { timeSpelling = nil } }
    /// The lines that begin with `-`, in their order.
    public var variables: [VariableLine] = []
    /// The addresses that get no more copies.
    public var nonRecipients = AddressTree()
    /// Everybody the message is or was for, the delivered ones included.
    public var recipients: [Recipient] = [] { didSet { countSpelling = nil } }
    /// The message's header lines, the deleted ones included.
    public var headers: [HeaderLine] = []

    /// The second, the fourth and the count line as the file spelled them, where Exim would spell them
    /// otherwise.
    var ownerSpelling: ByteString?
    var timeSpelling: ByteString?
    var countSpelling: ByteString?

    /// Makes the beginning of a new file; everything else is empty.
    ///
    /// - Parameters:
    ///   - login: the name of the submitting user, or of the user that the receiver runs as.
    ///   - sender: without brackets; empty for the null sender.
    ///   - receivedTime: in seconds since 1970.
    public init(
        id: MessageID, origin: (login: ByteString, uid: Int64, gid: Int64), sender: ByteString,
        receivedTime: Int64
    ) {
        self.id = id
        login = origin.login
        uid = origin.uid
        gid = origin.gid
        self.sender = sender
        self.receivedTime = receivedTime
        warningCount = 0
    }

    /// The greatest number of recipients that Exim since 4.88 can read back.
    public static let maximumRecipients = 16384
    /// The longest line, with its newline, that Exim's reader takes where it does not grow its buffer.
    public static let maximumLineLength = 16383
    /// The longest variable or recipient line, with its newline, that Exim's reader takes.
    public static let maximumLongLineLength = 65535
    /// The greatest length of an ACL variable in the form that Exim wrote before 4.61.
    public static let maximumLegacyACLLength = 16384
    /// The largest header file that is read.
    public static let maximumFileSize = 512 << 20
    /// How much of the login name is written.
    static let maximumLoginLength = 63

    /// The lookup types that a value may be quoted for (manual, chapter "File and database lookups").
    static let quoters: Set<ByteString> = [
        "cdb", "dbm", "dbmjz", "dbmnz", "dnsdb", "dsearch", "ibase", "iplsearch", "json", "ldap", "ldapdn",
        "ldapm",
        "lmdb", "lsearch", "mysql", "nis", "nis0", "nisplus", "nwildlsearch", "oracle", "passwd", "pgsql",
        "redis",
        "spf", "sqlite", "testdb", "whoson", "wildlsearch",
    ]
}

// MARK: - Sizes

extension HeaderFile {
    /// The length of all header lines that are not deleted.
    public var headerSize: Int {
        headers.reduce(0) { $1.isDeleted ? $0 : $0 + $1.text.count }
    }

    /// Exim's `$message_size` while delivering: headers, the blank line, the body.
    public func messageSize(bodySize: Int) -> Int { headerSize + 1 + bodySize }

    /// The size after `S=` in the line that logs the arrival.
    ///
    /// As Exim counts it: one more for each header line of 1000 octets or more for every digit beyond the
    /// third.
    public func receptionSize(bodySize: Int) -> Int {
        let extraDigits = headers.reduce(0) { $0 + $1.prefix.count - 5 }
        return messageSize(bodySize: bodySize) + extraDigits
    }

    /// Exim's `$message_linecount`: the newlines of the headers that are not deleted and of the body.
    public var messageLineCount: Int {
        headers.reduce(bodyLineCount ?? 0) { sum, header in
            header.isDeleted ? sum : sum + header.text.reduce(0) { $1 == .newline ? $0 + 1 : $0 }
        }
    }
}
