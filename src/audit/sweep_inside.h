/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_SWEEP_INSIDE_H
#define MUSTER_AUDIT_SWEEP_INSIDE_H

#include "audit/judge_view.h"
#include "audit/sweep.h"

/* The inside of a sweep, shared by the full sweep, the incremental re-audit and the
 * rendering. The fast path's whole knowledge of a port is one number, so that a row is
 * settled by comparing it with the owner in the MAC's slot; everything else about a
 * subject is left to the judge, which both paths call in the same order, so that both
 * give the same verdicts in the same order. */

/* A port as the fast path sees it: the one hypervisor whose place it is, or: */
#define FAST_TRANSIT (UINT32_MAX - 1)
#define FAST_SLOW    UINT32_MAX

struct sweep {
    const struct world *world;
    struct wall now;
    struct verdict_list list;
    uint8_t *hypervisors;
    uint32_t *order; /* numbers of the verdicts to report, sorted */
    size_t count;
};

/* Returns the fast path's number for each port of the world; yours to free. */
uint32_t *sweep_fast_ports(const struct world *world);

/* MACs to be judged, each once, in order of first addition. */
struct mac_list {
    struct map numbers; /* MAC -> its place in `macs` */
    uint64_t *macs;
    size_t count, capacity;
};

/* Adds `mac` and returns its number. */
uint32_t mac_list_add(struct mac_list *list, uint64_t mac);
void mac_list_done(struct mac_list *list);

/* Adds what must be judged whatever the tables show: shared MACs, and MACs that memory saw on
 * several edges in turn. */
void sweep_add_standing(const struct world *world, struct wall now, struct mac_list *list);

/* Who the MACs belong to. */
struct sweep_subjects {
    uint32_t *guests; /* a NIC of each, sorted, one a guest and site */
    uint32_t *hypervisors;
    uint64_t *unknown; /* sorted */
    size_t guest_count, hypervisor_count, unknown_count;
};

/* Resolves `list` and the guests with claims that differ, adding to it the other NICs of the guests
 * and hypervisors. */
void sweep_resolve(const struct world *world, struct mac_list *list,
                   struct sweep_subjects *subjects);
void sweep_subjects_done(struct sweep_subjects *subjects);

/* Judges subjects and all that absence concerns. `absent` has the first NIC of guests
 * to ask judge_absent_guest() about, in ascending order. */
struct absent_walk {
    bool (*next)(void *aux, uint32_t *ret_nic);
    void *aux;
};
void sweep_judge(struct sweep *sweep, const struct sweep_subjects *subjects,
                 const struct sighting_source *source, const struct absent_walk *absent);

/* Collapses storms and sorts what is to be reported. */
void sweep_finish(struct sweep *sweep);

#endif
