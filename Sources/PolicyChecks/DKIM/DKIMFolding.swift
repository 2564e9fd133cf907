import Bytes

/// Writes tags into lines of 78 columns, as Exim does; they end in LF here.
struct DKIMFolding {
    private static let width = 78

    private var text: ByteString
    private var column: Int

    init(_ beginning: ByteString) {
        text = beginning
        column = beginning.count
    }

    /// Adds a tag; a value that no line holds is broken where the line ends.
    mutating func add(_ tag: ByteString, _ value: ByteString) {
        write(";")
        let length = 1 + tag.count + value.count
        if length < Self.width, column + length > Self.width {
            fold()
        } else {
            put(" " as ByteString)
        }
        write(tag)
        put(broken: value)
    }

    /// Adds a tag with items, between which lines may be folded.
    mutating func add(_ tag: ByteString, _ items: [ByteString]) {
        add(tag, items.first ?? "")
        for item in items.dropFirst() {
            write(":")
            if item.count < Self.width, column + item.count > Self.width { fold() }
            put(broken: item)
        }
    }

    /// The header line with its end.
    consuming func finished() -> ByteString {
        write(";")
        return text + ByteString("\n")
    }

    private mutating func fold() {
        text += ByteString("\n\t")
        column = 1
    }

    /// What is not broken goes to the next line where it does not fit.
    private mutating func write(_ piece: ByteString) {
        if column + piece.count > Self.width { fold() }
        put(piece[...])
    }

    private mutating func put(broken value: ByteString) {
        var rest = value[...]
        while rest.count > Self.width - column {
            let part = rest.prefix(Self.width - column)
            rest = rest.dropFirst(part.count)
            put(part)
            fold()
        }
        put(rest)
    }

    private mutating func put(_ piece: some Collection<UInt8>) {
        text += piece
        column += piece.count
    }
}
