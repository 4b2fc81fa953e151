-- SPDX-License-Identifier: Apache-2.0
-- The sweep's judgement as bare SQL, the same text for DuckDB, SQLite and PostgreSQL:
-- every forward entry against the inventory and the attachments in one pass, and the
-- anti-join for the silent. 90520730730496 to 90520747507711 is 52:54:00 in all its
-- addresses (prefix mode). Discrepancies are materialised, as Muster's are.
CREATE TABLE discrepancy AS
SELECT CASE WHEN g.mac IS NULL THEN 'unknown'
            WHEN a.hypervisor IS NULL THEN 'wrong'
            ELSE 'off_seen' END AS kind,
       f.mac AS mac, g.guest AS guest, f.switch AS switch, f.port AS port
FROM forward f
LEFT JOIN guest g ON g.mac = f.mac
LEFT JOIN attachment a ON a.hypervisor = g.hypervisor AND a.switch = f.switch AND a.port = f.port
WHERE (g.mac IS NULL AND f.mac BETWEEN 90520730730496 AND 90520747507711)
   OR (g.mac IS NOT NULL AND (a.hypervisor IS NULL OR g.running = 0))
UNION ALL
SELECT 'silent', g.mac, g.guest, NULL, NULL
FROM guest g
WHERE g.running = 1 AND NOT EXISTS (SELECT 1 FROM forward f WHERE f.mac = g.mac);
