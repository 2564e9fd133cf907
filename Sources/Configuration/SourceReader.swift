import Bytes
import Glibc

/// A logical line: continuations joined, comments gone, macros replaced.
struct SourceLine {
    var text: ByteString
    var place: SourcePlace
}

/// Gives the logical lines of a configuration file and of what it includes (manual, "Configuration file format").
///
/// Throws `ConfigurationError` for an unreadable file, an include that loops, an unbalanced conditional.
struct SourceReader {
    /// The longest logical line.
    static let maximumLineLength = 1 << 20
    /// The deepest nesting of includes and of conditionals.
    static let maximumDepth = 32

    private struct File {
        var path: ByteString
        var text: ByteString
        var offset = 0
        var line = 0
    }

    /// Where in an `.ifdef` the reader is: taken, still to be taken, or already done.
    private enum Branch { case taken, waiting, done }

    private var files: [File]
    private var branches: [Branch] = []
    private let load: (ByteString) -> Result<ByteString, ConfigurationError>
    private let mainFile: ByteString
    var macros: MacroTable
    /// Whether a line may define a macro: in all sections but `retry` and `rewrite`.
    var takesMacros = true
    /// Whether the lines are main options, none of which begins with a capital letter.
    var takesOptions = true

    /// Whether lines that define macros are given too.
    var showsDefinitions = false
    /// Where the reader went from one file to another since `takeMarks`, as `# line "file"`.
    private var marks: [ByteString] = []

    init(
        text: ByteString, path: ByteString, macros: [Macro],
        load: @escaping (ByteString) -> Result<ByteString, ConfigurationError> = Self.readFile
    ) {
        files = [File(path: path, text: text)]
        self.macros = MacroTable(macros)
        self.load = load
        mainFile = path
    }

    /// Where the last line came from.
    var place: SourcePlace {
        SourcePlace(file: files.last?.path ?? mainFile, line: files.last?.line ?? 0)
    }

    /// The next logical line, or nil at the end.
    mutating func next() throws(ConfigurationError) -> SourceLine? {
        while let (raw, place) = try joinedLine() {
            if takesMacros, let end = macroDefinitionNameEnd(raw) {
                try defineMacro(raw, nameEnd: end, at: place)
                if showsDefinitions { return SourceLine(text: raw, place: place) }
                continue
            }
            let trimmed = ByteString(try replaced(raw, at: place).text.trimmed())
            // A macro may have made a comment of it.
            if trimmed.first == UInt8(ascii: "#") { continue }
            if takesOptions, trimmed.first.map({ $0.isASCIILetter && $0.uppercasedASCII == $0 }) ?? false {
                throw ConfigurationError("malformed macro definition", at: place)
            }
            if !trimmed.isEmpty { return SourceLine(text: trimmed, place: place) }
        }
        if !branches.isEmpty {
            throw ConfigurationError("Unexpected end of configuration file: .endif missing", at: place)
        }
        return nil
    }

    /// The marks since the last call.
    mutating func takeMarks() -> [ByteString] {
        defer { marks = [] }
        return marks
    }

    private var isReading: Bool { branches.allSatisfy { $0 == .taken } }

    private func replaced(
        _ line: ByteString, at place: SourcePlace, from start: Int = 0
    ) throws(ConfigurationError) -> (text: ByteString, replaced: Bool) {
        do {
            return try macros.replace(in: line, from: start)
        } catch {
            throw ConfigurationError(
                "macros make this line longer than \(Self.maximumLineLength) octets", at: place)
        }
    }

    // MARK: Physical lines

    /// One line with its continuations, not empty and no comment, without blanks at either end.
    ///
    /// Directives are obeyed on the way: they may stand between a line and its continuation.
    private mutating func joinedLine() throws(ConfigurationError) -> (ByteString, SourcePlace)? {
        var joined = ByteString()
        var place: SourcePlace?
        while let physical = physicalLine() {
            let line = physical.text.trimmed()
            if line.first == UInt8(ascii: "#") { continue }
            if line.first == UInt8(ascii: "."), line.dropFirst().first?.isASCIILetter ?? false,
                try directive(ByteString(line), at: physical.place)
            {
                continue
            }
            guard isReading else { continue }
            if place == nil, line.isEmpty { continue }
            if place == nil { place = physical.place }
            guard joined.count + line.count <= Self.maximumLineLength else {
                throw ConfigurationError(
                    "line is longer than \(Self.maximumLineLength) octets", at: physical.place)
            }
            if line.last == UInt8(ascii: "\\") {
                joined += line.dropLast()
                continue
            }
            joined += line
            if let place, !joined.isEmpty { return (joined, place) }
        }
        guard let place, !joined.isEmpty else { return nil }
        return (joined, place)
    }

    private mutating func physicalLine() -> (text: ArraySlice<UInt8>, place: SourcePlace)? {
        while var file = files.popLast() {
            guard file.offset < file.text.count else {
                guard let outer = files.last else {
                    files.append(file)
                    return nil
                }
                marks.append("# \(outer.line) \"\(outer.path)\"")
                continue
            }
            let end = file.text[file.offset...].firstIndex(of: .newline) ?? file.text.count
            let line = file.text[file.offset..<end]
            file.offset = end + 1
            file.line += 1
            let place = SourcePlace(file: file.path, line: file.line)
            files.append(file)
            return (line, place)
        }
        return nil
    }

