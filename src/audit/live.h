/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_LIVE_H
#define MUSTER_AUDIT_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/presence.h"
#include "audit/sweep.h"
#include "audit/world.h"
#include "base/arena.h"
#include "base/check.h"
#include "model/discrepancy.h"
#include "model/event.h"

/* The event triggers of the judge: arrival, departure, expiry (DOMAIN 1.7, points 50 to 55).
 *
 * Polling finds a discrepancy within a round, events find it within seconds; what they find
 * is the same, because both ask the same judge (judge.h) about the same kind of facts
 * (heard.h). An event first goes to the expiry list (presence.h). Then the one question is
 * whether it is plainly in order: a recorded guest that should communicate, at a port of its
 * own hypervisor, in its VLAN, of which nothing stands. That costs a look into the world's
 * MAC index and a comparison with the port's owner, as in the sweep, and nothing else
 * happens. Everything else is judged as a whole: all that is heard of the guest's addresses,
 * all rows that the tables of the last round show of them, and what probes have read since,
 * are sightings of one small world on top of the round's, and the judge's verdicts are
 * compared with those that stand. What is new, changed or gone goes to the caller.
 *
 *   start, update (S1 to S4)  on the list, judged at once: unknown_guest, wrong_location,
 *                             off_but_seen, wrong_vlan, duplicate_guest, non_hypervisor_port
 *   stop (E1, E2)             ends its own session only (F9); judged when it has settled:
 *                             unexpected_stop, unless another session goes on or a frame was
 *                             overheard after it. A session in which a frame came later than
 *                             the recorded power-off proves a zombie that is over (F1b), one
 *                             that ends long after it suggests one: LIVE_PAST
 *   expiry (X1, X2)           session_expired, unless a table still shows the address (F2)
 *   time                      what it alone changes: also that a session without a lifetime was not
 *                             heard of for `heard_hold`, that a migration window is over, and
 *                             that a flushed switch holds nothing any more
 *   of a whole hypervisor     hypervisor_silent, of those that no table shows at home: with the
 *                             first and the last session there
 *   reset of a NAS            closes its sessions, which is no news of their guests until it has
 *                             settled: what they show stands so long. What has not come back
 *                             is judged like a stop, and a flood of it is one collective case
 *   announcement              a frame heard; where a record puts the address elsewhere it
 *                             opens a migration window: two places are expected until its
 *                             deadline, then it is judged. A window is not opened again
 *                             for a while, so that repeated announcements hide nothing
 *   hint (trap)               proves nothing: asks for a probe of the address, or a poll of
 *                             the switch. A restart or topology change holds what absence
 *                             says there for one ageing time, and is a switch_flush
 *
 * What suggests a discrepancy asks for a probe at once: an exact-instance read of that one
 * address on the switches that matter. Its rows come back by live_probe_result() and are
 * facts beside what was heard: two independent kinds of proof. A frame that Muster only
 * overheard could be forged, so it makes no verdict until a table or a session bears it out.
 *
 * Identities that are addresses (Mobile IPv6) go the same way, judged by mobile.h:
 * unknown_mobile, unknown_agent, wrong_subnet, off_but_seen; unexpected_stop, session_expired. A
 * round neither opens nor clears what stands of them.
 *
 * A round replaces the world beneath: live_base_new() does the heavy part (in the judge's
 * thread), live_set_world() takes it over in a time that depends on what stands and on what
 * was heard since live_export(), not on the number of guests. What live_export() gives must
 * be in the world_input of that round: so the sweep says what the events said.
 *
 * Storms: more than storm_count verdicts of one kind at one port or switch within a window
 * become one collective case, and no more are worded until the window is over.
 *
 * No I/O, no clock: `now` comes with each call and must not go backwards by more than the
 * clock skew; the same calls give the same output. All memory is bounded: the expiry list by
 * its own limits, the rest by LIMIT_LIVE_*; what does not fit is counted.
 *
 * Attacks considered: forged frames (borne out or silent), floods of unknown addresses (no
 * verdict without a row; probes are asked for at most LIVE_PROBES a second; storms),
 * announcements that would keep a window open (one in ten minutes), stops of other people's
 * sessions (a session's key), replayed starts (generation, grave stones), a NAS whose ports
 * are not the recorded ones (its place is "somewhere": never a wrong_location). */

