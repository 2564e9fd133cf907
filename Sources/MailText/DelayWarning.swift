package import Bytes

/// A delay warning: addresses have waited long (delivery.md 2.8 and 8).
package struct DelayWarning: Sendable, Hashable {
    /// What all notifications share; `to` may be a comma list.
    package var frame: NotificationFrame
    /// The delayed addresses.
    package var delayed: [NotifiedAddress]
    /// The message id.
    package var id: ByteString
    /// The threshold that was passed, in seconds.
    package var threshold: Int
    /// How long the message has been queued, in seconds.
    package var age: Int

    /// Makes a warning.
    package init(
        frame: NotificationFrame, delayed: [NotifiedAddress], id: ByteString, threshold: Int, age: Int
    ) {
        self.frame = frame
        self.delayed = delayed
        self.id = id
        self.threshold = threshold
        self.age = age
    }

    /// The message to submit.
    package func composed() -> ComposedNotification { ComposedNotification(head: "", tail: "") }
}
