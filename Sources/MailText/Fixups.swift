package import Bytes

/// Who submits a message locally; for the header lines that Exim adds (manual, chapter 48).
package struct Submitter: Sendable, Hashable {
    /// The login name.
    package var login: ByteString
    /// The full name from `-F` or the password file, raw; empty when there is none.
    package var fullName: ByteString
    /// `qualify_domain`.
    package var qualifyDomain: ByteString
    /// Whether the caller is a trusted user (or root, or the mail user).
    package var isTrusted: Bool

    /// Whether the full name was given for this message, and so stands beside another sender's address too.
    package var namesEveryone: Bool

    /// Makes a value.
    package init(
        login: ByteString, fullName: ByteString, qualifyDomain: ByteString, isTrusted: Bool,
        namesEveryone: Bool = false
    ) {
        self.namesEveryone = namesEveryone
        self.login = login
        self.fullName = fullName
        self.qualifyDomain = qualifyDomain
        self.isTrusted = isTrusted
    }

    /// The address `login@qualify_domain`.
    package var address: EmailAddress { EmailAddress("\(login)@\(qualifyDomain)") }
}

/// The options that govern what is added to and removed from a submitted header.
package struct FixupOptions: Sendable, Hashable {
    /// `local_from_check`: an untrusted user's From: must be his own, or a Sender: is added.
    package var checksFrom = true
    /// `local_sender_retain`: an untrusted user's Sender: stays.
    package var retainsSender = false
    /// `local_from_prefix`, such as `*-`; empty for none.
    package var fromPrefix = ByteString()
    /// `local_from_suffix`, such as `-*`; empty for none.
    package var fromSuffix = ByteString()
    /// `print_topbitchars`: a name with octets above 127 stands in From: and Sender: as it is.
    package var topBitPrints = false
    /// Whether the envelope sender stays when a Sender: line is added: a local caller's is settled already.
    package var keepsEnvelope = false
    /// `control = suppress_local_fixups`.
    package var suppressed = false
    /// `-t`: Bcc: lines are taken out.
    package var removesBcc = false
    /// Lines of a delivery that are taken out: those of `return_path_remove`, `delivery_date_remove` and
    /// `envelope_to_remove`, as far as these are set.
    package var removedLines: [ByteString] = ["return-path", "delivery-date", "envelope-to"]
    /// Lines that note which envelope recipients were rewritten; they follow the Message-ID:.
    package var recipientNotes: [Header] = []
    /// Lines that note how the envelope sender was rewritten; they follow the From:.
    package var senderNotes: [Header] = []
    /// `message_id_header_domain`, or nil for the primary host name.
    package var messageIDDomain: ByteString?
    /// `message_id_header_text`; a dot and this stand before the `@`.
    package var messageIDText = ByteString()

    /// Exim's defaults.
    package init() {}
}

/// What local submission makes of a header.
package struct FixedHeader: Sendable, Hashable {
    /// The header lines; those removed are there with kind `.old`, those added follow at the end.
    package var headers: [Header]
    /// The envelope sender, when adding a Sender: line changes it.
    package var sender: EmailAddress?
    /// The text of the Message-ID: without angle brackets, and whether it was made here.
    package var messageID: (id: ByteString, created: Bool)? {
        get { storedID.map { ($0, idCreated) } }
        set {
            storedID = newValue?.id
            idCreated = newValue?.created ?? false
        }
    }
    var storedID: ByteString?
    var idCreated = false
}

extension Submitter {
    /// A message's facts that a fix-up needs.
    package struct Message: Sendable, Hashable {
        /// The message id.
        package var id: ByteString
        /// `$primary_hostname`.
        package var hostname: ByteString
        /// The envelope sender.
        package var sender: EmailAddress
        /// The date for a Date: line, as `CivilTime.headerDate` gives it.
        package var date: ByteString
        /// Whether it reports on another message (`-E`); then a null sender keeps no From: line away.
        package var isReport = false

        /// Makes a value.
        package init(id: ByteString, hostname: ByteString, sender: EmailAddress, date: ByteString) {
            self.id = id
            self.hostname = hostname
            self.sender = sender
            self.date = date
        }
    }

    /// What Exim makes of the header of a locally submitted message: removals, then Message-ID:, From:,
    /// Sender: and Date:.
    ///
    /// With Resent- lines the Resent- forms are made. Qualifying and rewriting of addresses is not done here.
    package func fix(_ headers: [Header], of message: Message, options: FixupOptions) -> FixedHeader {
        var draft = HeaderDraft(headers: headers, submitter: self, message: message, options: options)
        draft.removeLines()
        if !options.suppressed {
            draft.expandLogin()
            draft.addMessageID()
            draft.result.headers += options.recipientNotes
            draft.addFrom()
            draft.result.headers += options.senderNotes
            draft.checkSender()
            draft.addDate()
        } else {
            draft.result.headers += options.recipientNotes + options.senderNotes
        }
        return draft.result
    }
}

// A header on its way through the fix-ups, each a step of its own.
private struct HeaderDraft {
    let submitter: Submitter
    let message: Submitter.Message
    let options: FixupOptions
    let resent: ByteString
    var result: FixedHeader

