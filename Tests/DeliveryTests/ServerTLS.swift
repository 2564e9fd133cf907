import Bytes
import OpenSSL
import TestKit

/// How a scripted server speaks TLS.
struct ServerTLS: Sendable {
    enum Certificate: String, Sendable {
        case good, chain, expired, stranger, lone, rooted, own
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
        let own: Papers.Files? =
            switch certificate {
            case .good: papers.good
            case .chain: papers.chain
            case .expired: papers.expired
            case .stranger: papers.strangers
            case .lone: papers.lone
            case .rooted: papers.rooted
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
    /// A certificate and its key.
    typealias Files = (certificate: ByteString, key: ByteString)

    let authority: TestAuthority
    /// A server's, for mx2.tls.test.
    let good: Files
    let expired: Files
    /// The same name, vouched for by somebody whom the authority vouches for, who is in the same file.
    let chain: Files
    private let files: TemporaryDirectory
    /// The same name from an authority that nobody knows.
    let strangers: Files
    /// A client's.
    let client: Files
    /// Vouched for by nobody, for another name.
    let lone: Files
    /// The good one, with the authority behind it in the same file.
    let rooted: Files
    private let stranger: TestAuthority

    private static let shared = Result { try Papers() }

    private init() throws {
        authority = try TestAuthority()
        stranger = try TestAuthority(named: "Stranger")
        func issued(by authority: TestAuthority, _ host: String, days: Int = 30) throws -> Files {
            let identity = try authority.issue(host, days: days)
            return (identity.certificate, identity.key)
        }
        good = try issued(by: authority, "mx2.tls.test")
        strangers = try issued(by: stranger, "mx2.tls.test")
        client = try issued(by: authority, "client.test")
        expired = try issued(by: authority, "late.tls.test", days: -1)
        files = try TemporaryDirectory()
        chain = try Self.chain(from: authority, in: files)
        lone = (files.file("lone.crt"), files.file("lone.key"))
        try Program("openssl", package: "openssl").run(
            ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/O=Example/CN=lone", "-days", "30"]
                + ["-keyout", lone.key.string, "-out", lone.certificate.string])
        rooted = (files.file("rooted.crt"), good.key)
        try files.write(
            readFile(good.certificate.string) + readFile(authority.certificate.string), to: "rooted.crt")
    }

    /// The last field of a TLSA record, by the `openssl` program: of a certificate, a selector, a matching type.
    func association(_ words: [String]) throws -> ByteString {
        let known = [
            "good": good.certificate, "expired": expired.certificate, "chain": chain.certificate,
            "stranger": strangers.certificate, "lone": lone.certificate, "authority": authority.certificate,
            "middle": files.file("middle.crt"),
        ]
        guard words.count == 3, let certificate = known[words[0]] else {
            throw Delivery.Malformed(description: "no TLSA data: \(words)")
        }
        let openssl = try Program("openssl", package: "openssl")
        let scratch = try TemporaryDirectory()
        let (key, data) = (scratch.file("key").string, scratch.file("data").string)
        if words[1] == "0" {
            try openssl.run(["x509", "-in", certificate.string, "-outform", "DER", "-out", data])
        } else {
            try openssl.run(["x509", "-in", certificate.string, "-pubkey", "-noout", "-out", key])
            try openssl.run(["pkey", "-pubin", "-in", key, "-outform", "DER", "-out", data])
        }
        guard words[2] != "0" else { return Hex.encode(try scratch.read("data")) }
        let digest = try openssl.run(["dgst", words[2] == "1" ? "-sha256" : "-sha512", "-r", data])
        return ByteString(digest.prefix { $0 != .blank })
    }

    private static func chain(
        from authority: TestAuthority, in files: TemporaryDirectory
    ) throws -> Files {
        let openssl = try Program("openssl", package: "openssl")
        let middle = files.file("middle").string
        let own: Files = (files.file("own.crt"), files.file("own.key"))
        let root = authority.certificate.string
        try files.write("basicConstraints=critical,CA:true\n", to: "middle.ext")
        try files.write("subjectAltName=DNS:mx2.tls.test\n", to: "own.ext")
        func issue(
            _ name: String, key: String, extensions: String, certificate: String, by issuer: String,
            _ issuerKey: String
        ) throws {
            try openssl.run(
                ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/O=Example/CN=\(name)"]
                    + ["-keyout", key, "-out", key + ".csr"])
            try openssl.run(
                ["x509", "-req", "-in", key + ".csr", "-out", certificate, "-days", "30", "-CA", issuer]
                    + ["-CAkey", issuerKey, "-CAcreateserial", "-extfile", extensions])
        }
        try issue(
            "Middle", key: middle + ".key", extensions: middle + ".ext", certificate: middle + ".crt",
            by: root, root.replacing("authority.crt", with: "authority.key"))
        try issue(
            "mx2.tls.test", key: own.key.string, extensions: files.file("own.ext").string,
            certificate: own.certificate.string, by: middle + ".crt", middle + ".key")
        try files.write(readFile(own.certificate.string) + readFile(middle + ".crt"), to: "own.crt")
        return own
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
