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
        /// Connections to one that has not answered yet.
        package var unproven = 2
        /// Connections at one time, idle ones among them.
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

    /// The most places of which is remembered that they answer.
    static let mostAnswering = 10_000

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

    /// Waits until one more delivery may use the address and port; `alone` lets no other be there (`serialize_hosts`).
    func enter(_ address: IPAddress, _ port: Int, alone: Bool = false) async {
        let place = HostPlace(address: address, port: port)
        let (mayEnter, parks) = state.withLock { state in
            if state.enter(place, alone: alone) { return (true, false) }
            let parks = state.parked < Self.mostParked
            if parks { state.parked += 1 }
            return (false, parks)
        }
        if mayEnter { return }
        if parks { whileWaiting.begin() }
        await withCheckedContinuation { continuation in
            let mayEnter = state.withLock { state in
                if state.enter(place, alone: alone) { return true }
                // Whoever leaves counts the place for the one that is woken.
                state.wait(for: place, alone: alone, continuation)
                return false
            }
            if mayEnter { continuation.resume() }
        }
        if parks {
            state.withLock { $0.parked -= 1 }
            whileWaiting.end()
        }
    }

    /// Tells that a connection to the address and port has come to stand.
    func prove(_ address: IPAddress, _ port: Int) {
        let woken = state.withLock { $0.prove(HostPlace(address: address, port: port)) }
        for continuation in woken { continuation.resume() }
    }

    /// Tells that a delivery is done with the address and port, and whether it has called `take`.
    func leave(_ address: IPAddress, _ port: Int, hadConnection: Bool) {
        let place = HostPlace(address: address, port: port)
        let woken = state.withLock { $0.leave(place, hadConnection: hadConnection) }
        for continuation in woken { continuation.resume() }
    }

    // MARK: Connections

    /// An idle connection that still stands, or nil; then there is room for one more, which the caller may open.
    ///
    /// Until it leaves, the caller counts as one that has a connection.
    func take(_ key: ConnectionKey) async -> SMTPConnection? {
        let loop = loops.present
        state.withLock { $0.busyTotal += 1 }
        while let connection = state.withLock({ $0.takeIdle(key, loop) }) {
            if !connection.isStale { return connection }
            await connection.quit()
        }
        while let surplus = state.withLock({ $0.takeSurplus() }) { await surplus.quit() }
        return nil
    }

    /// Keeps a connection for the next message; closes it when its host has more than its share.
    func keep(_ connection: SMTPConnection) async {
        let loop = loops.present
        if !state.withLock({ $0.keep(connection, loop) }) { await connection.quit() }
    }

    /// Closes what is idle of a host, with QUIT; false when there was nothing.
    func close(host name: ByteString) async -> Bool {
        let connections = state.withLock { $0.takeIdle(host: name) }
        for connection in connections { await connection.quit() }
        return !connections.isEmpty
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
    private struct Waiter {
        var isAlone: Bool
        var continuation: CheckedContinuation<Void, Never>
    }

    /// What happens at one host.
    private struct Use {
        var active = 0
        var idle = 0
        var waiters: [Waiter] = []
        /// How many of the waiters have gone.
        var gone = 0

        var isWaitedFor: Bool { gone < waiters.count }
        var isOver: Bool { active == 0 && idle == 0 && !isWaitedFor }
        var first: Waiter? { isWaitedFor ? waiters[gone] : nil }

        mutating func removeFirst() {
            gone += 1
            if gone == waiters.count { (waiters, gone) = ([], 0) }
        }
    }

    let limits: ConnectionPool.Limits
    var parked = 0
    private var uses: [HostPlace: Use] = [:]
    private var activeTotal = 0
    /// How many of the active have a connection, or are about to open one.
    var busyTotal = 0
    /// Where a connection has come to stand; elsewhere few are tried at one time, so that a host which does not answer
    /// ties up little.
    private var answering: Set<HostPlace> = []
    private var idle: [ConnectionKey: [(connection: SMTPConnection, loop: DeliveryLoop)]] = [:]
    private var idleTotal = 0
    /// Hosts that are waited for, each once; who has been served stands at the end.
    private var line: [HostPlace] = []

    init(limits: ConnectionPool.Limits) { self.limits = limits }

    /// How many connections a host may have now.
    private var share: Int { max(1, min(limits.perHost, limits.shared / max(uses.count, 1))) }

    private func mayEnter(_ place: HostPlace, _ use: Use, alone: Bool) -> Bool {
        let most = alone ? 1 : answering.contains(place) ? share : min(share, limits.unproven)
        return activeTotal < limits.total && use.active < most
    }

    mutating func enter(_ place: HostPlace, alone: Bool) -> Bool {
        let use = uses[place, default: Use()]
        uses[place] = use
        guard !use.isWaitedFor, mayEnter(place, use, alone: alone) else { return false }
        uses[place]?.active += 1
        activeTotal += 1
        return true
    }

    mutating func wait(
        for place: HostPlace, alone: Bool, _ continuation: CheckedContinuation<Void, Never>
    ) {
        if uses[place]?.isWaitedFor != true { line.append(place) }
        uses[place, default: Use()].waiters.append(Waiter(isAlone: alone, continuation: continuation))
    }

    /// Gives those who may enter now.
    mutating func prove(_ place: HostPlace) -> [CheckedContinuation<Void, Never>] {
        // Whoever is forgotten proves himself anew.
        if answering.count >= ConnectionPool.mostAnswering { answering = [] }
        var woken: [CheckedContinuation<Void, Never>] = []
        if answering.insert(place).inserted { wake(place, &woken) }
        return woken
    }

    /// Gives those who may enter now.
    mutating func leave(
        _ place: HostPlace, hadConnection: Bool
    ) -> [CheckedContinuation<Void, Never>] {
        let wasFull = activeTotal >= limits.total
        activeTotal -= 1
        if hadConnection { busyTotal -= 1 }
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
        while let first = use.first, mayEnter(place, use, alone: first.isAlone) {
            woken.append(first.continuation)
            use.removeFirst()
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

    /// False when the host has enough of them.
    mutating func keep(_ connection: SMTPConnection, _ loop: DeliveryLoop) -> Bool {
        let key = connection.key
        // Who is woken counts as active before taking an idle one, so only these tell.
        if let use = uses[HostPlace(address: key.address, port: key.port)], use.idle >= share {
            return false
        }
        idle[key, default: []].append((connection, loop))
        countIdle(key, 1)
        return true
    }

    /// One to close, when those that are idle are too many beside those at work.
    mutating func takeSurplus() -> SMTPConnection? {
        guard busyTotal + idleTotal > limits.total, let (key, kept) = idle.first else { return nil }
        return kept.first.flatMap { takeIdle(key, $0.loop) }
    }

    mutating func takeIdle(host name: ByteString) -> [SMTPConnection] {
        let keys = idle.keys.filter { $0.hostName == name }
        return keys.flatMap { key -> [SMTPConnection] in
            let kept = idle.removeValue(forKey: key) ?? []
            countIdle(key, -kept.count)
            return kept.map(\.connection)
        }
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
