import Bytes
import DNS
import Lookups

/// Lets the `dnsdb` lookup ask our resolver.
enum LookupResolving {
    /// The records of a type under a name, as the lookup shows them.
    static func records(_ type: ByteString, _ name: ByteString, _ resolver: Resolver) async -> DNSRecords {
        guard let type = RecordType(name: type) else { return .notFound }
        switch await resolver.lookup(name, type).outcome {
        case .records(let records): return .found(records.compactMap { shown($0.data) })
        case .noData, .noSuchDomain: return .notFound
        case .tryAgain(let reason), .failed(let reason): return .deferred(reason)
        }
    }

    private static func shown(_ data: DNS.DNSRecordData) -> Lookups.DNSRecordData? {
        switch data {
        case .address(let address): .address(address)
        case .mailExchanger(let preference, let exchange):
            .exchanger(preference: Int(preference), host: exchange)
        case .text(let strings): .text(strings)
        case .service(let service):
            .service(
                priority: Int(service.priority), weight: Int(service.weight), port: Int(service.port),
                host: service.target)
        case .name(let name): .name(name)
        case .certificateAssociation(let record):
            .association(
                usage: Int(record.usage), selector: Int(record.selector), matching: Int(record.matching),
                data: record.association)
        case .authority(let authority):
            .authority(
                primary: authority.server, mailbox: authority.mailbox,
                numbers: authority.numbers.map { Int($0) })
        case .other: nil
        }
    }
}
