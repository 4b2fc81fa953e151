/* SPDX-License-Identifier: Apache-2.0 */
#include "store/schema.h"

#include <stddef.h>

static const char step_1[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO meta VALUES ('secret_a', random()), ('secret_b', random()), ('next_case', 1),"
    " ('trimmed', 0);"

    /* Ports, VLAN sets, contexts: each text once. What refers to name and shape is
     * not declared a foreign key: those rows go by the thousand when the store is
     * trimmed, and every one would need an index more on the log. */
    "CREATE TABLE name(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;"

    "CREATE TABLE round(number INTEGER PRIMARY KEY, started INTEGER NOT NULL,"
    " judged INTEGER NOT NULL, ended INTEGER NOT NULL) STRICT;"

    /* kind: 0 recorded, 1 observed. Of its latest reading: seq, when it ended,
     * digests of its rows. whole_seq: its latest whole reading. */
    "CREATE TABLE source(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, site TEXT NOT NULL,"
    " name TEXT NOT NULL, seq INTEGER NOT NULL, ended INTEGER NOT NULL,"
    " whole_seq INTEGER NOT NULL, digest_a INTEGER NOT NULL, digest_b INTEGER NOT NULL,"
    " UNIQUE(kind, site, name)) STRICT;"

    "CREATE TABLE receipt(round INTEGER NOT NULL, ordinal INTEGER NOT NULL,"
    " source_id INTEGER REFERENCES source(id), source INTEGER NOT NULL, type INTEGER NOT NULL,"
    " context INTEGER NOT NULL,"
    " asked INTEGER NOT NULL, answered INTEGER NOT NULL, rows INTEGER NOT NULL,"
    " whole INTEGER NOT NULL, why_not TEXT, ageing INTEGER NOT NULL, sys_uptime_cs INTEGER NOT "
    "NULL,"
    " learn_discards INTEGER NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL,"
    " PRIMARY KEY(round, ordinal)) STRICT, WITHOUT ROWID;"

    /* One reading of a switch. at: when it ended, or the round began. blind: in
     * part and without a single row, so that it says nothing; seq is then that of
     * the reading before. ages: two octets a row in the order of the key of
     * sighting, NULL when the source tells no ages. */
    "CREATE TABLE reading(source_id INTEGER NOT NULL REFERENCES source(id),"
    " round INTEGER NOT NULL, ordinal INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " at INTEGER NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL,"
    " whole INTEGER NOT NULL, blind INTEGER NOT NULL, ageing INTEGER NOT NULL,"
    " rejected INTEGER NOT NULL, shape_id INTEGER NOT NULL, ages BLOB,"
    " PRIMARY KEY(source_id, round)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX reading_round ON reading(round);"

    /* Ports, neighbours and own addresses of a switch, kept once while they do
     * not change; text as shape.c writes it. */
    "CREATE TABLE shape(id INTEGER PRIMARY KEY, source_id INTEGER NOT NULL REFERENCES source(id),"
    " content TEXT NOT NULL) STRICT;"
    "CREATE INDEX shape_source ON shape(source_id);"

    /* first: when reading first_seq began; last: "at" of reading last_seq. begun, before: of an
     * interval that goes on after a reading in part did not show it, its true beginning and the
     * readings that showed it earlier. */
    "CREATE TABLE sighting(source_id INTEGER NOT NULL REFERENCES source(id), mac INTEGER NOT NULL,"
    " port INTEGER NOT NULL, vlan INTEGER NOT NULL, status INTEGER NOT NULL,"
    " first_seq INTEGER NOT NULL, first INTEGER NOT NULL, begun INTEGER NOT NULL,"
    " before INTEGER NOT NULL, PRIMARY KEY(source_id, mac, port, vlan, status))"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX sighting_mac ON sighting(mac);"
    "CREATE INDEX sighting_first ON sighting(first) WHERE first_seq > 1;"
    "CREATE TABLE sighting_past(source_id INTEGER NOT NULL REFERENCES source(id),"
    " mac INTEGER NOT NULL, port INTEGER NOT NULL, vlan INTEGER NOT NULL, status INTEGER NOT NULL,"
    " first_seq INTEGER NOT NULL, first INTEGER NOT NULL, begun INTEGER NOT NULL,"
    " before INTEGER NOT NULL, last_seq INTEGER NOT NULL, last INTEGER NOT NULL,"
    " proved INTEGER NOT NULL) STRICT;"
    "CREATE INDEX sighting_past_mac ON sighting_past(mac);"
    "CREATE INDEX sighting_past_last ON sighting_past(last);"
    "CREATE INDEX sighting_past_source ON sighting_past(source_id, last_seq);"

    /* One reading of a recorded source; present: a bit for each record_table. */
    "CREATE TABLE record_reading(source_id INTEGER NOT NULL REFERENCES source(id),"
    " seq INTEGER NOT NULL, round INTEGER NOT NULL, read_at INTEGER NOT NULL,"
    " as_of INTEGER NOT NULL, present INTEGER NOT NULL, PRIMARY KEY(source_id, seq))"
    " STRICT, WITHOUT ROWID;"
    /* Which snapshot of a recorded source a round was judged by: its own reading,
     * or the last good one. */
    "CREATE TABLE record_use(round INTEGER NOT NULL, ordinal INTEGER NOT NULL,"
    " source_id INTEGER NOT NULL REFERENCES source(id), seq INTEGER NOT NULL,"
    " PRIMARY KEY(round, ordinal)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX record_use_seq ON record_use(source_id, seq);"

    /* Recorded rows: known columns as CSV, unknown ones as JSON; copy tells equal
     * rows apart. */
    "CREATE TABLE recorded(source_id INTEGER NOT NULL REFERENCES source(id),"
    " tab INTEGER NOT NULL, hash INTEGER NOT NULL, copy INTEGER NOT NULL,"
    " ordinal INTEGER NOT NULL, first_seq INTEGER NOT NULL, first INTEGER NOT NULL,"
    " mac INTEGER, content TEXT NOT NULL, extra TEXT,"
    " PRIMARY KEY(source_id, tab, hash, copy))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE recorded_past(source_id INTEGER NOT NULL REFERENCES source(id),"
    " tab INTEGER NOT NULL, ordinal INTEGER NOT NULL, first_seq INTEGER NOT NULL,"
    " first INTEGER NOT NULL, mac INTEGER, content TEXT NOT NULL, extra TEXT,"
    " last_seq INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;"
    "CREATE INDEX recorded_past_source ON recorded_past(source_id, last_seq);"
    "CREATE INDEX recorded_past_last ON recorded_past(last);"

    /* A source that failed in every round from since_round to last_round. A new
     * reason is a new row with the same since_round. */
    "CREATE TABLE failure(kind INTEGER NOT NULL, source TEXT NOT NULL, switch TEXT,"
    " site TEXT, since_round INTEGER NOT NULL, first_round INTEGER NOT NULL, last_round INTEGER "
    "NOT NULL,"
    " why TEXT NOT NULL, PRIMARY KEY(source, kind, first_round)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX failure_last ON failure(last_round);"

    /* Since when a guest is read as one that should not communicate. */
    "CREATE TABLE off_since(identity TEXT NOT NULL, first_round INTEGER NOT NULL,"
    " first_read INTEGER NOT NULL, last_round INTEGER, PRIMARY KEY(identity, first_round))"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX off_since_current ON off_since(identity) WHERE last_round IS NULL;"

    /* subject: the texts that a person may look for, each with a line end before and
     * after. content: as verdict_text.c writes it. */
    "CREATE TABLE case_record(number INTEGER PRIMARY KEY, identity TEXT NOT NULL,"
    " kind TEXT NOT NULL, state TEXT NOT NULL, state_at INTEGER NOT NULL, before TEXT NOT NULL,"
    " ended_at INTEGER, first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL,"
    " reopened INTEGER NOT NULL, reported_at INTEGER, acknowledged_by TEXT,"
    " acknowledged_text TEXT, acknowledged_at INTEGER, judged_round INTEGER NOT NULL,"
    " judged_ordinal INTEGER NOT NULL, subject TEXT NOT NULL, content TEXT NOT NULL) STRICT;"
    "CREATE INDEX case_identity ON case_record(identity);"
    "CREATE INDEX case_state ON case_record(state);"
    "CREATE INDEX case_judged ON case_record(judged_round);"
    "CREATE TABLE case_event(id INTEGER PRIMARY KEY,"
    " case_number INTEGER NOT NULL REFERENCES case_record(number) ON DELETE CASCADE,"
    " round INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, state_from TEXT NOT NULL,"
    " state_to TEXT NOT NULL, who TEXT NOT NULL, text TEXT NOT NULL, content TEXT) STRICT;"
    "CREATE INDEX case_event_case ON case_event(case_number);"
    /* A discrepancy that every round from first_round to last_round has found.
     * macs: the addresses concerned when it began, eight octets each. earlier: in
     * how many rounds before its case (0: none, a member's) was found. */
    "CREATE TABLE standing(identity TEXT NOT NULL, first_round INTEGER NOT NULL,"
    " first INTEGER NOT NULL, macs BLOB NOT NULL, case_number INTEGER NOT NULL,"
    " earlier INTEGER NOT NULL, last_round INTEGER,"
    " PRIMARY KEY(identity, first_round)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX standing_current ON standing(identity) WHERE last_round IS NULL;";

static const char step_2[] =
    /* journal: its identity; folded: sequence number of the last event that is here;
     * updates_floor: updates below this number are deleted. */
    "INSERT INTO meta VALUES ('journal', 0), ('folded', 0), ('next_session', 1),"
    " ('updates_floor', 0);"

    /* last, last_heard, last_seq: of its latest event. */
    "CREATE TABLE event_source(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,"
    " events INTEGER NOT NULL, repeated INTEGER NOT NULL, last_seq INTEGER NOT NULL,"
    " last INTEGER NOT NULL, last_heard INTEGER NOT NULL, UNIQUE(name, type)) STRICT;"

    /* One life of a session. key: a hash of what names it. last: the time that its
     * latest event tells, heard: when that came. last_event: seq of its latest event,
     * kept_event: of the latest that is no update; 0 none. origin, kept_origin: the
     * messages that said these two; 0 not known. */
    "CREATE TABLE session(id INTEGER PRIMARY KEY, key INTEGER NOT NULL,"
    " source_id INTEGER NOT NULL, nas TEXT NOT NULL,"
    " session TEXT NOT NULL, mac INTEGER, address BLOB, node TEXT NOT NULL,"
    " switch TEXT NOT NULL, port TEXT NOT NULL, vlan INTEGER NOT NULL, care_of BLOB,"
    " started INTEGER NOT NULL, last INTEGER NOT NULL, heard INTEGER NOT NULL,"
    " ended INTEGER, cause TEXT NOT NULL, updated INTEGER, lifetime INTEGER NOT NULL,"
    " interval INTEGER NOT NULL, updates INTEGER NOT NULL, proof TEXT NOT NULL,"
    " implicit INTEGER NOT NULL, last_event INTEGER NOT NULL, kept_event INTEGER NOT NULL,"
    " origin INTEGER NOT NULL, kept_origin INTEGER NOT NULL) STRICT;"
    "CREATE INDEX session_key ON session(key);"
    "CREATE INDEX session_mac ON session(mac) WHERE mac IS NOT NULL;"
    "CREATE INDEX session_address ON session(address) WHERE address IS NOT NULL;"
    "CREATE INDEX session_open ON session(source_id, nas) WHERE ended IS NULL;"
    "CREATE INDEX session_ended ON session(ended) WHERE ended IS NOT NULL;"

    /* One event; seq is its number in the journal. previous: seq of the event before it
     * of its session, earlier: of the one before that is no update; 0 none. */
    "CREATE TABLE event(seq INTEGER PRIMARY KEY, source_id INTEGER NOT NULL, kind TEXT NOT NULL,"
    " hint TEXT NOT NULL, proof TEXT NOT NULL, session_id INTEGER, previous INTEGER NOT NULL,"
    " earlier INTEGER NOT NULL, mac INTEGER, address BLOB, switch TEXT, port TEXT,"
    " vlan INTEGER NOT NULL, care_of BLOB, agent BLOB, correspondent BLOB, node TEXT, nas TEXT,"
    " session TEXT, cause TEXT, at INTEGER NOT NULL, heard INTEGER NOT NULL,"
    " lifetime INTEGER NOT NULL) STRICT;"
    "CREATE INDEX event_mac ON event(mac) WHERE session_id IS NULL AND mac IS NOT NULL;"
    "CREATE INDEX event_address ON event(address)"
    " WHERE session_id IS NULL AND address IS NOT NULL;"

    /* broken: after last_round events showed that it was over. One that events found
     * begins with the round before it, and a first that is later than that. */
    "ALTER TABLE standing ADD COLUMN broken INTEGER NOT NULL DEFAULT 0;";

static const char step_3[] =
    /* gap_rounds: failed rounds in a row that made an audit_gap when it was judged. A failure
     * of kind 2 is an event source's. */
    "ALTER TABLE round ADD COLUMN gap_rounds INTEGER NOT NULL DEFAULT 1;";

static const char step_4[] =
    /* heard: it was judged with what had been heard (heard.h). */
    "ALTER TABLE round ADD COLUMN heard INTEGER NOT NULL DEFAULT 0;";

static const char step_5[] =
    /* told: when what had been heard was collected for it; what of that the sessions do not say
     * is in the table of this name (told.h). */
    "ALTER TABLE round ADD COLUMN told INTEGER;"

    /* What was heard of one address, for the rounds from first_round to last_round, as told.c
     * writes it. */
    "CREATE TABLE told(id INTEGER PRIMARY KEY, mac INTEGER NOT NULL,"
    " first_round INTEGER NOT NULL, last_round INTEGER, content TEXT NOT NULL) STRICT;"
    "CREATE INDEX told_last ON told(last_round);"

    /* What followed from hearing (followed.h). kind: an enum followed_kind. until: deadline of a
     * window, end of a probe. */
    "CREATE TABLE followed(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, mac INTEGER,"
    " switch TEXT NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL, content TEXT NOT NULL)"
    " STRICT;"
    "CREATE INDEX followed_mac ON followed(mac) WHERE mac IS NOT NULL;"
    "CREATE INDEX followed_until ON followed(kind, until);"

    /* expired: since when it was concluded to be over, though nobody said so. */
    "ALTER TABLE session ADD COLUMN expired INTEGER;"
    "CREATE INDEX session_expired ON session(expired) WHERE expired IS NOT NULL;";

static const char step_6[] =
    /* told_next: the first event that was not in it when that was collected; NULL: not known. */
    "ALTER TABLE round ADD COLUMN told_next INTEGER;"
    /* broken_at: when events showed that; a round that was being judged did not know. */
    "ALTER TABLE standing ADD COLUMN broken_at INTEGER NOT NULL DEFAULT 0;";

const char *const schema_steps[] = {step_1, step_2, step_3, step_4, step_5, step_6, NULL};
