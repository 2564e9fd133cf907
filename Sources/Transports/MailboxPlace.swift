import Bytes
import Expansion
import Routing

/// Where the mailbox for an address is.
struct MailboxPlace {
    let settings: AppendfileSettings
    let options: OptionExpansion
    let instruction: DeliveryInstruction?

    /// The file or directory, and what it is; a name that came out of an address is refused.
    func found() async throws(TransportTrouble) -> (path: ByteString, kind: LocalOrder.Kind) {
        let name = options.transport
        let isDirectory = settings.directory != nil
        if settings.isMaildir, settings.file != nil {
            throw TransportTrouble(
                "maildir_format requires \"directory\" to be specified for the \(name) transport", errno: -1
            ).panicking
        }
        var path: TaintedBytes
        if let template = settings.directory ?? settings.file {
            path = try await options.expand(template, saying: "file or directory name")
        } else if let instruction, case .file(let given) = instruction.target {
            path = instruction.facts.addressFile ?? TaintedBytes(given)
        } else {
            throw TransportTrouble(
                "Mandatory file or directory option missing from \(name) transport", errno: -1
            ).panicking
        }
        if path.taint.isTainted {
            throw TransportTrouble(
                "Tainted '\(path.bytes)' (file or directory name for \(name) transport) not permitted",
                errno: -1
            ).panicking
        }
        guard path.bytes.first == UInt8(ascii: "/") else {
            throw TransportTrouble(
                "appendfile: file or directory name \"\(path.bytes)\" is not absolute", errno: -21)
        }
        if settings.isMaildir { return (path.bytes, .maildir) }
        let intoDirectory = isDirectory || path.bytes.last == UInt8(ascii: "/")
        return (path.bytes, intoDirectory ? .directory : .mailbox)
    }
}
