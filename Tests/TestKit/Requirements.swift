import Glibc
package import Testing

extension Trait where Self == ConditionTrait {
    /// A test that only root can run; scripts/test says so when it is left out.
    package static var needsRoot: Self {
        .enabled(if: geteuid() == 0, "needs root: an Exim on a spool of its own, or delivery as another user")
    }
}
