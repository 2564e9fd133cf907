package import Bytes

extension ZoneServer.Zone {
    /// The zone signed with a new key (ECDSA P-256, by Debian's `ldnsutils`), and the key's DS record to trust.
    package func signed() throws -> (zone: ZoneServer.Zone, anchor: ByteString) {
        let directory = try TemporaryDirectory()
        try directory.write(text, to: "zone")
        let keygen = try Program("ldns-keygen", package: "ldnsutils")
        let signer = try Program("ldns-signzone", package: "ldnsutils")
        // ldns-keygen knows no other place than the working directory for its files; its own shell has one.
        let shell = try Program("sh", package: "dash")
        let key = try shell.run(
            ["-c", "cd \"$0\" && exec \"$@\"", directory.path.string, keygen.path]
                + ["-r", "/dev/urandom", "-a", "ECDSAP256SHA256", "-k", name.string])
        let base = ByteString(key.trimmed())
        try signer.run([
            "-o", name.string, "-f", directory.file("signed").string, directory.file("zone").string,
            directory.file(base).string,
        ])
        let anchor = try directory.read("\(base).ds")
        return (try Self(name, directory.read("signed")), ByteString(anchor.trimmed()))
    }

    /// The zone with a piece of its text replaced, after signing: what a forger would serve.
    package func tampered(_ piece: ByteString, with other: ByteString) -> ZoneServer.Zone {
        ZoneServer.Zone(name, text.replacing(piece, with: other))
    }
}
