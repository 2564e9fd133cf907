package import Bytes
package import Configuration
import Glibc

/// Where a configuration comes from: `-C`, `$BOBBIN_CONFIG`, /etc/bobbin/bobbin.conf, or the built-in one.
package struct ConfigurationSource: Sendable, Hashable {
    /// The file; nil for the built-in configuration.
    package var file: ByteString?
    /// Macros from the command line (`-D`), which the file cannot change.
    package var macros: [Macro]

    /// Makes a source.
    package init(file: ByteString?, macros: [Macro] = []) {
        self.file = file
        self.macros = macros
    }

    /// The site's configuration file.
    package static let siteFile: ByteString = "/etc/bobbin/bobbin.conf"

    /// Finds the configuration: a list of files as `-C` takes them (the first that exists), or nil.
    ///
    /// `definitions` are arguments of `-D`: `NAME=text` or `NAME`. Throws for a malformed one.
    package static func locate(
        files: ByteString?, definitions: [ByteString] = []
    ) throws(StartError) -> ConfigurationSource {
        var macros: [Macro] = []
        for definition in definitions { macros.append(try macro(definition)) }
        if let files {
            let candidates = files.split(separator: UInt8(ascii: ":")).map { ByteString($0.trimmed()) }
            guard let first = candidates.first else {
                throw StartError("non-existent configuration file(s): ")
            }
            return ConfigurationSource(file: candidates.first(where: exists) ?? first, macros: macros)
        }
        if let named = unsafe getenv("BOBBIN_CONFIG"), unsafe named[0] != 0 {
            return ConfigurationSource(file: unsafe ByteString(String(cString: named)), macros: macros)
        }
        return ConfigurationSource(file: exists(siteFile) ? siteFile : nil, macros: macros)
    }

    /// A command line with `-DNAME=text` as two words.
    ///
    /// An argument parser would otherwise take the text for a value of an option `-DNAME`.
    package static func separated(_ words: some Sequence<String>) -> [String] {
        let words = Array(words)
        let options = words.prefix { $0 != "--" }
        let split = options.flatMap {
            $0.count > 2 && $0.hasPrefix("-D") ? ["-D", String($0.dropFirst(2))] : [$0]
        }
        return split + words.dropFirst(options.count)
    }

    /// Reads it.
    package func read() throws(StartError) -> Configuration {
        do {
            guard let file else {
                return try Configuration.read(text: Self.builtInText(), file: "", macros: macros)
            }
            let configuration = try Configuration.read(file: file, macros: macros)
            try AccountCheck.check(configuration)
            return configuration
        } catch {
            throw StartError(error)
        }
    }

    /// The arguments that make another of our programs use the same configuration.
    package var arguments: [String] {
        (file.map { ["-C", $0.string] } ?? []) + macros.flatMap { ["-D", "\($0.name)=\($0.text)"] }
    }

    /// The built-in configuration for this user: below /var/spool/bobbin as root, else below the home directory.
    package static func builtInText() -> ByteString {
        if geteuid() == 0 {
            let user: ByteString? = MailUser.account(named: "mail") == nil ? nil : "mail"
            return Configuration.builtInText(directory: "/var/spool/bobbin", user: user)
        }
        let home = unsafe getenv("HOME").map { unsafe String(cString: $0) } ?? "."
        let data = unsafe getenv("XDG_DATA_HOME").map { unsafe String(cString: $0) } ?? "\(home)/.local/share"
        return Configuration.builtInText(directory: "\(data)/bobbin")
    }

    private static func exists(_ path: ByteString) -> Bool { unsafe access(path.string, F_OK) == 0 }

    private static func macro(_ definition: ByteString) throws(StartError) -> Macro {
        let parts = definition.cut(at: UInt8(ascii: "=")) ?? (definition[...], [])
        let name = ByteString(parts.before.trimmed())
        guard let first = name.first, first.isASCIILetter, first.uppercasedASCII == first,
            name.allSatisfy({ $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "_") })
        else {
            throw StartError(
                "-D\(definition): a macro's name begins with a capital letter and has letters, digits and underscores"
            )
        }
        return Macro(name: name, text: ByteString(parts.after.trimmedStart()), isFixed: true)
    }
}
