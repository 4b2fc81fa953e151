-- SPDX-License-Identifier: Apache-2.0
-- The naive oracle: what DESIGN sections 2 and 8 and DOMAIN 1.4, 1.9, 2.3 and 3.2 say, as
-- plain queries over plain tables, with no index, no class and no code of the product. Slow
-- and simple on purpose. Times are seconds. Tables it is given:
--   guest_nic(hypervisor, guest, mac, state, comm, since, vlan, wire)     comm: yes no unknown
--   attachment(hypervisor, mac, switch, port)
--   switch(name, site, configured, read, whole, rows, room, ageing, started, ended, own)
--   port(switch, port)                     ports of the tables that were read
--   link(a, port_a, b, port_b)   lag(switch, aggregate, member)   mlag(a, port_a, b, port_b)
--   fdb(switch, port, mac, vlan, status, age)         age NULL: not told
--   vlan_id(vlan, id)                                 members of each set that occurs
--   memory_seen(mac, switch, port, vlan, first, last)   memory_off(guest, first)
--   memory_open(kind, subject, first, vlan)     parameter(now, as_of, skew, lag, prefix)
--   prefix(value)                                     of guests' addresses

-- --- what is one port, and what kind of port ---
CREATE TABLE logical AS
  SELECT switch, port, switch || ':' || port AS id FROM port;
UPDATE logical SET id = switch || ':' || (SELECT aggregate FROM lag
    WHERE lag.switch = logical.switch AND lag.member = logical.port)
  WHERE EXISTS (SELECT 1 FROM lag WHERE lag.switch = logical.switch AND lag.member = logical.port);
UPDATE logical SET id = (SELECT a || ':' || port_a FROM mlag
    WHERE logical.id = mlag.b || ':' || mlag.port_b)
  WHERE EXISTS (SELECT 1 FROM mlag WHERE logical.id = mlag.b || ':' || mlag.port_b);

CREATE TABLE place AS
  SELECT DISTINCT a.hypervisor, l.id FROM attachment a
    JOIN logical l ON l.switch = a.switch AND l.port = a.port;

CREATE TABLE sighting AS
  SELECT f.rowid AS n, f.switch, f.port, l.id, f.mac, f.vlan, f.age, s.site, s.started, s.ended,
         s.started - p.skew - CASE WHEN f.age IS NULL THEN s.ageing ELSE f.age + 1 END AS frame
    FROM fdb f JOIN logical l ON l.switch = f.switch AND l.port = f.port
               JOIN switch s ON s.name = f.switch AND s.read, parameter p
   WHERE f.status IN ('unread', 'other', 'learned') AND f.port <> '0'
     AND substr(f.mac, 2, 1) NOT IN ('1','3','5','7','9','b','d','f')
     AND f.mac <> '00:00:00:00:00:00' AND f.mac NOT LIKE '00:00:5e:00:01:%'
     AND f.mac NOT LIKE '00:00:0c:07:ac:%';

CREATE TABLE inter_switch AS
  SELECT l.id FROM link k JOIN logical l ON (l.switch = k.a AND l.port = k.port_a)
                                         OR (l.switch = k.b AND l.port = k.port_b)
  UNION SELECT g.id FROM sighting g JOIN switch s ON s.own = g.mac AND s.name <> g.switch;
DELETE FROM inter_switch WHERE id IN (SELECT id FROM place);

-- an edge that is one only because no other switch of the site is configured proves nothing
-- lasting while a switch of the site is not read: it may lead there
ALTER TABLE sighting ADD COLUMN lasting;
UPDATE sighting SET lasting = frame;
UPDATE sighting SET lasting = NULL
  WHERE id NOT IN (SELECT id FROM place)
    AND NOT EXISTS (SELECT 1 FROM inter_switch i JOIN logical l ON l.id = i.id
                     WHERE l.switch = sighting.switch)
    AND (SELECT count(*) FROM switch s WHERE s.site = sighting.site AND s.configured) = 1
    AND EXISTS (SELECT 1 FROM switch s WHERE s.site = sighting.site
                 AND NOT (s.configured AND s.read AND s.whole AND s.rows > 0 AND s.room));

