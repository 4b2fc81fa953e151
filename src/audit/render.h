/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_RENDER_H
#define MUSTER_AUDIT_RENDER_H

#include "audit/judge_view.h"
#include "base/arena.h"

/* Words for verdicts: names instead of numbers, one sentence that says why, what
 * would prove a suspicion, and the chain of evidence in the order in which a person
 * would check it: what is recorded, by which source, how old; what was observed, when
 * and on what kind of port; the receipts of the switches that matter; the arithmetic
 * with its figures; the rule. Cost is paid for each discrepancy that is shown, never
 * for a row. Texts from records and devices are passed on as they are: escaping for
 * a terminal or for JSON is the printer's. */

/* Makes words of one verdict, all in `arena`. */
void render_verdict(const struct world *world, const struct verdict_list *list,
                    const struct verdict *verdict, struct arena *arena, struct discrepancy *ret);

/* A chain under construction; its texts are in the arena. */
struct chain {
    struct arena *arena;
    struct evidence *items;
    size_t count, capacity;
};

/* Adds a step: what kind of statement, by which source, of when, saying what. The
 * texts are borrowed: the arena's or the world's. */
void chain_add(struct chain *chain, const char *what, const char *source, struct wall at,
               const char *text);

/* Adds what the records say of the guest: its NIC rows and its hypervisor's places. */
void chain_guest(struct chain *chain, const struct world *world, const struct guest_view *view);

/* Adds the attachments of a hypervisor. */
void chain_attachments(struct chain *chain, const struct world *world, uint32_t hypervisor);

/* Adds a sighting, with the class of its port. */
void chain_sighting(struct chain *chain, const struct world *world, struct mac mac,
                    const struct sighting *sighting);

/* Adds all that was heard of the MAC, what ended or is too old to say where it is too. */
void chain_heard_of(struct chain *chain, const struct world *world, struct mac mac);

/* Adds the receipt of the switch that has `port`. */
void chain_receipt(struct chain *chain, const struct world *world, uint32_t switch_index);

/* Ends the chain: returns its items, in the arena. */
const struct evidence *chain_end(struct chain *chain);

/* Returns the guest's name. */
const char *render_guest_name(const struct world *world, uint32_t nic);

#endif
