package import Bytes

/// What SPF has said of a message's sender (manual, section 58.4).
package struct SPFFacts: Sendable, Hashable {
    /// `$spf_result`: the word.
    package var result: ByteString
    /// `$spf_result_guessed`: whether the domain publishes nothing, and `spf_guess` was used in its place.
    package var isGuessed: Bool
    /// The value of `$spf_header_comment`.
    package var headerComment: ByteString
    /// The value of `$spf_received`.
    package var received: ByteString
    /// The value of `$spf_smtp_comment`.
    package var smtpComment: ByteString?
    /// `$spf_used_domain`: the domain that was asked about.
    package var domain: ByteString

    /// Makes the value.
    package init(
        result: ByteString, isGuessed: Bool, headerComment: ByteString, received: ByteString,
        smtpComment: ByteString?, domain: ByteString
    ) {
        self.result = result
        self.isGuessed = isGuessed
        self.headerComment = headerComment
        self.received = received
        self.smtpComment = smtpComment
        self.domain = domain
    }
}

extension Variables {
    /// What SPF tells.
    static let senderPolicy: [ByteString: Reader] = [
        "spf_guess": { _, environment in clean(environment.settings.spfGuess) },
        "spf_header_comment": { facts, _ in tainted(facts.message.spf?.headerComment) },
        "spf_received": { facts, _ in tainted(facts.message.spf?.received) },
        "spf_result": { facts, _ in clean(facts.message.spf?.result) },
        "spf_result_guessed": { facts, _ in yes(facts.message.spf?.isGuessed ?? false) },
        "spf_smtp_comment": { facts, _ in tainted(facts.message.spf?.smtpComment) },
        "spf_used_domain": { facts, _ in tainted(facts.message.spf?.domain) },
    ]
}
