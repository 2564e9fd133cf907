/// What differs between two lists of lines, for people: nil when nothing does.
///
/// A line that only the first has begins with `+`, one that only the second has with `-`.
package func difference(_ found: [String], _ wanted: [String]) -> String? {
    guard found != wanted else { return nil }
    let changes = found.difference(from: wanted)
    return "\n"
        + changes.map { change in
            switch change {
            case .insert(let line, let text, _): "+ \(line + 1): \(text)"
            case .remove(let line, let text, _): "- \(line + 1): \(text)"
            }
        }.joined(separator: "\n")
}

/// What differs between two texts, line by line: nil when nothing does.
package func difference(_ found: String, _ wanted: String) -> String? {
    difference(
        found.split(separator: "\n", omittingEmptySubsequences: false).map(String.init),
        wanted.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
}
