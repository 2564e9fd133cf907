package import Bytes
package import Configuration
import Expansion
import Glibc

/// The environment variables that expansions see and programs get: what `keep_environment` lists, and
/// `add_environment`; and TZ as `timezone` has it.
package struct ProcessEnvironment: Sendable {
    private var values: [ByteString: ByteString] = [:]
    /// The names in the order that programs get them.
    private var names: [ByteString] = []

    /// Picks them; without `keep_environment` none of the process's own is kept (manual, option `keep_environment`).
    package init(_ main: OptionBlock) async {
        if let list = main.template("keep_environment")?.source {
            let expander = Expander(Environment())
            let patterns = ListText(literal: list)
            for (name, value) in Self.present {
                var facts = Facts()
                guard await expander.matchLocalPart(name, in: patterns, &facts, caseful: true).isMatch else {
                    continue
                }
                set(name, value)
            }
        }
        for item in Expander(Environment()).items(
            ofList: TaintedBytes(main.template("add_environment")?.source ?? ""))
        {
            guard let pair = item.bytes.cut(at: UInt8(ascii: "=")) else { continue }
            set(ByteString(pair.before), ByteString(pair.after))
        }
        switch ProcessZone(main) {
        case .utc: break
        case .machine: remove("TZ")
        case .named(let zone):
            remove("TZ")
            set("TZ", zone)
        }
    }

    private mutating func remove(_ name: ByteString) {
        if values.removeValue(forKey: name) != nil { names.removeAll { $0 == name } }
    }

    private mutating func set(_ name: ByteString, _ value: ByteString) {
        if values.updateValue(value, forKey: name) == nil { names.append(name) }
    }

    /// The value of a variable; nil for one that is not kept.
    subscript(_ name: ByteString) -> ByteString? { values[name] }

    /// `NAME=value` each, as a program gets them.
    package var assignments: [ByteString] { names.map { "\($0)=\(values[$0] ?? "")" } }

    /// What the process has.
    private static var present: [(ByteString, ByteString)] {
        var found: [(ByteString, ByteString)] = []
        var place = unsafe environ
        while let entry = unsafe place.pointee {
            if let pair = unsafe ByteString(String(cString: entry)).cut(at: UInt8(ascii: "=")) {
                found.append((ByteString(pair.before), ByteString(pair.after)))
            }
            unsafe place += 1
        }
        return found
    }
}
