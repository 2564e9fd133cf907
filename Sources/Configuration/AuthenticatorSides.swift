package import Bytes

/// Which sides of SMTP authentication an authenticator instance serves (manual, chapter 33): those whose options are set.
extension OptionBlock {
    /// Whether clients can authenticate by this instance.
    package var servesClients: Bool {
        switch driver {
        case "plaintext", "external": template("server_condition") != nil
        case "cram_md5": template("server_secret") != nil
        case "dovecot": text("server_socket") != nil
        case "tls": Self.certificateOptions.contains { template($0) != nil }
        default: false
        }
    }

    /// What makes an instance of driver `tls` one that is asked.
    private static let certificateOptions: [ByteString] = [
        "server_param1", "server_param", "server_param2", "server_param3", "server_condition",
        "server_set_id",
    ]

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
        return ["external", "dovecot", "tls"].contains(driver) ? name : nil
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
        if let second = blocks.filter({ $0.driver == "tls" }).dropFirst().first {
            throw ConfigurationError(
                "more than one authenticator of driver tls: \(second.name)", at: second.place)
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
