import ArgumentParser
import Bytes
import Configuration
import Hints
import Spooler

/// Where a spool's hints are, and how they are treated.
struct HintsSite: Sendable {
    /// The spool directory.
    let spool: ByteString
    /// The directory of the databases.
    let directory: ByteString
    /// Who is to own what is created.
    var owner: FileOwner?
    /// Where the databases are that machines share.
    var backend = HintsBackend.sqlite

    /// The hints in a spool, without a configuration: `db`, or `db/sqlite` where an Exim without SQLite keeps its own.
    init(spool: ByteString, owner: FileOwner?) {
        (self.spool, self.owner) = (spool, owner)
        directory = HintsDirectory.usable("\(spool)/db")
    }

    /// The hints that the programs of a site use: `hints_directory`, `hints_backend`.
    init(_ site: Site) throws(ToolFailure) {
        (spool, owner) = (site.spool.directory, site.mailUser)
        directory = try site.path("hints_directory") ?? HintsDirectory.usable("\(spool)/db")
        guard let text = site.configuration.main.text("hints_backend") else { return }
        do throws(HintsBackendError) { backend = try HintsBackend(parsing: text) } catch {
            throw ToolFailure(.configuration, "hints_backend: \(error.description)")
        }
    }

    /// The settings for the module.
    var settings: HintsSettings {
        var settings = HintsSettings(directory: directory)
        settings.owner = owner.map { HintsSettings.Owner(user: $0.uid, group: $0.gid) }
        settings.backend = backend
        return settings
    }

    /// The databases asked for, or all that exist; a name that no hints database has is refused.
    func databases(_ asked: [String]) throws(ToolFailure) -> [HintsBase] {
        guard asked.isEmpty else {
            var bases: [HintsBase] = []
            for name in asked { bases.append(try base(named: ByteString(name))) }
            return bases
        }
        var shared: [ByteString] = []
        if case .redis = backend { shared = HintsBackend.shared }
        do throws(HintsTrouble) {
            let names = try HintsDirectory.names(directory).filter { !shared.contains($0) }
            return (names + shared).sorted().compactMap { HintsBase(settings, $0) }
        } catch {
            if !shared.isEmpty { return shared.sorted().compactMap { HintsBase(settings, $0) } }
            if let bases = try foreignDatabases() { return bases }
            throw ToolFailure(.noInput, "\(error.path): \(error.reason): name the spool with --spool or -C")
        }
    }

    /// The databases of an Exim without SQLite, as long as there are none of ours beside them.
    private func foreignDatabases() throws(ToolFailure) -> [HintsBase]? {
        guard let place = HintsBase.foreignDirectory(directory) else { return nil }
        var settings = settings
        settings.directory = place
        do throws(HintsTrouble) {
            return try HintsDirectory.names(place).compactMap { HintsBase(settings, $0) }
        } catch {
            throw ToolFailure(error)
        }
    }

    /// One database, which must exist.
    func base(named name: ByteString, mustExist: Bool = true) throws(ToolFailure) -> HintsBase {
        guard !name.contains(UInt8(ascii: "/")), let base = HintsBase(settings, name) else {
            throw ToolFailure(
                .usage,
                """
                "\(name)" is no hints database: expected retry, misc, wait-<transport-name>, callout, ratelimit, tls \
                or seen
                """)
        }
        guard !mustExist || base.exists else {
            _ = try base.scan()
            throw ToolFailure(.noInput, "\(base.path) does not exist: \"bobbin hints list\" tells what does")
        }
        return base
    }
}

/// A hints database by name.
struct HintsBase: Sendable {
    let name: ByteString
    let kind: HintsKind
    /// The file, or the server and the name there.
    let path: ByteString
    private let settings: HintsSettings

    init?(_ settings: HintsSettings, _ name: ByteString) {
        guard let kind = HintsKind(databaseName: name) else { return nil }
        self.name = name
        self.kind = kind
        self.settings = settings
        path = HintsDatabase(settings, name: name).path
    }

