import Bytes
import Glibc
import TestKit
import Testing

/// The certificates of all sites and clients here, made once: by one authority, and by one that nobody trusts.
struct SiteCertificates: Sendable {
    static let shared = Result { try SiteCertificates() }

    /// Their files go with them.
    private let authorities: [TestAuthority]
    /// Those of clients, by name.
    let identities: [String: TestAuthority.Identity]
    /// The files that each site has, by the names that configurations know.
    private let files: [(name: ByteString, text: ByteString)]

    private init() throws {
        let (authority, stranger) = (try TestAuthority(), try TestAuthority(named: "Stranger"))
        let lower = try TestAuthority(named: "Lower Authority", under: authority)
        authorities = [authority, lower, stranger]
        var identities: [String: TestAuthority.Identity] = [:]
        for name in ["joe", "bob", "revoked"] { identities[name] = try authority.issue(name) }
        identities["eve"] = try stranger.issue("eve")
        identities["evil"] = try authority.issue("evil", named: "evil\n1999-01-01 00:00:00 forged")
        identities["late"] = try authority.issue("late", days: -1)
        identities["low"] = try lower.issue("low")
        self.identities = identities
        var files: [(ByteString, ByteString)] = [("ca.crt", readFile(authority.certificate.string))]
        for host in ["mail.example.org", "other.example.org"] {
            let own = try authority.issue(host)
            files.append((ByteString("\(host).crt"), readFile(own.certificate.string)))
            files.append((ByteString("\(host).key"), readFile(own.key.string)))
        }
        if let revoked = identities["revoked"] {
            files.append(("revoked.crl", readFile(try authority.revoke([revoked]).string)))
        }
        self.files = files
    }

    /// Writes a site's files; `secret.key` is a key that its programs may not read.
    func put(into site: MailSite) throws {
        for (name, text) in files {
            let path = try site.directory.write(text, to: name)
            try MailSite.give(path)
        }
        let secret = try site.directory.write("secret", to: "secret.key")
        #expect(chmod(secret.string, 0o600) == 0)
    }
}

extension SecureStream.Wishes {
    /// Reads the words of a script's step.
    init(_ words: [String], _ identities: [String: TestAuthority.Identity]) throws {
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            switch parts[0] {
            case "cert": identity = identities[parts[1]]
            case "sni": serverName = ByteString(parts[1])
            case "alpn": protocols = parts[1].split(separator: ",").map { ByteString(String($0)) }
            case "tls1.3": isNew = true
            default: throw Script.Malformed(description: "no word of TLS: \(word)")
            }
        }
    }
}
