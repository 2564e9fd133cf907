package import Bytes

/// A bounce: addresses have failed for good (delivery.md 8; manual, chapter 50).
package struct Bounce: Sendable, Hashable {
    /// What all notifications share.
    package var frame: NotificationFrame
    /// The failed addresses, in the order of part 1.
    package var failed: [NotifiedAddress]
    /// What is returned of the original.
    package var content: ReturnedContent
    /// `bounce_message_text`.
    package var text: ByteString?
    /// `errors_copy` addresses for the Bcc: line.
    package var copies: [ByteString] = []
    /// Output that pipes and the like generated, by address.
    package var output: [(address: ByteString, text: ByteString)] {
        get { zip(outputAddresses, outputTexts).map { ($0, $1) } }
        set {
            outputAddresses = newValue.map(\.address)
            outputTexts = newValue.map(\.text)
        }
    }
    var outputAddresses: [ByteString] = []
    var outputTexts: [ByteString] = []

    /// Makes a bounce.
    package init(frame: NotificationFrame, failed: [NotifiedAddress], content: ReturnedContent) {
        self.frame = frame
        self.failed = failed
        self.content = content
    }

    /// The message to submit.
    package func composed() -> ComposedNotification { ComposedNotification(head: "", tail: "") }
}
