import ArgumentParser
import Bytes
import DMARCReports
import Glibc
import Spooler

/// The options that say which store is meant.
struct DMARCOptions: ParsableArguments {
    @OptionGroup var siteOptions: SiteOptions

    @Option(
        help: ArgumentHelp(
            "The store, an SQLite file.", discussion: "Else dmarc.sqlite in the spool directory.",
            valueName: "file"))
    var database: String?

    /// The store's file.
    func path() throws(ToolFailure) -> ByteString {
        if let database { return ByteString(database) }
        return "\(try siteOptions.site().spool.directory)/dmarc.sqlite"
    }

    /// Opens the store; it is made, for its owner and group only, when missing.
    func store() throws -> DMARCStore {
        let path = try path()
        // SQLite gives its other files the mode of this one; an empty file is an empty store to it. What cannot be
        // made here is refused, with its reason, when the store is opened.
        let descriptor = unsafe open(path.string, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        if descriptor >= 0 { close(descriptor) }
        return try ToolFailure.translating { () throws(DMARCError) in try DMARCStore(path: path) }
    }
}

extension ToolFailure {
    /// A failure of the store, of a history file or of a report.
    init(_ error: DMARCError) {
        let status: ExitStatus =
            switch error.kind {
            case .missing: .noInput
            case .system: .ioError
            case .busy, .locked: .temporary
            case .store, .data: .dataError
            }
        self.init(status, ByteString(error.description))
    }

    /// Runs work on the store; its errors become failures of the tool.
    static func translating<Value>(
        _ work: () throws(DMARCError) -> Value
    ) throws(ToolFailure) -> Value {
        do throws(DMARCError) {
            return try work()
        } catch {
            throw ToolFailure(error)
        }
    }
}

/// The time, in seconds since 1970.
enum Now {
    static var seconds: Int64 { Int64(time(nil)) }
}
