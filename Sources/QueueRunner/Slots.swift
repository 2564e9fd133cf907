/// How many things may happen at one time; who comes later waits.
actor Slots {
    private var free: Int
    private var waiters: [CheckedContinuation<Void, Never>] = []

    /// Makes that many slots.
    init(_ count: Int) { free = count }

    /// Takes a slot, waiting for one when all are taken.
    func take() async {
        if free > 0 {
            free -= 1
            return
        }
        await withCheckedContinuation { waiters.append($0) }
    }

    /// Takes a slot without waiting, beyond the number if need be: for who gave one up for a while.
    func takeBack() { free -= 1 }

    /// Gives a slot back.
    func give() {
        if free >= 0, !waiters.isEmpty {
            waiters.removeFirst().resume()
        } else {
            free += 1
        }
    }
}
