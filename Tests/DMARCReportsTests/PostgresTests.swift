import Bytes
import DMARCReports
import TestKit
import Testing

@Suite("DMARC history in PostgreSQL", .timeLimit(.minutes(20)))
struct PostgresTests {
    private struct Stop: Error {}

    /// One server for everything, since starting one takes seconds.
    @Test(
        "DMH-05: history of every writer comes into PostgreSQL as into SQLite, once, all or nothing",
        .needsRoot)
    func imported() throws {
        let server = try PostgresProcess()
        let directory = try TemporaryDirectory()
        let store = try DMARCStore(path: directory.file("dmarc.sqlite"))
        let history = try PostgresHistory(ByteString(server.target))
        for name in Samples.histories + ["bad.history"] {
            let path = Samples.path(name)
            let (mine, theirs) = (try Self.read(path, into: store), try Self.read(path, into: history))
            #expect(
                mine.added == theirs.added && mine.rejected == theirs.rejected && mine.read == theirs.read)
            let again = try Self.read(path, into: PostgresHistory(ByteString(server.target)))
            #expect(again.read == 0 && again.added == 0, "the place in the file is remembered")
            let whole = try Self.read(path, into: history, fromStart: true)
            #expect(whole.added == 0 && whole.known == mine.added + mine.known)
        }
        try compareViews(server, directory.file("dmarc.sqlite"))
        try abandoned(server, history)
        #expect(try server.query("SELECT count(*) FROM rejected") != "0")
    }

    @Test("A server that is not there is told as such, and what to do")
    func absent() {
        let error = #expect(throws: DMARCError.self) {
            _ = try PostgresHistory("postgresql:host=/nonexistent user=nobody")
        }
        #expect(error?.kind == .system)
        #expect(error?.reason.contains(ByteString("check the address")) == true)
        #expect(
            PostgresHistory.isMeant(by: "postgresql://h/d") && !PostgresHistory.isMeant(by: "mysql://h/d"))
    }

    private static func read(
        _ path: ByteString, into sink: any HistoryStoring, fromStart: Bool = false
    ) throws -> ImportSummary {
        var options = HistoryImport.Options()
        options.settle = 0
        options.fromStart = fromStart
        return try HistoryImport(sink, options: options) { _ in }.file(path)
    }

    /// OpenDMARC's tables show the same in both.
    private func compareViews(_ server: PostgresProcess, _ store: ByteString) throws {
        let queries = [
            """
            SELECT m.jobid, m.date, r.name, i.addr, f.name, e.name, p.name, m.policy, m.disp, m.spf, m.align_dkim,
                m.align_spf, m.sigcount, m.arc, m.arc_policy
            FROM messages m JOIN reporters r ON r.id = m.reporter JOIN ipaddr i ON i.id = m.ip
            JOIN domains f ON f.id = m.from_domain JOIN domains e ON e.id = m.env_domain
            JOIN domains p ON p.id = m.policy_domain ORDER BY m.date, m.jobid
            """,
            """
            SELECT m.jobid, d.name, s.name, g.pass, g.error FROM signatures g JOIN messages m ON m.id = g.message
            JOIN domains d ON d.id = g.domain LEFT JOIN selectors s ON s.id = g.selector
            ORDER BY m.date, m.jobid, g.id
            """,
            """
            SELECT m.jobid, z.instance, d.name, s.name, a.arc_client_addr FROM arcseals z
            JOIN arcauthresults a ON a.id = z.id JOIN messages m ON m.id = z.message
            JOIN domains d ON d.id = z.domain LEFT JOIN selectors s ON s.id = z.selector
            ORDER BY m.date, m.jobid, z.id
            """,
            """
            SELECT d.name, q.repuri, q.adkim, q.aspf, q.policy, q.spolicy, q.pct, q.locked FROM requests q
            JOIN domains d ON d.id = q.domain ORDER BY d.name
            """,
        ]
        for query in queries {
            let mine = try Program("sqlite3", package: "sqlite3").run(["-readonly", store.string, query])
            #expect(try server.query(query) == ByteString(mine.trimmed()))
        }
    }

    /// When the bad records cannot be set aside, nothing of the batch stays.
    private func abandoned(_ server: PostgresProcess, _ history: PostgresHistory) throws {
        let before = try server.query("SELECT count(*) FROM message")
        var batch = HistoryBatch()
        batch.records = [
            HistoryRecord(
                job: "new", reporter: "r.example", received: 1, address: .v4(0xC000_0201),
                from: "d.example", outcome: .pass, action: .accept)
        ]
        batch.rejected = [RejectedRecord(path: "f", line: 1, reason: "bad", text: "job\0 \u{FF}")]
        #expect(throws: DMARCError.self) { try history.commit(batch, now: 1) { _ in throw Stop() } }
        #expect(try server.query("SELECT count(*) FROM message") == before)
        let outcome = try history.commit(batch, now: 1) { _ in }
        #expect(outcome.added == 1 && outcome.newlyRejected.count == 1)
        let again = try history.commit(batch, now: 2) { _ in }
        #expect(again.known == 1 && again.newlyRejected.isEmpty)
    }
}