    // MARK: Directives

    /// Obeys `.include`, `.ifdef` and their kin; false when the line is no directive.
    private mutating func directive(_ line: ByteString, at place: SourcePlace) throws(ConfigurationError)
        -> Bool
    {
        let end = line.firstIndex { $0.isASCIISpace } ?? line.count
        let argument = ByteString(line[end...].trimmed())
        switch ByteString(line[..<end]) {
        case ".include", ".include_if_exists":
            if isReading { try include(argument, onlyIfExists: line[..<end].count > 8, at: place) }
        case ".ifdef": try open(if: try replaced(argument, at: place).replaced, at: place)
        case ".ifndef": try open(if: !(try replaced(argument, at: place).replaced), at: place)
        case ".elifdef": try turn(".elifdef", if: try replaced(argument, at: place).replaced, at: place)
        case ".elifndef": try turn(".elifndef", if: !(try replaced(argument, at: place).replaced), at: place)
        case ".else": try turn(".else", if: true, at: place)
        case ".endif":
            if branches.popLast() == nil {
                throw ConfigurationError(".endif without matching .ifdef", at: place)
            }
        default: return false
        }
        return true
    }

    private mutating func open(if condition: Bool, at place: SourcePlace) throws(ConfigurationError) {
        guard branches.count < Self.maximumDepth else {
            throw ConfigurationError(".ifdef nested more than \(Self.maximumDepth) deep", at: place)
        }
        branches.append(condition ? .taken : .waiting)
    }

    private mutating func turn(
        _ word: ByteString, if condition: Bool, at place: SourcePlace
    ) throws(ConfigurationError) {
        guard let branch = branches.popLast() else {
            throw ConfigurationError("\(word) without matching .ifdef", at: place)
        }
        switch branch {
        case .taken, .done: branches.append(.done)
        case .waiting: branches.append(condition ? .taken : .waiting)
        }
    }

    private mutating func include(
        _ argument: ByteString, onlyIfExists: Bool, at place: SourcePlace
    ) throws(ConfigurationError) {
        var path = try replaced(argument, at: place).text
        if path.first == UInt8(ascii: "\""), path.last == UInt8(ascii: "\""), path.count > 1 {
            path = ByteString(path[1..<(path.count - 1)])
        }
        if path.first != UInt8(ascii: "/") {
            let directory = mainFile.cutAtLast(UInt8(ascii: "/")).map { ByteString($0.before) } ?? "."
            path = "\(directory)/\(path)"
        }
        guard files.count < Self.maximumDepth else {
            throw ConfigurationError("includes nested more than \(Self.maximumDepth) deep", at: place)
        }
        if onlyIfExists, unsafe access(path.string, F_OK) != 0 { return }
        switch load(path) {
        case .success(let text):
            marks += ["# \(place.line) \"\(place.file)\"", "# 1 \"\(path)\""]
            files.append(File(path: path, text: text))
        case .failure(let error):
            throw ConfigurationError(
                "failed to open included configuration file \(path)", at: place, hint: error.hint)
        }
    }

    // MARK: Macro definitions

    /// Where the name ends when the line is `NAME = text` or `NAME == text`.
    private func macroDefinitionNameEnd(_ line: ByteString) -> Int? {
        let end = line.firstIndex { !($0.isASCIIAlphanumeric || $0 == UInt8(ascii: "_")) } ?? line.count
        guard ByteString(line[..<end]).isMacroName else { return nil }
        return line[end...].trimmedStart().first == UInt8(ascii: "=") ? end : nil
    }

    private mutating func defineMacro(
        _ line: ByteString, nameEnd: Int, at place: SourcePlace
    ) throws(ConfigurationError) {
        let name = ByteString(line[..<nameEnd])
        var rest = line[nameEnd...].trimmedStart().dropFirst()
        let redefining = rest.first == UInt8(ascii: "=")
        if redefining { rest = rest.dropFirst() }
        let text = try replaced(ByteString(rest.trimmed()), at: place).text
        if let problem = macros.define(name, as: text, redefining: redefining) {
            throw ConfigurationError(problem, at: place)
        }
    }

    /// Reads a whole file; the error says which and why.
    static func readFile(_ path: ByteString) -> Result<ByteString, ConfigurationError> {
        let descriptor = unsafe Glibc.open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(unreadable(path, errno)) }
        defer { close(descriptor) }
        var text = ByteString()
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe read(descriptor, &block, block.count)
            guard count >= 0 else { return .failure(unreadable(path, errno)) }
            if count == 0 { return .success(text) }
            text += block[..<count]
        }
    }

    private static func unreadable(_ path: ByteString, _ code: CInt) -> ConfigurationError {
        let reason = unsafe String(cString: strerror(code))
        return ConfigurationError(
            "failed to open configuration file \(path)", at: nil,
            hint: "\(reason); check the name and its permissions")
    }
}
