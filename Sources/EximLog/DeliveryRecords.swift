package import Bytes

/// What delivery lines share: who, by which way, where to.
package struct DeliveryPath: Sendable, Hashable {
    /// The address.
    package var address: LoggedAddress
    /// The original sender, for `F=`.
    package var sender: ByteString
    /// The named queue; empty for the default one.
    package var queue = ByteString()
    /// The return path in use, for `P=`.
    package var returnPath: ByteString?
    /// The router; nil when none accepted or declined with words.
    package var router: ByteString?
    /// The transport.
    package var transport: ByteString?
    /// The host that was used.
    package var host: LoggedHost?
    /// Letters for `PS=`.
    package var protocolSteps: ByteString?
    /// TLS of the connection.
    package var tls: LoggedTLS?
    /// How long it took.
    package var deliverTime: LogInterval?

    /// Makes a path.
    package init(
        address: LoggedAddress, sender: ByteString, router: ByteString? = nil, transport: ByteString? = nil,
        host: LoggedHost? = nil
    ) {
        self.address = address
        self.sender = sender
        self.router = router
        self.transport = transport
        self.host = host
    }

    // ` F=<sender> Q=queue P=<path>`.
    fileprivate func senderItems(by selector: LogSelector) -> ByteString {
        var text = ByteString()
        if selector.has(.senderOnDelivery) { text += " F=<\(sender)>" as ByteString }
        if !queue.isEmpty { text += " Q=\(queue)" as ByteString }
        if selector.has(.returnPathOnDelivery), let returnPath {
            text += " P=<\(returnPath)>" as ByteString
        }
        return text
    }

    // ` R=router T=transport`.
    fileprivate var wayItems: ByteString {
        var text = ByteString()
        if let router { text += " R=\(router)" as ByteString }
        if let transport { text += " T=\(transport)" as ByteString }
        return text
    }

    // ` PS=... X=... CV=... DN="..."`.
    fileprivate func securityItems(by selector: LogSelector) -> ByteString {
        var text = ByteString()
        if selector.has(.protocolDetail), let protocolSteps { text += " PS=\(protocolSteps)" as ByteString }
        if let tls { text += tls.items(by: selector, withSNI: false) }
        return text
    }

    fileprivate func timeItem(by selector: LogSelector) -> ByteString {
        guard selector.has(.deliverTime), let deliverTime else { return "" }
        return " DT=\(deliverTime.text(showingMilliseconds: selector.has(.millisec)))"
    }
}

