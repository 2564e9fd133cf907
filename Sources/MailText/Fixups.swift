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

    /// Makes a value.
    package init(login: ByteString, fullName: ByteString, qualifyDomain: ByteString, isTrusted: Bool) {
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
    /// `control = suppress_local_fixups`.
    package var suppressed = false
    /// `-t`: Bcc: lines are taken out.
    package var removesBcc = false
    /// `return_path_remove`, `delivery_date_remove`, `envelope_to_remove`.
    package var removesDeliveryLines = true
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
