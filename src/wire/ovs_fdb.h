/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_OVS_FDB_H
#define MUSTER_WIRE_OVS_FDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mac.h"
#include "base/text.h"

/* What ovs-vswitchd says on its control socket, bytes to structs (DOMAIN 2.9
 * point 4), without a socket.
 *
 * The control socket speaks JSON-RPC 1.0: objects follow each other without any
 * separator, and the result of a command is a text made for people. So there are
 * three layers here: ovs_frame finds where an object ends while it arrives,
 * reading each byte once; ovs_reply_parse takes the text out of it; and the table
 * readers go through the text line by line. The forward table is nowhere else:
 * the database (OVSDB) does not hold it, only the bridges' ageing times.
 *
 * Limits and attacks: names, numbers and lines come from a program that guests
 * can influence only through their MAC addresses; all the same an object larger
 * than OVS_REPLY_LIMIT is refused, a line that is not understood is counted and
 * never guessed at, and names keep to OVS_NAME_SIZE. */

enum { OVS_NAME_SIZE = 64, OVS_REPLY_LIMIT = 256 * 1024 * 1024 };

enum { OVS_PORT_LOCAL = 0xfffe, OVS_PORT_UNKNOWN = 0xffffffff };

/* Finds the end of a JSON object that arrives in pieces. Starts zeroed. */
struct ovs_frame {
    unsigned depth;
    bool in_string, escaped;
};

/* Reads the next `length` bytes. Returns how many of them belong to the object
 * and sets *ret_complete when it ends there. */
size_t ovs_frame_read(struct ovs_frame *frame, const char *bytes, size_t length,
                      bool *ret_complete);

/* Appends the JSON-RPC request number `id` of `method` with `count` text
 * parameters to `to`. */
void ovs_request(struct text *to, unsigned id, const char *method, const char *const *parameters,
                 size_t count);

/* Appends the request number `id` for the `other_config` column of every bridge,
 * to be sent to the database's socket. */
void ovs_request_bridges(struct text *to, unsigned id);

/* Takes the text out of the reply to request `id`. Returns 0 with the text
 * appended to `ret`; ERR_PROTOCOL when it is no reply to it; ERR_NOT_FOUND when
 * the daemon refused the command, whose words `err` then has. */
int ovs_reply_parse(const char *bytes, size_t length, unsigned id, struct text *ret,
                    struct err *err) MUST_USE;

/* Takes the ageing time of `bridge` out of the reply to ovs_request_bridges().
 * Returns 0 with *ret (Open vSwitch's own 300 s where none is set), ERR_NOT_FOUND
 * when the bridge is not in the reply, ERR_PROTOCOL when it is no such reply. */
int ovs_ageing_parse(const char *bytes, size_t length, unsigned id, const char *bridge,
                     struct span *ret) MUST_USE;

/* One line of "fdb/show". */
struct ovs_entry {
    uint32_t port; /* OpenFlow port, OVS_PORT_LOCAL for the bridge's own */
    uint32_t vlan; /* 0: untagged */
    struct mac mac;
    bool is_static;
    uint32_t age; /* seconds; not meaningful when static */
};

/* One port line of "dpif/show". */
struct ovs_port {
    char bridge[OVS_NAME_SIZE], name[OVS_NAME_SIZE], type[OVS_NAME_SIZE];
    uint32_t number; /* OpenFlow port, OVS_PORT_UNKNOWN when it has none */
};

/* One line of "bond/list": `member` is one of its members. */
struct ovs_bond_member {
    char bond[OVS_NAME_SIZE], member[OVS_NAME_SIZE];
};

/* A reader over lines of text; `line` counts from 1. */
struct ovs_lines {
    const char *at, *end;
    char bridge[OVS_NAME_SIZE];        /* dpif/show: whose ports follow */
    char bond[OVS_NAME_SIZE];          /* bond/list: whose members follow */
    const char *members, *members_end; /* bond/list: rest of the member list */
    uint64_t rejected;                 /* lines that were not understood */
};

/* Starts reading `length` bytes of `text`, which must live as long. */
void ovs_lines_start(struct ovs_lines *lines, const char *text, size_t length);

/* Reads the next entry of "fdb/show". Returns false at the end. */
bool ovs_next_entry(struct ovs_lines *lines, struct ovs_entry *ret) MUST_USE;

/* Reads the next port of "dpif/show". Returns false at the end. */
bool ovs_next_port(struct ovs_lines *lines, struct ovs_port *ret) MUST_USE;

/* Reads the next member of "bond/list". Returns false at the end. */
bool ovs_next_bond_member(struct ovs_lines *lines, struct ovs_bond_member *ret) MUST_USE;

/* Reads the next name of "ofproto/list". Returns false at the end. */
bool ovs_next_bridge(struct ovs_lines *lines, char ret[static OVS_NAME_SIZE]) MUST_USE;

/* Reads how many entries the table of "fdb/stats-show" has and can have. Returns
 * 0, or ERR_SYNTAX when the text does not say it. */
int ovs_stats_parse(const char *text, size_t length, uint64_t *ret_current,
                    uint64_t *ret_maximum) MUST_USE;

#endif
