import Bytes
import Dispatch
import Synchronization

/// The servers that a query may ask, in order (manual, sections 9.22 and 9.23).
struct ServerList: Sendable {
    /// What the kind of server is called.
    let name: ByteString
    /// The main option, such as `redis_servers`.
    let option: ByteString
    /// Its items.
    let servers: [ByteString]

    init(_ name: ByteString, option: ByteString, list: ByteString) {
        self.name = name
        self.option = option
        servers = ListItems(list).all
    }

    /// A query without what it says of servers, and the servers to ask.
    struct Plan: Sendable {
        var servers: [ByteString]
        var query: ByteString
    }

    /// Whom a request asks: the option `,servers=`, or `servers=...;` before the query, or else the main option.
    func plan(_ request: LookupRequest) throws(LookupTrouble) -> Plan {
        var plan = Plan(servers: servers, query: request.key)
        if let named = request.option("servers") {
            plan.servers = try whole(named)
        } else if request.key.starts(with: ByteString("servers")),
            let equals = request.key.dropFirst(7).trimmedStart().first, equals == UInt8(ascii: "=")
        {
            let rest = request.key.dropFirst(7).trimmedStart().dropFirst()
            guard let end = rest.firstIndex(of: UInt8(ascii: ";")) else {
                throw LookupTrouble("missing ; after \"servers=\" in \(name) lookup")
            }
            plan.servers = try whole(ByteString(rest[..<end].trimmed()))
            plan.query = ByteString(rest[(end + 1)...].trimmedStart())
        }
        guard !plan.servers.isEmpty else {
            throw LookupTrouble("no \(name) servers defined (\(option) option)")
        }
        return plan
    }

    /// The servers of a query's own list: those that are only named are found in the main option.
    private func whole(_ list: ByteString) throws(LookupTrouble) -> [ByteString] {
        var result: [ByteString] = []
        for item in ListItems(list) {
            if item.contains(UInt8(ascii: "/")) {
                result.append(item)
                continue
            }
            let start = item + ByteString("/")
            guard let known = servers.first(where: { $0 == item || $0.starts(with: start) }) else {
                throw LookupTrouble("\(name) server \"\(item)\" not found in \(option)")
            }
            result.append(known)
        }
        return result
    }
}

/// Connections to servers, each with a thread of its own while it is used.
///
/// A query takes the first that is idle. At most `mostIdle` are kept for each server.
final class ServerConnections<Connection>: Sendable {
    /// `@unchecked Sendable`: whoever has taken it out of the list uses it alone.
    private final class Kept: @unchecked Sendable {
        let connection: Connection
        init(_ connection: Connection) { self.connection = connection }
    }

    private let idle = Mutex<[ByteString: [Kept]]>([:])
    private let mostIdle: Int

    init(mostIdle: Int = 8) { self.mostIdle = mostIdle }

    /// Does blocking work with a connection to a server; one that fails is not kept.
    ///
    /// One that was kept may have been closed by the server meanwhile: where `isStale` says so, another is made.
    func use<Value: Sendable, Failure: Error>(
        _ server: ByteString, open: @escaping @Sendable () throws(Failure) -> Connection,
        isStale: @escaping @Sendable (Failure) -> Bool,
        _ work: @escaping @Sendable (Connection) throws(Failure) -> Value
    ) async -> Result<Value, Failure> {
        await withCheckedContinuation { continuation in
            // A queue of its own has a thread at once, however many servers are waited for.
            DispatchQueue(label: "lookup").async {
                continuation.resume(returning: self.run(server, open, isStale, work))
            }
        }
    }

    private func run<Value: Sendable, Failure: Error>(
        _ server: ByteString, _ open: () throws(Failure) -> Connection, _ isStale: (Failure) -> Bool,
        _ work: (Connection) throws(Failure) -> Value
    ) -> Result<Value, Failure> {
        if let kept = idle.withLock({ $0[server]?.popLast() }) {
            do throws(Failure) {
                let value = try work(kept.connection)
                keep(kept, server)
                return .success(value)
            } catch {
                guard isStale(error) else { return .failure(error) }
            }
        }
        do throws(Failure) {
            let kept = Kept(try open())
            let value = try work(kept.connection)
            keep(kept, server)
            return .success(value)
        } catch {
            return .failure(error)
        }
    }

    private func keep(_ kept: Kept, _ server: ByteString) {
        idle.withLock { idle in
            if idle[server, default: []].count < mostIdle { idle[server, default: []].append(kept) }
        }
    }
}