struct live;

struct live_options {
    struct presence_options presence;
    struct span window_rest;  /* no second window for an address within; 600 s as delivered */
    struct span storm_window; /* 60 s as delivered */
    struct span departed_for; /* an ended session is remembered so long; 24 h */
    unsigned probes_a_second; /* 200 as delivered */
    uint64_t secret;          /* of session hashes: kept with the list across restarts */
};

/* Sets the values as delivered; `secret` is 0. */
void live_options_init(struct live_options *options);

/* Starts without a world: everything is put on the list and nothing judged. The audit options
 * (settle times, windows) are those of the world that is set. Yours to free. */
struct live *live_new(const struct live_options *options, struct wall now);
void live_free(struct live *live); /* NULL is allowed */

/* Sets the home agents that are known beside the recorded ones (mobile.h); copied. */
void live_set_agents(struct live *live, const struct ip *agents, size_t count);

/* --- what comes out --- */

enum live_change_kind {
    LIVE_OPENED,  /* a verdict that did not stand before */
    LIVE_CHANGED, /* one that stands has another state or rule */
    LIVE_GONE,    /* one that stood is not said any more */
    LIVE_PAST     /* one that is over already: to be opened and closed at once */
};

struct live_change {
    enum live_change_kind kind;
    enum discrepancy_kind what;
    const char *identity; /* the case's key; the out's arena */
    bool observed;        /* of LIVE_GONE: its subject was seen in order, or proved to be */
    uint32_t verdict;     /* inside; not of LIVE_GONE */
};

enum live_wish_kind {
    LIVE_WISH_PROBE,  /* read `mac` alone on `switches` (none: wherever it may be) */
    LIVE_WISH_POLL,   /* read `switch_name` whole, now */
    LIVE_WISH_RECORDS /* read the records again: they may not have followed yet */
};

/* LIVE_EVERYWHERE: probes a second of all switches. Anybody can announce an invented address, and
 * each switch is asked only so often (`probe_rate` of the daemon). */
enum { LIVE_PROBE_SWITCHES = 16, LIVE_EVERYWHERE = 5 };

struct live_wish {
    enum live_wish_kind kind;
    struct mac mac;
    const char *switches[LIVE_PROBE_SWITCHES]; /* configured and recorded names; the out's */
    size_t switch_count;
    const char *why; /* one word: "arrival", "departure", "announcement", "trap" ... */
};

/* What followed besides verdicts and wishes, for who keeps it: a restart goes on with it, and a
 * round can be judged again. */
enum live_note_kind {
    LIVE_NOTE_WINDOW, /* an announcement opened a migration window */
    LIVE_NOTE_FLUSH,  /* a switch forgot its table */
    LIVE_NOTE_EXPIRED /* a session was concluded to be over: nothing was heard of it in time */
};

struct live_note {
    enum live_note_kind kind;
    struct presence_id id;   /* WINDOW, EXPIRED: whose */
    struct wall at, until;   /* WINDOW: opened, deadline; FLUSH: heard; EXPIRED: its date */
    const char *switch_name; /* FLUSH */
    enum event_hint hint;
    /* FLUSH: who said so; EXPIRED: who had told of the session. The live's own texts. */
    const char *source, *type, *nas;
    uint64_t session; /* EXPIRED: presence_session_hash() by the options' secret */
};

struct verdict_list; /* judge.h */
struct mobile_said;

/* Collects what several calls bring. Read it, render it, then clear it; a change can be
 * rendered until then or until the next live_set_world(). */
