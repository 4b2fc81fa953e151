/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_JUDGE_H
#define MUSTER_AUDIT_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/world.h"

/* The judge: world + subject + clock value -> verdicts (DESIGN section 1 point 4).
 *
 * One function a kind of subject (a guest, a MAC without record, a hypervisor),
 * whoever asks: the sweep after a polling round, the incremental re-audit,
 * `muster why`, and arrival, departure and expiry (live.h). It reads the world and
 * the subject's sightings and writes verdicts to a list; it does no I/O, reads no
 * clock and keeps nothing. Steps P5 to P13 of DOMAIN 1.4, with its flaws resolved
 * as 1.9 says, the decisions of DESIGN section 8, and the arithmetic of proof.h.
 *
 * A verdict is numbers into the world and into the list, so that a million of
 * them cost little; sweep_render() makes words of one. Hostile input (rows, records)
 * can only make verdicts, at most a handful for each subject; the storm rule
 * (storm.h) folds a flood of them into one. */

/* A row that counts as a sighting: 8 bytes. */
struct sighting {
    uint32_t port; /* number of the port in the world */
    uint16_t vlan; /* number of the set in the world */
    uint16_t age;  /* seconds, FORWARD_AGE_UNKNOWN */
};

/* Who a verdict is about, and so what `subject` counts. */
enum verdict_subject {
    SUBJECT_GUEST,      /* number of the guest's first NIC in the world */
    SUBJECT_MAC,        /* element of verdict_list.macs */
    SUBJECT_HYPERVISOR, /* number in the world */
    SUBJECT_SWITCH,     /* number in the world */
    SUBJECT_SOURCE,     /* element of world_input.failed */
    SUBJECT_PORT        /* port number: a collective verdict's only */
};

/* Which rule spoke, for the sentence and the evidence. */
enum verdict_rule {
    RULE_PLAIN,          /* the kind says it all */
    RULE_TRANSIT,        /* seen only in transit, behind a switch that was not read */
    RULE_MARGIN,         /* proved by arithmetic: `margin_us` */
    RULE_NO_SINCE,       /* nobody says since when it is off */
    RULE_FRESH_AGE,      /* the device says when it last heard it */
    RULE_OVERLAP,        /* two intervals that overlap by `margin_us` */
    RULE_INTERLEAVED,    /* A, B, A over several rounds */
    RULE_LASTING,        /* the difference outlasted every old row by `margin_us` */
    RULE_HEARD,          /* a frame or a session proves it, later by `margin_us` */
    RULE_TWICE,          /* heard and read: two kinds of proof, the record older by less */
    RULE_STOPPED,        /* its session ended by itself */
    RULE_RESET,          /* its session ended with all others of its NAS */
    RULE_EXPIRED,        /* its session was not renewed in time */
    RULE_PAST,           /* its session, which is over, had a frame later than the power-off by
                            `margin_us`; or, suspected, outlived it by that */
    RULE_GAP_SWITCH,     /* named in the record, not configured */
    RULE_GAP_ATTACHMENT, /* a hypervisor without attachment */
    RULE_GAP_PORT,       /* a recorded port that its switch does not have */
    RULE_GAP_MAC,        /* a guest without MAC */
    RULE_GAP_HYPERVISOR, /* a guest without hypervisor */
    RULE_CONFLICT_GUEST, /* two hypervisors claim the guest as running */
    RULE_CONFLICT_MAC,   /* two running guests have one MAC */
    RULE_CONFLICT_PLAN   /* CMDB or data-centre model name another hypervisor */
};

struct verdict {
    uint8_t kind;  /* enum discrepancy_kind */
    uint8_t state; /* enum verdict_state */
    uint8_t subject_type;
    uint8_t rule;
    uint32_t subject;
    uint32_t domain;              /* site << 16 | VLAN set */
    uint32_t sighting, sightings; /* range of verdict_list.sightings: observed */
    uint32_t nic, nics;           /* range of verdict_list.nics: NICs concerned */
    uint32_t member, members;     /* range of verdict_list.members: collected verdicts */
    uint32_t collective;          /* the verdict that lists this one; UINT32_MAX */
    uint32_t detail;              /* rule's own: attachment, claim ... */
    int64_t margin_us;            /* of the arithmetic; 0 without */
};

/* An on guest that nothing shows and nothing can be said of (DESIGN section 8
 * point 5). */
struct unobserved {
    uint32_t nic;        /* first NIC of the guest */
    uint32_t hypervisor; /* UINT32_MAX: not recorded */
};

