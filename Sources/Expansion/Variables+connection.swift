import Bytes

extension Variables {
    static let connection: [ByteString: Reader] = [
        "sender_host_address": { facts, _ in clean(facts.connection.remoteAddress?.text) },
        "sender_host_port": { facts, _ in number(facts.connection.remotePort ?? 0) },
        "sender_host_authenticated": { facts, _ in clean(facts.connection.authenticatorName) },
        "sender_host_dnssec": { _, _ in "no" },
        "sender_helo_dnssec": { _, _ in "no" },
        "sender_helo_name": { facts, _ in tainted(facts.connection.helo) },
        "sender_helo_verified": { facts, _ in yes(facts.connection.heloVerified) },
        "sender_ident": { facts, _ in
            facts.connection.remoteAddress == nil
                ? clean(facts.connection.ident) : tainted(facts.connection.ident)
        },
        "sender_rate": { facts, _ in clean(facts.connection.senderRate) },
        "sender_rate_limit": { facts, _ in clean(facts.connection.senderRateLimit) },
        "sender_rate_period": { facts, _ in clean(facts.connection.senderRatePeriod) },
        "authenticated_id": { facts, _ in tainted(facts.connection.authenticatedID) },
        "authenticated_fail_id": { facts, _ in tainted(facts.connection.authenticatedFailID) },
        "authenticated_sender": { facts, _ in tainted(facts.connection.authenticatedSender) },
        "authentication_failed": { facts, _ in one(facts.connection.authenticationFailed) },
        "auth1": { facts, _ in authentication(facts, 0) },
        "auth2": { facts, _ in authentication(facts, 1) },
        "auth3": { facts, _ in authentication(facts, 2) },
        "auth4": { facts, _ in authentication(facts, 3) },
        "received_protocol": { facts, _ in clean(facts.connection.receivedProtocol) },
        "received_ip_address": { facts, _ in clean(facts.connection.interfaceAddress?.text) },
        "received_port": { facts, _ in number(facts.connection.interfacePort ?? -1) },
        "interface_address": { facts, _ in clean(facts.connection.interfaceAddress?.text) },
        "interface_port": { facts, _ in number(facts.connection.interfacePort ?? -1) },
        "sending_ip_address": { facts, _ in clean(facts.connection.sendingAddress?.text) },
        "sending_port": { facts, _ in number(facts.connection.sendingPort ?? -1) },
        "smtp_active_hostname": { facts, environment in
            clean(facts.connection.activeHostName ?? environment.settings.primaryHostName)
        },
        "smtp_command": { facts, _ in tainted(facts.connection.smtpCommand) },
        "smtp_command_argument": { facts, _ in tainted(facts.connection.smtpCommandArgument) },
        "smtp_command_history": { facts, _ in
            clean(facts.connection.smtpCommandHistory.joined(separator: ","))
        },
        "connection_id": { facts, _ in clean(facts.connection.connectionID) },
        // No host asks us for its mail (ATRN).
        "atrn_host": { _, _ in "" },
        "atrn_mode": { _, _ in "" },
        "smtp_count_at_connection_start": { facts, _ in number(facts.connection.countAtConnectionStart) },
        "smtp_notquit_reason": { facts, _ in clean(facts.connection.notQuitReason) },
        "proxy_session": { facts, _ in yes(facts.connection.proxy?.isSession ?? false) },
        "proxy_local_address": { facts, _ in clean(facts.connection.proxy?.localAddress?.text) },
        // These four by what they were called before they were released, too.
        "proxy_host_address": { facts, _ in clean(facts.connection.proxy?.localAddress?.text) },
        "proxy_host_port": { facts, _ in number(facts.connection.proxy?.localPort ?? 0) },
        "proxy_target_address": { facts, _ in clean(facts.connection.proxy?.externalAddress?.text) },
        "proxy_target_port": { facts, _ in number(facts.connection.proxy?.externalPort ?? 0) },
        "proxy_local_port": { facts, _ in number(facts.connection.proxy?.localPort ?? 0) },
        "proxy_external_address": { facts, _ in clean(facts.connection.proxy?.externalAddress?.text) },
        "proxy_external_port": { facts, _ in number(facts.connection.proxy?.externalPort ?? 0) },
        "pid": { facts, _ in number(facts.connection.processID ?? EximTime.processID) },
    ]

    private static func authentication(_ facts: Facts, _ index: Int) -> TaintedBytes? {
        let strings = facts.connection.authenticationStrings
        return index < strings.count ? TaintedBytes(strings[index], .tainted) : nil
    }

    static let transportSecurity: [ByteString: Reader] = {
        var rows = sideRows(prefix: "tls_in_") { $0.connection.tlsIn }
        rows.merge(sideRows(prefix: "tls_out_") { $0.connection.tlsOut }) { one, _ in one }
        rows["tls_in_sni"] = { facts, _ in tainted(facts.connection.tlsIn.serverName) }
        rows["tls_out_dane"] = { facts, _ in yes(facts.connection.tlsOut.dane ?? false) }
        rows["tls_out_tlsa_usage"] = { facts, _ in number(facts.connection.tlsOut.tlsaUsage) }
        for name in ["bits", "certificate_verified", "cipher", "peerdn", "sni"] as [ByteString] {
            rows["tls_\(name)"] = rows["tls_in_\(name)"]
        }
        return rows
    }()

    private static func sideRows(
        prefix: ByteString, _ facts: @escaping @Sendable (Facts) -> TLSFacts
    ) -> [ByteString: Reader] {
        [
            prefix + "bits": { all, _ in number(facts(all).bits) },
            prefix + "certificate_verified": { all, _ in one(facts(all).certificateVerified) },
            prefix + "cipher": { all, _ in clean(facts(all).cipher) },
            prefix + "cipher_std": { all, _ in clean(facts(all).standardCipher) },
            prefix + "ocsp": { all, _ in number(facts(all).ocsp) },
            prefix + "ourcert": { all, _ in
                clean(facts(all).ourCertificate.map { _ in CertificateVariables.mark })
            },
            prefix + "peercert": { all, _ in
                tainted(facts(all).peerCertificate.map { _ in CertificateVariables.mark })
            },
            prefix + "peerdn": { all, _ in tainted(facts(all).peerDN) },
            prefix + "resumption": { all, _ in number(facts(all).resumption) },
            prefix + "sni": { all, _ in clean(facts(all).serverName) },
            prefix + "ver": { all, _ in clean(facts(all).version) },
        ]
    }
}

extension ByteString {
    fileprivate static func + (one: ByteString, other: String) -> ByteString { one + ByteString(other) }
}
