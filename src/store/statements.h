/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_STATEMENTS_H
#define MUSTER_STORE_STATEMENTS_H

/* Every statement of the store: number, SQL, and the types of its columns, which
 * are checked for each row that is read: i integer, t text, b blob; I, T, B the
 * same or NULL. Constant SQL with numbered parameters in the subset that SQLite
 * and PostgreSQL share as far as they do; nothing from outside is ever part of
 * a statement. Limits and attacks: store.h. */

#define SEEN_COLUMNS                                                                               \
    "g.source_id, g.mac, g.port, g.vlan, g.status, g.first_seq, g.first, g.begun, g.before"
#define CASE_COLUMNS                                                                               \
    "number, state, state_at, before, ended_at, first, last, count, reopened, reported_at,"        \
    " acknowledged_by, acknowledged_text, acknowledged_at, content, kind, subject"
#define CASE_TYPES "ititIiiiiITTIttt"

#define SESSION_COLUMNS                                                                            \
    "c.id, s.name, s.type, c.nas, c.session, c.node, c.mac, c.address, c.care_of, c.switch,"       \
    " c.port, c.vlan, c.started, c.last, c.heard, c.ended, c.cause, c.lifetime, c.interval,"       \
    " c.updates, c.proof, c.implicit, c.last_event, c.kept_event, c.expired FROM session c"        \
    " JOIN event_source s ON s.id = c.source_id"
#define SESSION_TYPES "itttttIBBttiiiiItiiitiiiI"
#define EVENT_COLUMNS                                                                              \
    "e.seq, s.name, s.type, e.kind, e.hint, e.proof, e.session_id, e.previous, e.earlier, e.mac,"  \
    " e.address, e.switch, e.port, e.vlan, e.care_of, e.agent, e.correspondent, e.node, e.nas,"    \
    " e.session, e.cause, e.at, e.heard, e.lifetime FROM event e"                                  \
    " JOIN event_source s ON s.id = e.source_id"
#define EVENT_TYPES "itttttIiiIBTTiBBBTTTTiii"

