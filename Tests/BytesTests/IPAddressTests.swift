import Bytes
import TestKit
import Testing

@Suite("IP addresses")
struct IPAddressTests {
    @Test(
        "An address is written in its canonical form",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
            ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8::0001", "2001:db8::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1"), ("::ffff:c000:201", "::ffff:192.0.2.1"),
            ("::192.0.2.1", "::192.0.2.1"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("fe80::a:0:0:0", "fe80::a:0:0:0"),
        ])
    func canonical(text: String, expected: String) {
        #expect(IPAddress(text.utf8)?.text.string == expected)
        #expect(IPAddress(expected.utf8) == IPAddress(text.utf8))
    }

    @Test(
        "What is not an address is refused",
        arguments: [
            "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.", ":", ":::", "1:2", "::1::",
            "1:2:3:4:5:6:7:8:9", "12345::", "g::", "1.2.3.4::", "::1.2.3", "[::1]", "fe80::1%lo",
            "1:2:3:4:5:6:7:1.2.3.4", "::1:", ":1::", "1:2:3:4:5:6:7:8::",
        ])
    func refused(text: String) {
        #expect(IPAddress(text.utf8) == nil)
    }

    @Test("Octets in network order make the same address again")
    func octets() {
        for address in ["192.0.2.1", "2001:db8::ff", "::"] as [IPAddress] {
            #expect(IPAddress(octets: address.octets) == address)
        }
        #expect(IPAddress(octets: [1, 2, 3] as [UInt8]) == nil)
    }

    @Test("Any octets are an address or nothing, and every number survives its text")
    func fuzz() {
        var random = SeededGenerator(seed: 7)
        let letters = Array("0123456789abcdefF:.:.%/".utf8)
        for _ in 0..<20_000 {
            let length = Int.random(in: 0...46, using: &random)
            let text = (0..<length).map { _ in letters[Int.random(in: 0..<letters.count, using: &random)] }
            if let address = IPAddress(text) { #expect(IPAddress(address.text) == address) }
            let sparse =
                UInt128.random(in: 0 ... .max, using: &random) & .random(in: 0 ... .max, using: &random)
            let masked = IPAddress.v6(sparse & ~(UInt128(0xFFFF_FFFF) << UInt128(length * 2)))
            #expect(IPAddress(masked.text) == masked)
        }
    }

    @Test("The reverse name has the octets or nibbles backwards")
    func reverse() {
        let four: IPAddress = "192.0.2.1"
        #expect(four.reverseName == "1.2.0.192.in-addr.arpa")
        let six: IPAddress = "2001:db8::1"
        #expect(
            six.reverseName
                == "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa")
    }

    @Test(
        "A block holds exactly the addresses with its first bits",
        arguments: [
            ("192.0.2.0/24", "192.0.2.255", true), ("192.0.2.0/24", "192.0.3.0", false),
            ("0.0.0.0/0", "10.1.1.1", true), ("0.0.0.0/0", "::1", false), ("::/0", "2001:db8::1", true),
            ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::1", false),
            ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.6", false),
            ("192.0.2.77/31", "192.0.2.76", true),
        ])
    func blocks(block: String, address: IPAddress, inside: Bool) throws {
        let network = try #require(IPNetwork(block.utf8))
        #expect(network.contains(address) == inside)
    }

    @Test(
        "What is not a block is refused",
        arguments: ["192.0.2.0/33", "::/129", "192.0.2.0/", "192.0.2.0/-1", "192.0.2.0/+1", "/8"])
    func refusedBlocks(text: String) {
        #expect(IPNetwork(text.utf8) == nil)
    }

    @Test("A mapped address is the IPv4 address that it holds")
    func mapped() {
        #expect(("::ffff:192.0.2.1" as IPAddress).unmapped == "192.0.2.1")
        #expect(("::192.0.2.1" as IPAddress).unmapped == "::192.0.2.1")
        #expect(("127.9.9.9" as IPAddress).isLoopback)
        #expect(("::" as IPAddress).isUnspecified)
    }
}