CREATE TABLE share AS
  SELECT a.vlan AS a, b.vlan AS b FROM (SELECT DISTINCT vlan FROM vlan_id) a,
                                       (SELECT DISTINCT vlan FROM vlan_id) b
   WHERE a.vlan = '' OR b.vlan = '' OR EXISTS
     (SELECT 1 FROM vlan_id x JOIN vlan_id y ON x.id = y.id WHERE x.vlan = a.vlan AND y.vlan = b.vlan);

-- --- what the records claim, all rows of a guest together ---
CREATE TABLE claim AS
  SELECT guest, hypervisor,
         CASE WHEN max(comm = 'yes') THEN 'yes' WHEN max(comm = 'unknown') THEN 'unknown'
              ELSE 'no' END AS comm,
         max(state = 'migrating') AS migrating, max(since) AS since,
         min(since IS NOT NULL) AS since_known
    FROM guest_nic GROUP BY guest, hypervisor;
CREATE TABLE guest AS
  SELECT guest, CASE WHEN max(comm = 'yes') THEN 'yes' WHEN max(comm = 'unknown') THEN 'unknown'
                     ELSE 'no' END AS comm, max(migrating) AS migrating,
         0.0 AS since, 0 AS since_known, 0 AS located, 0 AS observable
    FROM claim GROUP BY guest;
CREATE TABLE expected AS
  SELECT c.guest, c.hypervisor FROM claim c JOIN guest g ON g.guest = c.guest AND g.comm = c.comm
   WHERE c.hypervisor <> '';
UPDATE guest SET
  since = (SELECT max(since) FROM claim c WHERE c.guest = guest.guest AND c.comm = guest.comm),
  since_known = (SELECT min(since_known) FROM claim c
                  WHERE c.guest = guest.guest AND c.comm = guest.comm);
UPDATE guest SET since = NULL WHERE NOT since_known;

-- --- is absence observable? every attachment port, both MLAG peers, read whole ---
CREATE TABLE proves AS
  SELECT name FROM switch WHERE configured AND read AND whole AND rows > 0 AND room;
CREATE TABLE hypervisor AS
  SELECT h.name, 0 AS observable, 'default' AS site FROM
   (SELECT hypervisor AS name FROM guest_nic WHERE hypervisor <> ''
    UNION SELECT hypervisor FROM attachment) h;
UPDATE hypervisor SET site = coalesce((SELECT s.site FROM attachment a
    JOIN switch s ON s.name = a.switch WHERE a.hypervisor = hypervisor.name LIMIT 1), 'default'),
  observable = EXISTS (SELECT 1 FROM attachment a WHERE a.hypervisor = hypervisor.name
                                                    AND a.switch <> '')
   AND NOT EXISTS (SELECT 1 FROM attachment a WHERE a.hypervisor = hypervisor.name
      AND a.switch <> '' AND (a.switch NOT IN (SELECT name FROM proves)
        OR NOT EXISTS (SELECT 1 FROM port p WHERE p.switch = a.switch AND p.port = a.port)
        OR EXISTS (SELECT 1 FROM mlag m
                    LEFT JOIN logical l ON l.switch = a.switch AND l.port = a.port
                    WHERE (m.a || ':' || m.port_a IN (l.id, a.switch || ':' || a.port)
                        OR m.b || ':' || m.port_b IN (l.id, a.switch || ':' || a.port))
                      AND (m.a NOT IN (SELECT name FROM proves)
                        OR m.b NOT IN (SELECT name FROM proves)))));
UPDATE guest SET
  located = EXISTS (SELECT 1 FROM expected e JOIN attachment a ON a.hypervisor = e.hypervisor
    WHERE e.guest = guest.guest AND a.switch <> ''
      AND (EXISTS (SELECT 1 FROM port p WHERE p.switch = a.switch AND p.port = a.port)
        OR NOT EXISTS (SELECT 1 FROM switch s WHERE s.name = a.switch AND s.read))),
  observable = EXISTS (SELECT 1 FROM expected e WHERE e.guest = guest.guest)
    AND NOT EXISTS (SELECT 1 FROM expected e JOIN hypervisor h ON h.name = e.hypervisor
                     WHERE e.guest = guest.guest AND NOT h.observable);
CREATE TABLE whole_site AS
  SELECT DISTINCT site FROM switch WHERE site NOT IN
    (SELECT site FROM switch WHERE name NOT IN (SELECT name FROM proves));

CREATE TABLE verdict(kind, state, subject);

