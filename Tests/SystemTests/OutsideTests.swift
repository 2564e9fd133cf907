import Bytes
import Foundation
import TestKit
import Testing

/// What expansions ask of the world outside: servers at sockets.
@Suite("Expansions that ask servers")
struct OutsideTests {
    /// Answers each connection with what came until the client shut its side, in capitals; a first word `wait` gets no answer.
    private static let server = """
        import os, socket, sys
        place = sys.argv[1]
        if place.startswith("/"):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(place)
        else:
            listener = socket.create_server(("127.0.0.1", int(place)))
        listener.listen(20)
        print("ready", flush=True)
        kept = []
        while True:
            client, _ = listener.accept()
            text = b""
            while True:
                part = client.recv(1000)
                if not part: break
                text += part
            if text.startswith(b"wait"):
                kept.append(client)
            else:
                client.sendall(text.upper())
                client.close()
        """

    @Test(
        "readsocket sends its request and gives the answer, and does without where it may, as Exim's",
        arguments: [
            "${readsocket{PLACE}{hello}}", "${readsocket{PLACE}{a\\nb}{5s}{|}}", "${readsocket{PLACE}{}{5s}}",
            "${readsocket{PLACE}{wait}{1s}{}{late}}", "${readsocket{PLACE}{wait}{1s}}",
            "${readsocket{PLACE}{x}{5s:shutdown=yes}}",
        ])
    func readsocket(line: String) throws {
        let site = try MailSite("")
        let path = site.directory.file("socket").string
        let port = try freePort()
        for (argument, place) in [(path, path), ("\(port)", "inet:127.0.0.1:\(port)")] {
            let server = try ChildProcess("/usr/bin/python3", ["-c", Self.server, argument])
            try eventually("the server listens") { try server.output.contains(ByteString("ready")) }
            let string = line.replacing("PLACE", with: place)
            let exim = try site.exim("-be", string)
            let ours = try site.run("bobbin", "exim", "-be", string)
            #expect(Latin1.text(ours.output) == Latin1.text(exim.output))
        }
    }
}
