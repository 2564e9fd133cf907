import Bytes
import Configuration
import MailSystem

/// Where the daemon listens.
struct ListeningAddress: Hashable, Sendable {
    /// An address in text form.
    var host: String
    /// The port; 0 lets the system choose.
    var port: Int

    /// Reads `address:port`, `[address]:port`, or a port alone.
    init?(_ text: ByteString) {
        if let port = text.decimalInteger() {
            guard (0...65_535).contains(port) else { return nil }
            (host, self.port) = ("0.0.0.0", Int(port))
            return
        }
        guard let parts = text.cutAtLast(UInt8(ascii: ":")), let port = parts.after.decimalInteger(),
            (0...65_535).contains(port)
        else { return nil }
        var address = parts.before
        if address.first == UInt8(ascii: "["), address.last == UInt8(ascii: "]") {
            address = address.dropFirst().dropLast()
        }
        guard let ip = IPAddress(address) else { return nil }
        (host, self.port) = (ip.text.string, Int(port))
    }

    private init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// The addresses of `local_interfaces`, `daemon_smtp_ports`, and of `-oX`, which goes before both.
    ///
    /// `override` is a list as `-oX` takes it: ports alone leave the interfaces as configured.
    static func configured(_ main: OptionBlock, override: ByteString?) throws(StartError)
        -> [ListeningAddress]
    {
        var interfaces = items(main.text("local_interfaces") ?? "<; 0.0.0.0 ; ::0")
        var ports = items(main.text("daemon_smtp_ports") ?? "smtp")
        if let override {
            let given = items(override)
            let withAddress = given.filter {
                $0.contains(UInt8(ascii: ".")) || $0.contains(UInt8(ascii: ":"))
            }
            if withAddress.isEmpty { ports = given } else { interfaces = withAddress }
            if !withAddress.isEmpty, withAddress.count < given.count {
                ports = given.filter { !withAddress.contains($0) }
            }
        }
        var result: [ListeningAddress] = []
        for interface in interfaces {
            for address in try expand(interface, ports: ports) where !result.contains(address) {
                result.append(address)
            }
        }
        return result
    }

    private static func expand(_ interface: ByteString, ports: [ByteString]) throws(StartError)
        -> [ListeningAddress]
    {
        if let bare = IPAddress(interface) {
            var result: [ListeningAddress] = []
            for port in ports {
                result.append(
                    ListeningAddress(host: bare.text.string, port: try number(port, of: Self.portOption)))
            }
            return result
        }
        // Exim writes a port behind a dot as well: 127.0.0.1.2525.
        if let parts = interface.cutAtLast(UInt8(ascii: ".")), let ip = IPAddress(parts.before) {
            return [
                ListeningAddress(
                    host: ip.text.string, port: try number(ByteString(parts.after), of: Self.portOption))
            ]
        }
        guard let address = ListeningAddress(interface) else {
            throw StartError("local_interfaces: \"\(interface)\" is no IP address, nor one with a port")
        }
        return [address]
    }

    private static let portOption: ByteString = "daemon_smtp_ports"

    /// A port by its number or name; the error names the option that it stands in.
    static func number(_ port: ByteString, of option: ByteString) throws(StartError) -> Int {
        switch port {
        case "smtp": return 25
        case "submission": return 587
        case "smtps", "submissions": return 465
        default: break
        }
        guard let number = port.decimalInteger(), (0...65_535).contains(number) else {
            throw StartError(
                "\(option): \"\(port)\" is no port from 0 to 65535, nor smtp or submission")
        }
        return Int(number)
    }

    /// The items of a list that is not expanded, with `<;` for another separator.
    private static func items(_ text: ByteString) -> [ByteString] {
        var rest = text.trimmed()
        var separator = UInt8(ascii: ":")
        if rest.first == UInt8(ascii: "<"), rest.count > 1, !rest[rest.startIndex + 1].isASCIIAlphanumeric {
            separator = rest[rest.startIndex + 1]
            rest = rest.dropFirst(2)
        }
        // A doubled separator stands for one that belongs to the item.
        let mark: UInt8 = 0
        let joined = ByteString(rest).replacing(
            ByteString([separator, separator]), with: CollectionOfOne(mark))
        return joined.split(separator: separator)
            .map { ByteString($0.map { $0 == mark ? separator : $0 }) }
            .map { ByteString($0.trimmed()) }
            .filter { !$0.isEmpty }
    }
}