-- --- hypervisors' own NICs ---
CREATE TABLE edge_of_hypervisor AS
  SELECT DISTINCT a.hypervisor, a.mac, g.id, g.lasting FROM attachment a JOIN sighting g ON g.mac = a.mac
     JOIN hypervisor h ON h.name = a.hypervisor AND h.site = g.site
   WHERE g.id NOT IN (SELECT id FROM inter_switch);
CREATE TABLE moved AS
  SELECT DISTINCT e.hypervisor, e.id FROM edge_of_hypervisor e
   WHERE NOT EXISTS (SELECT 1 FROM place p WHERE p.hypervisor = e.hypervisor AND p.id = e.id)
     AND NOT EXISTS (SELECT 1 FROM edge_of_hypervisor o JOIN place p
                       ON p.hypervisor = o.hypervisor AND p.id = o.id
                      WHERE o.hypervisor = e.hypervisor AND o.mac = e.mac)
     AND EXISTS (SELECT 1 FROM attachment a WHERE a.hypervisor = e.hypervisor AND a.switch <> ''
       AND (EXISTS (SELECT 1 FROM port p WHERE p.switch = a.switch AND p.port = a.port)
         OR NOT EXISTS (SELECT 1 FROM switch s WHERE s.name = a.switch AND s.read)));
INSERT INTO verdict
  SELECT 'hypervisor_moved', CASE WHEN max(o.first IS NOT NULL AND p.as_of - p.lag >= o.first
                                        AND e.lasting > o.first) THEN 'confirmed' ELSE 'suspected' END,
         m.hypervisor
    FROM moved m JOIN edge_of_hypervisor e ON e.hypervisor = m.hypervisor AND e.id = m.id
         LEFT JOIN memory_open o ON o.kind = 'hypervisor_moved' AND o.subject = m.hypervisor,
         parameter p GROUP BY m.hypervisor;
CREATE TABLE belongs AS
  SELECT hypervisor, id FROM place UNION SELECT hypervisor, id FROM moved;

-- --- each guest's NICs where they are seen ---
CREATE TABLE nic AS
  SELECT guest, mac, max(vlan) AS vlan, max(wire = 'yes') AS wire FROM guest_nic
   WHERE mac <> '' GROUP BY guest, mac;
CREATE TABLE edge AS
  SELECT n.guest, n.mac, n.vlan AS nic_vlan, g.n, g.switch, g.port, g.id, g.vlan, g.site,
         g.started, g.ended, g.frame, g.lasting,
         EXISTS (SELECT 1 FROM expected e JOIN belongs b ON b.hypervisor = e.hypervisor
                  WHERE e.guest = n.guest AND b.id = g.id) AS in_place,
         EXISTS (SELECT 1 FROM belongs b WHERE b.id = g.id
                   AND b.id IN (SELECT id FROM place)) AS has_hypervisor
    FROM nic n JOIN sighting g ON g.mac = n.mac WHERE g.id NOT IN (SELECT id FROM inter_switch);
CREATE TABLE transit AS
  SELECT n.guest, n.mac, g.frame FROM nic n JOIN sighting g ON g.mac = n.mac
   WHERE g.id IN (SELECT id FROM inter_switch);
CREATE TABLE seen AS
  SELECT guest, mac FROM edge UNION SELECT guest, mac FROM transit;

-- since when a MAC has been on a place without a break until this round
CREATE TABLE same_place AS
  SELECT DISTINCT x.id AS a, y.id AS b FROM logical x, logical y
   WHERE x.id = y.id OR EXISTS (SELECT 1 FROM belongs p JOIN belongs q
     ON p.hypervisor = q.hypervisor WHERE p.id = x.id AND q.id = y.id);
CREATE TABLE first_on AS
  SELECT e.n, e.guest, coalesce(
    (SELECT m.first FROM memory_seen m JOIN logical l ON l.switch = m.switch AND l.port = m.port
       JOIN switch s ON s.name = m.switch
       JOIN same_place p ON p.a = l.id AND p.b = e.id
      WHERE m.mac = e.mac AND m.first < s.started AND l.id NOT IN (SELECT id FROM inter_switch)
      ORDER BY m.last DESC, m.first DESC LIMIT 1), e.started) AS first
    FROM edge e;

