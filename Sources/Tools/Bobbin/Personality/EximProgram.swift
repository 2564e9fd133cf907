import Bytes
import Configuration
import EximLog
import MailSystem
import Spooler

/// Exim's program: reads options, and does what they ask for, in Exim's words and with its exit codes.
struct EximProgram: Sendable {
    private let personality: Personality
    private let console: Console

    init(_ personality: Personality, _ console: Console) {
        self.personality = personality
        self.console = console
    }

    /// Runs with the words after the program's name.
    func run(_ words: [ByteString]) async -> ExitStatus {
        do {
            return try await obey(EximOptionReader.read(personality.impliedOptions + words), words)
        } catch let error as EximUsageError {
            console.say("\(error.message)\n")
        } catch let failure as ToolFailure {
            guard let error = failure.configuration else {
                console.say("exim: \(failure.message)\n")
                return .failure
            }
            report(error, isListing: words.contains("-bP"))
        } catch {
            console.say("exim: \(ByteString(String(describing: error)))\n")
        }
        return .failure
    }

    /// Tells what is wrong with the configuration as Exim does; where it shows no line we show one.
    private func report(_ error: ConfigurationError, isListing: Bool) {
        let place: ByteString = error.place.map { " in line \($0.line) of \($0.file)" } ?? ""
        let text: ByteString = "Exim configuration error\(place):\n  \(error.problem)\n"
        console.say(isListing ? "LOG: PANIC DIE\n  \(text)" : "\(LogTimestamp().text(of: .now())) \(text)")
    }

    private func obey(_ request: EximRequest, _ words: [ByteString]) async throws -> ExitStatus {
        if request.deeds.contains(.help) || asksForNothing(request) { return sayWhatThisIs() }
        let source = try source(of: request)
        if let handOver = EximHandOver(request).words {
            let site = try Site(source)
            note(words, site)
            guard !request.isProd || site.mayProd(.current()) else {
                throw request.isDelivery ? EximUsageError.deniedDelivery : .denied
            }
            guard !request.isGivingUp || site.isAdmin(.current()) else { throw EximUsageError.denied }
            guard !request.deeds.contains(.daemon) || site.isAdmin(.current()) else {
                throw EximUsageError.denied
            }
            guard !request.isCheck || site.mayCheck(.current()) else { throw EximUsageError.checksDenied }
            throw handOver.sibling.execute(
                source.arguments.map { ByteString($0) } + handOver.words, console: console)
        }
        // What a program can do does not depend on its configuration.
        if request.deeds.contains(.version) { console.write(Version.text) }
        let site = try Site(source)
        note(words, site)
        guard !request.isCheck || site.mayCheck(.current()) else { throw EximUsageError.checksDenied }
        let tasks = EximTasks(request: request, site: site, caller: .current(), console: console)
        return try await tasks.run()
    }

    /// Log selector `arguments`: how the program was called, where the caller may write the log.
    private func note(_ words: [ByteString], _ site: Site) {
        let caller = Caller.current()
        guard site.log.selector.has(.arguments), caller.isRoot || caller.uid == site.mailUser?.uid else {
            return
        }
        site.log.main(CalledAs(personality, words).logLine)
    }

    /// No deed, no message command and no recipient: Exim then says what it is.
    private func asksForNothing(_ request: EximRequest) -> Bool {
        request.deeds.isSubset(of: [.submit]) && request.messageCommand == nil && request.arguments.isEmpty
            && !request.submission.takesRecipientsFromHeader
    }

    private func sayWhatThisIs() -> ExitStatus {
        console.say(
            """
            Exim is a Mail Transfer Agent. It is normally called by Mail User Agents,
            not directly from a shell command line. Options and/or arguments control
            what it does when called. For a list of options, see the Exim documentation.

            """)
        return .failure
    }

    private func source(of request: EximRequest) throws(ToolFailure) -> ConfigurationSource {
        do {
            return try ConfigurationSource.locate(
                files: request.configurationFiles, definitions: request.definitions)
        } catch {
            throw ToolFailure(.configuration, ByteString(error.description))
        }
    }
}

extension EximRequest {
    /// Whether the request starts deliveries, which `prod_requires_admin` is about.
    var isProd: Bool {
        switch messageCommand?.kind {
        case .deliver: return true
        default: break
        }
        return messageCommand == nil && deeds == [.runQueue]
    }

    /// Whether single messages are delivered, which is refused in other words than a run.
    var isDelivery: Bool { if case .deliver = messageCommand?.kind { true } else { false } }

    /// Whether messages are given up, which is for admin users, whatever is said about deliveries.
    var isGivingUp: Bool { if case .giveUp = messageCommand?.kind { true } else { false } }

    /// Whether the request is of those that `commandline_checks_require_admin` is about.
    var isCheck: Bool {
        !deeds.isDisjoint(with: [
            .expand, .rehearse, .testAddress, .testFilter, .testRetry, .testRewriting, .verifyRecipient,
            .verifySender,
        ])
    }
}

extension EximUsageError {
    /// The caller is no admin user.
    static let denied = EximUsageError("exim: permission denied")
    /// The same of -M and -Mc.
    static let deniedDelivery = EximUsageError("exim: Permission denied")
    /// The caller is no admin user, and only those may test.
    static let checksDenied = EximUsageError("exim: those command-line flags are set to require admin")
}