/// The lines `=>`, `->`, `>>` and `*>`: an address was delivered (delivery.md 3.3).
package struct Delivery: Sendable, Hashable {
    /// Which arrow.
    package enum Arrow: Sendable, Hashable {
        /// `=>`: the first address of a transaction.
        case first
        /// `->`: a further one.
        case further
        /// `>>`: cutthrough.
        case cutthrough
        /// `*>`: not done because of -N.
        case suppressed
    }

    /// The arrow.
    package var arrow: Arrow
    /// Who, by which way, where to.
    package var path: DeliveryPath
    /// The message's size, for `S=`.
    package var size: Int?
    /// A shadow transport, and its error text when it failed.
    package var shadow: ByteString?
    /// The error of the shadow transport.
    package var shadowError: ByteString?
    /// Authentication.
    package var authentication: LoggedAuthentication?
    /// How pipelining went.
    package var pipelining = LoggedPipelining.notOffered
    /// Whether PRDR was used.
    package var usedPRDR = false
    /// Whether BDAT was used.
    package var usedChunking = false
    /// The domain signed for.
    package var dkimDomain: ByteString?
    /// The final reply, lines joined by the two octets `\n`.
    package var confirmation: ByteString?
    /// How long the message has been queued.
    package var queueTime: LogInterval?

    /// Makes a delivery.
    package init(_ arrow: Arrow, _ path: DeliveryPath, confirmation: ByteString? = nil) {
        self.arrow = arrow
        self.path = path
        self.confirmation = confirmation
    }

    /// The most octets of a confirmation that are shown.
    package static let maximumConfirmation = 1024

    /// The line's text after the id.
    package func text(by selector: LogSelector) -> ByteString {
        arrow.text + addressText(by: selector) + path.senderItems(by: selector) + items(by: selector)
    }

    /// The address, with what it was made from.
    package func addressText(by selector: LogSelector) -> ByteString {
        path.address.text(by: selector, isSuccess: true)
    }

    /// What stands behind the address and the sender: by which way, where to, and what was said there.
    package func wayText(by selector: LogSelector) -> ByteString {
        ByteString(items(by: selector).trimmedStart())
    }

    private func items(by selector: LogSelector) -> ByteString {
        var text = path.wayItems
        if selector.has(.deliverySize), let size { text += " S=\(size)" as ByteString }
        text += placeItems(by: selector) + path.securityItems(by: selector)
        text += extensionItems(by: selector) + timeItems(by: selector)
        return text
    }

    /// The line of the message log: `a@b: smtp transport succeeded`.
    package func messageLogText(by selector: LogSelector) -> ByteString {
        "\(addressText(by: selector)): \(path.transport ?? "**bypassed**") transport succeeded"
    }

    private func placeItems(by selector: LogSelector) -> ByteString {
        var text = path.host?.item(by: selector) ?? ""
        if let shadow {
            text += " ST=\(shadow)" as ByteString
            if let shadowError { text += " (\(shadowError))" as ByteString }
        }
        return text
    }

    private func extensionItems(by selector: LogSelector) -> ByteString {
        var text = ByteString()
        if let authentication { text += authentication.item(by: selector) }
        if selector.has(.pipelining) { text += pipelining == .offeredOnly ? "" : pipelining.item }
        if usedPRDR { text += " PRDR" as ByteString }
        if usedChunking { text += " K" as ByteString }
        if selector.has(.dkimVerbose), let dkimDomain { text += " DKIM=\(dkimDomain)" as ByteString }
        return text
    }

    private func timeItems(by selector: LogSelector) -> ByteString {
        var text = ByteString()
        if selector.has(.smtpConfirmation), let confirmation {
            let shown = ByteString(confirmation.prefix(Self.maximumConfirmation))
            text += " C=\(shown.inDoubleQuotes().shown(by: selector))" as ByteString
        }
        if selector.has(.queueTime), let queueTime {
            text += " QT=\(queueTime.text(showingMilliseconds: selector.has(.millisec)))" as ByteString
        }
        return text + path.timeItem(by: selector)
    }
}

extension Delivery.Arrow {
    fileprivate var text: ByteString {
        switch self {
        case .first: "=> "
        case .further: "-> "
        case .cutthrough: ">> "
        case .suppressed: "*> "
        }
    }
}

/// The line `==`: an address must wait (delivery.md 3.4).
package struct Deferral: Sendable, Hashable {
    /// Who, by which way, where to.
    package var path: DeliveryPath
    /// How far it came, which decides what stands before `defer`.
    package var stage: Stage
    /// Exim's number: negative for its own, positive for the system's.
    package var errno: Int
    /// The text after the last colon; empty for none.
    package var message: ByteString

    /// How far an address came.
    package enum Stage: Sendable, Hashable {
        /// Held domain: nothing is shown.
        case held
        /// Routing was not started: ` routing`.
        case beforeRouting
        /// A router deferred: ` R=`.
        case router
        /// A transport deferred: ` R= T=`.
        case transport
    }

    /// Makes a deferral.
    package init(_ path: DeliveryPath, stage: Stage, errno: Int, message: ByteString) {
        self.path = path
        self.stage = stage
        self.errno = errno
        self.message = message
    }

    /// Whether the line is only of interest with selector `retry_defer`.
    package var isRetryTime: Bool { errno <= -52 }

    /// The line's text after the id; nil when the selector suppresses it.
    package func text(by selector: LogSelector) -> ByteString? {
        if isRetryTime, !selector.has(.retryDefer) { return nil }
        var text: ByteString = "== \(path.address.text(by: selector, isSuccess: false))"
        if !path.queue.isEmpty { text += " Q=\(path.queue)" as ByteString }
        text += way + (" defer (\(errno))" as ByteString)
        if errno > 0 { text += ": \(SystemErrorText.of(errno))" as ByteString }
        if let host = path.host { text += host.item(by: selector) }
        text += path.timeItem(by: selector)
        if !message.isEmpty { text += ": \(message.shown(by: selector))" as ByteString }
        return text
    }

    /// The line of the message log: the same without `==`.
    package func messageLogText(by selector: LogSelector) -> ByteString? {
        text(by: selector).map { ByteString($0.dropFirst(3)) }
    }

    private var way: ByteString {
        switch stage {
        case .held: ""
        case .beforeRouting: " routing"
        case .router: path.router.map { " R=\($0)" } ?? ""
        case .transport: path.wayItems
        }
    }
}