    /// Whether other machines use it too.
    var isShared: Bool { settings.backend.server(of: name) != nil }

    /// Whether there is such a database.
    var exists: Bool { isShared || size != nil }

    /// The size of its file in octets; nil when it has none.
    var size: Int64? { isShared ? nil : HintsDirectory.size(path) }

    /// Opens the database for reading; where only one of an Exim without SQLite is there, says what to do with that.
    func opened() throws(HintsTrouble) -> HintsScan {
        if !exists, let place = Self.foreignDirectory(settings.directory) {
            return try HintsScan("\(place)/\(name)")
        }
        return try HintsScan(settings, name: name)
    }

    /// Where an Exim without SQLite keeps its databases, when ours lie below them.
    static func foreignDirectory(_ directory: ByteString) -> ByteString? {
        let ours: ByteString = "/sqlite"
        return directory.ends(with: ours) ? ByteString(directory.dropLast(ours.count)) : nil
    }

    /// Opens the database for reading.
    func scan() throws(ToolFailure) -> HintsScan {
        do throws(HintsTrouble) { return try opened() } catch { throw ToolFailure(error) }
    }

    /// Reads all rows, page by page, with no lock between two pages.
    func rows(_ use: (HintsRow, HintsLayout) throws -> Void) async throws {
        let scan = try scan()
        var pages = scan.pages()
        while true {
            let rows = try await page(&pages)
            if rows.isEmpty { return }
            for row in rows { try use(row, scan.layout) }
        }
    }

    private func page(_ pages: inout HintsPages) async throws(ToolFailure) -> [HintsRow] {
        do throws(HintsTrouble) { return try await pages.next() } catch { throw ToolFailure(error) }
    }
}

extension ToolFailure {
    /// Trouble with a hints database.
    init(_ trouble: HintsTrouble) {
        let status: ExitStatus =
            switch trouble.kind {
            case .busy, .overload, .unreachable: .temporary
            case .layout: .dataError
            case .refused, .closed: .ioError
            }
        self.init(status, ByteString(trouble.description))
    }
}

/// The options that say which hints are meant.
struct HintsOptions: ParsableArguments {
    @OptionGroup var siteOptions: SiteOptions

    @Option(
        name: .long,
        help: ArgumentHelp("Spool directory, instead of the configuration's.", valueName: "directory"))
    var spool: String?

    /// The hints meant.
    func site() throws(ToolFailure) -> HintsSite {
        if let spool {
            return HintsSite(spool: ByteString(spool), owner: MailUserOfSpool.owner(ByteString(spool)))
        }
        return try HintsSite(siteOptions.site())
    }
}

/// The options that choose records.
struct HintsFilterOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Only about this host, address, domain or message.", valueName: "name"))
    var host: String?

    @Option(
        name: .customLong("older-than"),
        help: ArgumentHelp("Only written longer ago, such as 7d or 1h30m.", valueName: "time"))
    var olderThan: String?

    @Flag(name: .long, help: "Only with their own time over: final cutoff, ticket lifetime, rate decayed.")
    var expired = false

    func validate() throws {
        if let olderThan, HintsTime.seconds(span: ByteString(olderThan)) == nil {
            throw ValidationError("--older-than \(olderThan): a time such as 30d, 12h or 1h30m is expected")
        }
    }

    /// What is chosen.
    var filter: HintsFilter {
        var filter = HintsFilter()
        filter.subject = host.map { ByteString($0) }
        filter.olderThan = olderThan.flatMap { HintsTime.seconds(span: ByteString($0)) }
        filter.onlyExpired = expired
        return filter
    }
}

/// How times are shown.
struct HintsZoneOption: ParsableArguments {
    @Flag(name: [.customShort("z"), .customLong("utc")], help: "Times in UTC, not in local time.")
    var utc = false

    var zone: HintsTime.Zone { utc ? .utc : .local }
}
