import GRDB

/// The tables of the store; doc/dmarc-schema.md explains them.
///
/// Times are seconds since 1970. Codes are those of the history file. A migration is never changed once released.
enum DMARCSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 history") { try $0.execute(sql: history) }
        migrator.registerMigration("2 reports sent") { try $0.execute(sql: reportsSent) }
        migrator.registerMigration("3 reports received") { try $0.execute(sql: reportsReceived) }
        migrator.registerMigration("4 OpenDMARC views") { try $0.execute(sql: OpenDMARCViews.sql) }
        return migrator
    }

    private static let history = """
        CREATE TABLE domain (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, first_seen INTEGER NOT NULL) STRICT;
        CREATE TABLE reporter (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, first_seen INTEGER NOT NULL) STRICT;
        CREATE TABLE address (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, first_seen INTEGER NOT NULL) STRICT;
        CREATE TABLE selector (
            id INTEGER PRIMARY KEY, domain_id INTEGER NOT NULL REFERENCES domain, name TEXT NOT NULL,
            first_seen INTEGER NOT NULL, UNIQUE (name, domain_id)) STRICT;
        CREATE TABLE policy (
            id INTEGER PRIMARY KEY, domain_id INTEGER NOT NULL REFERENCES domain, rua TEXT NOT NULL,
            adkim INTEGER NOT NULL, aspf INTEGER NOT NULL, p INTEGER NOT NULL, sp INTEGER NOT NULL,
            pct INTEGER NOT NULL, first_seen INTEGER NOT NULL,
            UNIQUE (domain_id, rua, adkim, aspf, p, sp, pct)) STRICT;
        CREATE TABLE message (
            id INTEGER PRIMARY KEY, received INTEGER NOT NULL, job TEXT NOT NULL,
            reporter_id INTEGER NOT NULL REFERENCES reporter, address_id INTEGER NOT NULL REFERENCES address,
            from_id INTEGER NOT NULL REFERENCES domain, envelope_id INTEGER NOT NULL REFERENCES domain,
            policy_id INTEGER NOT NULL REFERENCES policy, outcome INTEGER NOT NULL, action INTEGER NOT NULL,
            spf INTEGER, aligned_dkim INTEGER NOT NULL, aligned_spf INTEGER NOT NULL, arc INTEGER, arc_policy INTEGER,
            UNIQUE (received, job, reporter_id)) STRICT;
        CREATE INDEX message_by_policy ON message (policy_id, received);
        CREATE INDEX message_by_from ON message (from_id, received);
        CREATE TABLE signature (
            id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
            domain_id INTEGER NOT NULL REFERENCES domain, selector_id INTEGER REFERENCES selector,
            result INTEGER NOT NULL) STRICT;
        CREATE INDEX signature_by_message ON signature (message_id);
        CREATE TABLE arc_seal (
            id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
            instance INTEGER NOT NULL, domain_id INTEGER NOT NULL REFERENCES domain,
            selector_id INTEGER REFERENCES selector, address TEXT NOT NULL,
            first_seen INTEGER NOT NULL) STRICT;
        CREATE INDEX arc_seal_by_message ON arc_seal (message_id);
        CREATE TABLE history_file (
            device INTEGER NOT NULL, inode INTEGER NOT NULL, path TEXT NOT NULL, offset INTEGER NOT NULL,
            line INTEGER NOT NULL, before BLOB NOT NULL, imported INTEGER NOT NULL,
            PRIMARY KEY (device, inode)) STRICT;
        CREATE TABLE rejected (
            id INTEGER PRIMARY KEY, path TEXT NOT NULL, line INTEGER NOT NULL, reason TEXT NOT NULL,
            text BLOB NOT NULL UNIQUE, imported INTEGER NOT NULL) STRICT;
        """

    private static let reportsSent = """
        CREATE TABLE report (
            id INTEGER PRIMARY KEY, domain_id INTEGER NOT NULL REFERENCES domain, begin_time INTEGER NOT NULL,
            end_time INTEGER NOT NULL, made INTEGER NOT NULL, report_id TEXT NOT NULL,
            UNIQUE (domain_id, begin_time)) STRICT;
        CREATE TABLE report_delivery (
            report INTEGER NOT NULL REFERENCES report ON DELETE CASCADE, uri TEXT NOT NULL, state TEXT NOT NULL,
            changed INTEGER NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (report, uri)) STRICT, WITHOUT ROWID;
        """

    private static let reportsReceived = """
        CREATE TABLE foreign_report (
            id INTEGER PRIMARY KEY, organization TEXT NOT NULL, email TEXT NOT NULL, report_id TEXT NOT NULL,
            begin_time INTEGER NOT NULL, end_time INTEGER NOT NULL, domain_id INTEGER NOT NULL REFERENCES domain,
            adkim TEXT NOT NULL, aspf TEXT NOT NULL, p TEXT NOT NULL, sp TEXT NOT NULL, pct INTEGER,
            imported INTEGER NOT NULL, UNIQUE (domain_id, organization, report_id, begin_time)) STRICT;
        CREATE TABLE foreign_record (
            id INTEGER PRIMARY KEY, report INTEGER NOT NULL REFERENCES foreign_report ON DELETE CASCADE,
            address_id INTEGER NOT NULL REFERENCES address, count INTEGER NOT NULL, disposition TEXT NOT NULL,
            dkim TEXT NOT NULL, spf TEXT NOT NULL, from_id INTEGER NOT NULL REFERENCES domain,
            envelope_id INTEGER REFERENCES domain, reason TEXT NOT NULL) STRICT;
        CREATE INDEX foreign_record_by_report ON foreign_record (report);
        CREATE INDEX foreign_report_by_time ON foreign_report (begin_time);
        CREATE TABLE foreign_result (
            record INTEGER NOT NULL REFERENCES foreign_record ON DELETE CASCADE, position INTEGER NOT NULL,
            method TEXT NOT NULL, domain_id INTEGER NOT NULL REFERENCES domain, selector TEXT NOT NULL,
            result TEXT NOT NULL, PRIMARY KEY (record, position)) STRICT, WITHOUT ROWID;
        """
}
