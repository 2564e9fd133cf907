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
        parsing text: ByteString, startingFrom base: LogSelector = .defaults
    ) throws(LogSelectorError) {
        var result = base
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
            guard let items = LogItem.items(named: name) else { throw .unknown(name: name) }
            if sign == UInt8(ascii: "+") { result.formUnion(items) } else { result.subtract(items) }
        }
        self = result
    }
}

/// Why a `log_selector` value cannot be used.
package enum LogSelectorError: Error, Hashable, Sendable {
    /// A word that begins with neither `+` nor `-`.
    case noSign(word: ByteString)
    /// No item has this name.
    case unknown(name: ByteString)
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

    static func items(named name: ByteString) -> LogSelector? {
        if name == "all" { return .all }
        if name == "rejected_headers" { return LogSelector(.rejectedHeader) }
        return allCases.first { $0.name == name }.map { LogSelector($0) }
    }
}