-- an older row is superseded when a newer one, elsewhere in its domain, was read after it
DELETE FROM edge WHERE n IN (
  SELECT o.n FROM edge o JOIN edge w ON w.guest = o.guest AND w.mac = o.mac AND w.site = o.site
    JOIN share s ON s.a = o.vlan AND s.b = w.vlan
    JOIN first_on f ON f.n = w.n AND f.guest = w.guest, parameter p
   WHERE w.started - o.ended > p.skew AND f.first >= o.started
     AND NOT EXISTS (SELECT 1 FROM same_place sp WHERE sp.a = o.id AND sp.b = w.id)
     AND NOT EXISTS (SELECT 1 FROM edge z WHERE z.guest = o.guest AND z.mac = o.mac
                      AND z.started - w.ended > p.skew));

-- off for less than any row lives: the rows are only ageing, nothing is said (8.7)
CREATE TABLE ageing AS
  SELECT n.guest, n.mac FROM nic n JOIN guest g ON g.guest = n.guest
   WHERE g.comm = 'no' AND g.since IS NOT NULL
     AND CASE WHEN EXISTS (SELECT 1 FROM edge e WHERE e.guest = n.guest AND e.mac = n.mac)
       THEN NOT EXISTS (SELECT 1 FROM edge e WHERE e.guest = n.guest AND e.mac = n.mac
                          AND e.frame > g.since)
       ELSE NOT EXISTS (SELECT 1 FROM transit t WHERE t.guest = n.guest AND t.mac = n.mac
                          AND t.frame > g.since) END;
DELETE FROM edge WHERE EXISTS
  (SELECT 1 FROM ageing a WHERE a.guest = edge.guest AND a.mac = edge.mac);
DELETE FROM transit WHERE EXISTS
  (SELECT 1 FROM ageing a WHERE a.guest = transit.guest AND a.mac = transit.mac);

-- --- duplicates: two edges in one domain ---
CREATE TABLE pair AS
  SELECT x.guest, x.mac, x.frame AS frame_x, y.frame AS frame_y, fx.first AS first_x,
         fy.first AS first_y
    FROM edge x JOIN edge y ON y.guest = x.guest AND y.mac = x.mac AND y.site = x.site AND y.n > x.n
    JOIN share s ON s.a = x.vlan AND s.b = y.vlan
    JOIN first_on fx ON fx.n = x.n AND fx.guest = x.guest
    JOIN first_on fy ON fy.n = y.n AND fy.guest = y.guest
    JOIN guest g ON g.guest = x.guest AND NOT g.migrating
   WHERE NOT EXISTS (SELECT 1 FROM same_place p WHERE p.a = x.id AND p.b = y.id);
INSERT INTO verdict
  SELECT 'duplicate_guest', CASE WHEN max(CASE
      WHEN first_x < first_y THEN frame_x > first_y
      WHEN first_y < first_x THEN frame_y > first_x
      ELSE frame_x > first_y AND frame_y > first_x END) THEN 'confirmed' ELSE 'suspected' END, guest
    FROM pair GROUP BY guest;
CREATE TABLE single AS
  SELECT * FROM edge e WHERE NOT EXISTS
    (SELECT 1 FROM pair p WHERE p.guest = e.guest AND p.mac = e.mac);

-- --- location, access ports ---
INSERT INTO verdict
  SELECT 'wrong_location', CASE WHEN max(o.first IS NOT NULL AND p.as_of - p.lag >= o.first
                                    AND e.lasting > o.first) THEN 'confirmed' ELSE 'suspected' END, e.guest
    FROM single e JOIN guest g ON g.guest = e.guest
    LEFT JOIN memory_open o ON o.kind = 'wrong_location' AND o.subject = e.guest
     -- the same bridge domain: named by the record, else by where it is seen
     AND (EXISTS (SELECT 1 FROM nic n WHERE n.guest = e.guest AND n.vlan NOT IN ('', 'trunk'))
       OR EXISTS (SELECT 1 FROM single w JOIN share s ON s.a = o.vlan AND s.b = w.vlan
                   WHERE w.guest = e.guest AND NOT w.in_place)), parameter p
   WHERE g.located AND NOT g.migrating AND NOT e.in_place AND e.has_hypervisor GROUP BY e.guest;
INSERT INTO verdict
  SELECT DISTINCT 'non_hypervisor_port', CASE WHEN o.first IS NOT NULL
           AND p.as_of - p.lag >= o.first AND e.lasting > o.first
           THEN 'confirmed' ELSE 'suspected' END, e.mac
    FROM single e JOIN guest g ON g.guest = e.guest
    LEFT JOIN memory_open o ON o.kind = 'non_hypervisor_port' AND o.subject = e.mac, parameter p
   WHERE g.located AND NOT g.migrating AND NOT e.in_place AND NOT e.has_hypervisor;

