import Bytes
import Expansion
import SMTP

extension StatementRun {
    /// `control = name/options` (manual, section 44.22).
    func control(_ text: ByteString, _ state: inout ACLState) -> ClauseResult {
        let parts = text.trimmed().cut(at: UInt8(ascii: "/")) ?? (text.trimmed(), [])
        let (name, options) = (ByteString(parts.before), ByteString(parts.after))
        guard let form = Self.controls[name], form.takes(options, hasSlash: text.contains(UInt8(ascii: "/")))
        else { return .broken("syntax error in \"control=\(text)\"") }
        guard ACLFitness.fits(control: name, at: moment) else {
            return .broken("cannot use \"control=\(name)\" in \(moment.name) ACL")
        }
        if name == "utf8_downconvert", !["", "1", "0", "-1"].contains(options) {
            return .broken("bad option value for control=utf8_downconvert")
        }
        if name == "dscp", TrafficClass(options) == nil {
            return .broken("unrecognised DSCP value in \"control=\(text)\"")
        }
        // Exim ignores it in silence for any recipient but the first.
        if name == "cutthrough_delivery", state.facts.message.rcptCount > 1 { return .holds }
        state.controls.append(.init(name: name, options: options))
        switch name {
        case "caseful_local_part": state.facts.address.localPart = state.casedLocalPart
        case "caselower_local_part":
            state.facts.address.localPart = state.casedLocalPart.map {
                TaintedBytes($0.bytes.lowercasedASCII(), $0.taint)
            }
        default: break
        }
        return .holds
    }

    /// What may follow a control's name.
    private enum Form {
        case bare
        /// Nothing, or this word.
        case word(ByteString)
        /// `sender_retain`, `domain=`, and at the end `name=`, which may have slashes.
        case submission
        /// `/word` is not to be left out.
        case required
        case anything

        func takes(_ options: ByteString, hasSlash: Bool) -> Bool {
            switch self {
            case .bare: !hasSlash
            case .word(let word): !hasSlash || options == word
            case .submission: Self.isSubmission(options)
            case .required: !options.isEmpty
            case .anything: true
            }
        }

        private static func isSubmission(_ options: ByteString) -> Bool {
            for option in options.split(separator: UInt8(ascii: "/")) {
                if option.starts(with: "name=".utf8) { return true }
                guard option.elementsEqual("sender_retain".utf8) || option.starts(with: "domain=".utf8) else {
                    return false
                }
            }
            return true
        }
    }

    /// Controls that have an effect here, that ask for what is done anyway, or that ask for something of which a later
    /// delivery is none the worse when it is not done.
    private static let controls: [ByteString: Form] = [
        "allow_auth_unadvertised": .bare, "caseful_local_part": .bare, "caselower_local_part": .bare,
        "cutthrough_delivery": .anything, "debug": .anything, "dkim_disable_verify": .bare,
        "dmarc_disable_verify": .bare, "dmarc_enable_forensic": .bare, "dscp": .required,
        "enforce_sync": .bare, "fakedefer": .anything, "fakereject": .anything, "freeze": .word("no_tell"),
        "no_callout_flush": .bare, "no_delay_flush": .bare, "no_enforce_sync": .bare,
        "no_mbox_unspool": .bare, "no_multiline_responses": .bare, "no_pipelining": .bare,
        "queue": .anything, "queue_only": .anything,
        "submission": .submission, "suppress_local_fixups": .bare, "utf8_downconvert": .anything,
    ]
}
