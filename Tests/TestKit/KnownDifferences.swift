package import Foundation

/// The differences from Exim that are known, of a `Fixtures/differences.txt`.
///
/// A block begins with `[area/title]`; lines before it that begin with `#` tell why. In it, `- ` stands before a line
/// that only Exim has, `+ ` before one that only Bobbin has, in order.
package struct KnownDifferences {
    private var blocks: [String: [String]] = [:]

    /// Reads `differences.txt` of a directory of fixtures.
    package init(in fixtures: URL) throws {
        let file = fixtures.appendingPathComponent("differences.txt")
        var place = ""
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            if line.hasPrefix("#") { continue }
            if line.hasPrefix("["), line.hasSuffix("]") {
                place = String(line.dropFirst().dropLast())
                blocks[place] = blocks[place] ?? []
            } else {
                blocks[place, default: []].append(String(line))
            }
        }
    }

    /// Where differences are known.
    package var places: [String] { Array(blocks.keys) }

    /// What is known of a session.
    package func lines(of place: String) -> [String] { blocks[place] ?? [] }

    /// The lines that only one of two has, in order, marked with `- ` and `+ `.
    package static func between(_ wanted: [String], _ found: [String]) -> [String] {
        var result: [String] = []
        let difference = found.difference(from: wanted)
        let removed = difference.removals.map(Self.place)
        let inserted = difference.insertions.map(Self.place)
        var (place, other) = (0, 0)
        while place < wanted.count || other < found.count {
            if let line = removed.first(where: { $0.0 == place }) {
                result.append("- \(line.1)")
                place += 1
            } else if let line = inserted.first(where: { $0.0 == other }) {
                result.append("+ \(line.1)")
                other += 1
            } else {
                place += 1
                other += 1
            }
        }
        return result
    }

    private static func place(_ change: CollectionDifference<String>.Change) -> (Int, String) {
        switch change {
        case .insert(let offset, let line, _), .remove(let offset, let line, _): (offset, line)
        }
    }
}
