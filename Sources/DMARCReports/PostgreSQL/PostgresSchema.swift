/// The tables in a PostgreSQL database: those of `DMARCSchema`, and OpenDMARC's as views.
///
/// Long texts are unique by their digest, since the server's indexes take 2,700 octets at most.
enum PostgresSchema {
    /// The number of the advisory lock that importers hold: "Bobbin D" as octets.
    static let lock = 0x426F_6262_696E_2044

    static let tables = """
        CREATE TABLE IF NOT EXISTS domain (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, first_seen bigint NOT NULL);
        CREATE TABLE IF NOT EXISTS reporter (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, first_seen bigint NOT NULL);
        CREATE TABLE IF NOT EXISTS address (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, first_seen bigint NOT NULL);
        CREATE TABLE IF NOT EXISTS selector (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, domain_id bigint NOT NULL REFERENCES domain,
            name text NOT NULL, first_seen bigint NOT NULL, UNIQUE (name, domain_id));
        CREATE TABLE IF NOT EXISTS policy (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, domain_id bigint NOT NULL REFERENCES domain,
            rua text NOT NULL, adkim smallint NOT NULL, aspf smallint NOT NULL, p smallint NOT NULL,
            sp smallint NOT NULL, pct smallint NOT NULL, first_seen bigint NOT NULL);
        CREATE UNIQUE INDEX IF NOT EXISTS policy_whole ON policy (domain_id, md5(rua), adkim, aspf, p, sp, pct);
        CREATE TABLE IF NOT EXISTS message (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, received bigint NOT NULL, job text NOT NULL,
            reporter_id bigint NOT NULL REFERENCES reporter, address_id bigint NOT NULL REFERENCES address,
            from_id bigint NOT NULL REFERENCES domain, envelope_id bigint NOT NULL REFERENCES domain,
            policy_id bigint NOT NULL REFERENCES policy, outcome smallint NOT NULL, action smallint NOT NULL,
            spf smallint, aligned_dkim smallint NOT NULL, aligned_spf smallint NOT NULL, arc smallint,
            arc_policy smallint, UNIQUE (received, job, reporter_id));
        CREATE INDEX IF NOT EXISTS message_by_policy ON message (policy_id, received);
        CREATE INDEX IF NOT EXISTS message_by_from ON message (from_id, received);
        CREATE TABLE IF NOT EXISTS signature (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            message_id bigint NOT NULL REFERENCES message ON DELETE CASCADE,
            domain_id bigint NOT NULL REFERENCES domain, selector_id bigint REFERENCES selector,
            result smallint NOT NULL);
        CREATE INDEX IF NOT EXISTS signature_by_message ON signature (message_id);
        CREATE TABLE IF NOT EXISTS arc_seal (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            message_id bigint NOT NULL REFERENCES message ON DELETE CASCADE, instance integer NOT NULL,
            domain_id bigint NOT NULL REFERENCES domain, selector_id bigint REFERENCES selector,
            address text NOT NULL, first_seen bigint NOT NULL);
        CREATE INDEX IF NOT EXISTS arc_seal_by_message ON arc_seal (message_id);
        CREATE TABLE IF NOT EXISTS history_file (
            machine text NOT NULL, device bigint NOT NULL, inode bigint NOT NULL, path text NOT NULL,
            "offset" bigint NOT NULL, line bigint NOT NULL, before bytea NOT NULL, imported bigint NOT NULL,
            PRIMARY KEY (machine, device, inode));
        CREATE TABLE IF NOT EXISTS rejected (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, path text NOT NULL, line bigint NOT NULL,
            reason text NOT NULL, text bytea NOT NULL, imported bigint NOT NULL);
        CREATE UNIQUE INDEX IF NOT EXISTS rejected_text ON rejected (sha256(text));
        \(views)
        """

    private static func moment(_ column: String) -> String { "to_timestamp(\(column)) AT TIME ZONE 'UTC'" }

    private static let views = """
        CREATE OR REPLACE VIEW domains AS SELECT id, name, \(moment("first_seen")) AS firstseen FROM domain;
        CREATE OR REPLACE VIEW reporters AS SELECT id, name, \(moment("first_seen")) AS firstseen FROM reporter;
        CREATE OR REPLACE VIEW ipaddr AS SELECT id, name AS addr, \(moment("first_seen")) AS firstseen FROM address;
        CREATE OR REPLACE VIEW selectors AS
            SELECT id, domain_id AS domain, name, \(moment("first_seen")) AS firstseen FROM selector;
        CREATE OR REPLACE VIEW messages AS
            SELECT m.id, \(moment("m.received")) AS date, m.job AS jobid, m.reporter_id AS reporter,
                m.outcome AS policy, m.action AS disp, m.address_id AS ip, m.envelope_id AS env_domain,
                m.from_id AS from_domain, p.domain_id AS policy_domain, m.spf, m.aligned_dkim AS align_dkim,
                m.aligned_spf AS align_spf,
                (SELECT count(*) FROM signature s WHERE s.message_id = m.id) AS sigcount, m.arc, m.arc_policy
            FROM message m JOIN policy p ON p.id = m.policy_id;
        CREATE OR REPLACE VIEW signatures AS
            SELECT id, message_id AS message, domain_id AS domain, selector_id AS selector, result AS pass,
                (result IN (4, 5))::int AS error
            FROM signature;
        CREATE OR REPLACE VIEW arcauthresults AS
            SELECT id, message_id AS message, instance, address AS arc_client_addr FROM arc_seal;
        CREATE OR REPLACE VIEW arcseals AS
            SELECT id, message_id AS message, domain_id AS domain, selector_id AS selector, instance,
                \(moment("first_seen")) AS firstseen
            FROM arc_seal;
        CREATE OR REPLACE VIEW requests AS
            SELECT DISTINCT ON (d.id) d.id, d.id AS domain, p.rua AS repuri, p.adkim, p.aspf, p.p AS policy,
                p.sp AS spolicy, p.pct, 0 AS locked, \(moment("d.first_seen")) AS firstseen,
                \(moment("1")) AS lastsent
            FROM domain d JOIN message m ON m.from_id = d.id JOIN policy p ON p.id = m.policy_id
            ORDER BY d.id, m.received DESC, m.id DESC;
        """
}
