/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_JUDGE_VIEW_H
#define MUSTER_AUDIT_JUDGE_VIEW_H

#include "audit/judge.h"
#include "audit/proof.h"
#include "audit/world_view.h"

/* The inside of the judge, for its own files and for those that put verdicts in
 * words.
 *
 * A guest_view is what all records together say of one guest: its NICs, each once
 * however many sources and left-over definitions name it; who claims to run it; and
 * what follows: whether it should communicate, since when it is off, and on which
 * hypervisors it is expected (DESIGN section 8 point 4). Claims that say "should
 * communicate" outweigh the unknown, which outweigh the off: a left-over definition
 * on another hypervisor is not a conflict. Of two sources that speak of the same
 * hypervisor the newer one holds. */

struct claim {
    uint32_t hypervisor, nic; /* a NIC row that makes the claim */
    int64_t as_of_us, since_us;
    uint8_t communicates, run_state;
};

struct view_nic {
    uint32_t nic;
    struct mac mac;
    uint16_t vlan;
    uint8_t wire; /* enum tristate */
    bool seen;
};

enum { VIEW_EXPECTED_MAX = 16 }; /* hypervisors that can claim one guest; more are cut */

struct guest_view {
    uint32_t guest, first_nic, site;
    struct view_nic *nics;
    struct claim *claims;
    size_t nic_count, claim_count, nic_capacity, claim_capacity;
    uint32_t expected[VIEW_EXPECTED_MAX];
    size_t expected_count;
    uint8_t communicates; /* enum tristate */
    uint8_t run_state;
    int64_t since_us; /* recorded; WALL_UNKNOWN.us */
    int64_t as_of_us; /* oldest of the deciding claims */
    bool conflict;    /* two hypervisors claim to run it */
    bool located;     /* some expected hypervisor's place is recorded */
    bool migrating;
    bool has_uuid;
    uint16_t vlan;                 /* of its bridge domain: the first that the record gives a NIC */
    const struct world_plan *plan; /* that puts it on another hypervisor; NULL */
};

/* What was found about one kind for one guest, gathered over its NICs. */
struct finding {
    struct sighting *sightings;
    uint32_t *nics;
    size_t sighting_count, nic_count, sighting_capacity, nic_capacity;
    uint8_t state, rule;
    int64_t margin_us;
    uint16_t vlan; /* of the first sighting or NIC: the domain */
    uint32_t site;
    bool found;
};

struct judge {
    const struct world *world;
    struct wall now;
    const struct sighting_source *source;
    struct verdict_list *out;
    uint8_t *hypervisors;
    struct map moved;              /* root << 32 | hypervisor -> its verdict: where it is now */
    struct map hypervisor_verdict; /* hypervisor -> its moved or silent verdict */
    uint32_t *collected;           /* pairs (verdict, NIC): guests to list under a hypervisor */
    size_t collected_count, collected_capacity;
    struct guest_view view;
    struct finding findings[DISCREPANCY_KIND_COUNT];
    struct sighting *edges, *transit; /* of the NIC at hand */
    size_t edge_count, transit_count, edge_capacity, transit_capacity;
    uint32_t *scratch_nics;
    size_t scratch_capacity;
    bool trusts_heard; /* a frame heard counts even where nothing else bears it out */
    bool heard_only;   /* the split left such frames out */
};

/* Fills `view` with what the records say of the guest that owns `nic`. */
void view_build(const struct world *world, uint32_t nic, struct guest_view *view,
                uint32_t **scratch, size_t *scratch_capacity);
void view_done(struct guest_view *view);

/* Writes the guest's identity: its uuid, else "site/name". */
void view_identity(const struct world *world, uint32_t first_nic, struct text *to);

/* Whether `port` is a place where the guest may be: recorded, told by LLDP, or where
 * its hypervisor has moved. */
bool judge_is_expected(const struct judge *judge, const struct guest_view *view, uint32_t port);

/* Whether two ports are one place: one logical port, or ports of one hypervisor. */
bool judge_same_place(const struct judge *judge, uint32_t a, uint32_t b);

/* Whether the hypervisor's own NICs were seen on `port`'s place rather than on the recorded one. */
bool judge_has_moved_to(const struct judge *judge, uint32_t port, uint32_t hypervisor);

/* Whether the view's guest may be where `edge` is: also where nobody recorded its place. */
bool judge_in_place(const struct judge *judge, const struct sighting *edge);

/* Whether another guest that has the MAC of `nic` too is expected on `port` (DOMAIN F15): then a
 * sighting there, in the VLAN set `vlan`, is that guest's. */
bool judge_is_anothers(struct judge *judge, const struct view_nic *nic, uint32_t port,
                       uint16_t vlan);

/* Leaves of the split sightings those that are the view's guest's; returns whether there are
 * any. */
bool judge_owns_sightings(struct judge *judge, const struct view_nic *nic);

/* Whether the sighting is a row that was read, by a round or a probe, and was not heard. */
bool judge_is_read(const struct world *world, const struct sighting *sighting);

/* Splits a MAC's sightings in the view's site into edges and transit. */
void judge_split(struct judge *judge, uint32_t site, const struct sighting *sightings,
                 size_t count);

/* Whether two sightings can be in one bridge domain: one site, a VLAN in common. */
bool judge_one_domain(const struct judge *judge, const struct sighting *a,
                      const struct sighting *b);

/* Returns the VLAN set that names the bridge domain of `sighting`: the narrowest of those
 * that the split MAC's sightings have in its domain, so that the name stays the same
 * wherever it is seen. */
uint16_t judge_domain_vlan(const struct judge *judge, const struct sighting *sighting);

/* Whether nothing says that a hypervisor is on `port`. */
bool judge_no_hypervisor(const struct judge *judge, uint32_t port);

