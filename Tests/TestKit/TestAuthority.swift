package import Bytes

/// A certificate authority of its own for one test, made with the `openssl` program; its files go with the value.
package final class TestAuthority: Sendable {
    /// A certificate with its key, in PEM.
    package struct Identity: Sendable {
        /// The certificate's file.
        package let certificate: ByteString
        /// The key's file.
        package let key: ByteString
    }

    private let files: TemporaryDirectory
    private let program: Program
    private let isSubordinate: Bool

    /// The authority's own certificate: what a peer trusts.
    package var certificate: ByteString { files.file("authority.crt") }

    /// Makes the authority; throws where `openssl` is missing or fails.
    package init(named name: String = "Test Authority") throws {
        files = try TemporaryDirectory()
        program = try Program("openssl", package: "openssl")
        isSubordinate = false
        try program.run(
            ["req", "-x509"] + subject("authority", name) + ["-out", certificate.string]
                + ["-addext", "basicConstraints=critical,CA:true"])
    }

    /// Makes an authority that another one vouches for.
    ///
    /// What it issues is followed by its own certificate in the same file, as a server or client presents it.
    package init(named name: String, under root: TestAuthority) throws {
        files = try TemporaryDirectory()
        program = root.program
        isSubordinate = true
        let request = files.file("authority.csr").string
        try files.write("basicConstraints=critical,CA:true\n", to: "authority.ext")
        try program.run(["req", "-new"] + subject("authority", name) + ["-out", request])
        try program.run([
            "x509", "-req", "-in", request, "-out", files.file("authority.crt").string, "-days", "30",
            "-CA", root.certificate.string, "-CAkey", root.files.file("authority.key").string,
            "-CAcreateserial", "-extfile", files.file("authority.ext").string,
        ])
    }

    /// Revokes certificates; gives the file of the authority's list, in PEM.
    package func revoke(_ revoked: [Identity]) throws -> ByteString {
        try files.write("", to: "index.txt")
        try files.write("01\n", to: "crlnumber")
        try files.write(
            """
            [ca]
            default_ca = own
            [own]
            database = \(files.file("index.txt"))
            crlnumber = \(files.file("crlnumber"))
            default_md = sha256
            default_crl_days = 30

            """, to: "ca.cnf")
        let words = [
            "ca", "-config", files.file("ca.cnf").string, "-cert", certificate.string,
            "-keyfile", files.file("authority.key").string,
        ]
        let list = files.file("revoked.crl")
        for own in revoked { try program.run(words + ["-revoke", own.certificate.string]) }
        try program.run(words + ["-gencrl", "-out", list.string])
        return list
    }

    /// Issues a certificate for a host.
    ///
    /// - Parameters:
    ///   - host: the subject's alternative name.
    ///   - name: its common name; nil for the same.
    ///   - days: how long it is valid; -1 for one that has expired.
    ///   - responder: the address of the OCSP responder that it names.
    package func issue(
        _ host: String, named name: String? = nil, days: Int = 30, responder: String? = nil
    ) throws -> Identity {
        let own = Identity(certificate: files.file("\(host).crt"), key: files.file("\(host).key"))
        let request = files.file("\(host).csr").string
        let access = responder.map { "authorityInfoAccess=OCSP;URI:\($0)\n" } ?? ""
        try files.write(
            "subjectAltName=DNS:\(host)\nbasicConstraints=CA:false\n\(access)", to: "\(host).ext")
        try program.run(["req", "-new"] + subject(host, name ?? host) + ["-out", request])
        try program.run([
            "x509", "-req", "-in", request, "-out", own.certificate.string, "-days", "\(days)",
            "-CA", certificate.string, "-CAkey", files.file("authority.key").string, "-CAcreateserial",
            "-extfile", files.file("\(host).ext").string,
        ])
        if isSubordinate { try append(to: host) }
        return own
    }

    /// Puts the authority's certificate behind a host's, in the host's file.
    package func append(to host: String) throws {
        let name = "\(host).crt" as ByteString
        try files.write(files.read(name) + files.read("authority.crt"), to: name)
    }

    /// What an OCSP responder of the authority says of a certificate, by `openssl ocsp`.
    package struct Proof: Sendable {
        /// Whether the certificate is revoked (as superseded).
        package var isRevoked = false
        /// For how many days it is good; nil leaves that open.
        package var days: Int? = 7
        /// Who signs: nil is the authority itself; else somebody to whom it has given that right.
        package var signer: Identity?
        /// Whether the signer's certificate is in it.
        package var hasSigner = true

        /// The authority's own good word.
        package init() {}
    }

    /// Makes the file of a proof, in DER.
    package func prove(_ own: Identity, _ proof: Proof = Proof(), named name: String) throws -> ByteString {
        let index = try index(own, proof, named: name)
        let out = files.file("\(ByteString(name)).der")
        try program.run(
            ["ocsp"] + responding(index, proof) + [
                "-issuer", certificate.string, "-cert", own.certificate.string, "-noverify",
            ]
                + ["-respout", out.string])
        return out
    }

    /// The command of a responder that answers for a certificate on a port, until it is ended.
    package func responder(
        for own: Identity, _ proof: Proof = Proof(), named name: String, port: Int
    ) throws -> [String] {
        [program.path, "ocsp", "-port", "\(port)"] + responding(try index(own, proof, named: name), proof)
    }

    /// A responder's list of what the authority has issued.
    private func index(_ own: Identity, _ proof: Proof, named name: String) throws -> String {
        let serial = try program.run(["x509", "-in", own.certificate.string, "-noout", "-serial"])
        let number = ByteString(serial.trimmed().drop { $0 != UInt8(ascii: "=") }.dropFirst())
        let state: ByteString =
            proof.isRevoked ? "R\t400101000000Z\t200101000000Z,superseded" : "V\t400101000000Z\t"
        try files.write("\(state)\t\(number)\tunknown\t/CN=x\n", to: "\(ByteString(name)).index")
        try files.write("unique_subject = no\n", to: "\(ByteString(name)).index.attr")
        return files.file("\(ByteString(name)).index").string
    }

    private func responding(_ index: String, _ proof: Proof) -> [String] {
        ["-index", index, "-CA", certificate.string]
            + ["-rsigner", proof.signer?.certificate.string ?? certificate.string]
            + ["-rkey", proof.signer?.key.string ?? files.file("authority.key").string]
            + (proof.days.map { ["-ndays", "\($0)"] } ?? []) + (proof.hasSigner ? [] : ["-resp_no_certs"])
    }

    /// Gives somebody the right to speak for the authority about its certificates.
    package func delegate(named name: String, days: Int = 30) throws -> Identity {
        let own = Identity(certificate: files.file("\(name).crt"), key: files.file("\(name).key"))
        let request = files.file("\(name).csr").string
        try files.write("extendedKeyUsage=OCSPSigning\nbasicConstraints=CA:false\n", to: "\(name).ext")
        try program.run(["req", "-new"] + subject(name, name) + ["-out", request])
        try program.run([
            "x509", "-req", "-in", request, "-out", own.certificate.string, "-days", "\(days)",
            "-CA", certificate.string, "-CAkey", files.file("authority.key").string, "-CAcreateserial",
            "-extfile", files.file("\(name).ext").string,
        ])
        return own
    }

    /// The name under which OpenSSL looks for the authority's revocations in a directory.
    package func revocationName() throws -> ByteString {
        let hash = try program.run(["x509", "-hash", "-noout", "-in", certificate.string])
        return "\(ByteString(hash.trimmed())).r0"
    }

    private func subject(_ file: String, _ name: String) -> [String] {
        [
            "-newkey", "rsa:2048", "-nodes", "-subj", "/O=Example/CN=\(name)",
            "-keyout", files.file("\(file).key").string,
        ]
    }
}
