package import Bytes

/// What a check came to, with the texts that libspf2 makes of it.
package struct SPFVerdict: Sendable, Hashable {
    /// What was asked.
    package let question: SPFQuestion
    /// The result.
    package let result: SPFResult
    /// How it was come to.
    package let reason: SPFReason
    /// What was wrong, for `temperror` and `permerror`; for people.
    package let problem: ByteString?
    /// Whether the domain published nothing and a record of our own was used in its place.
    package var isGuessed = false

    init(_ question: SPFQuestion, _ result: SPFResult, _ reason: SPFReason, problem: ByteString? = nil) {
        self.question = question
        self.result = result
        self.reason = reason
        self.problem = problem
    }

    /// One sentence for a header line or a log (`$spf_header_comment`).
    package var headerComment: ByteString {
        Self.printable("\(question.receiver): \(sentence)")
    }

    private var sentence: ByteString {
        let (client, domain) = (question.client.text, question.domain)
        if reason == .localhost { return "localhost is always allowed." }
        return switch result {
        case .pass: "domain of \(domain) designates \(client) as permitted sender"
        case .fail: "domain of \(domain) does not designate \(client) as permitted sender"
        case .softfail: "transitioning domain of \(domain) does not designate \(client) as permitted sender"
        case .neutral: "\(client) is neither permitted nor denied by domain of \(domain)"
        case .none: "domain of \(domain) does not provide an SPF record"
        case .temperror: "encountered temporary error during SPF processing of domain of \(domain)"
        case .permerror: "error in processing during lookup of domain of \(domain): \(problem ?? "")"
        }
    }

    /// A `Received-SPF:` header line without its newline (`$spf_received`).
    package var receivedHeader: ByteString {
        Self.printable(
            """
            Received-SPF: \(result.word) (\(headerComment)) client-ip=\(question.client.text); \
            envelope-from=\(question.sender); helo=\(question.helo);
            """)
    }

    /// What the client may be told (`$spf_smtp_comment`), around a text of the site; nil where there is nothing to tell.
    package func smtpComment(_ explanation: ByteString) -> ByteString? {
        switch result {
        case .fail, .softfail, .neutral:
            Self.printable("\(explanation) : Reason: \(ByteString(reason.rawValue))")
        case .pass, .none, .temperror, .permerror: nil
        }
    }

    /// What a client has sent cannot begin another line of a header or a reply.
    private static func printable(_ text: ByteString) -> ByteString {
        ByteString(text.map { $0.isASCIIPrinting ? $0 : UInt8(ascii: "?") })
    }
}
