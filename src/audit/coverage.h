/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_COVERAGE_H
#define MUSTER_AUDIT_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/world.h"
#include "base/arena.h"

/* Absence needs proof (DESIGN section 2 and section 8 point 5).
 *
 * That a guest is not in a table says something only if the table was read whole,
 * the device had room to learn it, and the port where it would be is one the device
 * has. Per hypervisor: every recorded attachment port, with all members of its LAG
 * and both switches of an MLAG pair, on a table that proves absence. Per site: every
 * switch that is configured or named in the record, without which "silent" is never
 * confirmed. The reason why not is kept as a number and put in words only when a
 * person asks. A device that answers with an empty table, or is dead, can hide a
 * guest but never make one look silent. */

/* What keeps the absence of a hypervisor's guests from being observed. */
enum coverage_reason {
    COVERAGE_WHOLE,
    COVERAGE_NO_ATTACHMENT,
    COVERAGE_NO_HYPERVISOR,
    COVERAGE_NOT_CONFIGURED, /* the attachment's switch is not read at all */
    COVERAGE_FAILED,         /* it gave nothing this round */
    COVERAGE_PARTIAL,        /* its table is not whole */
    COVERAGE_EMPTY,
    COVERAGE_FULL_TABLE, /* it had no room to learn */
    COVERAGE_NO_SUCH_PORT,
    COVERAGE_FLUSHED,   /* it forgot its table less than one ageing time before it was read */
    COVERAGE_NO_RECORDS /* a recorded source gave nothing: it may name further ports */
};

/* Returns whether the table of switch number `index` proves absence; else sets
 * *ret_reason. */
bool coverage_switch(const struct world *world, uint32_t index, enum coverage_reason *ret_reason);

struct world_attachment;

/* Whether the attachment names a port that its switch, read whole, does not have. */
bool coverage_lacks_port(const struct world *world, const struct world_attachment *attachment);

/* Fills what the world keeps of every hypervisor and site; called by world_new(). */
void coverage_build(struct world *world);

/* Returns the sentence that says why absence of the guests of `hypervisor`
 * (UINT32_MAX: none recorded) cannot be observed, in `arena`; "" when it can. */
const char *coverage_why(const struct world *world, uint32_t hypervisor, struct arena *arena);

#endif
