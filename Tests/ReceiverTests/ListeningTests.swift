import Bytes
import Configuration
import MailSystem
import Testing

@testable import Receiver

@Suite("Where the daemon listens")
struct ListeningTests {
    private func addresses(_ text: ByteString, override: ByteString? = nil) throws -> [String] {
        let main = try Configuration.read(text: text, file: "test.conf").main
        return try ListeningAddress.configured(main, override: override).map { "\($0.host) \($0.port)" }
    }

    @Test(
        "Interfaces and ports make addresses; -oX goes before both",
        arguments: [
            (
                "local_interfaces = 127.0.0.1\ndaemon_smtp_ports = 25 : 587\n", nil,
                ["127.0.0.1 25", "127.0.0.1 587"]
            ),
            ("local_interfaces = 127.0.0.1.2525\n", nil, ["127.0.0.1 2525"]),
            (
                "local_interfaces = <; 127.0.0.1 ; ::1\ndaemon_smtp_ports = 2525\n", nil,
                ["127.0.0.1 2525", "::1 2525"]
            ),
            (
                "local_interfaces = 127.0.0.1 : ::::1\ndaemon_smtp_ports = smtp\n", nil,
                ["127.0.0.1 25", "::1 25"]
            ),
            ("local_interfaces = 127.0.0.1\n", "1225", ["127.0.0.1 1225"]),
            ("local_interfaces = 127.0.0.1\n", "127.0.0.2.1225", ["127.0.0.2 1225"]),
            ("\n", nil, ["0.0.0.0 25", "::0 25"]),
        ] as [(ByteString, ByteString?, [String])])
    func addresses(text: ByteString, override: ByteString?, expected: [String]) throws {
        #expect(try addresses(text, override: override) == expected.map { $0.replacing("::0 ", with: ":: ") })
    }

    @Test(
        "What is no address is refused with the option's name",
        arguments: [
            "local_interfaces = mail.example\n", "local_interfaces = 127.0.0.1\ndaemon_smtp_ports = 70000\n",
        ] as [ByteString])
    func refused(text: ByteString) {
        #expect(throws: StartError.self) { try addresses(text) }
    }
}
