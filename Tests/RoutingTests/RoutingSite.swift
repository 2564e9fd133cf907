import Bytes
import Configuration
import DNS
import Expansion
import Foundation
import Lookups
import Routing
import TestKit

/// The fixture configuration in a directory of its own, for Exim and for Bobbin.
struct RoutingSite {
    let directory: TemporaryDirectory
    let file: ByteString
    let router: AddressRouter
    let rewriter: Rewriter

    init() throws {
        directory = try TemporaryDirectory()
        for name in ["routers.conf", "aliases", "included", "forward"] {
            let text = try Self.fixture(name).replacing(ByteString("DIR"), with: directory.path)
            _ = try directory.write(text, to: ByteString(name))
        }
        file = directory.file("routers.conf")
        let configuration = try Configuration.read(file: file)
        var environment = Environment()
        environment.settings.primaryHostName = "mail.lab.example"
        environment.settings.qualifyDomain = "lab.example"
        environment.settings.qualifyRecipient = "lab.example"
        environment.namedLists = configuration.namedLists
        environment.lookups = LookupDrivers.standard()
        environment.localInterfaces = { ["127.0.0.1", "::1"] }
        let expander = Expander(environment)
        var routing = RoutingEnvironment(
            expander: expander, resolver: FixedResolver([:]),
            transportIsRemote: configuration.transports.mapValues { $0.driver == "smtp" })
        routing.primaryHostName = "mail.lab.example"
        routing.qualifyRecipient = "lab.example"
        rewriter = Rewriter(configuration.rewriteRules, expander: expander, qualifyRecipient: "lab.example")
        routing.rewriter = rewriter
        router = try AddressRouter(configuration.routers, routing)
    }

    /// What `exim4` prints on standard output, log lines (which go to standard error) left out.
    func exim(_ arguments: [String]) throws -> (output: ByteString, code: Int?) {
        let process = try ChildProcess("/usr/sbin/exim4", ["-C", file.string] + arguments)
        let ending = try process.wait()
        return (ending.output, ending.code)
    }

    private static func fixture(_ name: String) throws -> ByteString {
        let place = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name)")
        return ByteString(try Data(contentsOf: place))
    }
}
