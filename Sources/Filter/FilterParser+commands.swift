import Bytes

extension FilterParser {
    private static let sections: Set<ByteString> = ["elif", "else", "endif"]

    /// Reads a command that begins with the word.
    mutating func command(_ first: FilterWord) throws(FilterError) -> FilterCommand {
        var word = first
        var marks = FilterMarks()
        while ["seen", "unseen", "noerror"].contains(word.text), !word.isQuoted {
            if word.text == "noerror" {
                marks.ignoresErrors = true
            } else {
                guard marks.isSeen == nil else {
                    throw FilterError("\"seen\" or \"unseen\" repeated near line \(reader.line)")
                }
                marks.isSeen = word.text == "seen"
            }
            guard !reader.isAtEnd else {
                throw FilterError(
                    "\"seen\" or \"unseen\" near line \(reader.line) is not followed by a command")
            }
            word = try reader.word()
        }
        return try command(named: word.text, marks)
    }

    private mutating func command(
        named name: ByteString, _ marks: FilterMarks
    ) throws(FilterError) -> FilterCommand {
        switch name {
        case "deliver": return try deliver(marks)
        case "save": return .save(try argument(of: name), mode: try mode(), marks)
        case "pipe": return .pipe(try argument(of: name), marks)
        case "mail", "vacation": return try mail(name, marks)
        case "finish": return .finish(marks)
        case "logfile":
            return .logfile(try argument(of: name), mode: try mode(), marks)
        case "logwrite":
            return .logwrite(try argument(of: name), marks)
        case "testprint": return .testprint(try argument(of: name), marks)
        case "add":
            try refuse(marks, name)
            return try add()
        case "if":
            try refuse(marks, name)
            return try deeper { parser throws(FilterError) in try parser.choose() }
        case "headers": return try headers()
        case "fail", "freeze", "defer": return try stop(name)
        case "elif", "else", "endif":
            throw FilterError("unexpected \"\(name)\" command \(near)")
        default: throw FilterError("unknown filtering command \"\(name)\" \(near)")
        }
    }

    private func refuse(_ marks: FilterMarks, _ name: ByteString) throws(FilterError) {
        guard marks == FilterMarks() else {
            throw FilterError(
                "\"seen\", \"unseen\", or \"noerror\" found before an \"\(name)\" command near line \(reader.line)"
            )
        }
    }

    private func demand(_ isAllowed: Bool, _ name: ByteString) throws(FilterError) {
        guard isAllowed else {
            throw FilterError("filtering command \"\(name)\" is disabled: \(near)")
        }
    }

    private mutating func argument(of name: ByteString) throws(FilterError) -> FilterWord {
        let word = try reader.word()
        guard !word.text.isEmpty else { throw FilterError("\"\(name)\" requires an argument \(near)") }
        return word
    }

    /// Octal digits behind a file's name.
    private mutating func mode() throws(FilterError) -> UInt32? {
        guard reader.next?.isASCIIDigit == true else { return nil }
        let digits = try reader.word().text.prefix { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
        return digits.prefix(6).reduce(UInt32(0)) { $0 << 3 | UInt32($1 - UInt8(ascii: "0")) } & 0o7777
    }

    /// Reads the word when it is the next one.
    private mutating func skip(_ word: ByteString) throws(FilterError) -> Bool {
        var ahead = reader
        let found = try ahead.word()
        guard found.text == word, !found.isQuoted else {
            reader.note(lookingAt: ahead)
            return false
        }
        reader = ahead
        return true
    }

    private mutating func deliver(_ marks: FilterMarks) throws(FilterError) -> FilterCommand {
        let address = try argument(of: "deliver")
        guard try skip("errors_to") else { return .deliver(address, errorsTo: nil, marks) }
        return .deliver(address, errorsTo: try reader.word(), marks)
    }

    private mutating func add() throws(FilterError) -> FilterCommand {
        let number = try argument(of: "add")
        guard try skip("to") else {
            throw FilterError("\"to\" expected in \"add\" command \(near)")
        }
        let variable = try reader.word()
        guard !variable.text.isEmpty else { throw FilterError("value missing after \"to\" \(near)") }
        return .add(number, to: variable)
    }

    private mutating func headers() throws(FilterError) -> FilterCommand {
        let kind = try argument(of: "headers").text
        guard rights.isSystem || kind == "charset" else {
            throw FilterError("header addition and removal is available only in system filters: \(near)")
        }
        guard let command = HeadersCommand(rawValue: kind.string) else {
            throw FilterError("\"add\", \"remove\", or \"charset\" expected \(near)")
        }
        let value = try reader.word()
        guard !value.text.isEmpty else {
            throw FilterError("value missing after \"add\", \"remove\", or \"charset\" \(near)")
        }
        return .headers(command, value)
    }

    private mutating func stop(_ name: ByteString) throws(FilterError) -> FilterCommand {
        switch name {
        case "fail": try demand(rights.mayFail, name)
        case "freeze": try demand(rights.mayFreeze, name)
        default: try demand(rights.mayDefer, name)
        }
        guard let command = StopCommand(rawValue: name.string) else {
            throw FilterError("unknown filtering command \"\(name)\" \(near)")
        }
        let hasWord = try skip("text")
        guard hasWord || reader.next == UInt8(ascii: "\"") else {
            return .stop(command, text: FilterWord(""))
        }
        return .stop(command, text: try reader.word())
    }

    private mutating func mail(
        _ name: ByteString, _ marks: FilterMarks
    ) throws(FilterError) -> FilterCommand {
        var command = MailCommand(isVacation: name == "vacation")
        while true {
            var ahead = reader
            let word = try ahead.word()
            guard !word.isQuoted else { break }
            switch word.text {
            case "expand":
                reader = ahead
                guard try skip("file") else {
                    throw FilterError("\"expand\" not followed by \"file\"  \(near)")
                }
                command.values[.file] = try reader.word()
                command.expandsFile = true
            case "return":
                reader = ahead
                guard try skip("message") else {
                    throw FilterError("\"return\" not followed by \"message\"  \(near)")
                }
                command.returnsMessage = true
            default:
                guard let argument = MailCommand.Argument(rawValue: word.text.string) else {
                    return .mail(command, marks)
                }
                reader = ahead
                command.values[argument] = try reader.word()
                if argument == .file { command.expandsFile = false }
            }
        }
        return .mail(command, marks)
    }

    private mutating func choose() throws(FilterError) -> FilterCommand {
        var branches: [FilterBranch] = []
        var end: ByteString = "elif"
        while end == "elif" {
            let condition = try condition(isInner: false)
            let (commands, next) = try list(endingWith: Self.sections)
            branches.append(FilterBranch(condition: condition, commands: commands))
            end = next
        }
        guard end == "else" else { return .choose(branches) }
        let (commands, last) = try list(endingWith: Self.sections)
        guard last == "endif" else { throw FilterError("\"endif\" missing \(near)") }
        branches.append(FilterBranch(condition: nil, commands: commands))
        return .choose(branches)
    }
}
