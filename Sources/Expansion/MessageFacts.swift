package import Bytes

/// A header line as the spool keeps it.
package struct HeaderText: Sendable, Hashable {
    /// The spool's type letter: blank for an ordinary one, `*` for a deleted one, `F`, `T`, `R` and so on.
    package var type: UInt8
    /// The whole line with its continuation lines and its last newline.
    package var text: ByteString

    /// Makes a line.
    package init(type: UInt8 = .blank, text: ByteString) {
        self.type = type
        self.text = text
    }
}

/// What is known about a message.
package struct MessageFacts: Sendable {
    /// Exim's id (`$message_exim_id`); nil before there is one.
    package var id: ByteString?
    /// The envelope sender, empty for a bounce; nil when none is known yet (`$sender_address`).
    package var sender: ByteString?
    /// The recipients (`$recipients`, readable only where the caller allows it).
    package var recipients: [ByteString] = []
    /// The value of `$recipients_count`.
    package var recipientsCount = 0
    /// When the message was received, in seconds and microseconds (`$received_time`).
    package var receivedTime: (seconds: Int64, microseconds: Int)?
    /// The header lines, in order.
    package var headers: [HeaderText] = []
    /// `$acl_m...`, keyed without `acl_`: `m0`, `m_foo`.
    package var aclVariables: [ByteString: TaintedBytes] = [:]
    /// The value of `$message_body_size`.
    package var bodySize = 0
    /// The value of `$body_linecount`.
    package var bodyLineCount = 0
    /// The value of `$body_zerocount`.
    package var bodyZeroCount = 0
    /// The value of `$message_size`.
    package var size = 0
    /// The value of `$message_linecount`.
    package var lineCount = 0
    /// The value of `$max_received_linelength`.
    package var maxReceivedLineLength = 0
    /// Reads body octets for `$message_body` and `$message_body_end`: offset from the body's start (negative:
    /// from its end) and length; fewer octets when the body is shorter.
    package var readBody: (@Sendable (_ offset: Int, _ length: Int) async -> ByteString)?
    /// The value of `$message_smtputf8`.
    package var isSMTPUTF8 = false
    /// The value of `$originator_uid`.
    package var originatorUID: Int?
    /// The value of `$originator_gid`.
    package var originatorGID: Int?
    /// The value of `$caller_uid`.
    package var callerUID: Int?
    /// The value of `$caller_gid`.
    package var callerGID: Int?
    /// The value of `$queue_name`.
    package var queueName: ByteString = ""
    /// `$return_path`, once an address is being delivered; nil reads as the sender.
    package var returnPath: ByteString?
    /// `$received_for`, the only recipient while a message comes in.
    package var receivedFor: ByteString?
    /// The value of `$rcpt_count`.
    package var rcptCount = 0
    /// The value of `$rcpt_defer_count`.
    package var rcptDeferCount = 0
    /// The value of `$rcpt_fail_count`.
    package var rcptFailCount = 0
    /// The value of `$local_scan_data`.
    package var localScanData: ByteString?
    /// The value of `$sender_data`.
    package var senderData: TaintedBytes?
    /// The value of `$sender_address_data`.
    package var senderAddressData: TaintedBytes?
    /// The value of `$recipient_data`.
    package var recipientData: TaintedBytes?
    /// `$headers_added`, while an ACL runs.
    package var headersAdded: ByteString?
    /// The value of `$acl_verify_message`.
    package var verifyMessage: TaintedBytes?
    /// The value of `$sender_verify_failure` and `$recipient_verify_failure`.
    package var senderVerifyFailure: ByteString?
    /// The value of `$recipient_verify_failure`.
    package var recipientVerifyFailure: ByteString?
    /// The value of `$bounce_recipient`.
    package var bounceRecipient: ByteString?
    /// The value of `$warn_message_delay`.
    package var warningDelay: ByteString?
    /// The value of `$warn_message_recipients`.
    package var warningRecipients: ByteString?
    /// What content scanning has found.
    package var scan = ScanFacts()
    /// What SPF says of the sender; nil before a condition has asked.
    package var spf: SPFFacts?
    /// What DKIM says of its signatures; nil before they are checked, and where they are not.
    package var dkim: DKIMFacts?
    /// What DMARC says of it; nil before that is asked.
    package var dmarc: DMARCFacts?
    /// The `first_delivery` condition.
    package var isFirstDelivery = false
    /// Whether a person has thawed it (the filter condition `manually_thawed`).
    package var isManuallyThawed = false
    /// The `queue_running` condition.
    package var isQueueRunning = false

    /// Knows nothing.
    package init() {}
}
