import Bytes
import Configuration
import MailSystem

extension Site {
    /// The whole mail system of the configuration, with resolver, lookups and routers: for commands that expand or route.
    ///
    /// Options that would stop a server's start do not stop a test of expansions or addresses.
    func mailSystem() async throws(ToolFailure) -> MailSystem {
        var tested = configuration
        tested.notices = []
        do {
            return try await MailSystem.start(tested)
        } catch {
            throw ToolFailure(.configuration, ByteString(error.description))
        }
    }
}