struct live_out {
    struct live_change *changes;
    size_t change_count;
    struct live_wish *wishes;
    size_t wish_count;
    struct live_note *notes;
    size_t note_count;
    /* inside */
    size_t change_capacity, wish_capacity, note_capacity;
    struct verdict_list *list;
    struct mobile_said *said;
    size_t said_count, said_capacity;
    struct arena *arena;
    struct live *live;
};

/* One a live. */
void live_out_init(struct live_out *out, struct live *live);
void live_out_clear(struct live_out *out);
void live_out_done(struct live_out *out);

/* Makes words of the `number`th change, which is not LIVE_GONE, all in `arena`. */
void live_out_render(const struct live_out *out, size_t number, struct arena *arena,
                     struct discrepancy *ret);

/* --- the world beneath --- */

struct live_base;

/* Prepares `world`, whose verdicts `sweep` has, for the events: about as long as a sweep over
 * it takes. Borrows both until it is freed; from live_set_world() on nobody else may use the
 * world at the same time. Yours to free unless it is set. */
struct live_base *live_base_new(const struct world *world, const struct sweep *sweep);

struct live_facts;

/* Before live_set_world(), of a world with tables that are older than some probes (each switch is
 * polled at its own time): leaves to the events what the sweep said of addresses that were read
 * since. live_base_leaves() says whether it is so with `mac`: then nobody is to be told the sweep's
 * verdict; live_set_world() judges the address again and opens what holds. */
void live_base_leave(struct live_base *base, const struct live_facts *facts);
bool live_base_leaves(const struct live_base *base, struct mac mac);
void live_base_free(struct live_base *base); /* NULL is allowed */

/* Takes `base` over (NULL: no world) and returns the one before, yours to free, in any thread and
 * also after the world that it borrowed. Its world was built with what the last live_export_begin()
 * began to give; what was heard since is looked at again by this call and the ticks that follow.
 * Clears `out` first. */
struct live_base *live_set_world(struct live *live, struct live_base *base, struct wall now,
                                 struct live_out *out) MUST_USE;

/* What is to go into the next round's world_input. */
struct live_facts {
    struct heard_fact *heard;
    struct migration_window *windows;
    struct switch_flush *flushes;
    size_t heard_count, window_count, flush_count;
    /* inside */
    struct probed_at *probed; /* what probes have read */
    size_t probed_count;
    size_t heard_capacity;
    uint32_t cursor, departed;
    struct wall began;
};

/* Begins an export at `now`. */
void live_export_begin(struct live *live, struct wall now, struct live_facts *ret);

/* Copies up to `most` sessions; returns false when that was all. Between two calls events may
 * come. The facts' texts live as long as `live`. */
bool live_export_step(const struct live *live, struct live_facts *facts, size_t most);
void live_facts_done(struct live_facts *facts);

/* Says how each heard fact of the world beneath `base` is to be kept for judging the round again
 * (store/told.h): `ret_keep` has one enum heard_keep for each of world_input.heard. Whole is kept
 * what its verdicts rest on: all facts of an address of which one is not plainly in order.
 * Linear in what was heard. */
void live_base_keep(const struct live_base *base, uint8_t *ret_keep);

/* The rules of the export, for who puts the rows of an earlier instant together again
 * (store/heard.h).
 *
 * Whether a row of the list is told to a round. */
bool live_row_tells(const struct presence_row *row);

/* The fact that a row is. `last` is when it was last true, which is before row->heard when the
 * word came late: live_row_last(). */
struct heard_fact live_row_fact(const struct presence_row *row, const struct heard_origin *origin,
                                struct wall last);

/* Returns when a word was true that claims `at` and came at `heard`. */
struct wall live_row_last(struct wall at, struct wall heard);

/* --- events and time --- */

/* Takes one event. Its texts are copied where they are kept. */
void live_event(struct live *live, const struct event *event, struct wall now,
                struct live_out *out);

