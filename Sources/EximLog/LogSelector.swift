package import Bytes

/// What is logged: the set of items that the option `log_selector` switches (manual, section 53.15).
package struct LogSelector: OptionSet, Sendable, Hashable {
    /// One bit an item, in the order of `LogItem`.
    package let rawValue: UInt64

    /// Makes a set.
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The set of one item.
    package init(_ item: LogItem) { rawValue = 1 << UInt64(item.rawValue) }

    /// The set of items.
    package init(_ items: [LogItem]) { self = items.reduce(into: []) { $0.insert(LogSelector($1)) } }

    /// Octets above 127 stand in lines as they are (`print_topbitchars`).
    ///
    /// No item of `log_selector`, but how all of them are written.
    package static let topBitPrints = LogSelector(rawValue: 1 << 63)

    /// Whether an item is logged.
    package func has(_ item: LogItem) -> Bool { contains(LogSelector(item)) }

    /// Every item.
    package static let all = LogSelector(LogItem.allCases)

    /// What Exim logs when the option is not set.
    package static let defaults = LogSelector([
        .aclWarnSkipped, .connectionReject, .delayDelivery, .dkim, .dnslistDefer, .etrn, .hostLookupFailed,
        .lostIncomingConnection, .outgoingInterface, .msgID, .queueRun, .queueTimeExclusive, .rejectedHeader,
        .retryDefer, .senderVerifyFail, .sizeReject, .skipDelivery, .smtpConfirmation,
        .tlsCertificateVerified, .tlsCipher,
    ])

    /// Reads an option value such as `+subject -retry_defer`, starting from `base`.
    ///
    /// Throws for a word without sign and for an unknown name, naming it.
    package init(
        parsing text: ByteString, startingFrom base: LogSelector = .defaults, topBitPrints: Bool = false
    ) throws(LogSelectorError) {
        var result = topBitPrints ? base.union(.topBitPrints) : base
        var rest = text[...]
        while true {
            rest = rest.trimmedStart()
            guard let sign = rest.popFirst() else { break }
            guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else {
                throw .noSign(word: ByteString([sign]) + rest.prefix { !$0.isASCIISpace })
            }
            rest = rest.trimmedStart()
            let name = ByteString(rest.prefix { $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "_") })
            rest = rest.dropFirst(name.count)
            guard let items = LogItem.items(named: name) else { throw .unknown(name: name, sign: sign) }
            if sign == UInt8(ascii: "+") { result.formUnion(items) } else { result.subtract(items) }
        }
        self = result
    }
}

/// Why a `log_selector` value cannot be used.
package enum LogSelectorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A word that begins with neither `+` nor `-`.
    case noSign(word: ByteString)
    /// No item has this name.
    case unknown(name: ByteString, sign: UInt8)

    /// The error in Exim's words.
    package var description: String {
        switch self {
        case .noSign(let word): "malformed log_selector setting: + or - expected but found \"\(word)\""
        case .unknown(let name, let sign): "unknown log_selector setting: \(ByteString([sign]))\(name)"
        }
    }
}

/// An item of `log_selector`.
package enum LogItem: Int, Sendable, Hashable, CaseIterable {
    case eightBitMIME, aclWarnSkipped, addressRewrite, allParents, arguments, connectionID, connectionReject
    case delayDelivery, deliverTime, deliverySize, dkim, dkimVerbose, dmarc, dmarcVerbose, dnslistDefer,
        dnssec
    case etrn, hostLookupFailed, identTimeout, incomingInterface, incomingPort, lostIncomingConnection
    case millisec, msgID, msgIDCreated, outgoingInterface, outgoingPort, pid, pipelining, protocolDetail,
        proxy
    case queueRun, queueTime, queueTimeExclusive, queueTimeOverall, receiveTime, receivedRecipients
    case receivedSender, rejectedHeader, retryDefer, returnPathOnDelivery, senderOnDelivery, senderVerifyFail
    case sizeReject, skipDelivery, smtpConfirmation, smtpConnection, smtpIncompleteTransaction, smtpMailauth
    case smtpNoMail, smtpProtocolError, smtpSyntaxError, spf, spfVerbose, subject, tlsCertificateVerified
    case tlsCipher, tlsOnConnect, tlsPeerDN, tlsResumption, tlsSNI, unknownInList

    /// The name in the configuration.
    package var name: ByteString {
        switch self {
        case .eightBitMIME: "8bitmime"
        case .tlsPeerDN: "tls_peerdn"
        case .msgIDCreated: "msg_id_created"
        default: Self.snakeCase("\(self)")
        }
    }

    private static func snakeCase(_ name: String) -> ByteString {
        var result = ByteString()
        var previousWasCapital = true
        for octet in name.utf8 {
            let isCapital = octet.lowercasedASCII != octet
            if isCapital, !previousWasCapital { result.append(UInt8(ascii: "_")) }
            result.append(octet.lowercasedASCII)
            previousWasCapital = isCapital
        }
        return result
    }

    /// What a name stands for: every item under its own name, and two names more.
    private static let named: [ByteString: LogSelector] = {
        var named: [ByteString: LogSelector] = [
            "all": .all, "rejected_headers": LogSelector(.rejectedHeader),
        ]
        for item in allCases { named[item.name] = LogSelector(item) }
        return named
    }()

    static func items(named name: ByteString) -> LogSelector? { named[name] }

    /// Items of which nothing is logged yet, since what they tell of does not happen here.
    private static let silent: LogSelector = [
        LogSelector([.connectionID, .dmarc, .dmarcVerbose, .protocolDetail]),
        LogSelector([.spf, .spfVerbose, .tlsResumption]),
    ]

    /// The names that have an effect, for the macros `_LOG_...`.
    package static var effectiveNames: [ByteString] {
        named.filter { !$0.value.isSubset(of: silent) }.map(\.key)
    }
}

extension ByteString {
    /// The octets as a log line shows them: those that do not print escaped.
    package func shown(by selector: LogSelector, tabPrints: Bool = false) -> ByteString {
        escapingUnprintable(topBitPrints: selector.contains(.topBitPrints), tabPrints: tabPrints)
    }
}
