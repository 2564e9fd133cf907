import Bytes
import Configuration
import Expansion
import OpenSSL
import PolicyChecks

extension DKIMRules {
    /// The main options that choose among signatures (manual, chapter 14).
    ///
    /// Throws for a number of bits that is none; a hash or a kind of key that nobody knows chooses nothing, as in Exim.
    init(_ main: OptionBlock) throws(StartError) {
        self.init()
        if let list = Self.items(main, "dkim_verify_hashes") {
            hashes = list.compactMap { DKIMAlgorithm.Hash($0) }
        }
        if let list = Self.items(main, "dkim_verify_keytypes") { types = list.compactMap { KeyType($0) } }
        if let list = Self.items(main, "dkim_verify_min_keysizes") {
            smallestKeys = [:]
            for item in list {
                let cut = item.cut(at: UInt8(ascii: "="))
                guard let cut, let bits = ByteString(cut.after.trimmed()).decimalInteger(), bits >= 0 else {
                    throw StartError(
                        "dkim_verify_min_keysizes: \"\(item)\" is not a key type, =, and a number of bits")
                }
                guard let type = KeyType(ByteString(cut.before.trimmed())) else { continue }
                smallestKeys[type] = Int(clamping: bits)
            }
        }
        endsWithFirst = main.flag("dkim_verify_minimal") ?? false
    }

    private static func items(_ main: OptionBlock, _ option: ByteString) -> [ByteString]? {
        main.text(option).map { ItemList.split($0, separator: UInt8(ascii: ":")) }
    }
}