#define STATEMENTS(S)                                                                              \
    /* --- store.c --- */                                                                          \
    S(META_GET, "SELECT value FROM meta WHERE key = ?1", "i")                                      \
    S(META_SET, "UPDATE meta SET value = ?2 WHERE key = ?1", "")                                   \
    S(NAME_FIND, "SELECT id FROM name WHERE text = ?1", "i")                                       \
    S(NAME_ADD, "INSERT INTO name(text) VALUES (?1) RETURNING id", "i")                            \
    S(NAME_GET, "SELECT text FROM name WHERE id = ?1", "t")                                        \
    S(ROUND_NEXT, "SELECT coalesce(max(number), 0) + 1 FROM round", "i")                           \
    S(ROUND_ADD, "INSERT INTO round(number, started, judged, ended) VALUES (?1, ?2, ?2, ?2)", "")  \
    S(ROUND_END, "UPDATE round SET judged = ?2, ended = ?3 WHERE number = ?1", "")                 \
    S(ROUND_GAPS, "UPDATE round SET gap_rounds = ?2, heard = 1 WHERE number = ?1", "")             \
    S(ROUND_LAST,                                                                                  \
      "SELECT number, started, judged, ended, gap_rounds, heard, told, told_next FROM round"       \
      " ORDER BY number DESC LIMIT 1",                                                             \
      "iiiiiiII")                                                                                  \
    S(ROUND_AT,                                                                                    \
      "SELECT number, started, judged, ended, gap_rounds, heard, told, told_next FROM round "      \
      "WHERE "                                                                                     \
      "judged <= "                                                                                 \
      "?1"                                                                                         \
      " ORDER BY number DESC LIMIT 1",                                                             \
      "iiiiiiII")                                                                                  \
    S(ROUND_GET,                                                                                   \
      "SELECT number, started, judged, ended, gap_rounds, heard, told, told_next FROM round "      \
      "WHERE "                                                                                     \
      "number = "                                                                                  \
      "?1",                                                                                        \
      "iiiiiiII")                                                                                  \
    S(SOURCE_FIND,                                                                                 \
      "SELECT id, seq, ended, whole_seq, digest_a, digest_b FROM source"                           \
      " WHERE kind = ?1 AND site = ?2 AND name = ?3",                                              \
      "iiiiii")                                                                                    \
    S(SOURCE_ADD,                                                                                  \
      "INSERT INTO source(kind, site, name, seq, ended, whole_seq, digest_a, digest_b)"            \
      " VALUES (?1, ?2, ?3, 0, 0, 0, 0, 0) RETURNING id",                                          \
      "i")                                                                                         \
    S(SOURCE_SET,                                                                                  \
      "UPDATE source SET seq = ?2, ended = ?3, whole_seq = ?4, digest_a = ?5, digest_b = ?6"       \
      " WHERE id = ?1",                                                                            \
      "")                                                                                          \
    S(SOURCE_GET, "SELECT kind, site, name, seq, ended FROM source WHERE id = ?1", "ittii")        \
    S(RECEIPT_ADD,                                                                                 \
      "INSERT INTO receipt VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"   \
      " ?15, ?16)",                                                                                \
      "")                                                                                          \
    S(RECEIPTS,                                                                                    \
      "SELECT s.text, t.text, c.text, asked, answered, rows, whole, why_not, ageing,"              \
      " sys_uptime_cs, learn_discards, started, ended FROM receipt r JOIN name s"                  \
      " ON s.id = r.source JOIN name t ON t.id = r.type JOIN name c ON c.id = r.context"           \
      " WHERE round = ?1 AND (?2 = 0 OR source_id = ?2) ORDER BY ordinal",                         \
      "tttiiiiTiiiii")                                                                             \
    /* --- sighting.c --- */                                                                       \
    S(SHAPE_LAST, "SELECT id, content FROM shape WHERE source_id = ?1 ORDER BY id DESC LIMIT 1",   \
      "it")                                                                                        \
    S(SHAPE_ADD, "INSERT INTO shape(source_id, content) VALUES (?1, ?2) RETURNING id", "i")        \
    S(READING_ADD,                                                                                 \
      "INSERT INTO reading(source_id, round, ordinal, seq, at, started, ended, whole, blind,"      \
      " ageing, rejected, shape_id, ages) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"   \
      " ?12, ?13)",                                                                                \
      "")                                                                                          \
    S(READING_THERE, "SELECT seq FROM reading WHERE source_id = ?1 AND round = ?2", "i")           \
    S(SEEN_OF_SOURCE,                                                                              \
      "SELECT mac, port, vlan, status, first_seq, first, begun, before FROM sighting"              \
      " WHERE source_id = ?1 ORDER BY mac, port, vlan, status",                                    \
      "iiiiiiii")                                                                                  \
    S(SEEN_ADD, "INSERT INTO sighting VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", "")            \
    S(SEEN_DROP,                                                                                   \
      "DELETE FROM sighting WHERE source_id = ?1 AND mac = ?2 AND port = ?3 AND vlan = ?4"         \
      " AND status = ?5",                                                                          \
      "")                                                                                          \
    S(PAST_ADD,                                                                                    \
      "INSERT INTO sighting_past VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)", "")  \
    S(PAST_PIECE,                                                                                  \
      "SELECT begun, before, first_seq, last_seq FROM sighting_past WHERE mac = ?2"                \
      " AND source_id = ?1 AND port = ?3 AND vlan = ?4 AND status = ?5 AND proved = 0"             \
      " AND last_seq >= ?6 ORDER BY last_seq DESC LIMIT 1",                                        \
      "iiii")                                                                                      \
    /* --- failure and off --- */                                                                  \
    S(FAILURE_LAST,                                                                                \
      "SELECT since_round, first_round, last_round, why FROM failure WHERE source = ?1"            \
      " AND kind = ?2 ORDER BY first_round DESC LIMIT 1",                                          \
      "iiit")                                                                                      \
    S(FAILURE_ANY,                                                                                 \
      "SELECT since_round, last_round FROM failure WHERE (source = ?1 OR switch = ?1)"             \
      " AND last_round = ?2 LIMIT 1",                                                              \
      "ii")                                                                                        \
    S(FAILURE_ADD, "INSERT INTO failure VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)", "")              \
    S(FAILURE_GROW,                                                                                \
      "UPDATE failure SET last_round = ?4 WHERE source = ?1 AND kind = ?2 AND first_round = ?3",   \
      "")                                                                                          \
    S(FAILURES,                                                                                    \
      "SELECT kind, source, switch, since_round, why, site FROM failure WHERE first_round <= ?1"   \
      " AND last_round >= ?1 ORDER BY kind, source",                                               \
      "itTitT")                                                                                    \
    S(OFF_CURRENT,                                                                                 \
      "SELECT identity, first_round FROM off_since WHERE last_round IS NULL ORDER BY identity",    \
      "ti")                                                                                        \
    S(OFF_ADD, "INSERT INTO off_since VALUES (?1, ?2, ?3, NULL)", "")                              \
    S(OFF_END, "UPDATE off_since SET last_round = ?3 WHERE identity = ?1 AND first_round = ?2",    \
      "")                                                                                          \
    S(OFF_AT,                                                                                      \
      "SELECT identity, first_read FROM off_since WHERE first_round <= ?1"                         \
      " AND (last_round IS NULL OR last_round >= ?1) ORDER BY identity",                           \
      "ti")                                                                                        \
    /* --- recorded.c --- */                                                                       \
    S(RECORD_READING_ADD, "INSERT INTO record_reading VALUES (?1, ?2, ?3, ?4, ?5, ?6)", "")        \
    S(RECORD_READING_GET,                                                                          \
      "SELECT round, read_at, as_of, present FROM record_reading WHERE source_id = ?1"             \
      " AND seq = ?2",                                                                             \
      "iiii")                                                                                      \
    S(RECORD_USE_ADD, "INSERT INTO record_use VALUES (?1, ?2, ?3, ?4)", "")                        \
    S(RECORD_USE_THERE,                                                                            \
      "SELECT 1 FROM record_use WHERE source_id = ?1 AND seq = ?2 AND round = ?3", "i")            \
    S(RECORD_USES, "SELECT source_id, seq FROM record_use WHERE round = ?1 ORDER BY ordinal",      \
      "ii")                                                                                        \
    S(RECORDED_OF_SOURCE,                                                                          \
      "SELECT hash, copy FROM recorded WHERE source_id = ?1 AND tab = ?2 ORDER BY hash, copy",     \
      "ii")                                                                                        \
    S(RECORDED_COUNTS, "SELECT tab, count(*) FROM recorded WHERE source_id = ?1 GROUP BY tab",     \
      "ii")                                                                                        \
    S(RECORDED_ADD, "INSERT INTO recorded VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", "")   \
    S(RECORDED_RETIRE,                                                                             \
      "INSERT INTO recorded_past SELECT source_id, tab, ordinal, first_seq, first, mac, content,"  \
      " extra, ?5, ?6 FROM recorded WHERE source_id = ?1 AND tab = ?2 AND hash = ?3 AND copy = "   \
      "?4",                                                                                        \
      "")                                                                                          \
    S(RECORDED_DROP,                                                                               \
      "DELETE FROM recorded WHERE source_id = ?1 AND tab = ?2 AND hash = ?3 AND copy = ?4", "")    \
    S(RECORDED_AT,                                                                                 \
      "SELECT tab, ordinal, first_seq, content, extra FROM recorded WHERE source_id = ?1"          \
      " AND first_seq <= ?2",                                                                      \
      "iiitT")                                                                                     \
    S(RECORDED_PAST_AT,                                                                            \
      "SELECT tab, ordinal, first_seq, content, extra FROM recorded_past WHERE source_id = ?1"     \
      " AND last_seq >= ?2 AND first_seq <= ?2",                                                   \
      "iiitT")                                                                                     \
    S(RECORDED_ALL, "SELECT source_id, first, mac, content, extra FROM recorded WHERE tab = ?1",   \
      "iiItT")                                                                                     \
    S(RECORDED_PAST_ALL,                                                                           \
      "SELECT source_id, first, mac, content, extra, last FROM recorded_past WHERE tab = ?1",      \
      "iiItTi")                                                                                    \
    /* --- memory.c, world.c, history.c --- */                                                     \
    S(READING_BEFORE,                                                                              \
      "SELECT seq, at FROM reading WHERE source_id = ?1 AND round <= ?2 AND blind = 0"             \
      " ORDER BY round DESC LIMIT 1",                                                              \
      "ii")                                                                                        \
    S(READINGS_OF_ROUND,                                                                           \
      "SELECT source_id, seq, started, ended, whole, blind, ageing, rejected, shape_id, ages"      \
      " FROM reading WHERE round = ?1 ORDER BY ordinal",                                           \
      "iiiiiiiiiB")                                                                                \
    S(READING_LATEST,                                                                              \
      "SELECT source_id, seq, started, ended, whole, blind, ageing, rejected, shape_id, ages,"     \
      " round FROM reading WHERE source_id = ?1 AND round <= ?2 AND blind = 0"                     \
      " ORDER BY round DESC LIMIT 1",                                                              \
      "iiiiiiiiiBi")                                                                               \
    S(SWITCHES, "SELECT id FROM source WHERE kind = 1 ORDER BY site, name", "i")                   \
    S(SHAPE_GET, "SELECT content FROM shape WHERE id = ?1", "t")                                   \
    S(SEEN_AT,                                                                                     \
      "SELECT mac, port, vlan, status FROM sighting WHERE source_id = ?1 AND first_seq <= ?2"      \
      " ORDER BY mac, port, vlan, status",                                                         \
      "iiii")                                                                                      \
    S(PAST_AT,                                                                                     \
      "SELECT mac, port, vlan, status FROM sighting_past WHERE source_id = ?1"                     \
      " AND last_seq >= ?2 AND first_seq <= ?2 ORDER BY mac, port, vlan, status",                  \
      "iiii")                                                                                      \
    S(WITNESS,                                                                                     \
      "SELECT mac FROM sighting WHERE source_id = ?1 AND first_seq <= ?2 AND port <> 0"            \
      " AND status IN (0, 1, 3) ORDER BY mac LIMIT 1",                                             \
      "i")                                                                                         \
    S(WITNESS_PAST,                                                                                \
      "SELECT min(mac) FROM sighting_past WHERE source_id = ?1 AND last_seq >= ?2"                 \
      " AND first_seq <= ?2 AND port <> 0 AND status IN (0, 1, 3)",                                \
      "I")                                                                                         \
    S(MACS_BEGUN,                                                                                  \
      "SELECT source_id, mac, first_seq FROM sighting WHERE first_seq > 1 AND first >= ?1", "iii") \
    S(MACS_ENDED,                                                                                  \
      "SELECT source_id, mac, first_seq, first, last_seq FROM sighting_past WHERE last >= ?1",     \
      "iiiii")                                                                                     \
    S(SEEN_OF_MAC, "SELECT " SEEN_COLUMNS " FROM sighting g WHERE g.mac = ?1", "iiiiiiiii")        \
    S(PAST_OF_MAC,                                                                                 \
      "SELECT " SEEN_COLUMNS ", g.last_seq, g.last, g.proved FROM sighting_past g"                 \
      " WHERE g.mac = ?1 AND g.last >= ?2",                                                        \
      "iiiiiiiiiiii")                                                                              \
    S(STANDING_CURRENT,                                                                            \
      "SELECT identity, first_round FROM standing WHERE last_round IS NULL ORDER BY identity",     \
      "ti")                                                                                        \
    S(STANDING_ADD, "INSERT INTO standing VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL, 0, 0)", "")        \
    S(STANDING_END,                                                                                \
      "UPDATE standing SET last_round = ?3 WHERE identity = ?1 AND first_round = ?2", "")          \
    S(STANDING_AT,                                                                                 \
      "SELECT identity, first, macs FROM standing WHERE first_round <= ?1"                         \
      " AND (first <= ?2 OR first = (SELECT judged FROM round WHERE number = first_round))"        \
      " AND (last_round IS NULL OR last_round >= ?1 + CASE WHEN broken_at <= ?2 THEN broken"       \
      " ELSE 0 END) ORDER BY identity",                                                            \
      "tib")                                                                                       \
    S(STANDING_OF, "SELECT first_round FROM standing WHERE identity = ?1 AND last_round IS NULL",  \
      "i")                                                                                         \
    S(STANDING_OPEN,                                                                               \
      "INSERT INTO standing VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL, 0, 0)"                           \
      " ON CONFLICT(identity, first_round) DO UPDATE SET last_round = NULL, broken = 0,"           \
      " first = CASE WHEN first > coalesce((SELECT judged FROM round WHERE number = first_round)," \
      " 0) THEN excluded.first ELSE first END",                                                    \
      "")                                                                                          \
    S(STANDING_BREAK,                                                                              \
      "UPDATE standing SET last_round = ?2, broken = 1, broken_at = ?3 WHERE identity = ?1"        \
      " AND last_round IS NULL",                                                                   \
      "")                                                                                          \
    S(CASES_AT,                                                                                    \
      "SELECT s.identity, s.case_number, s.first_round, s.earlier, c.first,"                       \
      " coalesce((SELECT e.state_to FROM case_event e WHERE e.case_number = s.case_number"         \
      " AND e.at <= ?2 ORDER BY e.id DESC LIMIT 1), c.state) FROM standing s"                      \
      " JOIN case_record c ON c.number = s.case_number WHERE s.first_round <= ?1"                  \
      " AND (s.last_round IS NULL OR s.last_round >= ?1) AND s.first <= ?2 ORDER BY s.identity",   \
      "tiiiit")                                                                                    \
    /* --- case_log.c --- */                                                                       \
    S(CASE_PUT,                                                                                    \
      "INSERT INTO case_record VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"    \
      " ?14, ?15, ?16, ?17, ?18, ?19)"                                                             \
      " ON CONFLICT(number) DO UPDATE SET state = excluded.state, state_at = excluded.state_at,"   \
      " before = excluded.before, ended_at = excluded.ended_at, first = excluded.first,"           \
      " last = excluded.last, count = excluded.count, reopened = excluded.reopened,"               \
      " reported_at = excluded.reported_at, acknowledged_by = excluded.acknowledged_by,"           \
      " acknowledged_text = excluded.acknowledged_text,"                                           \
      " acknowledged_at = excluded.acknowledged_at,"                                               \
      " judged_round = max(judged_round, excluded.judged_round),"                                  \
      " judged_ordinal = CASE WHEN excluded.judged_round > judged_round"                           \
      " THEN excluded.judged_ordinal ELSE judged_ordinal END,"                                     \
      " subject = excluded.subject, content = excluded.content",                                   \
      "")                                                                                          \
    S(CASE_EVENT_ADD,                                                                              \
      "INSERT INTO case_event(case_number, round, at, kind, state_from, state_to, who, text,"      \
      " content) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",                                     \
      "")                                                                                          \
    S(CASE_MAX, "SELECT coalesce(max(number), 0) FROM case_record", "i")                           \
    S(CASE_EVENTS,                                                                                 \
      "SELECT case_number, round, at, kind, state_from, state_to, who, text FROM case_event"       \
      " WHERE case_number = ?1 ORDER BY id",                                                       \
      "iiittttt")                                                                                  \
    S(CASES_TO_KNOW,                                                                               \
      "SELECT " CASE_COLUMNS " FROM case_record WHERE state <> 'closed'"                           \
      " OR coalesce(ended_at, state_at) > ?1 ORDER BY number",                                     \
      CASE_TYPES)                                                                                  \
    S(CASES_ALL, "SELECT " CASE_COLUMNS " FROM case_record ORDER BY number", CASE_TYPES)           \
    S(CASES_JUDGED,                                                                                \
      "SELECT " CASE_COLUMNS " FROM case_record WHERE judged_round = ?1 ORDER BY judged_ordinal",  \
      CASE_TYPES)                                                                                  \
    S(CASE_OF,                                                                                     \
      "SELECT " CASE_COLUMNS " FROM case_record WHERE identity = ?1 ORDER BY number DESC LIMIT 1", \
      CASE_TYPES)                                                                                  \
    S(CASE_GET, "SELECT " CASE_COLUMNS " FROM case_record WHERE number = ?1", CASE_TYPES)          \
    /* --- event_fold.c, session_log.c --- */                                                      \
    S(EVENT_SOURCE_FIND,                                                                           \
      "SELECT id, events, repeated, last_seq, last, last_heard FROM event_source"                  \
      " WHERE name = ?1 AND type = ?2",                                                            \
      "iiiiii")                                                                                    \
    S(EVENT_SOURCE_ADD,                                                                            \
      "INSERT INTO event_source(name, type, events, repeated, last_seq, last, last_heard)"         \
      " VALUES (?1, ?2, 0, 0, 0, 0, 0) RETURNING id",                                              \
      "i")                                                                                         \
    S(EVENT_SOURCE_SET,                                                                            \
      "UPDATE event_source SET events = ?2, repeated = ?3, last_seq = ?4, last = ?5,"              \
      " last_heard = ?6 WHERE id = ?1",                                                            \
      "")                                                                                          \
    S(EVENT_SOURCES,                                                                               \
      "SELECT name, type, events, repeated, last_seq, last, last_heard FROM event_source"          \
      " ORDER BY name, type",                                                                      \
      "ttiiiii")                                                                                   \
    S(EVENT_ADD,                                                                                   \
      "INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"     \
      " ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)",                                             \
      "")                                                                                          \
    S(EVENT_STEP, "SELECT kind, at, previous, earlier FROM event WHERE seq = ?1", "tiii")          \
    S(SESSION_FIND,                                                                                \
      "SELECT id, switch, port, vlan, care_of, started, last, heard, ended, updated, lifetime,"    \
      " interval, updates, proof, implicit, last_event, kept_event, cause,"                        \
      " origin, kept_origin, expired FROM session"                                                 \
      " WHERE key = ?1 ORDER BY id DESC LIMIT 1",                                                  \
      "ittiBiiiIIiiitiiitiiI")                                                                     \
    S(SESSION_ADD,                                                                                 \
      "INSERT INTO session VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"   \
      " ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, NULL)",                   \
      "")                                                                                          \
    S(SESSION_SET,                                                                                 \
      "UPDATE session SET switch = ?2, port = ?3, vlan = ?4, care_of = ?5, started = ?6,"          \
      " last = ?7, heard = ?8, updated = ?9, lifetime = ?10, interval = ?11, updates = ?12,"       \
      " proof = ?13, implicit = ?14, last_event = ?15, kept_event = ?16, origin = ?17,"            \
      " kept_origin = ?18 WHERE id = ?1",                                                          \
      "")                                                                                          \
    S(SESSION_END, "UPDATE session SET ended = ?2, cause = ?3 WHERE id = ?1", "")                  \
    S(SESSION_RESET,                                                                               \
      "UPDATE session SET ended = ?3, cause = ?4 WHERE source_id = ?1 AND nas = ?2"                \
      " AND ended IS NULL AND expired IS NULL AND started <= ?3 AND (?5 IS NULL OR port = ?5)",    \
      "")                                                                                          \
    S(EVENT_FIRST, "SELECT coalesce(min(seq), 0) FROM event", "i")                                 \
    S(EVENT_YOUNGER,                                                                               \
      "SELECT seq FROM event WHERE seq >= ?1 AND seq < ?2 AND heard >= ?3 ORDER BY seq LIMIT 1",   \
      "i")                                                                                         \
    S(EVENT_DROP, "DELETE FROM event WHERE seq >= ?1 AND seq < ?2", "")                            \
    S(EVENT_DROP_UPDATES, "DELETE FROM event WHERE seq >= ?1 AND seq < ?2 AND kind = 'update'",    \
      "")                                                                                          \
    S(SESSION_DROP_EXPIRED,                                                                        \
      "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE expired < ?1"                 \
      " AND last_event < ?2 ORDER BY expired LIMIT ?3)",                                           \
      "")                                                                                          \
    S(SESSION_DROP,                                                                                \
      "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE ended < ?1"                   \
      " AND last_event < ?2 ORDER BY ended LIMIT ?3)",                                             \
      "")                                                                                          \
    /* --- heard_frames.c --- */                                                                   \
    S(ANNOUNCED_BACK,                                                                              \
      "SELECT at, heard FROM event WHERE session_id IS NULL AND mac = ?1 AND kind = 'announce'"    \
      " ORDER BY seq DESC",                                                                        \
      "ii")                                                                                        \
    /* --- told.c --- */                                                                           \
    S(ROUND_TOLD, "UPDATE round SET told = ?2, told_next = ?3, heard = 1 WHERE number = ?1", "")   \
    S(TOLD_CURRENT, "SELECT id, mac, content FROM told WHERE last_round IS NULL", "iit")           \
    S(TOLD_ADD, "INSERT INTO told(mac, first_round, content) VALUES (?1, ?2, ?3)", "")             \
    S(TOLD_END, "UPDATE told SET last_round = ?2 WHERE id = ?1", "")                               \
    S(TOLD_AT,                                                                                     \
      "SELECT mac, content FROM told WHERE first_round <= ?1"                                      \
      " AND (last_round IS NULL OR last_round >= ?1) ORDER BY mac, content",                       \
      "it")                                                                                        \
    S(ANNOUNCED_LAST,                                                                              \
      "SELECT heard FROM event WHERE session_id IS NULL AND mac = ?1 AND kind = 'announce'"        \
      " AND heard <= ?2 ORDER BY seq DESC LIMIT 1",                                                \
      "i")                                                                                         \
    /* --- followed.c --- */                                                                       \
    S(FOLLOWED_ADD,                                                                                \
      "INSERT INTO followed(kind, mac, switch, at, until, content)"                                \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",                                                          \
      "")                                                                                          \
    S(FOLLOWED_WINDOWS,                                                                            \
      "SELECT mac, at, until FROM followed WHERE kind = 1 AND until > ?1 AND at <= ?2"             \
      " ORDER BY until, id",                                                                       \
      "Iii")                                                                                       \
    S(FOLLOWED_FLUSHES,                                                                            \
      "SELECT switch, at, content FROM followed WHERE kind = 2 AND at <= ?1 ORDER BY at, id",      \
      "tit")                                                                                       \
    S(FOLLOWED_OF_MAC,                                                                             \
      "SELECT kind, switch, at, until, content FROM followed WHERE mac = ?1 ORDER BY id DESC",     \
      "itiit")                                                                                     \
    S(SESSION_LIVE_OF_MAC,                                                                         \
      "SELECT c.id, s.type, c.nas, c.session FROM session c JOIN event_source s"                   \
      " ON s.id = c.source_id WHERE c.mac = ?1 AND c.ended IS NULL AND c.expired IS NULL"          \
      " AND c.heard <= ?2",                                                                        \
      "ittt")                                                                                      \
    S(SESSION_LIVE_OF_ADDRESS,                                                                     \
      "SELECT c.id, s.type, c.nas, c.session FROM session c JOIN event_source s"                   \
      " ON s.id = c.source_id WHERE c.address = ?1 AND c.ended IS NULL AND c.expired IS NULL"      \
      " AND c.heard <= ?2",                                                                        \
      "ittt")                                                                                      \
    S(SESSION_EXPIRE, "UPDATE session SET expired = ?2 WHERE id = ?1", "")                         \
    /* --- event_query.c --- */                                                                    \
    S(SESSIONS,                                                                                    \
      "SELECT " SESSION_COLUMNS " WHERE (?1 IS NULL OR c.started <= ?1)"                           \
      " AND (?2 IS NULL OR coalesce(c.ended, c.expired, ?2) >= ?2) ORDER BY c.id",                 \
      SESSION_TYPES)                                                                               \
    S(SESSIONS_LATE,                                                                               \
      "SELECT " SESSION_COLUMNS " WHERE c.ended >= ?2"                                             \
      " AND (?1 IS NULL OR c.started <= ?1) UNION ALL SELECT " SESSION_COLUMNS                     \
      " WHERE c.ended IS NULL AND (c.expired IS NULL OR c.expired >= ?2)"                          \
      " AND (?1 IS NULL OR c.started <= ?1) ORDER BY 1",                                           \
      SESSION_TYPES)                                                                               \
    S(SESSIONS_OF_MAC,                                                                             \
      "SELECT " SESSION_COLUMNS " WHERE c.mac = ?3"                                                \
      " AND (?1 IS NULL OR c.started <= ?1)"                                                       \
      " AND (?2 IS NULL OR coalesce(c.ended, c.expired, ?2) >= ?2) ORDER BY c.id",                 \
      SESSION_TYPES)                                                                               \
    S(SESSIONS_OF_ADDRESS,                                                                         \
      "SELECT " SESSION_COLUMNS " WHERE c.address = ?3"                                            \
      " AND (?1 IS NULL OR c.started <= ?1)"                                                       \
      " AND (?2 IS NULL OR coalesce(c.ended, c.expired, ?2) >= ?2) ORDER BY c.id",                 \
      SESSION_TYPES)                                                                               \
    S(SESSION_WORD,                                                                                \
      "SELECT session_id, kind, previous, earlier, switch, port, vlan, at, heard, lifetime"        \
      " FROM event WHERE seq = ?1",                                                                \
      "ItiiTTiiii")                                                                                \
    S(EVENT_GET, "SELECT " EVENT_COLUMNS " WHERE e.seq = ?1", EVENT_TYPES)                         \
    S(EVENTS_OF_MAC,                                                                               \
      "SELECT " EVENT_COLUMNS " WHERE e.session_id IS NULL AND e.mac = ?1"                         \
      " ORDER BY e.seq DESC",                                                                      \
      EVENT_TYPES)                                                                                 \
    S(EVENTS_OF_ADDRESS,                                                                           \
      "SELECT " EVENT_COLUMNS " WHERE e.session_id IS NULL"                                        \
      " AND e.address = ?1 ORDER BY e.seq DESC",                                                   \
      EVENT_TYPES)                                                                                 \
    S(EVENTS_BACK, "SELECT " EVENT_COLUMNS " WHERE e.seq > 0 ORDER BY e.seq DESC", EVENT_TYPES)    \
    /* --- trim.c --- */                                                                           \
    S(TRIM_PAST, "DELETE FROM sighting_past WHERE last < ?1", "")                                  \
    S(TRIM_RECORDED, "DELETE FROM recorded_past WHERE last < ?1", "")                              \
    S(TRIM_FLOOR,                                                                                  \
      "SELECT coalesce(max(number), 0) FROM round WHERE ended < ?1"                                \
      " AND number < (SELECT max(number) FROM round)",                                             \
      "i")                                                                                         \
    S(TRIM_READING,                                                                                \
      "DELETE FROM reading WHERE round <= ?1 AND round < coalesce((SELECT r.round FROM reading r"  \
      " WHERE r.source_id = reading.source_id AND r.blind = 0 ORDER BY r.round DESC LIMIT 1),"     \
      " ?1 + 1)",                                                                                  \
      "")                                                                                          \
    S(TRIM_RECEIPT,                                                                                \
      "DELETE FROM receipt WHERE round <= ?1 AND NOT EXISTS (SELECT 1 FROM reading r"              \
      " WHERE r.source_id = receipt.source_id AND r.round = receipt.round)",                       \
      "")                                                                                          \
    S(TRIM_SHAPE, "DELETE FROM shape WHERE id NOT IN (SELECT shape_id FROM reading)", "")          \
    S(TRIM_RECORD_USE, "DELETE FROM record_use WHERE round <= ?1", "")                             \
    S(TRIM_RECORD_READING,                                                                         \
      "DELETE FROM record_reading WHERE round <= ?1 AND seq < (SELECT s.seq FROM source s"         \
      " WHERE s.id = record_reading.source_id) AND NOT EXISTS (SELECT 1 FROM record_use u"         \
      " WHERE u.source_id = record_reading.source_id AND u.seq = record_reading.seq)",             \
      "")                                                                                          \
    S(TRIM_FAILURE, "DELETE FROM failure WHERE last_round <= ?1", "")                              \
    S(TRIM_OFF, "DELETE FROM off_since WHERE last_round <= ?1", "")                                \
    S(TRIM_STANDING, "DELETE FROM standing WHERE last_round <= ?1", "")                            \
    S(TRIM_TOLD, "DELETE FROM told WHERE last_round <= ?1", "")                                    \
    S(TRIM_FOLLOWED, "DELETE FROM followed WHERE until < ?1", "")                                  \
    S(TRIM_CASE, "DELETE FROM case_record WHERE state = 'closed' AND state_at < ?1", "")           \
    S(TRIM_EVENT,                                                                                  \
      "DELETE FROM case_event WHERE at < ?1 AND kind IN ('changed', 'reopened', 'cleared')", "")   \
    S(TRIM_ROUND, "DELETE FROM round WHERE number <= ?1", "")                                      \
    S(TRIM_NAME,                                                                                   \
      "DELETE FROM name WHERE id NOT IN (SELECT port FROM sighting UNION SELECT vlan FROM"         \
      " sighting UNION SELECT port FROM sighting_past UNION SELECT vlan FROM sighting_past UNION"  \
      " SELECT source FROM receipt UNION SELECT type FROM receipt UNION SELECT context FROM"       \
      " receipt)",                                                                                 \
      "")                                                                                          \
    S(MEASURE,                                                                                     \
      "SELECT (SELECT count(*) FROM round), (SELECT count(*) FROM receipt),"                       \
      " (SELECT count(*) FROM sighting), (SELECT count(*) FROM sighting_past),"                    \
      " (SELECT count(*) FROM recorded), (SELECT count(*) FROM recorded_past),"                    \
      " (SELECT count(*) FROM case_record), (SELECT count(*) FROM event),"                         \
      " (SELECT count(*) FROM session)",                                                           \
      "iiiiiiiii")                                                                                 \
    S(MEASURE_FILE, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", "i")

#endif
