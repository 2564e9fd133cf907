package import Bytes

/// An address as delivery lines show it (delivery.md 3.5).
package struct LoggedAddress: Sendable, Hashable {
    /// The address, or the path, command or reply target.
    package var address: ByteString
    /// The original recipient.
    package var top: ByteString
    /// The addresses between, the direct parent first; empty when the top is the direct parent.
    package var between: [ByteString] = []
    /// Whether this is a pipe, file or reply.
    package var isPipeFileOrReply = false
    /// `log_as_local`: success lines show the local part only.
    package var localPartOnly: ByteString?

    /// An address that is its own original unless `top` is given.
    package init(_ address: ByteString, top: ByteString? = nil) {
        self.address = address
        self.top = top ?? address
    }

    // The text in a line; `isSuccess` lines may show the local part only.
    func text(by selector: LogSelector, isSuccess: Bool) -> ByteString {
        var text = isSuccess ? localPartOnly ?? shownAddress : shownAddress
        let showsAll = selector.has(.allParents)
        if showsAll, !between.isEmpty {
            text += " (\(between.joined(separator: ", ")))" as ByteString
        } else if isPipeFileOrReply, let parent = between.first {
            text += " (\(parent))" as ByteString
        }
        if showsTop || (showsAll && !between.isEmpty) { text += " <\(top)>" as ByteString }
        return text
    }

    private var shownAddress: ByteString {
        let isRelativeFile = isPipeFileOrReply && address.first.map { !"/|>".utf8.contains($0) } ?? false
        return isRelativeFile ? "save \(address)" : address
    }

    private var showsTop: Bool {
        if isPipeFileOrReply || localPartOnly != nil { return true }
        if !address.equalsIgnoringCase(top) { return true }
        let local = address.cutAtLast(UInt8(ascii: "@"))?.before ?? address[...]
        let topLocal = top.cutAtLast(UInt8(ascii: "@"))?.before ?? top[...]
        return local != topLocal
    }
}

/// A remote host as delivery lines show it.
package struct LoggedHost: Sendable, Hashable {
    /// Its name.
    package var name: ByteString
    /// Its address without brackets; nil for a local delivery that has a host list.
    package var address: ByteString?
    /// Its port; shown with selector `outgoing_port`.
    package var port: Int
    /// Whether its name was secured by DNSSEC.
    package var isSecure = false
    /// Whether the connection had carried an earlier transaction: `*`.
    package var isContinued = false
    /// The proxy.
    package var proxy: LoggedInterface?
    /// Our end of the connection.
    package var interface: LoggedInterface?
    /// TCP fast open: nil not used, true with data accepted (`TFO*`).
    package var fastOpen: Bool?

    /// Makes a host.
    package init(name: ByteString, address: ByteString?, port: Int = 25) {
        self.name = name
        self.address = address
        self.port = port
    }

    // ` H=...` with its blank before it.
    func item(by selector: LogSelector) -> ByteString {
        var text: ByteString = " H=\(name)"
        if selector.has(.dnssec), isSecure { text += " DS" as ByteString }
        if let address {
            text += " [\(address)]" as ByteString
            if selector.has(.outgoingPort) { text += ":\(port)" as ByteString }
        }
        if isContinued { text += "*" as ByteString }
        if selector.has(.proxy), let proxy { text += " PRX=\(proxy.text)" as ByteString }
        if selector.has(.incomingInterface), selector.has(.outgoingInterface), let interface {
            text += " I=\(interface.text)" as ByteString
        }
        if let fastOpen { text += fastOpen ? " TFO*" : " TFO" as ByteString }
        return text
    }
}
