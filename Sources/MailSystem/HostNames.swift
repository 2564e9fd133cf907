import Bytes
import Configuration
import DNS
import Expansion
import Routing

/// Finds the names of an address, in the order of `host_lookup_order`.
///
/// `bydns` asks the DNS; `byaddr` looks into /etc/hosts, and then asks the DNS if that was not done before: what the
/// system's name service does, without its waiting threads.
struct HostNames: Sendable {
    private enum Method: Sendable { case dns, hostsFile }

    private let methods: [Method]
    private let lookup: HostLookup
    private let hostsFile: ByteString

    init(_ main: OptionBlock, _ lookup: HostLookup, hostsFile: ByteString = "/etc/hosts") {
        self.lookup = lookup
        self.hostsFile = hostsFile
        let order = main.text("host_lookup_order") ?? "bydns:byaddr"
        methods = ItemList.split(order, separator: UInt8(ascii: ":")).flatMap { word -> [Method] in
            switch word.lowercasedASCII() {
            case "bydns": [.dns]
            case "byaddr": [.hostsFile, .dns]
            default: []
            }
        }
    }

    @Sendable func find(_ address: IPAddress) async -> NameLookup {
        var fromDNS: NameLookup?
        for method in methods {
            switch method {
            case .hostsFile:
                let names = HostsFile.names(of: address, in: SmallFile.text(of: hostsFile).text ?? "")
                if !names.isEmpty { return .found(names) }
            case .dns:
                if fromDNS != nil { continue }
                fromDNS = await names(of: address)
                if case .found = fromDNS { return fromDNS ?? .notFound }
            }
        }
        return fromDNS ?? .notFound
    }

    private func names(of address: IPAddress) async -> NameLookup {
        switch await lookup.names(of: address) {
        case .names(let names, _): .found(names)
        case .none: .notFound
        case .deferred(let reason): .deferred(reason)
        }
    }
}
