import Glibc

/// Looks again and again until a condition holds; throws, saying what was awaited, when the time is over.
///
/// For what other processes do: a fixed pause would be too short on a slow machine and too long on a fast one.
package func eventually(_ what: String, within seconds: Int = 60, _ holds: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try !holds() {
        guard ContinuousClock.now < deadline else {
            throw Program.Failure(description: "waited \(seconds) seconds in vain until \(what)")
        }
        usleep(10_000)
    }
}
