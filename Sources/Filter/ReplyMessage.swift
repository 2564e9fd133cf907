package import Bytes

/// A message that the autoreply transport is to make, everything expanded: what a filter's `mail` command or the
/// transport's options say.
package struct ReplyMessage: Sendable, Hashable {
    /// The contents of the `From:` line.
    package var from: ByteString?
    /// The contents of the `Reply-To:` line.
    package var replyTo: ByteString?
    /// The contents of the `To:` line.
    package var to: ByteString?
    /// The contents of the `Cc:` line.
    package var cc: ByteString?
    /// Who gets it too, unseen.
    package var bcc: ByteString?
    /// The contents of the `Subject:` line.
    package var subject: ByteString?
    /// Further header lines, without the last newline.
    package var headers: ByteString?
    /// The beginning of the body.
    package var text: ByteString?
    /// The file whose contents follow.
    package var file: TaintedBytes?
    /// Whether each line of the file is expanded.
    package var expandsFile = false
    /// Whether the message that is answered goes back with it.
    package var returnsMessage = false
    /// The file that gets a record of the message.
    package var log: TaintedBytes?
    /// The file that remembers who got it.
    package var once: TaintedBytes?
    /// After how many seconds it may be sent again; 0 is never.
    package var onceRepeat = 0

    /// An empty message.
    package init() {}
}
