/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_MODEL_EVENT_H
#define MUSTER_MODEL_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/ip.h"
#include "base/mac.h"

/* An event: one fact that a source heard rather than polled (DOMAIN 1.7). RADIUS
 * accounting, Mobile IPv6 signalling, announcements, traps and bridges all end here,
 * so that the judge, the store and `muster watch` know one kind of thing.
 *
 * Who: a MAC or an IP (home) address, and where a source knows both, both (DOMAIN
 * F20). Where: a switch and a port by name, or a care-of address. Which session:
 * `nas` and `session` together name it within its source, so that a stop ends its
 * own session and no other (F9). When: `at` is when it happened, `heard` when Muster
 * heard of it. What it is worth: `proof`.
 *
 * Texts are borrowed for the length of the call that is given the event; whoever
 * keeps one copies it. NULL or "" is "not said", as are MAC_NONE and IP_NONE. */

/* word, enumerator */
#define EVENT_KINDS(KIND)                                                                          \
    KIND("start", EVENT_START)       /* it came: session began, binding registered, MAC learnt */  \
    KIND("update", EVENT_UPDATE)     /* it is still there: interim, refresh, frame seen */         \
    KIND("stop", EVENT_STOP)         /* it went: session ended, deregistered, MAC removed */       \
    KIND("reset", EVENT_RESET)       /* every session of `nas` (at `port`, where given) ended */   \
    KIND("announce", EVENT_ANNOUNCE) /* it says where it is now: GARP, RARP, unsolicited ND */     \
    KIND("hint", EVENT_HINT)         /* something happened at a switch: look there */

enum event_kind {
#define KIND(word, name) name,
    EVENT_KINDS(KIND)
#undef KIND
        EVENT_KIND_COUNT
};

/* Why a switch is worth a look. word, enumerator */
#define EVENT_HINTS(HINT)                                                                          \
    HINT("", EVENT_HINT_NONE)                                                                      \
    HINT("link_up", EVENT_HINT_LINK_UP)                                                            \
    HINT("link_down", EVENT_HINT_LINK_DOWN)                                                        \
    HINT("restart", EVENT_HINT_RESTART)                 /* cold or warm start */                   \
    HINT("topology_change", EVENT_HINT_TOPOLOGY_CHANGE) /* its table was flushed */

enum event_hint {
#define HINT(word, name) name,
    EVENT_HINTS(HINT)
#undef HINT
        EVENT_HINT_COUNT
};

/* What an event is worth as proof. word, enumerator */
#define EVENT_PROOFS(PROOF)                                                                        \
    PROOF("hint", EVENT_PROOF_HINT)   /* could be forged or stale: asks for a probe, no more */    \
    PROOF("heard", EVENT_PROOF_HEARD) /* Muster itself heard a frame from it */                    \
    PROOF("told", EVENT_PROOF_TOLD)   /* an authenticated peer, or the kernel, says so */

enum event_proof {
#define PROOF(word, name) name,
    EVENT_PROOFS(PROOF)
#undef PROOF
        EVENT_PROOF_COUNT
};

struct event {
    enum event_kind kind;
    enum event_hint hint; /* of EVENT_HINT */
    enum event_proof proof;
    const char *source; /* configured name of the source; the feed sets it */
    const char *type;   /* its type word: "radius", "mobile_ip" ...; the feed sets it */
    struct mac mac;     /* MAC_NONE: known by `address` only */
    struct ip address;  /* home address, or the address that an announcement binds */
    const char *switch_name, *port;
    uint16_t vlan; /* 0: not said */
    struct ip care_of, agent, correspondent;
    const char *node;    /* MN-id, user name: for people */
    const char *nas;     /* who keeps the session: its own name for itself, else its address */
    const char *session; /* its number for the session */
    const char *cause;   /* of a stop: terminate cause, "deregistered", "aged" ... */
    struct wall at, heard;
    struct span lifetime; /* gone unless heard again within; 0: not known */
    uint64_t origin;      /* the message that said so, to know it again when its sender, that saw
                             no answer, sends it once more after a restart; 0: not known */
};

/* Returns an event of `kind` in which nothing else is known. */
struct event event_of(enum event_kind kind);

/* Returns the word; never NULL. */
const char *event_kind_word(enum event_kind kind);
const char *event_hint_word(enum event_hint hint);
const char *event_proof_word(enum event_proof proof);

/* Returns what `word` names, the COUNT of the enumeration when nothing. */
enum event_kind event_kind_parse(const char *word);
enum event_hint event_hint_parse(const char *word);
enum event_proof event_proof_parse(const char *word);

#endif
