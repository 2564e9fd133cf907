import Bytes
import OpenSSL
import TestKit

/// How a scripted server speaks TLS.
struct ServerTLS: Sendable {
    enum Certificate: String, Sendable {
        case good, expired, stranger, own
    }

    var certificate = Certificate.own
    var asksForCertificate = false
    var protocols: [ByteString] = []
    var isAtOnce = false

    /// Reads the words of a fixture.
    init(_ words: [String]) throws {
        for word in words {
            switch word {
            case "ask": asksForCertificate = true
            case "smtp": protocols = ["smtp"]
            case "atonce": isAtOnce = true
            default:
                guard let kind = Certificate(rawValue: word) else {
                    throw Delivery.Malformed(description: "no word of tls: \(word)")
                }
                certificate = kind
            }
        }
    }

    /// What the server is set up with.
    func settings(_ papers: Papers) -> TLSSettings {
        var settings = TLSSettings()
        let own: TestAuthority.Identity? =
            switch certificate {
            case .good: papers.good
            case .expired: papers.expired
            case .stranger: papers.strangers
            case .own: nil
            }
        if let own {
            (settings.certificates, settings.privateKeys) = ([own.certificate], [own.key])
        } else {
            settings.selfSignedName = "wire.example.com"
        }
        if asksForCertificate { settings.trust = .path(papers.authority.certificate) }
        return settings
    }
}

/// The certificates of all deliveries, made once.
struct Papers: Sendable {
    let authority: TestAuthority
    /// A server's, for mx2.tls.test.
    let good: TestAuthority.Identity
    let expired: TestAuthority.Identity
    /// The same name from an authority that nobody knows.
    let strangers: TestAuthority.Identity
    /// A client's.
    let client: TestAuthority.Identity
    private let stranger: TestAuthority

    private static let shared = Result { try Papers() }

    private init() throws {
        authority = try TestAuthority()
        stranger = try TestAuthority(named: "Stranger")
        good = try authority.issue("mx2.tls.test")
        strangers = try stranger.issue("mx2.tls.test")
        client = try authority.issue("client.test")
        expired = try authority.issue("late.tls.test", days: -1)
    }

    /// Those that were made.
    static func made() throws -> Papers { try shared.get() }

    /// Puts what the programs read into a site: `ca.crt`, `client.crt`, `client.key`.
    func give(to site: MailSite) throws {
        for (name, path) in [
            ("ca.crt", authority.certificate), ("client.crt", client.certificate), ("client.key", client.key),
        ] as [(ByteString, ByteString)] {
            try site.directory.write(readFile(path.string), to: name)
            try MailSite.give(site.directory.file(name))
        }
    }
}
