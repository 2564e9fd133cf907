import ArgumentParser
import Bytes
import MailSystem
import Spooler

/// The options that say which configuration is meant.
struct SiteOptions: ParsableArguments {
    @Option(
        name: [.customShort("C", allowingJoined: true), .customLong("config")],
        help: ArgumentHelp(
            "Configuration file, in Exim's language.",
            discussion: "Else $BOBBIN_CONFIG, /etc/bobbin/bobbin.conf, or what is built in.",
            valueName: "file"))
    var file: String?

    @Option(
        name: [.customShort("D", allowingJoined: true), .customLong("define")],
        help: ArgumentHelp(
            "Define a macro that the file cannot change; may be repeated.", valueName: "NAME=text"))
    var definitions: [String] = []

    /// Finds the configuration.
    func source() throws(ToolFailure) -> ConfigurationSource {
        do {
            return try ConfigurationSource.locate(
                files: file.map { ByteString($0) }, definitions: definitions.map { ByteString($0) })
        } catch {
            throw ToolFailure(.usage, ByteString(error.description))
        }
    }

    /// Finds and reads the configuration.
    func site() throws(ToolFailure) -> Site { try Site(source()) }
}

/// The options that say which configuration and which queue is meant.
struct QueueOptions: ParsableArguments {
    @OptionGroup var siteOptions: SiteOptions

    @Option(
        name: [.customShort("G"), .customLong("queue")],
        help: ArgumentHelp("Named queue, instead of the default one.", valueName: "name"))
    var queue: String = ""

    /// The configuration read.
    func site() throws(ToolFailure) -> Site { try siteOptions.site() }

    /// The queue meant.
    func spool(of site: Site) throws(ToolFailure) -> Spool {
        let name = ByteString(queue)
        guard QueueName.isValid(name) else {
            throw ToolFailure(
                .usage, "\"\(queue)\" is no queue name: letters, digits, \"-\", \"_\" and \".\" are")
        }
        return site.spool.named(name)
    }
}

/// Names of queues, which are names of directories below the spool.
enum QueueName {
    /// Whether the name stays inside the spool: no empty part, none of dots only.
    static func isValid(_ name: ByteString) -> Bool {
        if name.isEmpty { return true }
        return name.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && !part.allSatisfy { $0 == UInt8(ascii: ".") }
                && part.allSatisfy { $0 > 0x20 && $0 != 0x7F }
        }
    }
}
