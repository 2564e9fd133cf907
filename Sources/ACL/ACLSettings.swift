import Bytes
import Configuration
import Expansion

/// Main options that ACL conditions regard (manual, chapter 14).
struct ACLSettings: Sendable {
    /// Whether a client may be told details (`smtp_return_error_details`); texts from `message` always may.
    let tellsDetails: Bool
    let senderUnqualifiedHosts: ListText?
    let recipientUnqualifiedHosts: ListText?
    let csaSearchLimit: Int
    let csaUsesReverse: Bool
    /// Expanded only when it begins with a dollar sign.
    let avScanner: Template
    let spamdAddress: Template
    let spfCommentTemplate: Template
    /// `acl_smtp_dkim` and `dkim_verify_signers`.
    let signatureACL: Template?
    let signers: Template

    init(_ main: OptionBlock) {
        tellsDetails = main.flag("smtp_return_error_details") ?? false
        senderUnqualifiedHosts = main.list("sender_unqualified_hosts")
        recipientUnqualifiedHosts = main.list("recipient_unqualified_hosts")
        csaSearchLimit = Int(main.number("dns_csa_search_limit") ?? 5)
        avScanner = Template(main.text("av_scanner") ?? "sophie:/var/run/sophie")
        spamdAddress = Template(main.text("spamd_address") ?? "127.0.0.1 783")
        spfCommentTemplate =
            main.template("spf_smtp_comment_template") ?? Template("Please%_see%_http://www.open-spf.org/Why")
        signatureACL = main.template("acl_smtp_dkim")
        signers = main.template("dkim_verify_signers") ?? "$dkim_signers"
        csaUsesReverse = main.flag("dns_csa_use_reverse") ?? true
    }
}
