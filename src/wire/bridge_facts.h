/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_BRIDGE_FACTS_H
#define MUSTER_WIRE_BRIDGE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "wire/bridge_table.h"
#include "wire/neighbour_table.h"
#include "wire/quirks.h"
#include "wire/snmp_value.h"

/* Building the facts of a bridge (interfaces, base ports, VLAN map, LAGs,
 * neighbours, own addresses) cell by cell in any order, and from them the VLANs
 * of each FDB.
 *
 * The VLAN table's index begins with a time filter (RFC 4502): an agent that
 * honours it repeats the whole table for each time mark, without end, so the
 * walk is stopped at the first VLAN that comes twice. An FDB serves every VLAN
 * whose FDB id it is (RFC 4363). Without that table, and for an id that is not
 * in it, the FDB id is taken as the VLAN where that cannot be wrong by what the
 * table says: there is none, or all its ids are VLANs, or it has a VLAN of that
 * number (devices that index the table by VLAN); 1..4094 only.
 *
 * What cannot be read now (an error, half a table) is taken from the facts of
 * the read before, see facts_builder_take(). A part that no read has got stays
 * unread: bridge_facts_placed() says whether rows can be understood without it.
 * Limit: BRIDGE_MAP_ROWS_MAX a map. */

/* What facts consist of, as far as walks are made for it. */
enum facts_part {
    FACTS_BASE_PORTS,
    FACTS_INTERFACES,
    FACTS_VLANS,
    FACTS_TAGS,
    FACTS_LAGS,
    FACTS_STACKS, /* aggregates that are told by PAgP or a stack of interfaces only */
    FACTS_ADDRESSES,
    FACTS_NEIGHBOURS,
    FACTS_PART_COUNT
};
#define FACTS_BIT(part) (UINT32_C(1) << (part))

enum interface_column {
    INTERFACE_NAME,
    INTERFACE_DESCR,
    INTERFACE_ALIAS,
    INTERFACE_TYPE,
    INTERFACE_ADDRESS
};

struct facts_builder {
    struct bridge_facts *facts;
    struct map by_if_index, base_seen, vlan_seen, component_seen;
    struct bridge_vlan *component_vlans; /* of the IEEE twin of the VLAN table */
    size_t component_count, component_capacity;
    struct neighbour_table *neighbours;
    struct bridge_vlan *tags; /* internal index in the place of the FDB id */
    size_t tag_count, tag_capacity;
    struct map tag_fdb; /* internal index -> FDB id */
};

/* Begins with no facts. */
void facts_builder_init(struct facts_builder *builder);
/* Frees what the builder holds; what was taken stays. */
void facts_builder_done(struct facts_builder *builder);

/* The functions that follow add one cell each. All return false when the walk
 * should be stopped: a limit, or a table that repeats itself. What is no value of
 * the column is not kept. */

/* Adds a cell of ifTable or ifXTable. Returns whether to go on. */
bool facts_add_interface(struct facts_builder *builder, enum interface_column column,
                         uint32_t if_index, const struct snmp_value *value);
/* Adds a row of dot1dBasePortIfIndex in `context`. Returns whether to go on. */
bool facts_add_base_port(struct facts_builder *builder, uint32_t context, uint32_t port,
                         const struct snmp_value *value);
/* Adds a VLAN's FDB id; `index` are the sub-identifiers of dot1qVlanCurrentTable's
 * or its IEEE twin's. Returns whether to go on. */
bool facts_add_vlan(struct facts_builder *builder, const uint32_t *index, size_t count,
                    const struct snmp_value *value);
/* Forgets what was added with an index of `count` sub-identifiers, as facts_add_vlan() got
 * it: its walk broke off and is made again from the start. */
void facts_forget_vlans(struct facts_builder *builder, size_t count);
/* Adds an address of the device itself. Returns whether to go on. */
bool facts_add_own_mac(struct facts_builder *builder, struct mac mac);

/* Adds to the vendor's map the VLAN tag of an internal index. Returns whether to
 * go on. */
bool facts_add_tag(struct facts_builder *builder, uint32_t index, const struct snmp_value *value);
/* Adds to the vendor's map the FDB id of an internal index. Returns whether to go
 * on. */
bool facts_add_tag_fdb(struct facts_builder *builder, uint32_t index,
                       const struct snmp_value *value);

/* Ends building: sorts all, resolves LAGs and neighbours. Returns the facts,
 * yours to free. `before` (may be NULL) fills in what is missing of base ports and
 * interfaces; of the parts in `older` (FACTS_BIT each: their walks broke off or were not
 * made) what it has holds. */
struct bridge_facts *facts_builder_take(struct facts_builder *builder, const struct quirk *quirk,
                                        const struct bridge_facts *before, uint32_t older);

/* Returns what a part is called in sentences: "the map of bridge ports". */
const char *facts_part_word(enum facts_part part);

/* Returns whether all parts are read that say where a row is and in which VLAN: else a
 * number could be taken for another place than it is. */
bool bridge_facts_placed(const struct bridge_facts *facts);

/* Sets the VLANs and notes of every group of `table` from its facts.
 * `default_vlan` is what the default context stands for where each VLAN has its
 * own context, 0 otherwise. */
void bridge_facts_set_vlans(struct bridge_table *table, const struct quirk *quirk,
                            uint32_t default_vlan);

#endif