struct verdict_list {
    struct verdict *verdicts;
    struct sighting *sightings;
    uint32_t *nics;
    uint64_t *macs;
    uint32_t *members; /* of a collective verdict: numbers of verdicts, or of NICs */
    struct unobserved *unobserved;
    size_t count, sighting_count, nic_count, mac_count, member_count, unobserved_count;
    size_t capacity, sighting_capacity, nic_capacity, mac_capacity, member_capacity,
        unobserved_capacity;
};

/* Starts an empty list; verdict_list_done() frees what it holds. */
void verdict_list_init(struct verdict_list *list);
void verdict_list_done(struct verdict_list *list);

/* Where the judge gets a MAC's sightings from: the sweep's collection, or the
 * incremental state. Returns their number and sets *ret to them, valid until the
 * next call. */
struct sighting_source {
    size_t (*find)(void *aux, struct mac mac, const struct sighting **ret);
    /* Whether any row is a sighting of `mac`; asked also of MACs that were not
     * collected, because nothing about them was worth it. */
    bool (*is_seen)(void *aux, struct mac mac);
    void *aux;
    /* All rows that the tables of the round have of it, also those that a probe has replaced
     * since: they are part of its way. NULL: `find` leaves none out. */
    size_t (*rows)(void *aux, struct mac mac, const struct sighting **ret);
};

/* What the judge needs to know of a hypervisor that lies outside the one subject:
 * filled before guests are judged. One octet a hypervisor, bits of: */
enum {
    HYPERVISOR_SEEN = 1, /* a guest of it, or a NIC, on a port of it */
    HYPERVISOR_MOVED = 2,
    HYPERVISOR_SILENT = 4,
    HYPERVISOR_SHOWN = 8 /* SEEN in a table, not only heard */
};

/* One judging: its world, its clock value, where sightings come from and where
 * verdicts go. */
struct judge;

/* Begins a judging; everything is borrowed and must outlive it. `hypervisors` has
 * one octet for each hypervisor of the world. Yours to free. */
struct judge *judge_new(const struct world *world, struct wall now,
                        const struct sighting_source *source, struct verdict_list *out,
                        uint8_t *hypervisors);
void judge_free(struct judge *judge); /* NULL is allowed */

/* Judges whether a hypervisor's own NICs are where the attachments say; sets
 * HYPERVISOR_MOVED. Comes before the guests. */
void judge_hypervisor_place(struct judge *judge, uint32_t hypervisor);

/* Judges whether a hypervisor is heard at all; sets HYPERVISOR_SILENT. Comes after
 * the guests that were seen and before the ones that were not. */
void judge_hypervisor_silence(struct judge *judge, uint32_t hypervisor);

/* Judges the guest that owns NIC number `nic`: location, state, VLAN, duplicates
 * and conflicts. Whether some of its NICs are missing is said too when any was seen;
 * a wholly unseen guest is judge_absent_guest()'s. Returns whether it was seen. */
bool judge_guest(struct judge *judge, uint32_t nic);

/* Judges the guest that owns NIC number `nic`, of which nothing but absence is worth a
 * word: silent, with NICs silent, not observable, or nothing. Does nothing unless
 * `nic` is the first of the guest's NICs that miss, so that a caller may ask for each.
 * `unseen`: judge_guest() has found that none of its sightings is its own. */
void judge_absent_guest(struct judge *judge, uint32_t nic, bool unseen);

/* Whether a MAC that no record has is worth judging: a guest's by its prefix, or any station's in
 * port mode. */
bool judge_wants_unknown(const struct world *world, struct mac mac);

/* Judges a MAC that no record has. */
void judge_unknown_mac(struct judge *judge, struct mac mac);

/* Judges the end of a session at port number `port` of the world, which is one of the guest
 * that owns NIC number `nic` and should not communicate: the verdict off_but_seen says of a time
 * that is over that the guest talked while it was off (DOMAIN F1b). Confirmed where a frame of
 * the session came later than the recorded power-off by more than clock error and the settle
 * time. That it ended late is none: whoever keeps it learns only by a timer of his own that the
 * guest is gone. So that is the normal result within such a timer (the switch's ageing, or
 * `heard_hold`) and the settle time; beyond, it is suspected, unless tables that were read since
 * know better. Returns whether anything was said; `detail` of the verdict is by how many seconds
 * the session outlived the power-off. */
bool judge_past(struct judge *judge, uint32_t nic, uint32_t port);

/* Adds the verdict on flush number `flush` of world_input. */
void judge_flush(struct judge *judge, uint32_t switch_index, uint32_t flush);

/* Judges what the records and receipts alone say: gaps. */
void judge_records(struct judge *judge);

/* Ends the judging: adds the guests that moved with their hypervisor, or are silent
 * with it, as members to its verdict. */
void judge_finish(struct judge *judge);

#endif
