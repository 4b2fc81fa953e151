/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CAPTURE_CAPTURE_HUB_H
#define MUSTER_CAPTURE_CAPTURE_HUB_H

#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "capture/capture_file.h"
#include "capture/capture_filter.h"

/* Live interfaces: one packet socket an interface, shared by every source that sniffs
 * there.
 *
 * Each source opens a tap and says what it wants (capture_filter.h). The hub opens the
 * interface once, attaches the filter for what all taps want together, and gives each
 * tap the frames that may matter to it. It captures through libpcap with the kernel's
 * ring of blocks (TPACKET_V3): frames that pass the filter are copied, to at most
 * CAPTURE_SNAP octets, into a ring of CAPTURE_RING_BYTES; a block is handed over when
 * it is full or after CAPTURE_BLOCK_MS, so an idle mirror costs nothing and a full one
 * no system call a frame.
 *
 * The loop is never held: after CAPTURE_TURN_US of frames the rest waits for the next
 * turn. What the kernel had to drop meanwhile is counted (capture_tap_stats), never
 * silently lost. When the interface goes away every tap is told once and gets nothing
 * more; its owner closes it and may open another. Once all have, the socket is bound to the
 * interface that has the name then: so one that was deleted and made anew is heard again, without
 * privilege.
 *
 * Opening needs CAP_NET_RAW; later changes of the filter do not. An interface stays open,
 * with a filter that takes nothing, when its last tap is closed, so that a daemon which
 * has dropped its privileges can open a tap there again; at most CAPTURE_IDLE_MAX do. */

enum {
    CAPTURE_SNAP = 512,
    CAPTURE_RING_BYTES = 8 * 1024 * 1024,
    CAPTURE_BLOCK_MS = 100,
    CAPTURE_TURN_US = 2000,
    CAPTURE_IDLE_MAX = 16 /* interfaces that are kept open without tap */
};

struct loop;
struct capture_hub;
struct capture_tap;

struct capture_listener {
    /* A frame that may matter: `matched` says to what (enum capture_want). */
    void (*packet)(void *aux, enum link_type link, const struct capture_packet *packet,
                   unsigned matched);
    void (*pause)(void *aux); /* no more frames in this turn; NULL */
    /* Nothing comes any more; may close the tap. */
    void (*failed)(void *aux, const struct err *err);
    void *aux;
};

struct capture_stats {
    uint64_t received; /* frames that passed the kernel's filter, for all taps together */
    uint64_t dropped;  /* of these, lost because the ring was full */
    uint64_t missed;   /* frames that the interface itself lost */
};

/* Returns a hub; yours to free. The loop must outlive it. */
struct capture_hub *capture_hub_new(struct loop *loop);

/* Frees the hub and closes its interfaces; every tap must be closed before. NULL is
 * allowed. */
void capture_hub_free(struct capture_hub *hub);

/* Opens a tap on `interface` for what `wants` (enum capture_want). Returns 0 with *ret,
 * yours to close, or ERR_DENIED, ERR_NOT_FOUND, ERR_SYSTEM, ERR_UNSUPPORTED (a link
 * type that is not read); the message names the interface. `listener` is copied; none
 * of its functions is called before this has returned. */
int capture_tap_open(struct capture_hub *hub, const char *interface, unsigned wants,
                     const struct capture_listener *listener, struct capture_tap **ret,
                     struct err *err) MUST_USE;

/* Closes a tap; also from within a listener. NULL is allowed. */
void capture_tap_close(struct capture_tap *tap);

/* Fills in the interface's counters since the tap was opened. */
void capture_tap_stats(struct capture_tap *tap, struct capture_stats *ret);

#endif
