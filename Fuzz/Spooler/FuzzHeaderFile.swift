// Any octets are a header file or an error; what is read is written the same, and survives being changed.
// Compiled together with Sources/Spooler by scripts/fuzz.
internal import Bytes

/// One input of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHeaderFile(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let octets = ByteString(Array(UnsafeBufferPointer(start: start, count: count)))
    guard let header = try? HeaderFile(parsing: octets) else {
        if let envelope = try? HeaderFile(parsingEnvelopeOf: octets) { look(at: envelope) }
        return 0
    }
    precondition(header.serialized() == octets, "written otherwise than it was read")
    precondition((try? header.check()) != nil, "what was read may not be written")
    look(at: header)
    var changed = header
    changed.addRecipient("added@example.org")
    changed.markAllDelivered()
    _ = changed.freeze(at: 1)
    changed.modernize()
    guard (try? changed.check()) != nil else { return 0 }
    guard let back = try? HeaderFile(parsing: changed.serialized()) else {
        preconditionFailure("what the check let through is refused")
    }
    precondition(back.recipients == changed.recipients, "recipients changed on the way")
    precondition(back.nonRecipients.names == changed.nonRecipients.names, "names were lost")
    return 0
}

private func look(at header: HeaderFile) {
    for variable in header.variables { _ = (variable.name, variable.value, variable.aclVariable?.name) }
    for name in VariableName.allCases { _ = header[name] }
    _ = (
        header.remoteHost, header.interface, header.tlsPeerDN, header.receivedTimeComplete,
        header.debugSelector
    )
    _ = (header.undelivered, header.messageLineCount, header.receptionSize(bodySize: 0), header.aclVariables)
}
