import Bytes
import Synchronization

/// Connections that are open and idle, and how many there may be at all.
///
/// A message that has been delivered leaves its connection here for the next message to the same host.
package final class ConnectionPool: Sendable {
    /// The bounds.
    package struct Limits: Sendable, Hashable {
        /// Connections to one address and port at one time.
        package var perHost = 8
        /// Connections at one time.
        package var total = 100
        /// Connections that hosts share: each of many gets as many as every other, and one at least.
        package var shared = 64

        /// The defaults.
        package init() {}
    }

    /// What is done while a delivery waits for a busy host, so that it does not keep others from their work.
    package struct Waiting: Sendable {
        let begin: @Sendable () -> Void
        let end: @Sendable () -> Void

        /// Makes a pair of actions, which wait for nothing.
        package init(begin: @escaping @Sendable () -> Void = {}, end: @escaping @Sendable () -> Void = {}) {
            self.begin = begin
            self.end = end
        }
    }

    /// The most deliveries that wait apart; further ones wait where they are.
    package static let mostParked = 2000

    /// Who watches the connections' sockets.
    let loops: DeliveryLoops
    private let limits: Limits
    private let whileWaiting: Waiting
    private let state: Mutex<PoolState>

    /// Makes an empty pool.
    package init(
        _ limits: Limits = Limits(), loops: DeliveryLoops = DeliveryLoops(), whileWaiting: Waiting = Waiting()
    ) {
        self.limits = limits
        self.loops = loops
        self.whileWaiting = whileWaiting
        state = Mutex(PoolState(limits: limits))
    }

    // MARK: Who may use a host

    /// Waits until one more delivery may use the address and port.
    func enter(_ address: IPAddress, _ port: Int) async {
        let place = HostPlace(address: address, port: port)
        let (mayEnter, parks) = state.withLock { state in
            if state.enter(place) { return (true, false) }
            let parks = state.parked < Self.mostParked
            if parks { state.parked += 1 }
            return (false, parks)
        }
        if mayEnter { return }
        if parks { whileWaiting.begin() }
        await withCheckedContinuation { continuation in
            let mayEnter = state.withLock { state in
                if state.enter(place) { return true }
                // Whoever leaves counts the place for the one that is woken.
                state.wait(for: place, continuation)
                return false
            }
            if mayEnter { continuation.resume() }
        }
        if parks {
            state.withLock { $0.parked -= 1 }
            whileWaiting.end()
        }
    }

    /// Tells that a delivery is done with the address and port.
    func leave(_ address: IPAddress, _ port: Int) {
        let woken = state.withLock { $0.leave(HostPlace(address: address, port: port)) }
        for continuation in woken { continuation.resume() }
    }

    // MARK: Connections

    /// An idle connection that still stands, or nil.
    func take(_ key: ConnectionKey) async -> SMTPConnection? {
        let loop = loops.present
        while let connection = state.withLock({ $0.takeIdle(key, loop) }) {
            if !connection.isStale { return connection }
            await connection.quit()
        }
        return nil
    }

    /// Keeps a connection for the next message; closes it when its host has more than its share, and another when too many
    /// are idle.
    func keep(_ connection: SMTPConnection) async {
        let loop = loops.present
        let surplus = state.withLock { $0.keep(connection, loop) }
        await surplus?.quit()
    }

    /// Closes all that is idle, with QUIT.
    package func closeIdle() async {
        let connections = state.withLock { $0.takeAllIdle() }
        await withDiscardingTaskGroup { group in
            for connection in connections { group.addTask { await connection.quit() } }
        }
    }
}

/// An address and a port.
private struct HostPlace: Hashable {
    var address: IPAddress
    var port: Int
}

private struct PoolState {
    private typealias Waiter = CheckedContinuation<Void, Never>

    /// What happens at one host.
    private struct Use {
        var active = 0
        var idle = 0
        var waiters: [Waiter] = []
        /// How many of the waiters have gone.
        var gone = 0

        var isWaitedFor: Bool { gone < waiters.count }
        var isOver: Bool { active == 0 && idle == 0 && !isWaitedFor }

