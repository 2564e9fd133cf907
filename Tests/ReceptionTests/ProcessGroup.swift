import Foundation

/// The processes of a group, as /proc shows them.
struct ProcessGroup {
    private let number: Int32

    init(_ number: Int32) { self.number = number }

    /// Whether none of them runs any more; one that has ended and is not reaped yet does not.
    var isGone: Bool {
        get throws { try members.allSatisfy { $0.state == "Z" } }
    }

    /// Whether its leader has reaped all others.
    var isAlone: Bool {
        get throws { try members.allSatisfy { $0.id == number } }
    }

    private var members: [(id: Int32, state: Substring)] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { name in
                guard let id = Int32(name),
                    let text = FileManager.default.contents(atPath: "/proc/\(name)/stat")
                else {
                    return nil
                }
                // After the name, which stands in parentheses: state, parent, group.
                let fields =
                    String(decoding: text, as: UTF8.self).split(separator: ")").last?
                    .split(separator: " ") ?? []
                return fields.count > 2 && fields[2] == "\(number)" ? (id, fields[0]) : nil
            }
        }
    }
}
