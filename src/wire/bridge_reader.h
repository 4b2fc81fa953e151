/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_BRIDGE_READER_H
#define MUSTER_WIRE_BRIDGE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/bridge_table.h"
#include "wire/oid.h"
#include "wire/quirks.h"
#include "wire/snmp_value.h"

/* What to read of a bridge, in which order, and what it means.
 *
 * A pure state machine: no sockets, no clock. It hands out requests (GET of
 * scalars, walk of one column in one context), takes their rows as they come and
 * decides what is next: system scalars first, for they name the device and with
 * it its quirks; then its forward tables in the quirks' order, the first one
 * with rows being enough in a live read; beside them the maps (base ports,
 * interface names, FDB id to VLAN) and what changes seldom (LAGs, neighbours, own
 * addresses); the status column and the address column only where a quirk or the
 * indices seen ask for it; for devices with one table a VLAN, the VLAN list and
 * then that VLAN's table and base ports in its context. A live device and a
 * recording are read by the same code, so every recording is a test of it.
 *
 *     reader = bridge_reader_new(&options);
 *     while (!bridge_reader_finished(reader)) {
 *         while (bridge_reader_next(reader, &want))   every request possible now
 *             send it
 *         wait; for each answer: bridge_reader_row() ..., bridge_reader_end()
 *     }
 *     table = bridge_reader_take(reader);
 *
 * Hot path: rows of the port column are decoded from the index octets straight
 * into 16 bytes; indices that are not of the MIB's form take a slow path that is
 * told by tests to agree with the fast one wherever both apply.
 *
 * A walk that got no answer says nothing of what the device has, and the numbers of the
 * rows mean other places or VLANs without the map that it was for. So the map of the
 * earlier read holds; where there is none, the walk is made again, BRIDGE_FACT_TRIES
 * times in all, and then the map is noted as unread (bridge_facts_placed()): such rows
 * are no base for any verdict. The context is not whole, nor is it in later reads that go
 * on with these facts.
 *
 * Hostile input: any octets, any order, any number of rows; a column that repeats
 * or goes backwards is stopped unless a quirk allows it, and then at the first
 * repeated row. Limits: LIMIT_FORWARD_ROWS, BRIDGE_GROUPS_MAX, BRIDGE_MAP_ROWS_MAX. */

enum {
    BRIDGE_GROUPS_MAX = 65535,
    BRIDGE_MAP_ROWS_MAX = 1000000, /* rows of one map: interfaces, base ports, VLANs */
    BRIDGE_CONTEXTS_MAX = 4096,
    BRIDGE_FACT_TRIES = 3, /* walks for one map that no read has got */
    BRIDGE_RETRIES_MAX = 8 /* such walks made again in one read */
};

struct bridge_reader;

struct bridge_reader_options {
    const struct quirk_table *quirks; /* borrowed; NULL: none */
    /* Everything there is (decode, recordings): all families, all columns. */
    bool everything;
    /* Contexts known to exist beside the default one (recordings); NULL: found
     * out by the VLAN list where the quirks say so. */
    const uint32_t *contexts;
    size_t context_count;
    /* Facts of an earlier read, taken over (set NULL), used without reading them
     * again while `facts_fresh`, else as the fallback of what fails now. */
    struct bridge_facts **take_facts;
    bool facts_fresh;
    bool no_neighbours; /* do not read LLDP and CDP */
};

enum bridge_want_kind { BRIDGE_GET, BRIDGE_WALK };

/* One request. */
struct bridge_want {
    uint32_t id; /* to answer with */
    enum bridge_want_kind kind;
    uint32_t context;         /* VLAN whose context or community is meant, 0 the default */
    const struct oid *oids;   /* GET: instances; WALK: one column */
    size_t oid_count;         /* borrowed until the request's end */
    bool slow_changing;       /* may be asked last, or over several rounds */
    bool allow_disorder;      /* do not stop at OIDs that do not increase */
    uint16_t max_repetitions; /* a quirk's upper bound, 0 none */
};

enum bridge_verdict {
    BRIDGE_GO_ON,
    BRIDGE_STOP /* end this walk now: it repeats itself or a limit is reached */
};

/* Returns a reader; yours to free. */
struct bridge_reader *bridge_reader_new(const struct bridge_reader_options *options);
/* Frees the reader with whatever was not taken; NULL is allowed. */
void bridge_reader_free(struct bridge_reader *reader);

/* Fills *ret with a request that can be sent now and counts it as under way.
 * Returns false when there is none at the moment. */
bool bridge_reader_next(struct bridge_reader *reader, struct bridge_want *ret);

/* One row of the answer to request `id`. WALK: `index` are the octets of the
 * OID after the column's (BER content), `instance` is not used. GET: `instance`
 * is the number of the OID in `oids`, index is not used; noSuchObject values may
 * be passed or left out. Nothing is kept of what is passed. After BRIDGE_STOP
 * the caller ends the walk as it likes; further rows are ignored. */
enum bridge_verdict bridge_reader_row(struct bridge_reader *reader, uint32_t id, size_t instance,
                                      const uint8_t *index, size_t index_length,
                                      const struct snmp_value *value);

/* Ends request `id`. `why_not` NULL: the end was seen (an empty column is whole
 * too); else one sentence with the cause ("time-out after 3 tries"). */
void bridge_reader_end(struct bridge_reader *reader, uint32_t id, const char *why_not);

/* Ends request `id`, to which the device gave no answer: bridge_reader_end() for what says
 * nothing of the device's tables. The same may be asked again. */
void bridge_reader_silent(struct bridge_reader *reader, uint32_t id, const char *why_not);

/* Returns whether nothing is under way and nothing is left to ask. */
bool bridge_reader_finished(const struct bridge_reader *reader);

/* Returns the rows of forward tables so far, for progress. */
uint64_t bridge_reader_rows(const struct bridge_reader *reader);

/* Returns the quirk that was chosen, NULL before sysObjectID is known or when
 * none applies. Context naming for SNMPv3 stands there. */
const struct quirk *bridge_reader_quirk(const struct bridge_reader *reader);

/* Returns the result, yours to free; call once, when finished (or to give up:
 * contexts whose walks were not ended are then not whole). */
struct bridge_table *bridge_reader_take(struct bridge_reader *reader);

#endif
