/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_LIVE_INSIDE_H
#define MUSTER_AUDIT_LIVE_INSIDE_H

#include "audit/judge_view.h"
#include "audit/live.h"
#include "audit/mobile.h"
#include "audit/row_links.h"
#include "base/map.h"

/* The inside of live.h, shared by its files:
 *
 *   live.c           beginning and end, the world beneath, export
 *   live_origin.c    numbers for places and NAS
 *   live_arrival.c   events, and the test whether one is in order
 *   live_departure.c stops, expiries, time
 *   live_flush.c     hints, and the flushes of switches: their beginning and their end
 *   live_probe.c     wishes, what probes read, migration windows
 *   live_judge.c     judging one subject, and what stands
 *   live_storm.c     many of one kind at one place
 *   live_watch.c     hypervisors that are silent, or heard only
 *   live_keep.c      what is kept for judging a round again, and for a restart
 *
 * The small world on top: `live_base.view` is a copy of the round's world with ports and heard
 * facts of its own. The facts of a subject are added to it when the subject is judged and stay
 * until the caller clears the out, so that verdicts can be put in words; so it grows with
 * what is found between two clearings and not with what is heard. */

/* A verdict that stands: the round's, or an event's since. */
struct standing {
    uint32_t next; /* of the same subject; of free ones; WORLD_NONE */
    uint8_t kind, state, rule, subject_type;
    uint32_t subject; /* NIC, hypervisor or switch; of a MAC: unused, the key has it */
    uint32_t domain;
    uint32_t key_high, key_low; /* the subject's key */
    int64_t first_us;           /* since when, where an event opened it; WALL_UNKNOWN.us */
    uint64_t mac;               /* of a subject that is a MAC */
    uint8_t proofs;             /* kinds of what bore it out so far */
    bool collected;             /* listed by a collective one: not to be told by itself */
    bool said;                  /* of the comparison at hand */
    bool swept;                 /* the round's: memory knows since when */
    bool untold;                /* the round's, and left to the events: nobody was told */
};

/* A hypervisor that no table shows at home. */
struct watch {
    uint32_t hypervisor;
    uint32_t first, count; /* of live_base.watch_macs */
    uint64_t witness;      /* is heard at home; 0: nothing is */
    uint64_t candidate;    /* to be looked at first; 0 */
    uint32_t looked;       /* that many were asked whether they are a witness */
    uint32_t judged;       /* that many were judged again since it became what it is */
    bool known;            /* `witness` holds */
    bool told, heard;      /* something was said of it: whether it is heard */
};

/* An address of it. */
struct watch_mac {
    uint64_t mac;
    uint32_t nic; /* WORLD_NONE: its own */
    uint32_t watch;
};

struct live_base {
    const struct world *world;
    struct world view;
    struct row_links links;
    uint32_t *fast; /* by port number; those by name that were known at first included */
    uint32_t fast_count;
    uint32_t heard_base;    /* entries of view.heard that are not a subject's facts */
    struct map standing_of; /* key -> first standing verdict */
    struct standing *standing;
    size_t standing_count, standing_capacity, standing_live;
    uint32_t standing_free;
    uint64_t *marked;          /* bit a NIC: something stands of its guest */
    uint8_t *hypervisors;      /* as the sweep knew them */
    struct mac_list wandering; /* MACs that the sweep judges whatever their rows are */
    uint32_t *moved;           /* those that moved */
    uint32_t moved_count;
    struct watch *watches;
    struct watch_mac *watch_macs;
    size_t watch_count, watch_capacity, watch_mac_count, watch_mac_capacity;
    struct map watch_of; /* hypervisor -> number of its watch */
    bool watch_busy;     /* some are not known, or have guests to be judged */
    struct subnet_index *subnets;
    int64_t records_us; /* when the oldest of the records was read */
    uint32_t *port_of;  /* place number -> port number + 1; 0: not asked yet */
    size_t port_of_count;
    uint64_t *left; /* addresses that probes have read since, in order */
    size_t left_count;
};

/* That a probe has read an address on a switch. */
struct probed_at {
    uint64_t mac;
    const char *switch_name;
    int64_t started_us;
};

/* A probe's rows, remembered until the switch is read whole. */
struct probed {
    uint64_t mac;
    uint32_t next; /* of the same MAC; of free ones; WORLD_NONE */
    const char *switch_name;
    struct wall started, ended;
    struct heard_fact *facts;
    uint32_t fact_count;
};

struct window_state {
    struct migration_window window;
    struct wall rest_until;
    bool judged; /* its deadline has been worked off */
};

/* The last word of a session came late: when it was true. */
struct delayed {
    struct wall heard, at;
};

