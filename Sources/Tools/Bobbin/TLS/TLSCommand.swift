import ArgumentParser
import Bytes
import Glibc
import OpenSSL

/// `bobbin tls`.
struct TLSCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tls", abstract: "Look after what TLS needs.",
        discussion: """
            Example: a fresh proof for clients, each hour from cron
              bobbin tls staple --output /var/lib/bobbin/mx.ocsp /etc/ssl/mx.pem
            """,
        subcommands: [TLSStapleCommand.self])
}

/// `bobbin tls staple`.
struct TLSStapleCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "staple", abstract: "Fetch the proof that a certificate is not revoked (OCSP).",
        discussion: """
            Asks the responder that the certificate names, checks the answer as a client would, and puts it in the place
            of the old one, for tls_ocsp_file. While half of the old one's time is not over, nothing is done; so call it
            often. When nothing good is to be had the old file stays as it is.

            Example: from the authority's responder, whatever the certificate says
              bobbin tls staple --url http://ocsp.example/ --issuer ca.pem --output mx.ocsp mx.pem
            """)

    @Option(help: ArgumentHelp("Where the proof is put, in DER.", valueName: "file"))
    var output: String
    @Option(
        help: ArgumentHelp(
            "The authority's certificate, where it is not behind the other in its file.", valueName: "file"))
    var issuer: String?
    @Option(help: ArgumentHelp("The responder, where not the certificate's.", valueName: "URL"))
    var url: String?
    @Option(help: ArgumentHelp("How long to wait for it.", valueName: "seconds"))
    var timeout: Int32 = 30
    @Flag(help: "Fetch one although the old one is still good for long.")
    var force = false
    @Argument(help: ArgumentHelp("The server's certificate, in PEM.", valueName: "certificate"))
    var certificate: String

    mutating func run(on console: Console) async throws {
        let now = Int64(time(nil))
        let file = OCSPProof.File(path: ByteString(output), format: .der)
        let inquiry: OCSPInquiry
        do throws(OpenSSLError) {
            inquiry = try OCSPInquiry(
                about: ByteString(certificate), authority: issuer.map { ByteString($0) })
        } catch {
            throw ToolFailure(.noInput, "\(error.operation): \(error.reason); --issuer names its file")
        }
        if !force, let old = present(file, now), now < old.halfLife,
            inquiry.judgement(of: old.octets) == .good
        {
            return console.write(
                "\(output): good until \(Self.shown(old.end)), fetched again after \(Self.shown(old.halfLife))\n"
            )
        }
        let octets = try fetch(inquiry)
        if case .bad(let reason) = inquiry.judgement(of: octets) {
            throw ToolFailure(.dataError, "\(reason)")
        }
        let proof: OCSPProof
        do throws(OpenSSLError) {
            proof = try OCSPProof(octets, named: "the responder's answer", now: now)
        } catch {
            throw ToolFailure(.dataError, "\(error.operation): \(error.reason)")
        }
        do { try DescriptorInput.replace(file.path, with: ByteString(octets)) } catch {
            throw ToolFailure(.ioError, "\(file.path): it cannot be written")
        }
        if proof.endsWithSigner {
            console.say(
                "the certificate of the proof's signer ends before the proof: it is good as long as that")
        }
        console.write(
            "\(output): good until \(Self.shown(proof.end)), fetched again after \(Self.shown(proof.halfLife))\n"
        )
    }

    /// The proof that is there, if it is one and good now.
    private func present(_ file: OCSPProof.File, _ now: Int64) -> OCSPProof? {
        do throws(OpenSSLError) { return try OCSPProof(file, now: now) } catch { return nil }
    }

    /// The first answer of a responder.
    private func fetch(_ inquiry: borrowing OCSPInquiry) throws(ToolFailure) -> [UInt8] {
        let responders = url.map { [ByteString($0)] } ?? inquiry.responders
        guard !responders.isEmpty else {
            throw ToolFailure(.usage, "the certificate names no responder; --url does")
        }
        var reasons: [ByteString] = []
        for responder in responders {
            do throws(OpenSSLError) {
                return try inquiry.ask(responder, timeout: max(1, timeout))
            } catch {
                reasons.append("\(error.operation): \(error.reason)")
            }
        }
        throw ToolFailure(.temporary, "no responder answers: \(reasons.joined(separator: "; "))")
    }

    /// A moment in universal time.
    private static func shown(_ seconds: Int64) -> ByteString {
        var (moment, parts) = (time_t(seconds), tm())
        guard unsafe gmtime_r(&moment, &parts) != nil else { return "\(seconds)" }
        func two(_ number: Int32) -> ByteString { number < 10 ? "0\(number)" : "\(number)" }
        return """
            \(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) \
            \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z
            """
    }
}
