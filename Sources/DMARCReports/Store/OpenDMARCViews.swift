/// Views with the names and columns of OpenDMARC 1.4's tables, so that people's queries go on working.
///
/// Moments are text `YYYY-MM-DD HH:MM:SS` in UTC, as MySQL shows timestamps; `pass` is 0 for a signature that
/// passed, as in OpenDMARC.
enum OpenDMARCViews {
    static let sql = """
        CREATE VIEW domains AS
            SELECT id, name, datetime(first_seen, 'unixepoch') AS firstseen FROM domain;
        CREATE VIEW reporters AS
            SELECT id, name, datetime(first_seen, 'unixepoch') AS firstseen FROM reporter;
        CREATE VIEW ipaddr AS
            SELECT id, name AS addr, datetime(first_seen, 'unixepoch') AS firstseen FROM address;
        CREATE VIEW selectors AS
            SELECT id, domain_id AS domain, name, datetime(first_seen, 'unixepoch') AS firstseen FROM selector;
        CREATE VIEW messages AS
            SELECT m.id, datetime(m.received, 'unixepoch') AS date, m.job AS jobid, m.reporter_id AS reporter,
                m.outcome AS policy, m.action AS disp, m.address_id AS ip, m.envelope_id AS env_domain,
                m.from_id AS from_domain, p.domain_id AS policy_domain, m.spf, m.aligned_dkim AS align_dkim,
                m.aligned_spf AS align_spf,
                (SELECT count(*) FROM signature s WHERE s.message_id = m.id) AS sigcount, m.arc, m.arc_policy
            FROM message m JOIN policy p ON p.id = m.policy_id;
        CREATE VIEW signatures AS
            SELECT id, message_id AS message, domain_id AS domain, selector_id AS selector, result AS pass,
                result IN (4, 5) AS error
            FROM signature;
        CREATE VIEW arcauthresults AS
            SELECT id, message_id AS message, instance, address AS arc_client_addr FROM arc_seal;
        CREATE VIEW arcseals AS
            SELECT id, message_id AS message, domain_id AS domain, selector_id AS selector, instance,
                datetime(first_seen, 'unixepoch') AS firstseen
            FROM arc_seal;
        CREATE VIEW requests AS
            SELECT d.id, d.id AS domain, p.rua AS repuri, p.adkim, p.aspf, p.p AS policy, p.sp AS spolicy, p.pct,
                0 AS locked, datetime(d.first_seen, 'unixepoch') AS firstseen,
                datetime(coalesce((SELECT max(r.changed) FROM report_delivery r JOIN report ON report.id = r.report
                    WHERE report.domain_id = p.domain_id AND r.state = 'sent'), 1), 'unixepoch') AS lastsent
            FROM domain d
            JOIN message m ON m.id =
                (SELECT id FROM message WHERE from_id = d.id ORDER BY received DESC, id DESC LIMIT 1)
            JOIN policy p ON p.id = m.policy_id;
        """
}