/// The line `**`: an address has failed (delivery.md 3.4).
package struct Failure: Sendable, Hashable {
    /// Who, by which way, where to.
    package var path: DeliveryPath
    /// Exim's number; a positive one is shown as the system's text.
    package var errno: Int
    /// Why.
    package var message: ByteString
    /// `: ` up to Exim 4.96, ` : ` later.
    package var separator: ByteString

    /// Makes a failure.
    package init(_ path: DeliveryPath, errno: Int = 0, message: ByteString, separator: ByteString = ": ") {
        self.path = path
        self.errno = errno
        self.message = message
        self.separator = separator
    }

    /// The line's text after the id.
    package func text(by selector: LogSelector) -> ByteString {
        var text: ByteString = "** \(path.address.text(by: selector, isSuccess: false))"
        text += path.senderItems(by: selector) + path.wayItems
        if let host = path.host { text += host.item(by: selector) }
        text += path.securityItems(by: selector)
        if errno > 0 { text += separator + SystemErrorText.of(errno) }
        if !message.isEmpty { text += separator + message.shown(by: selector) }
        return text + path.timeItem(by: selector)
    }

    /// The line of the message log: the same without `**`.
    package func messageLogText(by selector: LogSelector) -> ByteString {
        ByteString(text(by: selector).dropFirst(3))
    }

    /// The second line of an address whose retry time is over: `** addr: retry timeout exceeded`.
    package static func retryTimeout(_ address: LoggedAddress, by selector: LogSelector) -> ByteString {
        "** \(address.text(by: selector, isSuccess: false)): retry timeout exceeded"
    }

    /// The line of a failure that nobody hears of: `addr: error ignored`, with a reason perhaps.
    package static func ignored(
        _ address: LoggedAddress, reason: ByteString? = nil, by selector: LogSelector
    ) -> ByteString {
        let tail: ByteString = reason.map { ": \($0)" } ?? ""
        return "\(address.text(by: selector, isSuccess: false)): error ignored\(tail)"
    }
}

/// The line of a host that could not be used: `H=name [ip]: text: Connection timed out` (delivery.md 3.4).
package struct HostFailure: Sendable, Hashable {
    /// The host.
    package var host: LoggedHost
    /// The text; empty for none.
    package var message: ByteString
    /// Exim's number.
    package var errno: Int
    /// Whether this is what a host said to one recipient, in the message's own log, which has no colon.
    package var isRecipientDeferral = false

    /// Makes a host failure.
    package init(_ host: LoggedHost, message: ByteString, errno: Int) {
        self.host = host
        self.message = message
        self.errno = errno
    }

    /// The line's text after the id.
    package func text(by selector: LogSelector) -> ByteString {
        let item = ByteString(host.item(by: selector).dropFirst())
        if isRecipientDeferral { return "\(item) \(message.shown(by: selector))" }
        guard !message.isEmpty else { return "\(item) \(SystemErrorText.of(errno))" }
        let tail: ByteString = errno > 0 ? ": \(SystemErrorText.of(errno))" : ""
        return "\(item): \(message.shown(by: selector))\(tail)"
    }
}
