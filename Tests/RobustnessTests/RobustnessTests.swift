// RobustnessTests: the shipped programs while the world around them breaks.
//
// Purpose: whatever fails (a system call, a disk, a peer, the clock, a process), nothing accepted is lost, the client or
// the log is told why, and service goes on by itself. doc/robustness.md tells what was injected and what was found.
// System calls are made to fail by small C libraries (Fixtures/), which the tests compile with `cc` and preload.
// ROBUST_ROUNDS multiplies the rounds of what is drawn by lot, for a soak.
// Read in this order: RobustnessTests.swift, Faults.swift, Letters.swift; ReceptionFaultTests.swift, AcceptFaultTests.swift,
// LimitTests.swift; DeliveryFaultTests.swift, QueueOfLetters.swift; DyingPeerTests.swift, CrowdTests.swift, ClockTests.swift,
// StormTests.swift.
import Bytes
import Foundation
import Glibc
import TestKit
import Testing

/// All tests here: one at a time, since each one keeps both cores busy with programs.
@Suite("Whatever breaks, nothing accepted is lost", .serialized, .needsRoot)
struct RobustnessTests {
    @Suite(.serialized) struct Reception {}
    @Suite(.serialized) struct Limits {}
    @Suite(.serialized) struct Delivery {}
    @Suite(.serialized) struct Peers {}
    @Suite(.serialized) struct Crowds {}
    @Suite(.serialized) struct Clocks {}
    @Suite(.serialized) struct Storms {}
}

/// By how much the rounds of what is drawn by lot are multiplied (`ROBUST_ROUNDS`).
let soak = max(1, Int(ProcessInfo.processInfo.environment["ROBUST_ROUNDS"] ?? "") ?? 1)

/// The configurations of these tests.
enum RobustnessSite {
    /// What both programs are configured with.
    ///
    /// In example.org, local parts of the file `dirs` have maildirs, those of `boxes` mailbox files, and `nobody...` is
    /// refused by a router; everything else goes to a server on the port `wire`.
    static func configuration(
        wire: Int = 9, main: ByteString = "", routers: ByteString = "", transports: ByteString = "",
        remote: ByteString = ""
    ) -> ByteString {
        """
        domainlist local_domains = example.org
        hostlist relay_from_hosts = 127.0.0.0/8
        acl_smtp_rcpt = check_recipient
        received_header_text = Received: by $primary_hostname with $received_protocol id $message_exim_id
        queue_only
        smtp_accept_max = 0
        message_size_limit = 60M
        remote_max_parallel = 2
        \(main)
        begin acl

        check_recipient:
          accept  domains = +local_domains
          accept  hosts = : +relay_from_hosts
          deny    message = relay not permitted

        begin routers

        \(routers)
        unknown:
          driver = redirect
          domains = +local_domains
          local_parts = ^nobody
          allow_fail
          data = :fail: no such person here

        boxes:
          driver = accept
          domains = +local_domains
          local_parts = lsearch;SITE/boxes
          transport = box

        dirs:
          driver = accept
          domains = +local_domains
          local_parts = lsearch;SITE/dirs
          transport = maildir

        remote:
          driver = manualroute
          route_list = * 127.0.0.1 byname
          self = send
          transport = wire

        begin transports

        \(transports)
        wire:
          driver = smtp
          port = \(wire)
          allow_localhost
          hosts_try_chunking =
          hosts_try_fastopen =
        \(remote)
        box:
          driver = appendfile
          file = MAIL/$local_part_data
          user = \(MailSite.user)
          group = \(MailSite.user)
          mode = 0600
          envelope_to_add

        maildir:
          driver = appendfile
          directory = MAIL/$local_part_data
          maildir_format
          create_directory
          user = \(MailSite.user)
          group = \(MailSite.user)
          mode = 0600
          envelope_to_add

        begin retry

        *  *  F,2h,1s

        """
    }
}

extension MailSite {
    /// Names the local parts of example.org that have mailboxes.
    func people(dirs: [String] = [], boxes: [String] = []) throws {
        try directory.write(ByteString(dirs.map { "\($0): \($0)\n" }.joined()), to: "dirs")
        try directory.write(ByteString(boxes.map { "\($0): \($0)\n" }.joined()), to: "boxes")
    }

    /// How long the main and the panic log are.
    func logSizes() throws -> [Int] { try logTexts().map(\.count) }

    /// What was logged since then.
    func logged(since sizes: [Int]) throws -> ByteString {
        zip(try logTexts(), sizes).reduce(into: ByteString()) { $0 += $1.0.dropFirst($1.1) }
    }

    private func logTexts() throws -> [ByteString] {
        try ["log/mainlog", "log/paniclog"].map { name in
            FileManager.default.fileExists(atPath: directory.file(name).string)
                ? try directory.read(name) : ""
        }
    }

    /// The lines of the main and the panic log.
    func bothLogs() throws -> [String] { try log("main") + log("panic") }
}

extension Thread {
    /// Starts a thread, and counts it in a group until it ends.
    static func detachNewThread(in group: DispatchGroup, _ body: @escaping @Sendable () -> Void) {
        group.enter()
        detachNewThread {
            body()
            group.leave()
        }
    }
}

/// The system's words for an error number.
func text(ofError number: Int32) -> String { unsafe String(cString: strerror(number)) }

extension ByteString {
    /// An octet many times over.
    init(repeating octet: UInt8, _ count: Int) { self.init([UInt8](repeating: octet, count: count)) }
}
