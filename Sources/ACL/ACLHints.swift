import Bytes
package import Hints

/// The hints databases that conditions use, each opened once in a process.
package struct ACLHints: Sendable {
    /// Measured rates (`ratelimit`).
    let rates: HintsDatabase
    /// What was seen, and when (`seen`).
    let sightings: HintsDatabase
    /// What callouts learned (`callout`).
    package let callouts: HintsDatabase

    /// Names the databases where the settings say that they lie; touches no file yet.
    package init(_ settings: HintsSettings) {
        rates = HintsDatabase(settings, name: "ratelimit")
        sightings = HintsDatabase(settings, name: "seen")
        callouts = HintsDatabase(settings, name: "callout")
    }
}