enum { DEPARTED_SHARDS = 128, LIVE_SESSIONS_MAX = 64 };
enum { STORM_LISTED = 16, STORM_GROUPS = 4096 };

struct storm_member {
    struct verdict verdict;
    uint64_t mac;
};

/* New verdicts of one kind at one port or switch within a window. */
struct storm_group {
    struct wall began;
    uint32_t count;
    struct storm_member first[STORM_LISTED]; /* those that the collective one lists */
};

/* A mobile node. */
struct mobile_node {
    struct ip home, care_of, agent;
    struct mac mac;
    struct wall first, last; /* at this care-of address; the last sign */
    struct wall said;        /* when the latest of its words was true, */
    struct wall placed;      /* the one that told the care-of address, */
    struct wall agent_said;  /* and the one that was its agent's or named it */
    struct ip told_agent;    /* of the unknown_agent that stands */
    uint32_t nas;            /* who keeps the binding that was spoken of last */
    const struct heard_origin *origin;
    uint64_t standing; /* a bit a kind */
    uint32_t signs;    /* heard at this care-of address */
    uint32_t next_free;
    uint8_t trigger; /* enum mobile_trigger of what stands */
    bool confirmed;
};

/* What was said of a mobile node, to be put in words. */
struct mobile_said {
    struct mobile_node node;
    enum discrepancy_kind kind;
    enum mobile_trigger trigger;
    unsigned others;
};

#define LIVE_SAID UINT32_C(0x80000000) /* live_change.verdict counts in live_out.said */

struct live {
    struct live_options options;
    struct presence *presence;
    struct span hold;        /* the presence's, from the audit options of the world beneath */
    struct arena *arena;     /* names */
    struct map text_numbers; /* hash -> number in `texts` */
    const char **texts;
    size_t text_count, text_capacity;
    struct heard_origin **origins; /* place number -> what it stands for */
    uint32_t *origin_nas;          /* beside origins: live_nas_of() */
    size_t origin_count, origin_capacity, origin_nas_capacity;
    struct map origin_of;
    struct map nas_of; /* hash of source type and NAS -> number */
    uint32_t nas_count;

    struct live_base *base; /* NULL: no world yet */
    struct wall now;        /* of the latest call */
    /* MACs judged, and MACs heard in order, since the last export; and, of the time before the
     * world beneath was exported, those that are still to be looked at in it. */
    struct mac_list touched;
    uint64_t *recent, *again;
    size_t recent_count, recent_capacity, again_count, again_capacity, again_next;
    size_t again_touched; /* the first so many were judged before, */
    size_t again_judged;  /* these are as well, whatever stands: what was probed of them holds */
    size_t mobile_next;   /* mobile nodes that are still to be judged by the new records */

    struct heard_fact *departed; /* ended sessions of guests that should be there */
    size_t departed_count, departed_live, departed_capacity;
    struct map departed_of[DEPARTED_SHARDS]; /* MAC -> its latest; many, so that none grows long */

    struct probed *probed;
    size_t probed_count, probed_capacity, probed_live;
    uint32_t probed_free;
    struct map probed_of;

    struct window_state *windows;      /* in order of their opening */
    size_t window_first, window_count; /* the oldest that is open; how many are */
    size_t window_total, window_capacity;
    struct map window_of;           /* MAC -> its latest */
    struct migration_window window; /* of the guest at hand */

    struct switch_flush *flushes; /* in order of their coming; several of a switch */
    size_t flush_count, flush_capacity;
    struct wall flush_next;           /* when the next of them holds nothing any more */
    struct wall flush_from, flush_to; /* those that began or ended then are looked at, */
    size_t flush_look, flush_left;    /* among `departed`: the next one, how many are left */
    struct wall exported;             /* when the last export began */
    size_t reset_next; /* what stands from here on is looked at for a reset; SIZE_MAX: none */
    bool reset_since;  /* one was heard since the last export */

    struct delayed *delayed;
    struct map delayed_of; /* presence number << 32 | generation -> number */
    size_t delayed_count;

    struct storm_group *storms;
    size_t storm_count, storm_capacity;
    struct map storm_of;

    struct mobile_node *mobiles;
    size_t mobile_count, mobile_capacity;
    uint32_t mobile_free;
    struct map mobile_of;   /* hash of the home address -> number */
    struct map agent_users; /* hash of an unknown agent -> how many nodes' it is */
    struct ip *left_agents; /* of open cases of an earlier run */
    struct map left_of;     /* hash of one -> its number */
    size_t left_agent_count, left_agent_capacity;
    struct ip *agents; /* configured home agents */
    size_t agent_count;

