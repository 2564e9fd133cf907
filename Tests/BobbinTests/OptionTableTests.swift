import Bytes
import Foundation
import TestKit
import Testing

@testable import Bobbin

@Suite("The table of options")
struct OptionTableTests {
    /// One option as `bobbin config options --json` tells it.
    private struct Row: Decodable {
        var part: String
        var driver: String?
        var option: String
        var type: String
        var `default`: String?
        var state: String
        var reason: String?

        var name: String { "\(driver ?? part) \(option)" }
    }

    /// One option as a box of Exim's manual tells it.
    private struct Box {
        var name: String
        var type: String
        var `default`: String
    }

    @Test("Every option of Exim's manual is in the table, and no other that is not explained")
    func names() async throws {
        let boxes = try Self.boxes()
        #expect(boxes.count > 600)
        let names = Set(try await Self.rows().map(\.name))
        #expect(Set(boxes.map(\.name)).subtracting(names) == [])
        #expect(names.subtracting(boxes.map(\.name)) == Self.notInTheManual)
    }

    @Test("Each option has the type and the default that Exim's manual tells, unless it is explained")
    func values() async throws {
        let known = Dictionary(uniqueKeysWithValues: try await Self.rows().map { ($0.name, $0) })
        var types: [String: String] = [:]
        var defaults: [String: String] = [:]
        for box in try Self.boxes() {
            guard let row = known[box.name] else { continue }
            if row.type != box.type { types[box.name] = row.type }
            // A box without a value sends its reader to the text below it.
            guard let value = row.default, !Self.isText(box.default) else { continue }
            if Self.plain(value) != Self.plain(box.default) { defaults[box.name] = value }
        }
        #expect(types == Self.types)
        #expect(defaults == Self.defaults)
    }

    @Test("What has no effect, or is refused, says why")
    func reasons() async throws {
        for row in try await Self.rows() {
            #expect(["honoured", "without effect", "refused"].contains(row.state))
            #expect((row.reason == nil) == (row.state == "honoured"), "\(row.name)")
        }
    }

    @Test("doc/options.md has the table that the command prints")
    func documentation() async throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../doc/options.md").standardizedFileURL
        let table = await Ours.run(["config", "options", "--markdown"]).output
        let text = try String(contentsOf: page, encoding: .utf8)
        let head = try #require(text.range(of: "\n## Main options\n")).lowerBound
        if ProcessInfo.processInfo.environment["BOBBIN_REWRITE_GOLDEN"] != nil {
            try (text[..<head] + table).write(to: page, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: page, encoding: .utf8)[head...] == table)
    }

    /// Whether a default is words about it, not a value.
    private static func isText(_ value: String) -> Bool {
        [
            "see below", "see description", "compile-time configured", "set at compile time",
            "current version", "per rfc",
        ]
        .contains(value.lowercased()) || value.hasSuffix(" user") || value.hasSuffix(" group")
    }

    private static func plain(_ value: String) -> String {
        if ["unset", "empty"].contains(value) { return "" }
        let spans = ["24h": "1d", "7d": "1w"]
        return spans[value] ?? value.replacingOccurrences(of: " : ", with: ":")
    }

    /// Types where the box says less than the text below it, or says it in other words.
    private static let types = [
        "main freeze_tell": "string list", "main message_body_newlines": "boolean",
        "router headers_add": "string list*", "router headers_remove": "string list*",
        "transport headers_add": "string list*", "transport headers_remove": "string list*",
        "appendfile maildir_use_size_file": "boolean*", "smtp dkim_selector": "string list*",
        "smtp dkim_timestamps": "integer*", "smtp utf8_downconvert": "string*",
    ]

    /// Defaults that are another word for the same, as -bP has them, and those of drivers that do not run here.
    private static let defaults = [
        "main gnutls_compat_mode": "false", "main gnutls_allow_auto_pkcs11": "false",
        "main ldap_version": "-1",
        "main smtputf8_advertise_hosts": "", "main sqlite_lock_timeout": "5", "iplookup protocol": "",
        "transport max_parallel": "0", "transport message_size_limit": "", "appendfile quota_filecount": "",
        "appendfile quota_warn_threshold": "", "smtp dkim_timestamps": "0",
        "smtp gnutls_compat_mode": "false",
        "cram_md5 client_name": "", "cyrus_sasl server_service": "", "gsasl server_scram_iter": "",
        "gsasl server_service": "", "heimdal_gssapi server_service": "",
    ]

    /// Our own, those that came after Exim 4.96, and those whose chapter has no box.
    private static let notInTheManual: Set = [
        "main commit_sharing", "main dns_forwarders", "main dns_insecure_domains",
        "main dns_trust_anchor_file", "main hints_backend",
        "main hints_directory", "main hints_layout", "main message_id_format", "main submission_socket",
        "main acl_smtp_atrn", "main acl_smtp_wellknown", "main daemon_modules_load",
        "main limits_advertise_hosts",
        "main local_scan_path", "main log_ports", "main panic_coredump", "main dkim_verify_min_keysizes",
        "main notifier_socket",
        "main openssl_options", "main redis_servers", "main spf_smtp_comment_template", "main sqlite_dbfile",
        "dnslookup ipv4_only", "dnslookup ipv4_prefer", "redirect sieve_enotify_mailto_owner",
        "queuefile directory", "tls server_param",
    ]

    private static func rows() async throws -> [Row] {
        let answer = await Ours.run(["config", "options", "--json"])
        #expect(answer.status == 0)
        return try answer.output.split(separator: "\n").map {
            try JSONDecoder().decode(Row.self, from: Data($0.utf8))
        }
    }

    /// The boxes of the manual that Debian's exim4-base carries.
    private static func boxes() throws -> [Box] {
        let manual = try Program("zcat", package: "gzip").run(["/usr/share/doc/exim4-base/spec.txt.gz"])
            .string
        return manual.split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard line.hasPrefix("|"), cells.count == 4, cells[1].hasPrefix("Use: "),
                cells[2].hasPrefix("Type: "),
                cells[3].hasPrefix("Default: ")
            else { return nil }
            let part = cells[1].dropFirst(5).trimmingCharacters(in: ["*"])
            let word =
                ["routers", "transports", "authenticators"].contains(part) ? String(part.dropLast()) : part
            return Box(
                name: "\(word) \(cells[0])", type: String(cells[2].dropFirst(6)),
                default: cells[3].dropFirst(9).trimmingCharacters(in: ["\"", "."]))
        }
    }
}