/* By how much a row has outlasted every older one since `since`, when the case was
 * opened; PROOF_NONE while the record of `as_of_us` may still follow. */
int64_t judge_lasting(const struct judge *judge, const struct sighting *sighting, int64_t since,
                      int64_t as_of_us);

/* Adds non_hypervisor_port for `mac`; `nic` is the guest's that has it, or
 * WORLD_NONE. */
void judge_access_port(struct judge *judge, struct mac mac, uint32_t nic,
                       const struct sighting *sighting, uint32_t site, int64_t as_of_us);

/* Says which NICs of the view's guest, which was seen, are missing. */
void judge_missing_nics(struct judge *judge);

/* By how much the record that decides, read at `as_of_us`, had time to follow what was both
 * heard and, later, read at one place (two independent kinds of proof); PROOF_NONE. */
int64_t judge_twice(const struct judge *judge, const struct sighting *sightings, size_t count,
                    int64_t as_of_us);

/* P8: adds to the findings of the view's guest, which should not communicate since `since`
 * (microseconds, WALL_UNKNOWN.us), that `nic` is seen where it is recorded. */
void judge_state(struct judge *judge, const struct view_nic *nic, int64_t since);

/* Whether the view's guest is off for less than ageing + poll error, as far as every split
 * sighting tells: then they are only ageing, wherever they are (DESIGN section 8 point 7). */
bool judge_is_only_ageing(const struct judge *judge);

/* Adds to the findings of the view's guest what its ended and expired sessions say. */
void judge_departures(struct judge *judge);

/* Whether the end of the session `fact` says nothing for as long as `flush` holds. */
bool judge_flush_covers(const struct world *world, const struct switch_flush *flush,
                        const struct heard_fact *fact);

/* The finding of `kind` for the guest at hand, begun if it is new; its NICs and sightings;
 * and its proof: the best margin decides. */
struct finding *judge_find(struct judge *judge, enum discrepancy_kind kind);
void judge_find_nic(struct finding *finding, const struct view_nic *nic);
void judge_find_sighting(const struct judge *judge, struct finding *finding,
                         const struct sighting *sighting);
void judge_find_margin(struct finding *finding, int64_t margin, enum verdict_rule rule);

/* The instant from which a frame of the view's guest proves a zombie: the record's, else
 * Muster's own first reading of "off"; WALL_UNKNOWN.us. */
int64_t judge_off_since(const struct judge *judge);

/* Whether every recorded place of the view's guest proves absence. */
bool judge_may_conclude_absence(const struct judge *judge);

/* Whether `row` was read before a session at another place of its bridge domain began that has
 * `ended` since by its own stop or with its NAS: the address had left the row's place. */
bool judge_is_outdated(const struct judge *judge, const struct sighting *row,
                       const struct world_heard *ended);

/* Drops edges that a later read supersedes (DOMAIN 2.3 point 4), or a session that is over. */
void judge_supersede(struct judge *judge, struct mac mac);

/* How often the MAC changed its edge lately, and whether it came back. */
struct history {
    unsigned moves;      /* within flap_window */
    unsigned wanderings; /* within interleave_window */
    bool interleaved;    /* A, B, A within interleave_window */
    uint32_t other;      /* port of B */
};
struct history judge_history(const struct judge *judge, struct mac mac);

/* Collects the sightings of one MAC from all tables into `*list`, yours to free();
 * returns their number. One stream over all rows. */
size_t edge_sightings(const struct world *world, struct mac mac, struct sighting **list);

/* When the MAC was first seen on `port`'s place without a break until this round;
 * this round's read start when memory has nothing, WALL_UNKNOWN.us where no frame proves it. */
int64_t judge_first_on(const struct judge *judge, struct mac mac, uint32_t port);

/* Since when the discrepancy has stood; WALL_UNKNOWN.us. */
int64_t judge_open_since(const struct judge *judge, enum discrepancy_kind kind,
                         enum verdict_subject type, uint32_t subject, uint32_t domain);

/* Returns the domain by which the discrepancy stands, `domain` when it does not: what was seen
 * since can name the same bridge domain by more VLANs, or fewer, and a case keeps its name. */
uint32_t judge_standing_domain(const struct judge *judge, enum discrepancy_kind kind,
                               enum verdict_subject type, uint32_t subject, uint32_t domain);

/* Appends the identity of a discrepancy: kind, subject, bridge domain. */
void judge_identity(const struct world *world, const struct verdict_list *list,
                    enum discrepancy_kind kind, enum verdict_subject type, uint32_t subject,
                    uint32_t domain, struct text *to);

/* Appends "site/10", "site" where no VLAN is known. */
void judge_domain(const struct world *world, uint32_t domain, struct text *to);

/* Adds a verdict without ranges and returns it, valid until the next one is added. */
struct verdict *judge_add(struct judge *judge, enum discrepancy_kind kind, enum verdict_state state,
                          enum verdict_rule rule, enum verdict_subject type, uint32_t subject,
                          uint32_t domain);

/* Gives the latest verdict its sightings or NICs. */
void judge_add_sightings(struct judge *judge, const struct sighting *sightings, size_t count);
void judge_add_nics(struct judge *judge, const uint32_t *nics, size_t count);

/* Notes that the guest of `nic` belongs under hypervisor's verdict. */
void judge_collect(struct judge *judge, uint32_t hypervisor, uint32_t nic);

static inline uint32_t judge_site_of(const struct judge *judge, const struct sighting *sighting)
{
    return judge->world->switches[judge->world->ports[sighting->port].switch_index].site;
}

static inline uint32_t domain_of(uint32_t site, uint16_t vlan)
{
    return site << 16 | vlan;
}

#endif
