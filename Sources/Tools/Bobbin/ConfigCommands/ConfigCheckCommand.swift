import ArgumentParser
import Bytes
import Configuration

/// `bobbin config check`.
struct ConfigCheckCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Read the configuration; tell what is set and has no effect yet.",
        discussion: """
            Ends with status 78 when the configuration is wrong, or sets something that stops start-up: an option
            that could change where mail goes or who gets in, and is not supported yet.

            Example: check an Exim's configuration
              bobbin config check -C /etc/exim4/exim4.conf
            """)

    @OptionGroup var siteOptions: SiteOptions
    @Flag(name: .long, help: "One JSON object an option: file, line, option, decisive.")
    var json = false

    mutating func run(on console: Console) throws {
        let site = try siteOptions.site()
        let notices = site.configuration.notices
        for notice in notices { console.write(json ? notice.json : notice.line) }
        let decisive = notices.filter(\.isDecisive).count
        if decisive > 0 {
            throw ToolFailure(
                .configuration,
                "\(decisive) options stop start-up: take them out, or wait for a later version")
        }
        let file = site.configuration.file.isEmpty ? "the built-in configuration" : site.configuration.file
        if !json {
            console.say("\(file): good; \(notices.count(where: \.isLack)) options have no effect yet\n")
        }
    }
}

extension Configuration.Notice {
    /// The notice for people.
    var line: ByteString {
        let effect: ByteString =
            switch consequence {
            case .needless(let why): "has no effect: \(why)"
            case .deprecated(let advice): "is deprecated: \(advice)"
            case .none: "not supported yet; has no effect"
            case .deferring(let why): "not supported; \(why)"
            case .noStart:
                "not supported yet, and could change where mail goes or who gets in: stops start-up"
            }
        return "\(place.description): \(option): \(effect)\n"
    }

    /// The notice for programs.
    var json: ByteString {
        var object = JSONObject()
        object.add("file", place.file)
        object.add("line", place.line)
        object.add("option", option)
        object.add("decisive", isDecisive)
        switch consequence {
        case .needless(let why), .deferring(let why), .deprecated(let why): object.add("reason", why)
        case .none, .noStart: break
        }
        return "\(object.text)\n"
    }
}
