package import Bytes
package import MailText

/// What content scanning has found in a message (manual, chapter 45).
package struct ScanFacts: Sendable {
    /// The part whose ACL runs; nil outside.
    package var part: MIMEPart?
    /// Whether the part belongs to a message that is attached (`$mime_is_rfc822`).
    package var isInAttachedMessage = false
    /// `$mime_part_count`; nil where no part was looked at.
    package var partCount: Int?
    /// What decoding the part came to: the file, its size in kilobytes, and what was wrong.
    package var decoded: DecodedPart?
    /// The value of `$regex_match_string`.
    package var regexMatch: TaintedBytes?
    /// `$regex1` and so on.
    package var regexCaptures: [TaintedBytes] = []
    /// The value of `$malware_name`.
    package var malwareName: TaintedBytes?
    /// Whether the scanner could not be asked (`$av_failed`).
    package var avFailed = false
    /// Where the scanner was (`$callout_address`).
    package var calloutAddress: ByteString?
    /// What the spam scanner said.
    package var spam: SpamFacts?

    /// Knows nothing.
    package init() {}
}

/// A MIME part in a file.
package struct DecodedPart: Sendable, Hashable {
    /// The file (`$mime_decoded_filename`).
    package var path: ByteString
    /// Kilobytes, rounded up (`$mime_content_size`).
    package var kilobytes: Int
    /// What was wrong with its encoding.
    package var anomaly: TransferDecoding.Anomaly?

    /// Makes a value.
    package init(path: ByteString, kilobytes: Int, anomaly: TransferDecoding.Anomaly?) {
        self.path = path
        self.kilobytes = kilobytes
        self.anomaly = anomaly
    }
}

/// What a spam scanner said of a message.
package struct SpamFacts: Sendable, Hashable {
    /// `$spam_score`: with one digit behind the point.
    package var score: ByteString
    /// `$spam_score_int`: ten times the score.
    package var scoreInt: ByteString
    /// `$spam_bar`: a sign for each whole point.
    package var bar: ByteString
    /// The value of `$spam_report`; empty at delivery.
    package var report: ByteString
    /// The value of `$spam_action`; empty at delivery.
    package var action: ByteString

    /// Makes a value.
    package init(
        score: ByteString, scoreInt: ByteString, bar: ByteString, report: ByteString = "",
        action: ByteString = ""
    ) {
        self.score = score
        self.scoreInt = scoreInt
        self.bar = bar
        self.report = report
        self.action = action
    }
}

extension Variables {
    /// What content scanning tells.
    static let scanning: [ByteString: Reader] = {
        var rows: [ByteString: Reader] = [
            "malware_name": { facts, _ in facts.message.scan.malwareName },
            "av_failed": { facts, _ in number(facts.message.scan.avFailed ? 1 : 0) },
            "callout_address": { facts, _ in clean(facts.message.scan.calloutAddress) },
            "regex_match_string": { facts, _ in facts.message.scan.regexMatch },
            "spam_score": { facts, _ in tainted(facts.message.scan.spam?.score) },
            "spam_score_int": { facts, _ in tainted(facts.message.scan.spam?.scoreInt) },
            "spam_bar": { facts, _ in tainted(facts.message.scan.spam?.bar) },
            "spam_report": { facts, _ in tainted(facts.message.scan.spam?.report) },
            "spam_action": { facts, _ in tainted(facts.message.scan.spam?.action) },
            "mime_is_rfc822": { facts, _ in number(facts.message.scan.isInAttachedMessage ? 1 : 0) },
            "mime_part_count": { facts, _ in number(facts.message.scan.partCount ?? -1) },
            "mime_is_coverletter": { facts, _ in
                // The last part's is left, as in Exim.
                number(
                    facts.message.scan.part?.isCoverLetter ?? (facts.message.scan.partCount != nil) ? 1 : 0)
            },
            "mime_is_multipart": { facts, _ in number(facts.message.scan.part?.isMultipart ?? false ? 1 : 0)
            },
            "mime_decoded_filename": { facts, _ in clean(facts.message.scan.decoded?.path) },
            "mime_content_size": { facts, _ in number(facts.message.scan.decoded?.kilobytes ?? 0) },
            "mime_anomaly_level": { facts, _ in number(facts.message.scan.decoded?.anomaly?.rawValue ?? 0) },
            "mime_anomaly_text": { facts, _ in clean(facts.message.scan.decoded?.anomaly?.text) },
        ]
        for index in 1...9 {
            rows["regex\(index)"] = { facts, _ in
                let captures = facts.message.scan.regexCaptures
                return captures.indices.contains(index - 1) ? captures[index - 1] : nil
            }
        }
        for (name, reading) in partRows {
            rows["mime_\(name)"] = { facts, _ in tainted(facts.message.scan.part.map(reading)) }
        }
        return rows
    }()

    private static let partRows: [(ByteString, @Sendable (MIMEPart) -> ByteString)] = [
        ("boundary", { $0.boundary }), ("charset", { $0.charset }),
        ("content_description", { $0.contentDescription }),
        ("content_disposition", { $0.disposition }), ("content_id", { $0.contentID }),
        ("content_transfer_encoding", { $0.transferEncoding }), ("content_type", { $0.contentType }),
        ("filename", { $0.filename }),
    ]
}
