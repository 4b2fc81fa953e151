/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_RTNL_FDB_H
#define MUSTER_WIRE_RTNL_FDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/mac.h"

/* The kernel's bridge forward tables as rtnetlink messages (DOMAIN 2.9, points 1
 * to 3), bytes to structs and back, without a socket.
 *
 * A forward table is read by two dumps: RTM_GETLINK names the ports and tells
 * which bridge they belong to, what kind of device they are and how long their
 * bridge remembers; RTM_GETNEIGH with family AF_BRIDGE lists the entries, each
 * with the time since a frame last refreshed it, which no MIB offers. A stream of
 * messages is cut by rtnl_next(); what is of no interest comes back as
 * RTNL_OTHER. The same messages, unasked, tell each change (multicast group
 * RTNLGRP_NEIGH); an entry that was taken out since it was silent is RTNL_EXPIRED in them.
 *
 * Limits and attacks: the peer is the kernel, yet every length is checked against
 * the bytes that are there, attributes that are too short or repeated are
 * ignored or overwritten, names are cut at the kernel's own size and always
 * terminated, and each step consumes at least one header, so any bytes end in a
 * bounded number of steps. Nested attributes are read to depth three, no deeper. */

enum { RTNL_NAME_SIZE = 16, RTNL_KIND_SIZE = 16, RTNL_REQUEST_SIZE = 64 };

/* "Not said" for ages and ageing times. */
#define RTNL_NO_TIME UINT32_MAX

enum rtnl_what {
    RTNL_ENTRY,    /* a forward entry */
    RTNL_GONE,     /* a forward entry that was just taken out */
    RTNL_LINK,     /* a network device */
    RTNL_DONE,     /* the dump is complete */
    RTNL_ERROR,    /* the kernel refused; `error` says why */
    RTNL_OTHER,    /* nothing that we read */
    RTNL_MALFORMED /* the rest of the bytes cannot be read */
};

enum rtnl_entry_state {                /* what the kernel's NUD state and flags say of an entry */
                        RTNL_LEARNED,  /* from a frame */
                        RTNL_EXPIRED,  /* learnt, aged out, not yet collected */
                        RTNL_STATIC,   /* put there by an administrator */
                        RTNL_LOCAL,    /* the bridge's or a port's own address */
                        RTNL_EXTERNAL, /* put there by a control plane (EVPN): it is elsewhere */
                        RTNL_SELF      /* of the device's own filter, not of the bridge */
};

struct rtnl_entry {
    struct mac mac;
    enum rtnl_entry_state state;
    uint32_t if_index; /* the port */
    uint32_t master;   /* the bridge, 0 when not said */
    uint32_t vlan;     /* 0: the bridge does not look at VLANs */
    uint32_t age_cs;   /* centiseconds since a frame refreshed it, RTNL_NO_TIME */
};

struct rtnl_link {
    uint32_t if_index;
    uint32_t master; /* if_index of its bridge (or bond), 0 */
    uint32_t peer;   /* veth: if_index of the other end in this namespace, 0 */
    struct mac address;
    char name[RTNL_NAME_SIZE];
    char kind[RTNL_KIND_SIZE];       /* "bridge", "tun", "veth" ...; "" for hardware */
    char slave_kind[RTNL_KIND_SIZE]; /* "bridge" when it is a bridge's port */
    uint32_t port_number;            /* the bridge's number of this port, 0 */
    uint32_t ageing_cs;              /* of a bridge, RTNL_NO_TIME */
    bool vlan_filtering;             /* of a bridge */
    bool learning;                   /* of a bridge's port; true when not said */
};

struct rtnl_message {
    enum rtnl_what what;
    uint32_t sequence; /* of the request that it answers */
    bool interrupted;  /* the table changed under the dump: ask again */
    int error;         /* RTNL_ERROR and RTNL_DONE: errno, 0 for none */
    union {
        struct rtnl_entry entry; /* RTNL_ENTRY, RTNL_GONE */
        struct rtnl_link link;
    };
};

/* Cuts the first message off `*at`, which holds `*left` bytes, and fills *ret.
 * Returns false at the end; after RTNL_MALFORMED nothing is left. */
bool rtnl_next(const uint8_t **at, size_t *left, struct rtnl_message *ret) MUST_USE;

/* Writes the request for a dump of all network devices, without statistics.
 * Returns its length in bytes. */
size_t rtnl_request_links(uint8_t buffer[static RTNL_REQUEST_SIZE], uint32_t sequence);

/* Writes the request for a dump of the forward entries of the bridge with this
 * if_index, of all bridges when it is 0. The filter needs a socket with
 * NETLINK_GET_STRICT_CHK; older kernels ignore it, so compare `master` too.
 * Returns its length in bytes. */
size_t rtnl_request_entries(uint8_t buffer[static RTNL_REQUEST_SIZE], uint32_t sequence,
                            uint32_t bridge);

#endif