    struct wall probe_second;
    unsigned probes_in_second, everywhere_in_second;

    /* of the judging at hand */
    uint64_t key;
    struct world_opened opened;
    struct sighting_source source;
    struct sighting *found;
    size_t found_capacity;
    struct live_counts counts;
};

/* --- live_origin.c --- */

/* Returns the place number of what the event says of its origin; PRESENCE_NONE at the limit. `key`
 * is live_origin_key() of it, which whoever asks for many computes ahead. */
uint32_t live_origin_of(struct live *live, const struct heard_origin *origin, uint64_t key);
uint64_t live_origin_key(const struct heard_origin *origin);

/* Returns the number of the NAS of an origin whose place number is `place`. */
uint32_t live_origin_nas(struct live *live, const struct heard_origin *origin, uint32_t place);

/* Returns the number of a NAS of a source type; PRESENCE_NONE for "" and at the limit. */
uint32_t live_nas_of(struct live *live, const char *type, const char *nas);

/* Returns the port number of a place in the world beneath. */
uint32_t live_port_of(struct live *live, uint32_t place);

/* Returns the live's own copy of a text, "" for NULL. */
const char *live_text(struct live *live, const char *text);

/* --- live_judge.c --- */

/* The key of a subject: of the guest that has `nic`, of a MAC without record, of a switch. */
uint64_t live_guest_key(const struct world *world, uint32_t nic);
uint64_t live_mac_key(uint64_t mac);
uint64_t live_switch_key(uint32_t switch_index);
uint64_t live_hypervisor_key(uint32_t hypervisor);

/* Judges whoever has `mac` by all that is known of it now; tells what differs from what
 * stands. */
void live_judge(struct live *live, struct mac mac, struct wall now, const char *why,
                struct live_out *out);

/* Tells a verdict that is over already: the guest of `nic` talked while it was off. */
void live_judge_past(struct live *live, uint32_t nic, const struct heard_fact *fact,
                     struct wall now, struct live_out *out);

/* Adds all that is heard and probed of a MAC to the small world; returns whether its last session
 * was stopped. */
bool live_add_facts(struct live *live, uint64_t mac, struct live_out *out);

/* Begins a judging over the small world; judge_free() ends it. */
struct judge *live_judge_begin(struct live *live, struct wall now, struct live_out *out);

/* Makes what the sweep said stand. */
void live_stand_sweep(struct live_base *base, const struct sweep *sweep);

/* Whether something stands of the guest whose NIC the slot is, or of a MAC without record. */
bool live_stands(const struct live_base *base, const struct mac_slot *slot, uint64_t mac);

/* Whether memory has a reason to judge the MAC whatever is heard of it. */
static inline bool live_wanders(const struct live_base *base, uint64_t mac)
{
    return base->wandering.count > 0 && map_find(&base->wandering.numbers, mac) != MAP_NO_VALUE;
}

/* Compares the verdicts from number `first` on with what stands of `key`. */
void live_compare(struct live *live, uint64_t key, size_t first, bool observed, struct wall now,
                  struct live_out *out);

/* --- live_arrival.c --- */

/* Remembers that a MAC was heard in order, or (with RECENT_ENDED) that a session of it came to its
 * end, or to its hold's, and the tables showed that it is in order: the world to come may not. */
#define RECENT_ENDED (UINT64_C(1) << 63)
void live_note_recent(struct live *live, uint64_t mac);

/* Whether the records expect this very thing, and nothing else stands of it. */
bool live_is_in_order(struct live *live, struct mac mac, uint32_t place);

/* --- live.c --- */

/* Looks at some of what was heard while the world beneath was made. */
void live_again(struct live *live, struct wall now, struct live_out *out);

/* --- live_departure.c --- */

/* Whether nothing depends on a session that is over, or not heard of any more: on what it said
 * against another session, or a row, of its guest. */
bool live_is_settled_plainly(struct live *live, const struct mac_slot *slot, struct mac mac);

/* Remembers an ended session of a guest that should be there; forgets those of a MAC. */
void live_departed_add(struct live *live, const struct heard_fact *fact, struct wall now);
void live_departed_forget(struct live *live, uint64_t mac);

/* Takes what is heard of an address: its ended session is forgotten when another one goes on, or a
 * frame came after it. Returns whether there was one. */
bool live_departed_answer(struct live *live, const struct presence_row *row);

/* The one of a MAC, NULL. */
const struct heard_fact *live_departed_find(const struct live *live, uint64_t mac);

/* When the last of its words was true. */
struct wall live_last_of(const struct live *live, const struct presence_row *row);

/* The fact that a row of the list is. */
struct heard_fact live_fact_of(const struct live *live, const struct presence_row *row);