-- --- state ---
CREATE TABLE off AS
  SELECT g.guest, coalesce(g.since, (SELECT first FROM memory_off m WHERE m.guest = g.guest)) AS since
    FROM guest g WHERE g.comm = 'no';
INSERT INTO verdict
  SELECT 'off_but_seen', CASE WHEN max(s.frame > o.since) THEN 'confirmed' ELSE 'suspected' END,
         o.guest
    FROM off o JOIN guest g ON g.guest = o.guest
    JOIN (SELECT guest, frame, in_place FROM single
          UNION ALL SELECT t.guest, NULL, 1 FROM transit t WHERE NOT EXISTS
            (SELECT 1 FROM edge e WHERE e.guest = t.guest AND e.mac = t.mac)) s
      ON s.guest = o.guest
   WHERE s.in_place OR NOT g.located GROUP BY o.guest;

-- --- VLAN: the place is right, the recorded VLAN is in none of the rows' sets ---
CREATE TABLE right_place AS
  SELECT e.* FROM single e JOIN guest g ON g.guest = e.guest
   WHERE (e.in_place OR NOT g.located) AND e.vlan <> '' AND e.nic_vlan NOT IN ('', 'trunk');
INSERT INTO verdict
  SELECT 'wrong_vlan', CASE WHEN max(o.first IS NOT NULL AND p.as_of - p.lag >= o.first
                                AND e.lasting > o.first) THEN 'confirmed' ELSE 'suspected' END, e.guest
    FROM right_place e LEFT JOIN memory_open o ON o.kind = 'wrong_vlan' AND o.subject = e.guest,
         parameter p
   WHERE NOT EXISTS (SELECT 1 FROM right_place r JOIN share s ON s.a = r.nic_vlan AND s.b = r.vlan
                      WHERE r.guest = e.guest AND r.mac = e.mac)
   GROUP BY e.guest;

-- --- hypervisors of which nothing is heard on their own ports ---
CREATE TABLE silent_hypervisor AS
  SELECT h.name FROM hypervisor h WHERE h.observable
     AND h.name NOT IN (SELECT hypervisor FROM moved)
     AND NOT EXISTS (SELECT 1 FROM sighting g JOIN attachment a ON a.mac = g.mac
                       JOIN place p ON p.hypervisor = a.hypervisor AND p.id = g.id
                      WHERE a.hypervisor = h.name)
     AND NOT EXISTS (SELECT 1 FROM sighting g JOIN guest_nic n ON n.mac = g.mac
                       JOIN place p ON p.hypervisor = n.hypervisor AND p.id = g.id
                      WHERE n.hypervisor = h.name)
     AND (EXISTS (SELECT 1 FROM attachment a WHERE a.hypervisor = h.name AND a.mac <> '')
       OR EXISTS (SELECT 1 FROM guest_nic n WHERE n.hypervisor = h.name AND n.comm = 'yes'
                                              AND n.wire = 'yes'));
INSERT INTO verdict SELECT 'hypervisor_silent', 'suspected', name FROM silent_hypervisor;

-- --- absence ---
CREATE TABLE missing AS
  SELECT n.guest, n.mac, EXISTS (SELECT 1 FROM seen s WHERE s.guest = n.guest) AS guest_seen
    FROM nic n JOIN guest g ON g.guest = n.guest
   WHERE g.comm = 'yes' AND n.wire
     AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.guest = n.guest AND s.mac = n.mac);
CREATE TABLE absent AS
  SELECT m.guest, CASE WHEN m.guest_seen THEN 'nic_silent' ELSE 'silent' END AS kind,
         g.observable, (SELECT min(o.first) FROM memory_open o
            WHERE o.subject = m.guest
              AND o.kind = CASE WHEN m.guest_seen THEN 'nic_silent' ELSE 'silent' END) AS open,
         g.since FROM missing m JOIN guest g ON g.guest = m.guest GROUP BY m.guest;