        mutating func next() -> Waiter {
            defer {
                gone += 1
                if gone == waiters.count { (waiters, gone) = ([], 0) }
            }
            return waiters[gone]
        }
    }

    let limits: ConnectionPool.Limits
    var parked = 0
    private var uses: [HostPlace: Use] = [:]
    private var activeTotal = 0
    private var idle: [ConnectionKey: [(connection: SMTPConnection, loop: DeliveryLoop)]] = [:]
    private var idleTotal = 0
    /// Hosts that are waited for, each once; who has been served stands at the end.
    private var line: [HostPlace] = []

    init(limits: ConnectionPool.Limits) { self.limits = limits }

    /// How many connections a host may have now.
    private var share: Int { max(1, min(limits.perHost, limits.shared / max(uses.count, 1))) }

    private func mayEnter(_ use: Use) -> Bool { activeTotal < limits.total && use.active < share }

    mutating func enter(_ place: HostPlace) -> Bool {
        let use = uses[place, default: Use()]
        uses[place] = use
        guard !use.isWaitedFor, mayEnter(use) else { return false }
        uses[place]?.active += 1
        activeTotal += 1
        return true
    }

    mutating func wait(for place: HostPlace, _ continuation: CheckedContinuation<Void, Never>) {
        if uses[place]?.isWaitedFor != true { line.append(place) }
        uses[place, default: Use()].waiters.append(continuation)
    }

    /// Gives those who may enter now.
    mutating func leave(_ place: HostPlace) -> [CheckedContinuation<Void, Never>] {
        let wasFull = activeTotal >= limits.total
        activeTotal -= 1
        uses[place]?.active -= 1
        let isOver = uses[place]?.isOver ?? false
        if isOver { uses[place] = nil }
        var woken: [CheckedContinuation<Void, Never>] = []
        // Elsewhere something changes only when the total, or the share of each host, does.
        if wasFull || isOver {
            var places = line[...]
            while activeTotal < limits.total, let next = places.popFirst() { wake(next, &woken) }
        } else {
            wake(place, &woken)
        }
        return woken
    }

    private mutating func wake(_ place: HostPlace, _ woken: inout [CheckedContinuation<Void, Never>]) {
        guard var use = uses[place], use.isWaitedFor else { return }
        while use.isWaitedFor, mayEnter(use) {
            woken.append(use.next())
            use.active += 1
            activeTotal += 1
        }
        uses[place] = use
        guard !woken.isEmpty, let index = line.firstIndex(of: place) else { return }
        line.remove(at: index)
        if use.isWaitedFor { line.append(place) }
    }

    // MARK: Idle connections

    /// One that the caller's loop watches, if there is one.
    mutating func takeIdle(_ key: ConnectionKey, _ loop: DeliveryLoop) -> SMTPConnection? {
        guard var kept = idle[key], !kept.isEmpty else { return nil }
        let index = kept.lastIndex { $0.loop === loop } ?? kept.count - 1
        let connection = kept.remove(at: index).connection
        idle[key] = kept.isEmpty ? nil : kept
        countIdle(key, -1)
        return connection
    }

    /// Gives one to close, when too many are idle.
    mutating func keep(_ connection: SMTPConnection, _ loop: DeliveryLoop) -> SMTPConnection? {
        let key = connection.key
        // Who is woken counts as active before taking an idle one, so only these tell.
        if let use = uses[HostPlace(address: key.address, port: key.port)], use.idle >= share {
            return connection
        }
        idle[key, default: []].append((connection, loop))
        countIdle(key, 1)
        guard idleTotal > limits.total, let key = idle.keys.first(where: { $0 != key }) else {
            return nil
        }
        return takeIdle(key, loop)
    }

    mutating func takeAllIdle() -> [SMTPConnection] {
        let connections = idle.values.flatMap { $0.map(\.connection) }
        for (key, kept) in idle { countIdle(key, -kept.count) }
        idle = [:]
        return connections
    }

    private mutating func countIdle(_ key: ConnectionKey, _ change: Int) {
        idleTotal += change
        let place = HostPlace(address: key.address, port: key.port)
        uses[place, default: Use()].idle += change
        if uses[place]?.isOver == true { uses[place] = nil }
    }
}
