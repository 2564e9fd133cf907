import Bytes

/// The table of variables: a name, and how to read it from facts and settings (manual, section 11.9).
enum Variables {
    /// Reads one variable; nil is the empty string.
    typealias Reader = @Sendable (Facts, Environment) -> TaintedBytes?

    /// Variables that may have to wait for an answer.
    enum Waiting: String, Sendable, CaseIterable {
        case senderHostName = "sender_host_name"
        case senderFullHost = "sender_fullhost"
        case senderRcvHost = "sender_rcvhost"
        case hostLookupFailed = "host_lookup_failed"
        case hostLookupDeferred = "host_lookup_deferred"
        case messageBody = "message_body"
        case messageBodyEnd = "message_body_end"
        case queueSize = "queue_size"
    }

    static let waiting = Dictionary(
        uniqueKeysWithValues: Waiting.allCases.map { (ByteString($0.rawValue), $0) })

    /// All rows.
    static let table: [ByteString: Reader] =
        connection
        .merging(transportSecurity) { one, _ in one }
        .merging(message) { one, _ in one }
        .merging(address) { one, _ in one }
        .merging(scanning) { one, _ in one }
        .merging(senderPolicy) { one, _ in one }
        .merging(signatures) { one, _ in one }
        .merging(authorPolicy) { one, _ in one }
        .merging(settings) { one, _ in one }
        .merging(times) { one, _ in one }
        .merging(unset) { one, _ in one }

    /// Whether the name is one of Exim's, or one that an ACL or a router could have set.
    static func isKnown(_ name: ByteString) -> Bool {
        table[name] != nil || waiting[name] != nil || isUserDefined(name)
            || name == "message_headers" || name == "message_headers_raw" || name == "reply_address"
    }

    private static func isUserDefined(_ name: ByteString) -> Bool {
        if name.starts(with: routerPrefix) { return true }
        guard name.count >= 6, name.starts(with: aclPrefix),
            name[4] == UInt8(ascii: "c") || name[4] == UInt8(ascii: "m")
        else { return false }
        return name[5].isASCIIDigit || name[5] == UInt8(ascii: "_")
    }

    private static let (routerPrefix, aclPrefix): (ByteString, ByteString) = ("r_", "acl_")

    /// The value of a user-defined variable; nil when it is none, or not set.
    static func userDefined(_ name: ByteString, _ facts: Facts) -> TaintedBytes? {
        if name.starts(with: routerPrefix) { return facts.address.routerVariables[name] }
        guard isUserDefined(name) else { return nil }
        let key = ByteString(name.dropFirst(4))
        return name[4] == UInt8(ascii: "c")
            ? facts.connection.aclVariables[key] : facts.message.aclVariables[key]
    }

    static func clean(_ value: ByteString?) -> TaintedBytes? { value.map { TaintedBytes($0) } }
    static func tainted(_ value: ByteString?) -> TaintedBytes? { value.map { TaintedBytes($0, .tainted) } }
    static func number(_ value: some BinaryInteger) -> TaintedBytes { TaintedBytes("\(value)") }
    static func yes(_ value: Bool) -> TaintedBytes { value ? "yes" : "no" }
    static func one(_ value: Bool) -> TaintedBytes { value ? "1" : "0" }

    /// Variables that Exim knows and that nothing here sets; a caller may, by `Facts.extra`.
    private static let unset: [ByteString: Reader] = {
        let names: [ByteString] = [
            "acl_arg1", "acl_arg2", "acl_arg3", "acl_arg4", "acl_arg5", "acl_arg6", "acl_arg7", "acl_arg8",
            "acl_arg9", "csa_status",
            "dkim_verify_signers", "dnslist_domain", "dnslist_matched", "dnslist_text", "dnslist_value",
            "event_data", "event_name", "iprev", "item", "ldap_dn", "mailstore_basename",

            "prvscheck_address", "prvscheck_keynum", "prvscheck_result",
            "sender_verify_failure",
            "srs_recipient", "thisaddress", "value", "verify_mode", "warnmsg_delay", "warnmsg_recipients",
        ]
        var rows: [ByteString: Reader] = [:]
        for name in names { rows[name] = { _, _ in nil } }
        for name in ["acl_narg", "event_defer_errno", "runrc"]
            as [ByteString]
        { rows[name] = { _, _ in "0" } }
        rows["prdr_requested"] = { _, _ in "no" }
        rows["value"] = { facts, _ in facts.value }
        rows["item"] = { facts, _ in facts.item }
        return rows
    }()
}
