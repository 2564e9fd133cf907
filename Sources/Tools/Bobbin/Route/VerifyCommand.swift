import ArgumentParser
import Bytes

/// `bobbin verify`.
struct VerifyCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Tell whether addresses are good, as verify = recipient would find.",
        discussion: """
            Each router says what it does with the address, and why it is passed over; the verdict follows in the words
            of exim -bv. Ends with status 2 when an address is bad, with 1 when that cannot be told now. Without
            addresses, lines of standard input are taken.

            Example: why mail for an address is refused
              bobbin verify nobody@example.org
            """)

    @OptionGroup var siteOptions: SiteOptions
    @Option(name: [.customShort("f"), .long], help: ArgumentHelp("Envelope sender.", valueName: "address"))
    var sender: String?
    @Flag(name: .customLong("as-sender"), help: "Verify as a sender, as exim -bvs does.")
    var asSender = false
    @Flag(name: .long, help: "The verdict alone, without what the routers do.")
    var quiet = false
    @Argument(help: ArgumentHelp("Addresses.", valueName: "address"))
    var addresses: [String] = []

    mutating func run(on console: Console) async throws {
        let test = try await AddressTest(
            siteOptions.site(), asSender ? .verifySender : .verifyRecipient,
            sender: sender.map { ByteString($0) }, trace: quiet ? nil : console.tracing)
        let status = await test.run(addresses.map { ByteString($0) }, on: console)
        if status != .success { throw ToolFailure(status, "not all addresses are good") }
    }
}
