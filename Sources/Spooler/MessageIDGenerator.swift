internal import Bytes
internal import Synchronization

/// Gives out message ids that no other process gives out, without ever waiting for the clock.
///
/// One generator serves a process. Why its ids are unique:
///
/// - *Within the process* the state (tick, variant) only grows, under a mutex: a clock that stands still
///   or goes back makes the variant grow, and when the variants of a tick are used up the tick goes on by
///   itself.
/// - *Against other processes* the process field tells them apart. Exim writes its bare process number
///   there, which is below 2^22 on Linux. The short field holds 62^6 numbers, so `variant * 2^22 +
///   processID` with a variant below 13,542 fits, has the process number in its low bits, and for variants
///   above 0 is a number that no Exim writes. Variant 0 is what an Exim of this process number would write,
///   and there is none while this process lives.
/// - *Against other hosts* on the same spool `localhost_number` takes part in the last field exactly as in
///   Exim.
/// - *Against an earlier process of the same number* there is the clock; where that was set back,
///   `O_EXCL` on `-D` is the arbiter: the spool takes another id on `EEXIST`.
public final class MessageIDGenerator: Sendable {
    /// Which generation of ids is made.
    public let format: MessageID.Format
    private let localhostNumber: Int?
    private let processID: UInt64
    private let clock: @Sendable () -> SpoolTime
    private let last: Mutex<State>

    private struct State {
        var tick: UInt64 = 0
        var variant: UInt64 = 0
    }

    /// One more than the greatest process number of Linux (`PID_MAX_LIMIT`).
    static let processNumbers: UInt64 = 1 << 22
    /// How many variants of a process number the six digits of a short id hold: 62^6 / 2^22.
    static let variants: UInt64 = 56_800_235_584 / processNumbers

    /// Makes a generator for one process.
    ///
    /// - Parameters:
    ///   - localhostNumber: Exim's `localhost_number`, 0 to 16, or nil when it is not set.
    ///   - processID: the number of this process; other bits than the low 22 are cut off.
    ///   - clock: tells the time; may stand still or go back.
    public init(
        format: MessageID.Format, localhostNumber: Int? = nil, processID: Int32,
        clock: @escaping @Sendable () -> SpoolTime = { .now() }
    ) {
        self.format = format
        self.localhostNumber = localhostNumber.map { min(max($0, 0), 16) }
        self.processID = UInt64(UInt32(bitPattern: processID)) % Self.processNumbers
        self.clock = clock
        last = Mutex(State())
    }

    /// Gives an id that this generator has not given before.
    public func next() -> MessageID {
        let present = tick(of: clock())
        let (tick, variant) = last.withLock { state -> (UInt64, UInt64) in
            if present > state.tick {
                state = State(tick: present)
            } else if state.variant + 1 < Self.variants {
                state.variant += 1
            } else {
                state = State(tick: state.tick + 1)
            }
            return (state.tick, state.variant)
        }
        return MessageID(
            format: format, seconds: tick / ticksPerSecond,
            process: variant * Self.processNumbers + processID,
            fraction: base + tick % ticksPerSecond)
    }

    /// The length of a tick in microseconds: Exim 4.96's for short ids, 4.97's for long ones.
    private var tickLength: UInt64 {
        switch format {
        case .short: 5000
        case .long: localhostNumber == nil ? 1 : 2
        }
    }

    private var ticksPerSecond: UInt64 { 1_000_000 / tickLength }

    /// What the host's number adds to the last field.
    private var base: UInt64 { UInt64(localhostNumber ?? 0) * ticksPerSecond }

    private func tick(of moment: SpoolTime) -> UInt64 {
        UInt64(max(moment.seconds, 0)) * ticksPerSecond + UInt64(moment.microseconds) / tickLength
    }
}