    init(headers: [Header], submitter: Submitter, message: Submitter.Message, options: FixupOptions) {
        self.submitter = submitter
        self.message = message
        self.options = options
        let isResent = headers.contains { $0.name.startsIgnoringCase(with: ByteString("resent-")) }
        resent = isResent ? "Resent-" : ""
        result = FixedHeader(headers: headers)
    }

    private func has(_ name: ByteString) -> Bool { !result.headers.named(resent + name).isEmpty }

    private mutating func remove(_ name: ByteString) {
        for index in result.headers.indices where result.headers[index].isNamed(name) {
            result.headers[index].kind = .old
        }
    }

    private var constructedAddress: ByteString { constructed(submitter.address.text) }

    private func constructed(_ address: ByteString) -> ByteString {
        let phrase = UserName.phrase(submitter.fullName, topBitPrints: options.topBitPrints)
        return phrase.isEmpty ? address : "\(phrase) <\(address)>"
    }

    mutating func removeLines() {
        for name in options.removedLines { remove(name) }
        if options.removesBcc {
            remove("bcc")
            remove("resent-bcc")
        }
        if !submitter.isTrusted, !options.retainsSender, !options.suppressed {
            remove("sender")
            remove("resent-sender")
        }
    }

    // A From: that is just the login becomes the user's full address, in its place.
    mutating func expandLogin() {
        for index in result.headers.indices.reversed() {
            let header = result.headers[index]
            guard header.kind == .from, header.isNamed(resent + "From"), header.value == submitter.login
            else {
                continue
            }
            result.headers[index].kind = .old
            let text: ByteString = "\(header.name): \(constructedAddress)\n"
            result.headers.insert(Header(text, kind: .from), at: index + 1)
        }
    }

    mutating func addMessageID() {
        if let known = result.headers.named(resent + "Message-ID").first {
            let id = known.value.drop { $0 == UInt8(ascii: "<") }
            result.messageID = (ByteString(id.prefix { $0 != UInt8(ascii: ">") }), false)
            return
        }
        let extra = options.messageIDText.isEmpty ? ByteString() : ("." + options.messageIDText)
        let id: ByteString = "E\(message.id)\(extra)@\(options.messageIDDomain ?? message.hostname)"
        result.messageID = (id, true)
        place(Header("\(resent)Message-Id: <\(id)>\n", kind: .messageID))
    }

    // Exim puts the Resent- forms of what it dates and numbers before all other lines.
    private mutating func place(_ header: Header) {
        if resent.isEmpty {
            result.headers.append(header)
        } else {
            result.headers.insert(header, at: 0)
        }
    }

    mutating func addFrom() {
        guard !has("From"), !message.sender.isNull || message.isReport else { return }
        if message.sender.isNull {
            return result.headers.append(Header("\(resent)From: \(submitter.address.text)\n", kind: .from))
        }
        let isOwn = message.sender == submitter.address
        let isNamed = isOwn || submitter.namesEveryone || (options.keepsEnvelope && !submitter.isTrusted)
        let address = isNamed ? constructed(message.sender.text) : message.sender.text
        result.headers.append(Header("\(resent)From: \(address)\n", kind: .from))
    }

    mutating func checkSender() {
        guard options.checksFrom, !submitter.isTrusted, !fromIsOwn else { return }
        result.headers.append(Header("\(resent)Sender: \(constructedAddress)\n", kind: .sender))
        if !message.sender.isNull, !options.keepsEnvelope { result.sender = submitter.address }
    }

    private var fromIsOwn: Bool {
        guard let from = result.headers.named(resent + "From").first,
            case .success(let found)? = AddressParser.parseList(from.value).first?.outcome
        else { return false }
        let address = found.address
        let isOwnDomain =
            !address.isQualified || address.domain.equalsIgnoringCase(submitter.qualifyDomain)
        return isOwnDomain && stripped(address.localPart) == submitter.login
    }

    private func stripped(_ local: ByteString) -> ByteString {
        guard let login = local.firstRange(of: submitter.login) else { return local }
        let prefix = local[0..<login.lowerBound]
        let suffix = local[login.upperBound...]
        let isOwn =
            AffixPattern(options.fromPrefix).matchesPrefix(prefix)
            && AffixPattern(options.fromSuffix).matchesSuffix(suffix)
        return isOwn ? submitter.login : local
    }

    mutating func addDate() {
        guard !has("Date") else { return }
        place(Header("\(resent)Date: \(message.date)\n", kind: .other))
    }
}

// `local_from_prefix` and `local_from_suffix`: a text, with one `*` at the outer end perhaps.
private struct AffixPattern {
    private let text: ByteString

    init(_ text: ByteString) { self.text = text }

    func matchesPrefix(_ affix: ArraySlice<UInt8>) -> Bool {
        if affix.isEmpty { return true }
        guard text.first == UInt8(ascii: "*") else { return affix.elementsEqual(text) }
        return affix.ends(with: text.dropFirst())
    }

    func matchesSuffix(_ affix: ArraySlice<UInt8>) -> Bool {
        if affix.isEmpty { return true }
        guard text.last == UInt8(ascii: "*") else { return affix.elementsEqual(text) }
        return affix.starts(with: text.dropLast())
    }
}
