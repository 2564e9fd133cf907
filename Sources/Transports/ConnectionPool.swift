import Bytes

/// Connections that are open and idle, and how many there may be at all.
///
/// A message that has been delivered leaves its connection here for the next message to the same host.
package actor ConnectionPool {
    /// The bounds.
    package struct Limits: Sendable, Hashable {
        /// Connections to one address and port at one time.
        package var perHost = 8
        /// Connections at one time.
        package var total = 100

        /// The defaults.
        package init() {}
    }

    private struct Place: Hashable {
        var address: IPAddress
        var port: Int
    }

    /// What is done while a delivery waits for a busy host, so that it does not keep others from their work.
    package struct Waiting: Sendable {
        let begin: @Sendable () async -> Void
        let end: @Sendable () async -> Void

        /// Makes a pair of actions; `end` may not wait for anything.
        package init(
            begin: @escaping @Sendable () async -> Void = {}, end: @escaping @Sendable () async -> Void = {}
        ) {
            self.begin = begin
            self.end = end
        }
    }

    /// The most deliveries that wait apart; further ones wait where they are.
    package static let mostParked = 2000

    private let limits: Limits
    private let whileWaiting: Waiting
    private var parked = 0
    private var idle: [ConnectionKey: [SMTPConnection]] = [:]
    private var active: [Place: Int] = [:]
    private var activeTotal = 0
    private var waiters: [(place: Place, continuation: CheckedContinuation<Void, Never>)] = []

    /// Makes an empty pool.
    package init(_ limits: Limits = Limits(), whileWaiting: Waiting = Waiting()) {
        self.limits = limits
        self.whileWaiting = whileWaiting
    }

    /// Waits until one more delivery may use the address and port.
    func enter(_ address: IPAddress, _ port: Int) async {
        let place = Place(address: address, port: port)
        if mayEnter(place) {
            count(place, 1)
            return
        }
        let parks = parked < Self.mostParked
        if parks {
            parked += 1
            await whileWaiting.begin()
        }
        await withCheckedContinuation { continuation in
            if mayEnter(place) {
                count(place, 1)
                continuation.resume()
            } else {
                // Whoever leaves counts the place for the one that is woken.
                waiters.append((place, continuation))
            }
        }
        if parks {
            parked -= 1
            await whileWaiting.end()
        }
    }

    /// Tells that a delivery is done with the address and port.
    func leave(_ address: IPAddress, _ port: Int) {
        count(Place(address: address, port: port), -1)
        while let index = waiters.firstIndex(where: { mayEnter($0.place) }) {
            let waiter = waiters.remove(at: index)
            count(waiter.place, 1)
            waiter.continuation.resume()
        }
    }

    private func mayEnter(_ place: Place) -> Bool {
        activeTotal < limits.total && active[place, default: 0] < limits.perHost
    }

    private func count(_ place: Place, _ change: Int) {
        let number = active[place, default: 0] + change
        active[place] = number == 0 ? nil : number
        activeTotal += change
    }

    /// An idle connection that still stands, or nil.
    func take(_ key: ConnectionKey) async -> SMTPConnection? {
        while let connection = idle[key]?.popLast() {
            if !connection.isStale { return connection }
            await connection.quit()
        }
        idle[key] = nil
        return nil
    }

    /// Keeps a connection for the next message; closes the oldest when too many are idle.
    func keep(_ connection: SMTPConnection) async {
        idle[connection.key, default: []].append(connection)
        let count = idle.values.reduce(0) { $0 + $1.count }
        guard count > limits.total,
            let key = idle.first(where: { $0.key != connection.key && !$0.value.isEmpty })?.key,
            let surplus = idle[key]?.removeFirst()
        else { return }
        await surplus.quit()
    }

    /// Closes all that is idle, with QUIT.
    package func closeIdle() async {
        let connections = idle.values.flatMap { $0 }
        idle = [:]
        await withDiscardingTaskGroup { group in
            for connection in connections { group.addTask { await connection.quit() } }
        }
    }
}
