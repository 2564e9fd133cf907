import Bytes

/// The words of the command line as octets: addresses need not be UTF-8.
enum ProgramArguments {
    /// All words, the program's name first.
    static func all() -> [ByteString] {
        let count = Int(CommandLine.argc)
        let vector = unsafe CommandLine.unsafeArgv
        return (0..<count).compactMap { index in
            guard let word = unsafe vector[index] else { return nil }
            return unsafe ByteString(
                UnsafeBufferPointer(start: word, count: length(of: word)).map(UInt8.init(bitPattern:)))
        }
    }

    private static func length(of word: UnsafeMutablePointer<CChar>) -> Int {
        var length = 0
        while unsafe word[length] != 0 { length += 1 }
        return length
    }
}
