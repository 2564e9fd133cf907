import Bytes

/// What `${authresults}` tells behind the name (RFC 8601; manual, section 11.5).
enum AuthenticationResults {
    /// The results that are known of a connection: how the client has authenticated.
    static func known(_ connection: ConnectionFacts) -> TaintedBytes {
        guard let mechanism = connection.authenticatorPublicName else { return "" }
        var text: ByteString = ";\n\tauth=pass (\(mechanism))"
        if let id = connection.authenticatedID {
            text += " smtp.auth=\(id)" as ByteString
        } else {
            text = ";\n\tauth=pass (\(mechanism), no id saved)"
        }
        if let sender = connection.authenticatedSender { text += " smtp.mailfrom=\(sender)" as ByteString }
        return TaintedBytes(text, .tainted)
    }
}
