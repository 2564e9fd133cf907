import Bytes
import Foundation
import TestKit
import Testing

/// The option `timezone`, in everything that shows a time.
@Suite("Times in the zone of the option timezone", .needsRoot)
struct TimeZoneTests {
    /// A value of `timezone`, and seconds east of Greenwich that times are then in: those of the machine for nil.
    struct Zone: CustomTestStringConvertible {
        let setting: ByteString?
        let offset: Int?
        var testDescription: String { setting.map { "timezone = \($0)" } ?? "no timezone" }
    }

    private static let zones = [
        Zone(setting: nil, offset: nil), Zone(setting: "", offset: nil), Zone(setting: "UTC", offset: 0),
        Zone(setting: "EAST-9:30", offset: 34_200), Zone(setting: "<-03>3", offset: -10_800),
    ]

    private static func configuration(_ zone: Zone) -> ByteString {
        """
        \(zone.setting.map { "timezone = \($0)\n" } ?? "")log_timezone
        add_environment = TZ=WEST+7
        qualify_domain = example.org
        received_header_text = Received: by $primary_hostname id $message_exim_id
        queue_only
        queue_run_in_order
        trusted_users = root
        acl_not_smtp = check

        begin acl

        check:
          accept logwrite = it is $tod_full, $tod_log, $tod_zone, $tod_bsdinbox, $tod_logfile/${env{TZ}{$value}{none}}

        begin routers

        wrong:
          driver = redirect
          local_parts = wrong
          allow_fail
          data = :fail: it is $tod_full
        later:
          driver = redirect
          local_parts = later
          allow_defer
          data = :defer: it is $tod_full
        broken:
          driver = redirect
          local_parts = broken
          data = ${if bool{unknown}{x}{$tod_full}}
        piped:
          driver = accept
          local_parts = piped
          transport = piped
        kept:
          driver = accept
          transport = kept

        begin transports

        kept:
          driver = appendfile
          file = MAIL/box
          delivery_date_add
          user = Debian-exim
        piped:
          driver = pipe
          command = /usr/bin/env
          return_output
          message_prefix =
          user = Debian-exim

        """
    }

    /// What one program shows, with each time checked: that it is now, and in the zone.
    private struct Shown {
        private let stamp =
            /(?:(\d{4})-(\d\d)-(\d\d)|[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4})) (\d\d):(\d\d):(\d\d) ([-+]\d{4})/
        private let mailboxStamp =
            /(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat) ([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})/
        private let logStamp = /(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)/

        var lines: [String] = []
        let begun: Date
        let offset: Int

        let path: String

        mutating func add(_ kind: String, _ text: String) {
            lines += text.split(separator: "\n").map { "\(kind): \(checked(String($0)))" }
        }

        private func checked(_ line: String) -> String {
            var line = line
            line.replace(stamp) { match in
                let (_, year, month, day, day2, name, year2, hour, minute, second, zone) = match.output
                let date = "\(year ?? year2 ?? "") \(month ?? name ?? "") \(day ?? day2 ?? "")"
                return verdict("\(date) \(hour):\(minute):\(second)", month == nil ? "MMM" : "MM")
                    + " \(zone)"
            }
            line.replace(mailboxStamp) { match in
                let (_, month, day, hour, minute, second, year) = match.output
                return verdict("\(year) \(month) \(day) \(hour):\(minute):\(second)", "MMM")
            }
            line.replace(logStamp) { match in
                let (_, year, month, day, hour, minute, second) = match.output
                return verdict("\(year) \(month) \(day) \(hour):\(minute):\(second)", "MM")
            }
            line.replace(/, (\d{8})\//) { _ in ", <day>/" }
            return masked(line.replacing(path, with: "<site>"))
        }

        /// `<now>`, for a time that is one of ours, read in the zone.
        private func verdict(_ text: String, _ month: String) -> String {
            let reader = DateFormatter()
            reader.locale = Locale(identifier: "en_US_POSIX")
            reader.timeZone = TimeZone(secondsFromGMT: offset)
            reader.dateFormat = "yyyy \(month) dd HH:mm:ss"
            guard let time = reader.date(from: text) else { return "<unreadable \(text)>" }
            let isNow = time > begun.addingTimeInterval(-5) && time < Date.now.addingTimeInterval(5)
            return isNow ? "<now>" : "<other \(text)>"
        }
    }

    @Test(
        "Log lines, panic log, header lines, bounces, mailboxes, variables and programs have their times in the zone of timezone, as with Exim",
        arguments: zones)
    func times(zone: Zone) throws {
        let offset = zone.offset ?? TimeZone.current.secondsFromGMT()
        var seen: [[String]] = []
        for isExim in [true, false] {
            let site = try MailSite(Self.configuration(zone))
            var shown = Shown(begun: Date.now, offset: offset, path: site.directory.path.string)
            let message: ByteString = "Subject: x\n\nbody\n"
            let recipients = [
                "kept@example.org", "wrong@example.org", "later@example.org", "broken@example.org",
                "piped@example.org",
            ]
            let arguments = ["-odq", "-f", "a@example.org"] + recipients
            if isExim {
                try site.start(exim: arguments, input: message).wait()
                try site.start(exim: ["-q"]).wait()
                try site.start(exim: ["-qf"]).wait()
            } else {
                try site.start("bobbin", ["exim"] + arguments, input: message).wait()
                try site.start("bobbin-queuerunner", []).wait()
                try site.start("bobbin-queuerunner", ["--force"]).wait()
            }
            for kind in ["main", "panic"] { shown.add(kind, try site.log(kind).joined(separator: "\n")) }
            for name in site.names(in: "mail").sorted() {
                shown.add(name, Latin1.text(try site.directory.read("mail/\(ByteString(name))")))
            }
            let variables = "$tod_full|$tod_zone|$tod_log|$tod_bsdinbox"
            let console =
                isExim
                ? try site.start(exim: ["-be", variables]).wait()
                : try site.start("bobbin", ["exim", "-be", variables], environment: ["TZ": "WEST+7"]).wait()
            shown.add("console", Latin1.text(console.output))
            // Neither the order of recipients nor sizes are told here.
            let spared = /lost privilege|pid=|X-Failed-Recipients:|: +\w+@example.org,?$/
            seen.append(
                shown.lines.filter { !$0.contains(spared) }.map { $0.replacing(/S=\d+/, with: "S=<n>") }
                    .sorted())
        }
        let difference = KnownDifferences.between(seen[0], seen[1])
        #expect(difference.isEmpty, "\(difference.joined(separator: "\n"))")
        #expect(!seen[0].contains { $0.contains("<other") }, "\(seen[0].joined(separator: "\n"))")
        #expect(seen[0].count { $0.contains("<now>") } > 10)
    }
}
