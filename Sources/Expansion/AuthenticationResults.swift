import Bytes

/// What `${authresults}` tells behind the name (RFC 8601; manual, section 11.5).
enum AuthenticationResults {
    /// The results that are known: whether the client's address has a name, how it has authenticated, what SPF says of
    /// the sender, what came of each DKIM signature, and what DMARC made of it.
    static func known(_ facts: Facts) -> TaintedBytes {
        let methods =
            [
                name(facts.connection), authentication(facts.connection), senderPolicy(facts),
            ].compactMap { $0 } + (facts.message.dkim?.signatures ?? []).map(signature)
            + (facts.message.dmarc.map { [authorPolicy($0)] } ?? [])
        guard !methods.isEmpty else { return "" }
        return TaintedBytes(methods.map { ";\n\t\($0)" }.joined(separator: ""), .tainted)
    }

    /// `iprev` (RFC 8601, section 2.7.3); nothing while nobody has asked for the name.
    private static func name(_ connection: ConnectionFacts) -> ByteString? {
        guard let address = connection.remoteAddress, let known = connection.hostName.known
        else { return nil }
        let result: ByteString =
            switch known {
            case .found(let names): "pass (\(names.first ?? ""))"
            case .notFound: "fail"
            case .deferred: "temperror"
            }
        return "iprev=\(result) smtp.remote-ip=\(address.text)"
    }

    private static func authentication(_ connection: ConnectionFacts) -> ByteString? {
        guard let mechanism = connection.authenticatorPublicName else { return nil }
        var text: ByteString = "auth=pass (\(mechanism))"
        if let id = connection.authenticatedID {
            text += " smtp.auth=\(id)" as ByteString
        } else {
            text = "auth=pass (\(mechanism), no id saved)"
        }
        if let sender = connection.authenticatedSender { text += " smtp.mailfrom=\(sender)" as ByteString }
        return text
    }

    private static func senderPolicy(_ facts: Facts) -> ByteString? {
        guard let spf = facts.message.spf else { return nil }
        let guess: ByteString = spf.isGuessed ? " (best guess record for domain)" : ""
        let sender = facts.message.sender ?? ""
        let identity: ByteString
        if let domain = sender.cutAtLast(UInt8(ascii: "@"))?.after {
            identity = "smtp.mailfrom=\(ByteString(domain))"
        } else if let helo = facts.connection.helo {
            identity = "smtp.helo=\(helo)"
        } else {
            identity = "smtp.mailfrom=<>"
        }
        return "spf=\(spf.result)\(guess) \(identity)"
    }

    /// `dkim` (RFC 8601, section 2.7.1).
    private static func signature(_ signature: DKIMFacts.Signature) -> ByteString {
        let (word, comment) = signature.announced
        var text: ByteString = "dkim=\(word)"
        if signature.isOverridden {
            let said: ByteString = "\(signature.status) - \(signature.reason)"
            text = "dkim=policy (\(Self.comment(said)))"
        } else if let comment {
            text += " (\(comment))\n\t\t" as ByteString
        }
        let properties: [(ByteString, ByteString)] = [
            ("d", "dkim_domain"), ("i", "dkim_identity"), ("s", "dkim_selector"), ("a", "dkim_algo"),
        ]
        for (property, name) in properties {
            guard let value = signature.values[name], !value.isEmpty else { continue }
            text += " header.\(property)=\(Self.value(value))" as ByteString
        }
        return text
    }

    /// What a signature says of itself must not look like another result.
    private static func value(_ text: ByteString) -> ByteString {
        ByteString(text.map { isPlain($0) ? $0 : UInt8(ascii: "?") })
    }

    private static func isPlain(_ octet: UInt8) -> Bool {
        octet > 0x7F || octet.isASCIIAlphanumeric || "!#$%&'*+-/=?^_`{|}~@.".utf8.contains(octet)
    }

    /// What an ACL says must not end the comment, nor the header line.
    private static func comment(_ text: ByteString) -> ByteString {
        ByteString(
            text.map { octet in
                octet < .blank || octet == 0x7F || "()\\".utf8.contains(octet) ? UInt8(ascii: "?") : octet
            })
    }

    /// `dmarc` (RFC 7489, section 11.2).
    private static func authorPolicy(_ dmarc: DMARCFacts) -> ByteString {
        let author: ByteString = dmarc.fromDomain.isEmpty ? "" : " header.from=\(value(dmarc.fromDomain))"
        return "dmarc=\(dmarc.announced)\(author)"
    }
}
