import Bytes
import Hints

/// A hint as one JSON object; doc/bobbin-hints.md lists the keys.
enum HintRecordJSON {
    /// The object of a record, good or bad.
    static func object(_ row: HintsRow, _ base: HintsBase, _ layout: HintsLayout) -> JSONObject {
        var object = JSONObject()
        object.add("database", base.name)
        object.add("key", row.key)
        guard row.isFindable else {
            object.add("error", "no Exim finds this key, since it does not end in a NUL")
            return object
        }
        do throws(HintsRecordError) {
            let hint = try DecodedHint(base.kind, key: row.key, row.octets, layout: layout)
            object.add("written", hint.written)
            add(hint, row.key, to: &object)
        } catch {
            object.add("error", ByteString(error.description))
        }
        return object
    }

    private static func add(_ hint: DecodedHint, _ key: ByteString, to object: inout JSONObject) {
        switch hint {
        case .retry(let record): add(record, key, to: &object)
        case .wait(let record):
            object.add("continuations", record.sequence)
            object.add("messages", record.ids)
        case .calloutAddress(let record): object.add("result", word(record.result))
        case .calloutDomain(let record):
            object.add("result", word(record.result))
            object.add("postmaster", word(record.postmaster))
            object.add("postmaster_tested", record.postmaster == .unknown ? nil : record.postmasterStamp)
            object.add("random", word(record.random))
            object.add("random_tested", record.random == .unknown ? nil : record.randomStamp)
        case .serialize(let record): object.add("running", record.count)
        case .ehlo(let record): add(record, to: &object)
        case .rateLimit(let record):
            object.add("microseconds", record.microseconds)
            object.add("rate", number: HintsTime.decimal(record.rate, decimals: 6))
            object.add("filter_epoch", record.filter?.epoch)
            object.add("filter_size", record.filter.map { Int64($0.octets.count) })
        case .seen: break
        case .tls(let record):
            // The session itself is a secret, and of no use to people.
            object.add("session_size", record.session.count)
            object.add("lifetime", TLSSessionLifetime.seconds(of: record.session))
            object.add("verify_override", record.verifyOverride)
            object.add("ocsp", record.ocspStatus)
        }
    }

    private static func add(_ record: RetryRecord, _ key: ByteString, to object: inout JSONObject) {
        switch RetryExplanation.Matter(key) {
        case .routing(let item):
            object.add("kind", "routing")
            object.add("about", item)
        case .host(let name, let place, let message):
            object.add("kind", message == nil ? "host" : "message")
            object.add("about", name)
            object.add("place", place)
            if let message { object.add("message", message) }
        case .local(let item):
            object.add("kind", "local")
            object.add("about", item)
        case .generated(let item, let parent):
            object.add("kind", "generated")
            object.add("about", item)
            object.add("parent", parent)
        }
        object.add("first_failed", record.firstFailed)
        object.add("last_try", record.lastTry)
        object.add("next_try", record.nextTry)
        object.add("expired", record.expired)
        object.add("errno", record.basicErrno)
        object.add("more_errno", record.moreErrno)
        object.add("text", record.text)
    }

    private static func add(_ record: EHLORecord, to object: inout JSONObject) {
        object.add("clear_features", record.clearFeatures)
        object.add("clear_authenticators", record.clearAuthenticators)
        object.add("tls_features", record.cryptedFeatures)
        object.add("tls_authenticators", record.cryptedAuthenticators)
        object.add("limit_mail", record.limits.map { Int64($0.mail) })
        object.add("limit_rcpt", record.limits.map { Int64($0.rcpt) })
        object.add("limit_rcpt_domain", record.limits.map { Int64($0.rcptDomain) })
    }

    private static func word(_ result: CalloutResult) -> ByteString {
        switch result {
        case .unknown: "unknown"
        case .accept: "accept"
        case .reject: "reject"
        case .nullSenderRejected: "null sender rejected"
        }
    }
}
