package import Bytes

/// What an automatic reply needs of the files of the user in whose name it goes.
package struct ReplyOrder: Sendable, Hashable {
    /// What is done.
    package enum Step: UInt8, Sendable {
        /// Before sending: whether it was sent before, and the text of the file.
        case prepare = 0
        /// After it: who got it is remembered, and the log written.
        case finish = 1
    }

    /// What is done.
    package var step: Step
    /// The transport's name, for texts.
    package var transport: ByteString
    /// The recipients as the `To:` line has them: under that name they are remembered.
    package var recipients: ByteString
    /// `once`; empty for none.
    package var once: ByteString = ""
    /// `once_file_size`; 0 is no limit.
    package var onceSize = 0
    /// `once_repeat` in seconds; 0 is never.
    package var onceRepeat = 0
    /// `file`; empty for none.
    package var file: ByteString = ""
    /// `file_optional`.
    package var fileIsOptional = false
    /// `log`; empty for none.
    package var log: ByteString = ""
    /// What is written to it.
    package var logText: ByteString = ""
    /// `mode` of `once` and `log`.
    package var mode: UInt32 = 0o600
    /// The time, in seconds since 1970.
    package var now: Int64
    /// The same as logs have it.
    package var stamp: ByteString = ""

    /// Makes an order; the rest is set afterwards.
    package init(_ step: Step, transport: ByteString, recipients: ByteString, now: Int64) {
        self.step = step
        self.transport = transport
        self.recipients = recipients
        self.now = now
    }
}

/// What was found before an automatic reply is sent.
package struct ReplyFindings: Sendable, Hashable {
    /// Whether the recipients had it before, and not too long ago.
    package var wasSentBefore = false
    /// What the file says.
    package var fileText: ByteString = ""

    /// Nothing.
    package init() {}
}

extension ReplyOrder: FieldCoded {
    static var blank: ReplyOrder { ReplyOrder(.prepare, transport: "", recipients: "", now: 0) }

    mutating func pass(through coder: inout FieldCoder) {
        coder.pass(&step)
        coder.pass(&transport)
        coder.pass(&recipients)
        coder.pass(&once)
        coder.pass(&onceSize)
        coder.pass(&onceRepeat)
        coder.pass(&file)
        coder.pass(&fileIsOptional)
        coder.pass(&log)
        coder.pass(&logText)
        coder.pass(&mode)
        coder.pass(&now)
        coder.pass(&stamp)
    }
}

extension ReplyFindings: FieldCoded {
    mutating func pass(through coder: inout FieldCoder) {
        coder.pass(&wasSentBefore)
        coder.pass(&fileText)
    }
}
