/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_LAG_TABLE_H
#define MUSTER_WIRE_LAG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bridge_facts;

/* Which interface is a member of which aggregate.
 *
 * Three tables say it: dot3adAggPortAttachedAggID and SelectedAggID
 * (IEEE8023-LAG-MIB), PAgP's group interface (Cisco) and ifStackTable (RFC 2863).
 * In that order they are believed, one answer an interface. An aggregator equal
 * to the port itself means "not aggregated". ifStackTable stacks much else
 * besides (VLANs on trunks, units on ports), so a stacking counts only where the
 * upper interface is a link aggregate: by ifType ieee8023adLag(161), by
 * propMultiplexor or propVirtual with an aggregate's name, or by its name alone
 * ("ae0", "Port-channel1", "lag53", "bond0" ...). A member of an aggregate that
 * is itself a member is followed no further than LAG_DEPTH steps, so that a
 * looping stack ends. */

enum lag_source { LAG_ATTACHED, LAG_SELECTED, LAG_PAGP, LAG_STACK };
enum { LAG_DEPTH = 4 };

struct lag_member {
    uint32_t if_index, aggregate;
    enum lag_source source;
};

/* Returns "dot3ad", "pagp" or "ifStack". */
const char *lag_source_word(enum lag_source source);

/* Adds what one row says; nothing when it says "not aggregated". For LAG_STACK
 * `aggregate` is the higher and `if_index` the lower interface. */
void lag_table_add(struct bridge_facts *facts, uint32_t if_index, uint32_t aggregate,
                   enum lag_source source);

/* Ends adding: keeps one answer an interface, drops stackings that are no link
 * aggregation, sorts. Interfaces must be sorted already. */
void lag_table_finish(struct bridge_facts *facts);

/* Returns the aggregate that `if_index` belongs to, `if_index` itself when it
 * belongs to none. */
uint32_t lag_table_find(const struct bridge_facts *facts, uint32_t if_index);

/* Returns whether an interface name is an aggregate's by its form. */
bool lag_name(const char *name);

#endif
