package import Bytes
import Foundation

/// Somebody else's DKIM (dkimpy from PyPI, which scripts/setup --test installs), for comparing ours with.
package enum DKIMStranger {
    /// What is wanted of a message whose lines end in CRLF.
    package enum Question: Sendable {
        /// The canonical header and body, in `simple` or `relaxed` form.
        case canonical(ByteString, form: ByteString)
        /// Whether each of its signatures, from the top, is good by the keys of a zone.
        case verify(ByteString, count: Int, keys: [ByteString: ByteString])
        /// A signature by a key, in PEM or the seed of Ed25519 in base64, of one form for header and body.
        case sign(ByteString, by: Signer, form: ByteString, countsBody: Bool)
    }

    /// Who signs.
    package struct Signer: Sendable {
        let selector: ByteString
        let key: ByteString
        let algorithm: ByteString

        /// A signer for the domain sign.test.
        package init(_ selector: ByteString, _ key: ByteString, _ algorithm: ByteString) {
            self.selector = selector
            self.key = key
            self.algorithm = algorithm
        }
    }

    /// An answer: what was asked for is there.
    package struct Answer: Decodable, Sendable {
        private var headers: String?
        private var body: String?
        private var line: String?
        /// A verdict for each signature; none when the message cannot be read.
        package var verdicts: [Bool]?
        /// What was wrong.
        package var problem: String?

        /// The canonical header, its lines with CRLF.
        package var canonicalHeader: ByteString { DKIMStranger.octets(headers) }
        /// The canonical body.
        package var canonicalBody: ByteString { DKIMStranger.octets(body) }
        /// The header line of a signature, with its CRLF.
        package var signature: ByteString { DKIMStranger.octets(line) }
    }

    /// Somebody else could not be asked.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private static let python = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../.oracles/python/bin/python").standardized.path

    /// Asks, by one process; gives an answer to each question, in order.
    package static func ask(_ questions: [Question]) throws -> [Answer] {
        guard FileManager.default.isExecutableFile(atPath: python) else {
            throw Failure(description: "scripts/setup --test makes \(python)")
        }
        let lines = try questions.map { String(decoding: try JSONEncoder().encode($0.case), as: UTF8.self) }
        let input = ByteString(lines.joined(separator: "\n") + "\n")
        let ending = try ChildProcess(python, ["-c", script], input: input).wait()
        guard ending.code == 0 else { throw Failure(description: "\(ending.errors)") }
        let answers = try ending.output.split(separator: .newline).map {
            try JSONDecoder().decode(Answer.self, from: Data($0))
        }
        guard answers.count == questions.count else { throw Failure(description: "answers are missing") }
        return answers
    }

    fileprivate static func octets(_ text: String?) -> ByteString {
        Base64.decode((text ?? "").utf8) ?? ""
    }

    private static let script = """
        import base64, json, sys
        import dkim
        from dkim.canonicalization import CanonicalizationPolicy

        def octets(text): return base64.b64decode(text)
        def text(octets): return base64.b64encode(octets).decode()

        def canonical(case):
            form = case["form"].encode()
            policy = CanonicalizationPolicy.from_c_value(form + b"/" + form)
            headers, body = dkim.rfc822_parse(octets(case["message"]))
            lines = [name + b":" + value for name, value in policy.canonicalize_headers(headers)]
            return {"headers": text(b"".join(lines)), "body": text(policy.canonicalize_body(body))}

        def verify(case):
            keys = case["keys"]
            ask = lambda name, timeout=5: keys.get(name.decode().rstrip("."), "").encode()
            message = dkim.DKIM(octets(case["message"]), minkey=512)
            try:
                return {"verdicts": [bool(message.verify(idx=i, dnsfunc=ask)) for i in range(case["count"])]}
            except Exception as problem:
                return {"verdicts": [], "problem": repr(problem)}

        def sign(case):
            forms = (case["form"].encode(), case["form"].encode())
            return {"line": text(dkim.sign(
                octets(case["message"]), case["selector"].encode(), b"sign.test", octets(case["key"]),
                canonicalize=forms, signature_algorithm=case["algorithm"].encode(), length=case["length"]))}

        for line in sys.stdin:
            case = json.loads(line)
            print(json.dumps({"canonical": canonical, "verify": verify, "sign": sign}[case["do"]](case)))
        """
}

extension DKIMStranger.Question {
    /// A question as the script reads it.
    fileprivate struct Case: Encodable {
        var `do`: String
        var message: String
        var form: String?
        var count: Int?
        var keys: [String: String]?
        var selector: String?
        var key: String?
        var algorithm: String?
        var length: Bool?

        init(_ name: String, _ message: ByteString) {
            self.do = name
            self.message = Base64.encode(message).string
        }
    }

    fileprivate var `case`: Case {
        switch self {
        case .canonical(let message, let form):
            var result = Case("canonical", message)
            result.form = form.string
            return result
        case .verify(let message, let count, let keys):
            var result = Case("verify", message)
            result.count = count
            result.keys = Dictionary(uniqueKeysWithValues: keys.map { ($0.key.string, $0.value.string) })
            return result
        case .sign(let message, let signer, let form, let countsBody):
            var result = Case("sign", message)
            result.form = form.string
            result.selector = signer.selector.string
            result.key = Base64.encode(signer.key).string
            result.algorithm = signer.algorithm.string
            result.length = countsBody
            return result
        }
    }
}
