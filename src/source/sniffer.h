/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_SNIFFER_H
#define MUSTER_SOURCE_SNIFFER_H

#include "capture/capture_hub.h"
#include "contract/plugin.h"

/* Where a sniffing event source gets its packets from: a live interface or a capture
 * file, with the same callbacks for both.
 *
 * On an interface it opens a tap of the hub that all sources share; a source whose
 * environment has no hub (a test, a tool) gets one of its own. A file is replayed as
 * fast as the feed takes events, in slices between which the loop runs, and once to its
 * end: what it tells has the times of the capture.
 *
 * When the feed takes no more events, a live packet's are lost and counted by their
 * source; of a file the same packet comes again a little later, so nothing is lost. While
 * many events wait a file is not read on, so that those who cannot wait have room.
 * After each batch the feed is flushed. An interface that goes away is reported to the
 * feed, which starts the source again. */

struct sniffer;

/* Where a source sniffs, as its configuration says: part of it, as `from`. */
struct sniffer_place {
    char *interface, *file; /* one of the two, else NULL */
};

/* The options that fill the member `from` of `config_type`. */
#define SNIFFER_OPTIONS(config_type)                                                               \
    {.name = "interface",                                                                          \
     .type = OPTION_TEXT,                                                                          \
     .offset = offsetof(config_type, from.interface),                                              \
     .help = "Interface that the mirror port of the switch is connected to."},                     \
    {                                                                                              \
        .name = "file", .type = OPTION_PATH, .offset = offsetof(config_type, from.file),           \
        .help = "Capture file (pcap, pcapng) to replay instead."                                   \
    }

/* Returns false when an event of the packet was refused by the feed. */
typedef bool sniffer_packet_fn(void *aux, enum link_type link, const struct capture_packet *packet,
                               unsigned matched);

/* For a source's `construct`: exactly one of the two must be given. Returns 0 or ERR_SYNTAX. */
int sniffer_check(const struct sniffer_place *from, struct err *err) MUST_USE;

/* Opens interface or file and begins to take the packets of `wants` (enum capture_want). Returns 0
 * with *ret, yours to close, or an error that names what could not be opened. */
int sniffer_open(struct env *env, struct event_feed *feed, const struct sniffer_place *from,
                 unsigned wants, sniffer_packet_fn *packet, void *aux, struct sniffer **ret,
                 struct err *err) MUST_USE;

/* Closes it; NULL is allowed. */
void sniffer_close(struct sniffer *sniffer);

/* Adds its counters: frames, kernel_drops, interface_drops, or file_packets and
 * file_ended (1 when all was read). */
void sniffer_status(struct sniffer *sniffer, struct source_status *to);

/* Appends one counter to `to`. */
void sniffer_add_counter(struct source_status *to, const char *name, uint64_t value, bool loss);

#endif
