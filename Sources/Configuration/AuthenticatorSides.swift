package import Bytes

/// Which sides of SMTP authentication an authenticator instance serves (manual, chapter 33): those whose options are set.
extension OptionBlock {
    /// Whether clients can authenticate by this instance.
    package var servesClients: Bool {
        switch driver {
        case "plaintext", "external": template("server_condition") != nil
        case "cram_md5": template("server_secret") != nil
        case "dovecot": text("server_socket") != nil
        default: false
        }
    }

    /// Whether we authenticate by this instance where we are the client.
    package var servesUsAsClient: Bool {
        switch driver {
        case "plaintext", "external": template("client_send") != nil
        case "cram_md5": template("client_secret") != nil
        default: false
        }
    }

    /// The mechanism's name; where the driver has one name only and none is set, the instance's.
    package var publicName: ByteString? {
        if let name = text("public_name") { return name }
        return driver == "external" || driver == "dovecot" ? name : nil
    }
}

/// What must hold for all authenticators together.
enum AuthenticatorCheck {
    static func run(_ blocks: [OptionBlock]) throws(ConfigurationError) {
        var servers: [(block: OptionBlock, name: ByteString)] = []
        var clients: [(block: OptionBlock, name: ByteString)] = []
        for block in blocks where block.servesClients || block.servesUsAsClient {
            guard let name = block.publicName else {
                throw ConfigurationError(
                    "no public name specified for the \(block.name) authenticator", at: block.place)
            }
            if block.servesClients { servers.append((block, name)) }
            if block.servesUsAsClient { clients.append((block, name)) }
        }
        try refuseTwins("server", servers)
        try refuseTwins("client", clients)
    }

    private static func refuseTwins(
        _ side: ByteString, _ all: [(block: OptionBlock, name: ByteString)]
    ) throws(ConfigurationError) {
        for (index, other) in all.enumerated() {
            guard let one = all[..<index].first(where: { $0.name.equalsIgnoringCase(other.name) }) else {
                continue
            }
            throw ConfigurationError(
                "two \(side) authenticators (\(one.block.name) and \(other.block.name)) have the same public name (\(one.name))",
                at: other.block.place)
        }
    }
}
