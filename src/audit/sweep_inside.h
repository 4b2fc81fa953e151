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

/* MACs to be judged, each once, in order of first addition. */
struct mac_list {
    struct map numbers; /* MAC -> its place in `macs` */
    uint64_t *macs;
    size_t count, capacity;
};

/* The first look at a row; parts that are NULL are not kept. */
struct first_pass {
    const struct world *world;
    const uint32_t *fast;
    uint64_t *seen;       /* bit a NIC of the index */
    uint8_t *hypervisors; /* gets HYPERVISOR_SEEN */
    uint32_t *at_home;    /* a hypervisor's rows at home: gets `weight` more */
    uint32_t weight;      /* 1, or UINT32_MAX to take away */
    struct mac_list *odd; /* MACs that the judge must see */
    uint32_t odd_rows;    /* gets 1 more a row that makes its MAC such a one */
};

/* Looks at one sighting of a MAC that has `slot` in the world's index. */
void sweep_pass(struct first_pass *pass, const struct mac_slot *slot, uint32_t port, uint16_t vlan);

/* The same at a port that was heard of since `fast` was made. */
void sweep_pass_at(struct first_pass *pass, const struct mac_slot *slot, uint32_t port,
                   uint16_t vlan);

/* Whether a MAC that no record has is worth a look by the judge. */
bool sweep_is_suspect(const struct world *world, uint64_t mac);

/* Looks at all that was heard and still stands. */
void sweep_pass_heard(struct first_pass *pass);

/* Puts one MAC's sightings in the order in which they are judged. */
void sweep_order(struct sighting *sightings, size_t count);

/* Walks the zeros of the seen bitmap that are worth a question: for absent_walk. */
struct sweep_zeros {
    const struct world *world;
    const uint64_t *seen;
    uint32_t next; /* NIC */
    size_t set;
};
bool sweep_next_zero(void *aux, uint32_t *ret_nic);

/* Returns the fast path's number for each port of the world; yours to free. */
uint32_t *sweep_fast_ports(const struct world *world);

/* Adds `mac` and returns its number. */
uint32_t mac_list_add(struct mac_list *list, uint64_t mac);
void mac_list_done(struct mac_list *list);

/* Adds what must be judged whatever the tables show: shared MACs, and MACs that memory saw on
 * several edges in turn, of late. `now` WALL_UNKNOWN adds those that may be so at any time. */
void sweep_add_standing(const struct world *world, struct wall now, struct mac_list *list);

/* Who the MACs belong to. */
struct sweep_subjects {
    uint32_t *guests; /* a NIC of each, sorted, one a guest and site */
    uint32_t *hypervisors;
    uint64_t *unknown; /* sorted */
    size_t guest_count, hypervisor_count, unknown_count;
};

/* Resolves `list` and, when asked, the guests with claims that differ, adding to it the other NICs
 * of the guests and hypervisors. */
void sweep_resolve(const struct world *world, struct mac_list *list, bool irregular,
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
