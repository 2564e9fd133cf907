// What clients and servers say over SMTP is a command, a reply or an error; data is the same however it is cut.
internal import Bytes
internal import MailText
internal import SMTP

/// One input of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSMTP(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let octets = Array(UnsafeBufferPointer(start: start, count: count))
    lookAtCommands(octets)
    lookAtReplies(octets)
    lookAtData(octets)
    return 0
}

private func lookAtCommands(_ octets: [UInt8]) {
    var framer = LineFramer()
    framer.feed(octets)
    while let frame = framer.next() {
        guard case .line(let line) = frame else { continue }
        for offered in [[], [.extended, .dsn, .smtpUTF8]] as [Advertised] {
            guard let command = try? CommandLine.parse(line, offered: offered) else { continue }
            switch command {
            case .mail(let mail): _ = try? mail.sender(AddressRules())
            case .recipient(let recipient): _ = try? recipient.recipient(AddressRules())
            default: break
            }
        }
    }
}

private func lookAtReplies(_ octets: [UInt8]) {
    var reader = ReplyReader()
    reader.feed(octets)
    while let reply = try? reader.next() {
        precondition((100...999).contains(reply.code), "a code that is none")
        precondition(!reply.lines.isEmpty, "a reply without lines")
    }
}

private func lookAtData(_ octets: [UInt8]) {
    func decoded(by piece: Int) -> [UInt8] {
        var (decoder, output, rest) = (DataDecoder(), [UInt8](), octets[...])
        while !rest.isEmpty {
            if case .finished = decoder.decode(rest.prefix(piece), into: &output) { break }
            rest = rest.dropFirst(piece)
        }
        return output
    }
    var whole: [UInt8] = []
    var decoder = BDATDecoder()
    decoder.decode(octets[...], into: &whole)
    decoder.finish(into: &whole)
    var stuffer = DotStuffer()
    var wire: [UInt8] = []
    stuffer.encode(octets[...], into: &wire)
    stuffer.finish(into: &wire)
    precondition(decoded(by: 1) == decoded(by: octets.count), "the message depends on the packets")
}
