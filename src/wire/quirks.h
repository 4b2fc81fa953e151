/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_QUIRKS_H
#define MUSTER_WIRE_QUIRKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/bridge_table.h"
#include "wire/oid.h"

/* What devices do otherwise than the MIBs say: one table of data, keyed by the
 * beginning of sysObjectID (DOMAIN 2.2).
 *
 * The table as delivered is etc/quirks.conf, built into the program; a user's
 * file adds lines or overrides them. One line is one rule: the OID prefix, then
 * words `key=value` (the file's head explains each). The longest matching prefix
 * is taken first; what it leaves unsaid is taken from the next shorter one, and a
 * later line of the same prefix overrides an earlier one key by key. So a vendor
 * line states what holds for the vendor and a model line only the difference.
 *
 * Errors name file and line. Limits: QUIRKS_MAX rules. */

enum { QUIRKS_MAX = 4096, QUIRK_TEXT_SIZE = 32 };

/* How an FDB id becomes a VLAN. */
enum quirk_vlan {
    QUIRK_VLAN_STANDARD, /* dot1qVlanFdbId; without that table FDB id = VLAN */
    QUIRK_VLAN_FDB,      /* FDB id is the VLAN, whatever the table says */
    QUIRK_VLAN_TAGS      /* the vendor's own map, `tag` and `tag_fdb` */
};

/* Elements of a vendor table's index, in order. */
enum quirk_index {
    QUIRK_INDEX_END,
    QUIRK_INDEX_MAC,  /* six sub-identifiers */
    QUIRK_INDEX_VLAN, /* one, a VLAN */
    QUIRK_INDEX_FDB,  /* one, an FDB id */
    QUIRK_INDEX_PORT, /* one, the ifIndex (then the column's value is not used) */
    QUIRK_INDEX_SKIP, /* one that does not matter */
    QUIRK_INDEX_REST  /* all that is left */
};
enum { QUIRK_INDEX_SIZE = 10 };

/* A vendor's own forward table. */
struct quirk_fdb {
    struct oid column;
    enum quirk_index index[QUIRK_INDEX_SIZE];
};

struct quirk {
    enum bridge_family order[BRIDGE_FAMILY_COUNT]; /* families in the order they are tried */
    size_t order_count;
    bool both;     /* read every family of `order`, not only the first with rows */
    bool contexts; /* one table a VLAN: ask in each VLAN's context when Q-BRIDGE is empty */
    char context_prefix[QUIRK_TEXT_SIZE]; /* SNMPv3 context is this and the VLAN: "vlan-" */
    enum quirk_vlan vlan;
    struct oid tag;     /* column: internal index -> VLAN tag */
    struct oid tag_fdb; /* column: internal index -> FDB id; empty: the index is the FDB id */
    uint32_t tag_shift; /* FDB id = index << this, where tag_fdb gave nothing */
    enum bridge_port_rule port; /* what a port is that the base-port table lacks */
    int64_t offset;
    bool status;              /* lists rows that are not learned: read the status column too */
    bool disorder;            /* OIDs may go backwards; a walk ends at the first repeat */
    uint16_t max_repetitions; /* more is answered wrongly; 0 no bound */
    struct quirk_fdb fdb;     /* for family vendor; column.length 0 none */
    int64_t ageing_seconds;   /* assumed where the device does not tell; -1 */
};

struct quirk_table;

/* Returns an empty table; yours to free. */
struct quirk_table *quirk_table_new(void);
/* NULL is allowed. */
void quirk_table_free(struct quirk_table *table);

/* Returns the text of the table as delivered and sets *ret_length. */
const char *quirks_delivered(size_t *ret_length);

/* Adds the lines of `text`; `file` names it in messages. Returns 0, or ERR_SYNTAX,
 * ERR_RANGE or ERR_LIMIT naming file and line and what was expected; what stood
 * before the bad line is then added. */
int quirk_table_add(struct quirk_table *table, const char *file, const char *text, size_t length,
                    struct err *err) MUST_USE;

/* Sets *ret to what holds for `sys_object_id` (NULL: unknown): the defaults of
 * the MIBs, changed by every rule that matches. Returns whether any did. */
bool quirk_table_find(const struct quirk_table *table, const struct oid *sys_object_id,
                      struct quirk *ret);

#endif
