import ArgumentParser
import Bytes
import Hints
import Spooler

/// Where a spool's hints are, and how they are treated.
struct HintsSite: Sendable {
    /// The spool directory; the hints are in `db` below it.
    let spool: ByteString
    /// Who is to own what is created.
    var owner: FileOwner?

    /// The directory of the databases.
    var directory: ByteString { "\(spool)/db" }

    /// The settings for the module.
    var settings: HintsSettings {
        var settings = HintsSettings(directory: directory)
        settings.owner = owner.map { HintsSettings.Owner(user: $0.uid, group: $0.gid) }
        return settings
    }

    /// The databases asked for, or all that exist; a name that no hints database has is refused.
    func databases(_ asked: [String]) throws(ToolFailure) -> [HintsBase] {
        guard asked.isEmpty else {
            var bases: [HintsBase] = []
            for name in asked { bases.append(try base(named: ByteString(name))) }
            return bases
        }
        do throws(HintsTrouble) {
            return try HintsDirectory.names(directory).compactMap { HintsBase(directory, $0) }
        } catch {
            throw ToolFailure(.noInput, "\(error.path): \(error.reason): name the spool with --spool or -C")
        }
    }

    /// One database, which must exist.
    func base(named name: ByteString, mustExist: Bool = true) throws(ToolFailure) -> HintsBase {
        guard !name.contains(UInt8(ascii: "/")), let base = HintsBase(directory, name) else {
            throw ToolFailure(
                .usage,
                """
                "\(name)" is no hints database: expected retry, misc, wait-<transport-name>, callout, ratelimit, tls \
                or seen
                """)
        }
        guard !mustExist || HintsDirectory.size(base.path) != nil else {
            throw ToolFailure(.noInput, "\(base.path) does not exist: \"bobbin hints list\" tells what does")
        }
        return base
    }
}

/// A hints database by name.
struct HintsBase: Sendable {
    let name: ByteString
    let kind: HintsKind
    let path: ByteString

    init?(_ directory: ByteString, _ name: ByteString) {
        guard let kind = HintsKind(databaseName: name) else { return nil }
        self.name = name
        self.kind = kind
        path = "\(directory)/\(name)"
    }

    /// Opens the file for reading.
    func scan() throws(ToolFailure) -> HintsScan {
        do throws(HintsTrouble) { return try HintsScan(path) } catch { throw ToolFailure(error) }
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
            case .busy, .overload: .temporary
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
        let site = try siteOptions.site()
        return HintsSite(spool: site.spool.directory, owner: site.mailUser)
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
