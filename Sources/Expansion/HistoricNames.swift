package import Bytes

/// Names of two experiments that Exim has given up, DomainKeys and TPDA, and what is used today (doc/guides/historic-names.md).
///
/// None of them is obeyed; each is answered with the new name.
package enum HistoricNames {
    /// What is told of an option; nil for one that is not historic.
    package static func option(_ name: ByteString) -> ByteString? { options[name].map { told($0, name) } }

    /// What is told of a condition of ACLs; nil for one that is not historic.
    package static func condition(_ name: ByteString) -> ByteString? {
        conditions[name].map { told($0, name) }
    }

    /// What is told of a control of ACLs; nil for one that is not historic.
    package static func control(_ name: ByteString) -> ByteString? { controls[name].map { told($0, name) } }

    /// What is told of a variable; nil for one that is not historic.
    package static func variable(_ name: ByteString) -> ByteString? {
        variables[name].map { told($0, name) }
    }

    /// What stands behind an error's text in Exim's words; empty for a name that is not historic.
    package static func remark(_ told: ByteString?) -> ByteString { told.map { " (\($0))" } ?? "" }

    private static func told(_ today: ByteString, _ name: ByteString) -> ByteString {
        let experiment: ByteString =
            name.starts(with: ByteString("dk_")) ? "DomainKeys is historic" : "TPDA is historic"
        return "\(experiment): use \(today)"
    }

    private static let options: [ByteString: ByteString] = [
        "dk_selector": "dkim_selector",
        "dk_private_key": "dkim_private_key, which takes the same three forms",
        "dk_canon": "dkim_canon, with \"relaxed\" for \"nofws\"",
        "dk_strict": "dkim_strict",
        "dk_domain": "dkim_domain",
        "tpda_delivery_action": "event_action, in which $event_name is msg:delivery",
        "tpda_host_defer_action": "event_action, in which $event_name is msg:host:defer",
        "tpda_event_action": "event_action, in which $event_name has no \"tpda_\" before it",
    ]

    private static let conditions: [ByteString: ByteString] = [
        "dk_sender_domains": "dkim_signers in acl_smtp_dkim",
        "dk_senders": "dkim_signers in acl_smtp_dkim",
        "dk_sender_local_parts": "dkim_signers in acl_smtp_dkim",
        "dk_status": "dkim_status in acl_smtp_dkim",
        "dk_policy": "dmarc_status in acl_smtp_data, and $dkim_key_testing for \"testing\"",
        "dk_domain_source": "dkim_signers in acl_smtp_dkim: a signature names its domain itself",
    ]

    private static let controls: [ByteString: ByteString] = [
        "dk_verify": "acl_smtp_dkim, which sees each signature of every message that is not exempted"
    ]

    private static let variables: [ByteString: ByteString] = [
        "dk_sender_domain": "$dkim_domain",
        "dk_sender": "$dkim_identity",
        "dk_sender_local_part": "${local_part:$dkim_identity}",
        "dk_sender_source": "$dkim_cur_signer: a signature names its domain itself",
        "dk_signsall": "$dmarc_domain_policy",
        "dk_testing": "$dkim_key_testing",
        "dk_is_signed": "$dkim_signers, which is empty when there is no signature",
        "dk_status": "$dkim_verify_status",
        "dmarc_ar_header": "${authresults{$primary_hostname}}",
        "dk_result": "$dkim_verify_reason",
        "dk_selector": "$dkim_selector",
        "dk_domain": "$dkim_domain",
        "tpda_delivery_ip": "$host_address",
        "tpda_delivery_port": "$host_port",
        "tpda_delivery_fqdn": "$host",
        "tpda_delivery_local_part": "$local_part",
        "tpda_delivery_domain": "$domain",
        "tpda_delivery_confirmation": "$event_data",
        "tpda_defer_errno": "$event_defer_errno",
        "tpda_defer_errstr": "$event_data",
        "tpda_event": "$event_name",
        "tpda_data": "$event_data",
    ]
}

extension Template {
    /// The complaint about the first historic variable in the string; nil when there is none.
    package var historicVariable: ByteString? {
        unknownNames.first { HistoricNames.variable($0.name) != nil }?.text
    }
}