/* After a reset: looks at some of what stands of those whose sessions it ended. Of the others it
 * is no news before it has settled. */
void live_reset_looks(struct live *live, struct wall now, struct live_out *out);

/* Takes a stop: off the list, and judged at once only where something stands. */
void live_stop(struct live *live, const struct event *event, const struct presence_sign *sign,
               struct wall now, struct live_out *out);

/* Whether a table shows the guest where the sweep would ask the judge: what a session that is over,
 * or elsewhere, had to say against that is lost. */
bool live_has_odd_rows(const struct live_base *base, const struct mac_slot *slot, uint64_t mac);

/* Looks at a session of a MAC that has ended, and of which `frame` is the last frame that proves
 * where it was: by its stop, or by its start that came behind it. */
void live_ended(struct live *live, const struct event *event, const struct presence_row *row,
                struct wall frame, struct wall now, struct live_out *out);

/* Judges again the guest of a session that ended, where nothing makes that needless. */
void live_depart_again(struct live *live, const struct heard_fact *departed, struct wall now,
                       struct live_out *out);

/* --- live_flush.c --- */

/* Keeps a flush of a switch, and LIMIT_FLUSHES_A_SWITCH of it in all; returns its number, or
 * SIZE_MAX where there is no room. */
size_t live_flush_put(struct live *live, const struct switch_flush *flush);

/* Takes a hint, which proves nothing. */
void live_hint(struct live *live, const struct event *event, struct wall now, struct live_out *out);

/* Judges what flushes that began or ended since the last export change in a new world. */
void live_flushes_world(struct live *live, struct wall now, struct live_out *out);

/* Judges what ends of flushes bring, some a call: of the switches, and of sessions that ended. */
void live_flushes_due(struct live *live, struct wall now, struct live_out *out);

/* --- live_probe.c --- */

/* Adds a switch to what a wish is about, once. */
void live_wish_switch(struct live_wish *wish, const char *name);

/* Adds a wish; live_wish_probe() for a probe of `mac` on `switch_name` (may be NULL) and wherever
 * it was seen, heard or is expected, unless too many were wished for within the second. */
void live_wish(struct live_out *out, const struct live_wish *wish);
void live_wish_probe(struct live *live, struct mac mac, const char *switch_name, const char *why,
                     struct wall now, struct live_out *out);

/* As live_wish_probe(), of every switch: nobody knows where the address is. LIVE_EVERYWHERE. */
void live_wish_everywhere(struct live *live, struct mac mac, const char *why, struct wall now,
                          struct live_out *out);

/* Lists what probes have read; *ret_count of them, yours to free(). */
struct probed_at *live_probed_list(const struct live *live, size_t *ret_count);

/* What stands of the address by the round's word has not been told. */
void live_untell(struct live *live, uint64_t mac);

/* Forgets what probes read before `world` was polled. */
void live_probed_drop(struct live *live, const struct world *world);

/* Opens a migration window for `mac` unless it has one or must rest; whether one is open. */
void live_window_open(struct live *live, struct mac mac, struct wall now, struct live_out *out);
bool live_in_window(const struct live *live, uint64_t mac, struct wall now);

/* Returns the first deadline, WALL_UNKNOWN; and judges those whose window is over, some a call. */
struct wall live_window_deadline(const struct live *live);
void live_windows_due(struct live *live, struct wall now, struct live_out *out);

/* --- live_keep.c --- */

/* Adds a note. */
void live_note(struct live_out *out, const struct live_note *note);

/* Notes that a session expired. */
void live_note_expired(const struct live *live, const struct presence_row *row,
                       struct live_out *out);

/* --- live_storm.c --- */

/* Counts a new verdict; returns whether it is part of a storm and not to be told. */
bool live_storm(struct live *live, uint32_t number, struct wall now, struct live_out *out);

/* Whether more of the kind at the port, or its switch, would be part of a storm. */
bool live_storming(const struct live *live, enum discrepancy_kind kind, uint32_t port,
                   struct wall now);

/* Tells a collective verdict. */
void live_tell_collective(struct live *live, uint32_t number, struct live_out *out);

/* --- live_watch.c --- */

/* Lists the hypervisors that no table shows, and their addresses. */
void live_watch_base(struct live_base *base);

/* Takes that what is heard of a MAC has changed, which may silence its hypervisor, or the
 * contrary. */
void live_watch_heard(struct live *live, uint64_t mac, struct wall now, struct live_out *out);

/* Looks at some hypervisors that are in doubt, and judges some of their guests. */
void live_watch_some(struct live *live, struct wall now, struct live_out *out);

#endif
