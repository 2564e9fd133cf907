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

    /// The authority's own certificate: what a peer trusts.
    package var certificate: ByteString { files.file("authority.crt") }

    /// Makes the authority; throws where `openssl` is missing or fails.
    package init(named name: String = "Test Authority") throws {
        files = try TemporaryDirectory()
        program = try Program("openssl", package: "openssl")
        try program.run(
            ["req", "-x509"] + subject("authority", name) + ["-out", certificate.string]
                + ["-addext", "basicConstraints=critical,CA:true"])
    }

    /// Issues a certificate for a host.
    ///
    /// - Parameters:
    ///   - host: the subject's common name, and its alternative name.
    ///   - days: how long it is valid; -1 for one that has expired.
    package func issue(_ host: String, days: Int = 30) throws -> Identity {
        let own = Identity(certificate: files.file("\(host).crt"), key: files.file("\(host).key"))
        let request = files.file("\(host).csr").string
        try files.write("subjectAltName=DNS:\(host)\nbasicConstraints=CA:false\n", to: "\(host).ext")
        try program.run(["req", "-new"] + subject(host, host) + ["-out", request])
        try program.run([
            "x509", "-req", "-in", request, "-out", own.certificate.string, "-days", "\(days)",
            "-CA", certificate.string, "-CAkey", files.file("authority.key").string, "-CAcreateserial",
            "-extfile", files.file("\(host).ext").string,
        ])
        return own
    }

    private func subject(_ file: String, _ name: String) -> [String] {
        [
            "-newkey", "rsa:2048", "-nodes", "-subj", "/O=Example/CN=\(name)",
            "-keyout", files.file("\(file).key").string,
        ]
    }
}