INSERT INTO verdict
  SELECT a.kind, CASE WHEN EXISTS (SELECT 1 FROM expected e JOIN hypervisor h
                                     ON h.name = e.hypervisor JOIN whole_site w ON w.site = h.site
                                    WHERE e.guest = a.guest)
       AND NOT EXISTS (SELECT 1 FROM expected e JOIN attachment t ON t.hypervisor = e.hypervisor
             JOIN switch s ON s.name = t.switch, parameter p
            WHERE e.guest = a.guest
              AND NOT coalesce(s.started - p.skew - s.ageing
                               > min(coalesce(a.since, a.open), coalesce(a.open, a.since)), 0))
      THEN 'confirmed' ELSE 'suspected' END, a.guest
    FROM absent a WHERE a.observable
     AND (a.kind = 'nic_silent' OR NOT EXISTS (SELECT 1 FROM expected e JOIN silent_hypervisor h
                                                 ON h.name = e.hypervisor WHERE e.guest = a.guest));
CREATE TABLE unobserved AS
  SELECT guest FROM absent WHERE kind = 'silent' AND NOT observable;

-- --- addresses without record ---
CREATE TABLE stranger AS
  SELECT g.*, EXISTS (SELECT 1 FROM place p WHERE p.id = g.id) AS has_hypervisor,
         g.id IN (SELECT id FROM inter_switch) AS in_transit
    FROM sighting g
   WHERE g.mac NOT IN (SELECT mac FROM guest_nic) AND g.mac NOT IN (SELECT mac FROM attachment)
     AND g.mac NOT IN (SELECT own FROM switch) AND substr(g.mac, 1, 2) <> 'fe'
     AND EXISTS (SELECT 1 FROM prefix x WHERE g.mac LIKE x.value || '%');
INSERT INTO verdict
  SELECT 'unknown_guest', CASE WHEN max(NOT s.in_transit AND o.first IS NOT NULL
           AND p.as_of - p.lag >= o.first AND s.lasting > o.first) THEN 'confirmed' ELSE 'suspected' END, s.mac
    FROM stranger s LEFT JOIN memory_open o ON o.kind = 'unknown_guest' AND o.subject = s.mac,
         parameter p
   WHERE (NOT s.in_transit AND EXISTS
           (SELECT 1 FROM stranger t WHERE t.mac = s.mac AND t.has_hypervisor))
      OR NOT EXISTS (SELECT 1 FROM stranger t WHERE t.mac = s.mac AND NOT t.in_transit)
   GROUP BY s.mac;
INSERT INTO verdict
  SELECT 'non_hypervisor_port', CASE WHEN max(o.first IS NOT NULL AND s.lasting > o.first)
           THEN 'confirmed' ELSE 'suspected' END, s.mac
    FROM stranger s LEFT JOIN memory_open o ON o.kind = 'non_hypervisor_port' AND o.subject = s.mac
   WHERE NOT s.in_transit AND NOT EXISTS
     (SELECT 1 FROM stranger t WHERE t.mac = s.mac AND t.has_hypervisor) GROUP BY s.mac;

-- --- records and receipts by themselves ---
INSERT INTO verdict
  SELECT 'inventory_conflict', CASE WHEN max(o.first IS NOT NULL AND p.as_of - o.first > p.lag)
           THEN 'confirmed' ELSE 'suspected' END, c.guest
    FROM claim c LEFT JOIN memory_open o ON o.kind = 'inventory_conflict' AND o.subject = c.guest,
         parameter p
   WHERE c.comm = 'yes' AND c.hypervisor <> ''
   GROUP BY c.guest HAVING count(DISTINCT c.hypervisor) > 1;
INSERT INTO verdict
  SELECT 'recorded_gap', 'confirmed', name FROM switch WHERE NOT configured
  UNION ALL SELECT 'recorded_gap', 'confirmed', h.name FROM hypervisor h
   WHERE NOT EXISTS (SELECT 1 FROM attachment a WHERE a.hypervisor = h.name AND a.switch <> '')
      OR EXISTS (SELECT 1 FROM attachment a JOIN switch s ON s.name = a.switch
                  WHERE a.hypervisor = h.name AND s.read AND s.whole AND s.rows > 0
                    AND NOT EXISTS (SELECT 1 FROM port p WHERE p.switch = a.switch AND p.port = a.port))
  UNION ALL SELECT 'recorded_gap', 'confirmed', guest FROM guest_nic
   WHERE mac = '' OR hypervisor = '' GROUP BY guest;
INSERT INTO verdict
  SELECT 'audit_gap', 'confirmed', name FROM switch
   WHERE configured AND NOT (read AND whole AND rows > 0);
