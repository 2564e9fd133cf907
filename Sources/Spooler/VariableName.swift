internal import Bytes

/// Every variable line that Exim writes, in the order in which it writes them.
public enum VariableName: Int, CaseIterable, Sendable, Hashable {
    case receivedTimeUsec, receivedTimeComplete, heloName, hostAddress, hostName, hostAuth, hostAuthPubname
    case interfaceAddress, activeHostname, ident, receivedProtocol, aclC, aclM, debugSelector, debuglogName
    case spoolFileWireformat, bodyLinecount, maxReceivedLinelength, bodyZerocount, authID, authSender
    case allowUnqualifiedRecipient, allowUnqualifiedSender, deliverFirsttime, frozen, dontDeliver
    case hostLookupDeferred, hostLookupFailed, local, localError, localScan, spamBar, spamScore, spamScoreInt
    case manualThaw, senderSetUntrusted, bmiVerdicts, tlsCertificateVerified, tlsCipher, tlsPeercert,
        tlsPeerdn
    case tlsSNI, tlsOurcert, tlsOCSP, tlsResumption, tlsVer, smtpUTF8, utf8Downcvt, utf8Optdowncvt, dsnEnvid,
        dsnRet

    /// The name as it stands in the file, without dashes.
    public var spelling: StaticString {
        switch self {
        case .receivedTimeUsec: "received_time_usec"
        case .receivedTimeComplete: "received_time_complete"
        case .heloName: "helo_name"
        case .hostAddress: "host_address"
        case .hostName: "host_name"
        case .hostAuth: "host_auth"
        case .hostAuthPubname: "host_auth_pubname"
        case .interfaceAddress: "interface_address"
        case .activeHostname: "active_hostname"
        case .ident: "ident"
        case .receivedProtocol: "received_protocol"
        case .aclC: "aclc"
        case .aclM: "aclm"
        case .debugSelector: "debug_selector"
        case .debuglogName: "debuglog_name"
        case .spoolFileWireformat: "spool_file_wireformat"
        case .bodyLinecount: "body_linecount"
        case .maxReceivedLinelength: "max_received_linelength"
        case .bodyZerocount: "body_zerocount"
        case .authID: "auth_id"
        case .authSender: "auth_sender"
        case .allowUnqualifiedRecipient: "allow_unqualified_recipient"
        case .allowUnqualifiedSender: "allow_unqualified_sender"
        case .deliverFirsttime: "deliver_firsttime"
        case .frozen: "frozen"
        case .dontDeliver: "N"
        case .hostLookupDeferred: "host_lookup_deferred"
        case .hostLookupFailed: "host_lookup_failed"
        case .local: "local"
        case .localError: "localerror"
        case .localScan: "local_scan"
        case .spamBar: "spam_bar"
        case .spamScore: "spam_score"
        case .spamScoreInt: "spam_score_int"
        case .manualThaw: "manual_thaw"
        case .senderSetUntrusted: "sender_set_untrusted"
        case .bmiVerdicts: "bmi_verdicts"
        case .tlsCertificateVerified: "tls_certificate_verified"
        case .tlsCipher: "tls_cipher"
        case .tlsPeercert: "tls_peercert"
        case .tlsPeerdn: "tls_peerdn"
        case .tlsSNI: "tls_sni"
        case .tlsOurcert: "tls_ourcert"
        case .tlsOCSP: "tls_ocsp"
        case .tlsResumption: "tls_resumption"
        case .tlsVer: "tls_ver"
        case .smtpUTF8: "smtputf8"
        case .utf8Downcvt: "utf8_downcvt"
        case .utf8Optdowncvt: "utf8_optdowncvt"
        case .dsnEnvid: "dsn_envid"
        case .dsnRet: "dsn_ret"
        }
    }

    /// The octets of each name, by raw value.
    private static let octets: [[UInt8]] = allCases.map { Array("\($0.spelling)".utf8) }

    /// The octets of the name.
    var octets: [UInt8] { Self.octets[rawValue] }

    /// The place of a name in Exim's order, or nil for a name that Exim does not write.
    static func named(_ name: ArraySlice<UInt8>) -> VariableName? { byName[ByteString(name)] }

    private static let byName: [ByteString: VariableName] = Dictionary(
        uniqueKeysWithValues: allCases.map { (ByteString($0.octets), $0) })
}
