package import Bytes
package import Configuration
import Glibc

/// What `timezone` makes of the variable TZ, for ourselves and for the programs that we start.
///
/// As with Exim: a name puts it into TZ, an empty or absent one takes TZ away, and UTC leaves TZ alone, since times
/// in UTC need no zone of the machine's.
package enum ProcessZone: Sendable, Equatable {
    /// `timezone = UTC`.
    case utc
    /// No `timezone`, or an empty one: the machine's zone, whatever TZ says.
    case machine
    /// The zone of this name, as tzset(3) reads it.
    case named(ByteString)

    /// Reads the option of the main section.
    package init(_ main: OptionBlock) {
        switch main.text("timezone") {
        case nil, "": self = .machine
        case "UTC": self = .utc
        case let name?: self = .named(name)
        }
    }

    /// Sets TZ for this process, if it is not set so; to be called where a program begins with its configuration.
    package func apply() {
        switch self {
        case .utc: return
        case .machine:
            guard unsafe getenv("TZ") != nil else { return }
            unsafe unsetenv("TZ")
        case .named(let name):
            if let present = unsafe getenv("TZ"), unsafe ByteString(String(cString: present)) == name {
                return
            }
            unsafe setenv("TZ", name.string, 1)
        }
        tzset()
    }
}
