import Bytes

// Cuts ESMTP parameters off the end of MAIL and RCPT arguments, one after the other from the right, as long
// as the last word is one that is known and offered. What is left is the address text, so an unknown
// parameter shows as junk after the address, as in Exim.
enum CommandParameters {
    static func mail(_ argument: ByteString, offered: Advertised) throws(SMTPSyntaxError) -> MailCommand {
        guard !argument.isEmpty else { throw SMTPSyntaxError(501, "MAIL must have an address operand") }
        var command = MailCommand(addressText: argument)
        guard offered.contains(.extended) else { return command }
        var rest = argument[...]
        while let parameter = Parameter(endOf: rest) {
            guard try command.take(parameter, offered: offered) else { break }
            rest = parameter.before
        }
        command.addressText = ByteString(rest.trimmedEnd())
        command.argument = command.addressText
        return command
    }

    static func recipient(
        _ argument: ByteString, offered: Advertised
    ) throws(SMTPSyntaxError) -> RecipientCommand {
        guard !argument.isEmpty else { throw SMTPSyntaxError(501, "RCPT must have an address operand") }
        var command = RecipientCommand(addressText: argument)
        guard offered.contains(.dsn) else { return command }
        var rest = argument[...]
        while let parameter = Parameter(endOf: rest) {
            guard try command.take(parameter) else { break }
            rest = parameter.before
        }
        command.addressText = ByteString(rest.trimmedEnd())
        command.argument = command.addressText
        return command
    }
}

// The last word of an argument, `NAME` or `NAME=value`.
private struct Parameter {
    let before: ArraySlice<UInt8>
    let name: ByteString
    let value: ByteString?

    init?(endOf text: ArraySlice<UInt8>) {
        let text = text.trimmedEnd()
        guard let gap = text.lastIndex(where: \.isASCIISpace) else { return nil }
        let word = text[(gap + 1)...]
        before = text[..<gap]
        if let parts = word.cut(at: UInt8(ascii: "=")) {
            name = parts.before.uppercasedASCII()
            value = ByteString(parts.after)
        } else {
            name = word.uppercasedASCII()
            value = nil
        }
    }
}

extension MailCommand {
    // Takes a parameter; false for one that is not known or not offered.
    fileprivate mutating func take(
        _ parameter: Parameter, offered: Advertised
    ) throws(SMTPSyntaxError) -> Bool {
        switch (parameter.name, parameter.value) {
        case ("SIZE", let value?): size = Self.size(of: value)
        case ("BODY", let value?): body = value.isEmpty ? nil : try Self.body(of: value)
        case ("AUTH", let value?): auth = try Self.checkedAuth(value)
        case ("SMTPUTF8", nil):
            guard offered.contains(.smtpUTF8) else {
                throw SMTPSyntaxError(501, "SMTPUTF8 used when not advertised")
            }
            isSMTPUTF8 = true
        case ("PRDR", nil): wantsPRDR = offered.contains(.prdr)
        // Exim takes RET and ENVID whether DSN is offered or not.
        case ("RET", let value): try takeReturn(value ?? "")
        case ("ENVID", let value?):
            guard envelopeID == nil else {
                throw SMTPSyntaxError(501, "ENVID can be specified once only")
            }
            envelopeID = value
        default: return false
        }
        return true
    }

    private static func checkedAuth(_ value: ByteString) throws(SMTPSyntaxError) -> ByteString {
        guard value == "<>" || XText.decode(value) != nil else {
            throw SMTPSyntaxError(501, "invalid data for AUTH")
        }
        return value
    }

    // Leading digits count; a number beyond 64 bits is the largest one.
    private static func size(of value: ByteString) -> Int {
        let digits = value.prefix(while: \.isASCIIDigit)
        guard !digits.isEmpty else { return 0 }
        return digits.decimalInteger().map { Int($0) } ?? Int.max
    }

    private static func body(of value: ByteString) throws(SMTPSyntaxError) -> BodyType {
        switch value.uppercasedASCII() {
        case "8BITMIME": return .eightBitMIME
        case "7BIT": return .sevenBit
        default: throw SMTPSyntaxError(501, "invalid data for BODY")
        }
    }

    private mutating func takeReturn(_ value: ByteString) throws(SMTPSyntaxError) {
        guard returns == nil else { throw SMTPSyntaxError(501, "RET can be specified once only") }
        switch value.uppercasedASCII() {
        case "HDRS": returns = .headers
        case "FULL": returns = .full
        default: throw SMTPSyntaxError(501, "Value for RET is invalid")
        }
    }
}

extension RecipientCommand {
    fileprivate mutating func take(_ parameter: Parameter) throws(SMTPSyntaxError) -> Bool {
        switch (parameter.name, parameter.value) {
        case ("NOTIFY", let value?): try takeNotify(value)
        case ("ORCPT", let value?):
            guard originalRecipient == nil else {
                throw SMTPSyntaxError(501, "ORCPT can be specified once only")
            }
            originalRecipient = value
        default: return false
        }
        return true
    }

    private mutating func takeNotify(_ value: ByteString) throws(SMTPSyntaxError) {
        guard notify.isEmpty else { throw SMTPSyntaxError(501, "NOTIFY can be specified once only") }
        if value.equalsIgnoringCase(ByteString("NEVER")) {
            notify = .never
            return
        }
        for word in value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: value.isEmpty) {
            switch word.uppercasedASCII() {
            case "SUCCESS": notify.insert(.success)
            case "FAILURE": notify.insert(.failure)
            case "DELAY": notify.insert(.delay)
            default: throw SMTPSyntaxError(501, "Invalid value for NOTIFY parameter")
            }
        }
    }
}
