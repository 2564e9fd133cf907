import Bytes

extension Compiler {
    /// Reads `:text}` after an operator's name.
    mutating func operation(_ name: ByteString) throws(ExpansionError) -> Node {
        let call = try operatorCall(name)
        place += 1
        let body = try text(inBraces: true)
        place += 1
        return .operation(call, body)
    }

    private func operatorCall(_ name: ByteString) throws(ExpansionError) -> OperatorCall {
        if let whole = Operator(spelled: name) { return OperatorCall(name: whole) }
        guard let parts = name.cut(at: UInt8(ascii: "_")),
            let first = Operator(spelled: ByteString(parts.before))
        else { throw failure("unknown expansion operator \"\(name)\"") }
        var call = OperatorCall(name: first, suffix: ByteString(parts.after))
        guard first.takesNumbers else { return call }
        if first == .length, !parts.after.allSatisfy(\.isASCIIDigit) {
            throw failure("non-digit after underscore in \"\(name)\"")
        }
        if parts.after.isEmpty { return call }
        let numbers = parts.after.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
        for (index, digits) in numbers.prefix(2).enumerated() {
            let unsigned =
                first == .substr && index == 0 && digits.first == UInt8(ascii: "-")
                ? digits.dropFirst() : digits
            guard !unsigned.isEmpty, unsigned.allSatisfy(\.isASCIIDigit), let value = digits.decimalInteger()
            else {
                throw failure("non-digit after underscore in \"\(name)\"")
            }
            if index == 0 { call.first = Int(value) } else { call.second = Int(value) }
        }
        return call
    }
}

/// The operators of the manual's section 11.6.
enum Operator: String, Sendable, Hashable {
    case address, addresses, base32, base32d, base62, base62d, base64, base64d, domain, escape, escape8bit
    case eval, eval10, expand
    case fromUTF8 = "from_utf8"
    case hash, hex2b64, hexquote, ipv6denorm, ipv6norm, lc, length, listcount, listnamed
    case localPart = "local_part"
    case mask, md5, nhash, quote
    case quoteLocalPart = "quote_local_part"
    case randint
    case reverseIP = "reverse_ip"
    case rfc2047, rfc2047d, rxquote, sha1, sha2, sha256, sha3, stat, str2b64, strlen, substr
    case timeEval = "time_eval"
    case timeInterval = "time_interval"
    case uc, utf8clean
    case utf8DomainToALabel = "utf8_domain_to_alabel"
    case utf8DomainFromALabel = "utf8_domain_from_alabel"
    case utf8LocalPartToALabel = "utf8_localpart_to_alabel"
    case utf8LocalPartFromALabel = "utf8_localpart_from_alabel"

    /// The operator of that name, abbreviations included.
    init?(spelled name: ByteString) {
        switch name {
        case "h": self = .hash
        case "l": self = .length
        case "nh": self = .nhash
        case "s": self = .substr
        default: self.init(rawValue: name.string)
        }
    }

    /// Whether numbers may follow the name.
    var takesNumbers: Bool {
        switch self {
        case .hash, .length, .nhash, .substr: true
        default: false
        }
    }
}
