/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_RADIUS_RADACCT_H
#define MUSTER_SOURCE_RADIUS_RADACCT_H

#include "contract/plugin.h"

/* Sessions out of the table that FreeRADIUS keeps in SQL, `radacct` (DOMAIN 2.7 point 11).
 *
 * Where accounting already ends in a database and nobody wants a copy of each packet,
 * the table says the same later. A program that the operator chooses (psql, sqlite3, mysql)
 * is run every few seconds, with what changed since as its question, and prints rows; no
 * database's client library is needed and its credentials stay in its own files.
 *
 * The command is a list; "{since}" in it is replaced by a time as "2026-11-23 10:00:00"
 * (UTC) and "{since_epoch}" by seconds since 1970. It prints CSV, or the tab-separated
 * form of `mysql --batch`, with a first row of column names, in any order: those of
 * FreeRADIUS's schema, of which callingstationid and acctstarttime are needed, and
 * acctupdatetime, acctstoptime, acctuniqueid, acctsessionid, nasidentifier, nasipaddress,
 * nasportid, username, acctterminatecause, framedipaddress, framedipv6address are used.
 * Times are RFC 3339, or seconds since 1970 as FreeRADIUS keeps them in SQLite; those
 * without zone are UTC: let the question convert what the database keeps in local
 * time.
 *
 * A row is what is known of a session now, so it is compared with what was told of it:
 * its start, its latest update and its stop each become one event, once. `since` is the
 * latest time that a row had, less an overlap: a row whose transaction was long, or whose
 * switch has a slow clock (FreeRADIUS writes its Event-Timestamp), comes to stand behind later
 * ones. A clock that is ahead counts as now, else one switch would hide all others' rows. At
 * first it reaches back by a configured time. Nothing of a row is lost when the feed refuses
 * events or the disk does not take them: `since` then stays, or goes back.
 *
 * A table may bring a million rows at once: while many events wait to be stored and judged, the
 * program's output is not read, so that those who cannot wait are not refused.
 *
 * nasportid is NAS-Port-Id, but where a switch has none FreeRADIUS writes NAS-Port there: what is
 * a plain number is taken for that, so that a port is the same on every way (radius_port.h).
 *
 * Limits: what one run prints (LIMIT_RADACCT_MIB) and how long it may take; LIMIT_RADIUS_RECENT
 * events are remembered. A program that fails or prints nonsense is told with the end of
 * its stderr, and run again at the next turn. Attacks: who writes that table is believed,
 * as a RADIUS client is; texts are made printable, a station that is no MAC is counted. */

struct radius_radacct;

struct radius_radacct_options {
    const struct option_list *command;
    struct span interval, lookback, overlap, timeout;
    const char *ports; /* rule, radius_port.h */
    bool alone;        /* nothing else is heard by this source: its failure is the source's */
};

/* Returns a reader, yours to free; `options` and what it points to must outlive it. NULL with
 * `err`: the port rule is not right. */
struct radius_radacct *radius_radacct_new(struct env *env,
                                          const struct radius_radacct_options *options,
                                          struct err *err) MUST_USE;
void radius_radacct_free(struct radius_radacct *radacct); /* NULL is allowed */

/* Begins to ask, at once and then at every interval. */
void radius_radacct_start(struct radius_radacct *radacct, struct event_feed *feed);

/* Ends a run that is under way and asks no more. */
void radius_radacct_stop(struct radius_radacct *radacct);

/* As in struct event_source_class; tickets that are not its own are passed over. */
void radius_radacct_settled(struct radius_radacct *radacct, const uint64_t *tickets, size_t count,
                            bool stored);

/* Adds the counters to *ret. */
void radius_radacct_status(const struct radius_radacct *radacct, struct source_status *ret);

#endif
