import ArgumentParser
import Bytes
import Configuration
import MailSystem

/// `bobbin config show`.
struct ConfigShowCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show options with their values, as exim -bP does.",
        discussion: """
            Names are main options, +list, routers, transports, authenticators, router_list, transport_list,
            authenticator_list, macros, macro_list, config_file, or "router NAME" and the like.

            Example: where the spool is
              bobbin config show spool_directory
            """)

    @OptionGroup var siteOptions: SiteOptions
    @Flag(name: [.customShort("n"), .long], help: "Values only.")
    var onlyValues = false
    @Argument(help: ArgumentHelp("What to show; nothing for all main options.", valueName: "name"))
    var names: [String] = []

    mutating func run(on console: Console) throws {
        let request = PrintRequest(words: names.map { ByteString($0) }, onlyValues: onlyValues)
        let answer = try request.answer(siteOptions.site(), .current())
        console.write(answer.text)
        if !answer.isFound {
            throw ToolFailure(.noInput, "not all of that exists; see \"bobbin config show\"")
        }
    }
}

/// The words after -bP.
struct PrintRequest: Sendable, Hashable {
    var words: [ByteString]
    var onlyValues = false

    /// The answers one after the other; what the last one found decides.
    func answer(_ site: Site, _ caller: Caller) throws(ToolFailure) -> ConfigurationPrinter.Answer {
        let isAdmin = site.isAdmin(caller)
        let printer = ConfigurationPrinter(
            OptionPrinter(site: site, showsHidden: isAdmin, onlyValues: onlyValues))
        guard !words.isEmpty else { return printer.mainOptions() }
        var result = ConfigurationPrinter.Answer(text: "")
        var rest = words[...]
        while let word = rest.popFirst() {
            if ConfigurationPrinter.needsAdmin(word), !isAdmin { throw .notAdmin(to: "see macros", site) }
            if word == "config" {
                guard isAdmin else { throw .notAdmin(to: "see the whole configuration", site) }
                result.text +=
                    "# Exim Configuration (\(Version.exim))\n\(try site.source.listing())" as ByteString
                continue
            }
            if word == "local_scan" {
                result.text += "local_scan() options are not supported\n" as ByteString
                result.isFound = false
                continue
            }
            let name = ConfigurationPrinter.takesName(word) ? rest.popFirst() : nil
            let answer = printer.answer(word, name)
            result.text += answer.text
            result.isFound = answer.isFound
        }
        return result
    }
}

extension ConfigurationSource {
    /// The configuration as it was read, without comments.
    fileprivate func listing() throws(ToolFailure) -> ByteString {
        do throws(ConfigurationError) {
            guard let file else {
                return try ConfigurationListing.text(of: Self.builtInText(), file: "", macros: macros)
            }
            return try ConfigurationListing.text(of: file, macros: macros)
        } catch {
            throw ToolFailure(StartError(error))
        }
    }
}
