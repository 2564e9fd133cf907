// Any octets are a string to expand: it comes to a value or an error, and one that is a syntax error never to a value.
internal import Bytes
internal import Expansion

/// One input of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzExpansion(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let template = Template(ByteString(Array(UnsafeBufferPointer(start: start, count: count))))
    let expander = Expander(World.environment)
    let isValue = awaiting { () -> Bool in
        do throws(ExpansionError) {
            _ = try await expander.expand(template, World.facts)
            return true
        } catch {
            if case .failed = error { precondition(!error.text.isEmpty, "an error without words") }
            return false
        }
    }
    precondition(!isValue || template.syntaxError == nil, "what cannot be read came to a value")
    return 0
}