/* Takes events in their order; what each needs is fetched ahead, so best 16 to 64 at once. */
void live_events(struct live *live, const struct event *events, size_t count, struct wall now,
                 struct live_out *out);

/* Tells what a probe of `mac` on `switch_name` read between `started` and `ended`: `count` rows
 * (none: the switch does not have it now) in terms of port names. */
struct live_probe_row {
    const char *port;
    uint16_t vlan, age; /* 0, FORWARD_AGE_UNKNOWN: not said */
};
struct live_probe {
    struct mac mac;
    const char *switch_name;
    struct wall started, ended;
    const struct live_probe_row *rows;
    size_t count;
};
void live_probe_result(struct live *live, const struct live_probe *probe, struct wall now,
                       struct live_out *out);

/* Lets time pass: settle times, expiries, deadlines of windows; a bounded piece of work. Call
 * again while live_next() is not after `now`. */
void live_tick(struct live *live, struct wall now, struct live_out *out);

/* Returns when live_tick() has something to do; WALL_UNKNOWN: nothing. */
struct wall live_next(const struct live *live);

/* --- looking --- */

struct live_counts {
    uint64_t events, in_order, judged, probes_wished, probes_held_back, probe_results;
    uint64_t unmapped; /* at a place that no table and no record has */
    uint64_t unborne;  /* frames heard that nothing bore out */
    uint64_t past, windows, storms, full;
    uint32_t departed, open_windows, probed, places, standing;
};

/* Sets *ret to what has happened so far. */
void live_count(const struct live *live, struct live_counts *ret);

/* One verdict that stands: of the last round, or told since. */
struct live_stand {
    const char *identity;
    enum verdict_state state;
};

/* Sets *ret to all that stands of what events judge, in `arena`; returns how many. */
size_t live_standing(const struct live *live, struct arena *arena, struct live_stand **ret);

/* The expiry list, for listings and to keep it across a restart. Its numbers of NAS and
 * place: live_origin(). */
struct presence *live_presence(const struct live *live);

/* Says that the clock which gives `now` was set: presence_clock_set(). */
void live_clock_set(struct live *live, struct span by);

/* Returns what a row's place number stands for; NULL for none. And the number for it, of an
 * earlier run's row: to be loaded with presence_load() by live_restore(). */
const struct heard_origin *live_origin(const struct live *live, uint32_t place);

/* Puts back a row of an earlier run, which was at `origin`. */
void live_restore(struct live *live, const struct presence_row *row,
                  const struct heard_origin *origin, struct wall now);

/* Puts back what an earlier run had besides, before there is a world: a session that had ended
 * and settled, of a guest that should be there (nothing changes if one of its MAC is known);
 * a migration window, in the order of deadlines, also one that only rests any more; a flush. */
void live_restore_departed(struct live *live, const struct heard_fact *fact, struct wall now);
void live_restore_window(struct live *live, const struct migration_window *window, struct wall now);
void live_restore_flush(struct live *live, const struct switch_flush *flush);

/* A binding of an earlier run, whose session live_restore() puts back. */
struct live_binding {
    struct ip home, care_of;
    struct mac mac;         /* link-layer id; MAC_NONE */
    const char *peer;       /* who keeps it: an address, else whatever */
    struct wall said, last; /* when its last word was true, and when it came */
    bool borne_out;         /* more than one packet told of it */
};

/* Puts back, before there is a world, a case of an address that is open: it is judged as soon as
 * there is a world, whatever became of the node since. `address` is the agent's of an
 * unknown_agent. And then where mobile nodes are; of several bindings of one the newest holds. */
void live_restore_binding(struct live *live, const struct live_binding *binding,
                          const struct heard_origin *origin);
void live_restore_stood(struct live *live, enum discrepancy_kind kind, const struct ip *address,
                        bool confirmed);

#endif
