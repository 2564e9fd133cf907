package import Bytes

/// A configuration as it was read (`-bP config`): includes resolved, conditions decided, macros replaced, no comments.
package enum ConfigurationListing {
    /// The text, indented by sections as Exim does; throws as reading does.
    package static func text(
        of text: ByteString, file: ByteString, macros: [Macro]
    ) throws(ConfigurationError) -> ByteString {
        var source = SourceReader(
            text: text, path: file, macros: macros.map { Macro(name: $0.name, text: $0.text, isFixed: true) })
        source.showsDefinitions = true
        var result: ByteString = "# 1 \"\(file)\"\n"
        var section: ByteString?
        while let line = try source.next() {
            for mark in source.takeMarks() { result += "\(mark)\n" as ByteString }
            if line.text.starts(with: ByteString("begin ")) {
                section = ByteString(line.text.dropFirst(6).trimmed())
                source.takesOptions = false
                source.takesMacros = section != "retry" && section != "rewrite"
                result.append(.newline)
            }
            result += "\(indented(compressed(line.text), in: section))\n" as ByteString
        }
        for mark in source.takeMarks() { result += "\(mark)\n" as ByteString }
        return result
    }

    /// The text of a file.
    package static func text(of file: ByteString, macros: [Macro]) throws(ConfigurationError) -> ByteString {
        switch SourceReader.readFile(file) {
        case .success(let text): return try self.text(of: text, file: file, macros: macros)
        case .failure(let error): throw error
        }
    }

    private static func indented(_ line: ByteString, in section: ByteString?) -> ByteString {
        guard let section, !line.starts(with: ByteString("begin ")) else { return line }
        if section == "retry" || section == "rewrite" { return "  \(line)" }
        let name = line[..<OptionLine.nameEnd(line[...])]
        let beginsInstance = line[name.endIndex...].trimmed().elementsEqual(":".utf8)
        return beginsInstance ? "\n  \(line)" : "    \(line)"
    }

    /// One blank for several, up to where a string or an expansion begins.
    private static func compressed(_ line: ByteString) -> ByteString {
        var result = ByteString()
        var rest = line[...]
        while let octet = rest.first, !"\"${'".utf8.contains(octet) {
            rest = rest.dropFirst()
            guard octet.isASCIISpace else {
                result.append(octet)
                continue
            }
            result.append(.blank)
            rest = rest.trimmedStart()
        }
        return result + rest
    }
}
