import Bytes
import TestKit
import Testing

@testable import DNS

@Suite("Hosts file")
struct HostsFileTests {
    @Test("A line gives each of its names the address; comments and rubbish give nothing")
    func lines() {
        let entries = HostsFile.entries(
            of: """
                127.0.0.1 localhost two # three
                # ::1 commented
                ::1\tsix
                not-an-address name
                192.0.2.1
                192.0.2.2 bad..name -x good
                """)
        #expect(
            entries == [
                .init(name: "localhost.", address: "127.0.0.1"), .init(name: "two.", address: "127.0.0.1"),
                .init(name: "six.", address: "::1"), .init(name: "good.", address: "192.0.2.2"),
            ])
    }

    @Test("Any octets are entries or nothing")
    func fuzz() {
        var random = SeededGenerator(seed: 2)
        let sample: ByteString = "127.0.0.1 localhost two # three\n::1\tsix\n192.0.2.2 good\n"
        for _ in 0..<5000 {
            for entry in HostsFile.entries(of: sample.mutated(using: &random)) {
                #expect(!entry.name.isEmpty)
            }
        }
    }

    @Test("The names of an address come in the order of the file")
    func names() {
        let text: ByteString = "127.0.0.1 localhost lo\n10.0.0.1 one.test\n127.0.0.1 again.test # not.test\n"
        #expect(HostsFile.names(of: "127.0.0.1", in: text) == ["localhost", "lo", "again.test"])
        #expect(HostsFile.names(of: "10.0.0.2", in: text).isEmpty)
    }
}
