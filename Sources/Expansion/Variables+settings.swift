import Bytes
import MailText

extension Variables {
    static let settings: [ByteString: Reader] = [
        "primary_hostname": { _, environment in clean(environment.settings.primaryHostName) },
        "qualify_domain": { _, environment in clean(environment.settings.qualifyDomain) },
        "qualify_recipient": { _, environment in clean(environment.settings.qualifyRecipient) },
        "spool_directory": { _, environment in clean(environment.settings.spoolDirectory) },
        "version_number": { _, environment in clean(environment.settings.version) },
        "exim_version": { _, environment in clean(environment.settings.version) },
        "compile_number": { _, environment in number(environment.settings.compileNumber) },
        "compile_date": { _, environment in clean(environment.settings.compileDate) },
        "exim_path": { _, environment in clean(environment.settings.eximPath) },
        "exim_uid": { _, environment in number(environment.settings.eximUID) },
        "exim_gid": { _, environment in number(environment.settings.eximGID) },
        "config_file": { _, environment in clean(environment.settings.configFile) },
        "config_dir": { _, environment in clean(directory(of: environment.settings.configFile)) },
        "localhost_number": { _, environment in number(environment.settings.localhostNumber ?? 0) },
        "initial_cwd": { _, environment in clean(environment.settings.initialDirectory) },
        "bounce_return_size_limit": { _, environment in number(environment.settings.bounceReturnSizeLimit) },
        "return_size_limit": { _, environment in number(environment.settings.bounceReturnSizeLimit) },
        "load_average": { _, _ in number(Machine.loadAverage()) },
        "spool_space": { _, environment in
            number(Machine.space(environment.settings.spoolDirectory).kilobytes)
        },
        "spool_inodes": { _, environment in number(Machine.space(environment.settings.spoolDirectory).inodes)
        },
        "log_space": { _, environment in number(Machine.space(environment.settings.logDirectory).kilobytes) },
        "log_inodes": { _, environment in number(Machine.space(environment.settings.logDirectory).inodes) },
    ]

    private static func directory(of path: ByteString) -> ByteString {
        path.cutAtLast(UInt8(ascii: "/")).map { ByteString($0.before) } ?? "."
    }

    static let times: [ByteString: Reader] = [
        "tod_epoch": { _, environment in number(environment.now().seconds) },
        "tod_epoch_l": { _, environment in
            let now = environment.now()
            return number(now.seconds * 1_000_000 + Int64(now.microseconds))
        },
        "tod_full": { _, environment in clean(local(environment).headerDate) },
        "tod_log": { _, environment in clean(log(local(environment))) },
        "tod_logfile": { _, environment in
            let time = local(environment)
            return TaintedBytes(
                "\(time.year, zeroPadded: 4)\(time.month, zeroPadded: 2)\(time.day, zeroPadded: 2)")
        },
        "tod_zone": { _, environment in clean(local(environment).zone) },
        "tod_zulu": { _, environment in
            let time = CivilTime(seconds: Int(environment.now().seconds), offset: 0)
            let date: ByteString =
                "\(time.year, zeroPadded: 4)\(time.month, zeroPadded: 2)\(time.day, zeroPadded: 2)"
            return TaintedBytes(
                "\(date)\(time.hour, zeroPadded: 2)\(time.minute, zeroPadded: 2)\(time.second, zeroPadded: 2)Z"
            )
        },
        "tod_bsdinbox": { _, environment in clean(inbox(local(environment))) },
    ]

    private static func local(_ environment: Environment) -> CivilTime {
        let seconds = environment.now().seconds
        return CivilTime(seconds: Int(seconds), offset: environment.zoneOffset(seconds))
    }

    private static func clock(_ time: CivilTime) -> ByteString {
        "\(time.hour, zeroPadded: 2):\(time.minute, zeroPadded: 2):\(time.second, zeroPadded: 2)"
    }

    private static func log(_ time: CivilTime) -> ByteString {
        "\(time.year, zeroPadded: 4)-\(time.month, zeroPadded: 2)-\(time.day, zeroPadded: 2) \(clock(time))"
    }

    /// `Thu Oct 17 17:14:09 1995`, put together of the header date's own words.
    private static func inbox(_ time: CivilTime) -> ByteString {
        let words = time.headerDate.split(separator: .blank)
        guard words.count > 3 else { return clock(time) }
        return "\(words[0].dropLast()) \(words[2]) \(time.day, zeroPadded: 2) \(clock(time)) \(time.year)"
    }
}
