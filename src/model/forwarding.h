/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_MODEL_FORWARDING_H
#define MUSTER_MODEL_FORWARDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/mac.h"
#include "base/names.h"
#include "model/receipt.h"
#include "model/vlan.h"

/* One switch's forward table (T1) as observed in one read, with all that is
 * needed to judge by it: ports, LAG membership, neighbours, own addresses,
 * receipts. Immutable once built; texts are numbers of its own `names`. SNMP,
 * Linux bridge, Open vSwitch, recordings and CSV all end here. */

enum forward_status { /* dot1dTpFdbStatus, RFC 4188; 0 = not read */
                      FORWARD_UNREAD = 0,
                      FORWARD_OTHER = 1,
                      FORWARD_INVALID = 2,
                      FORWARD_LEARNED = 3,
                      FORWARD_SELF = 4,
                      FORWARD_MGMT = 5
};

/* No port: MIB port 0, or a row that has none. Never a place. */
#define FORWARD_NO_PORT UINT32_MAX

enum { FORWARD_AGE_UNKNOWN = 0xffff };

/* 16 bytes: the sweep streams these by the million. */
struct forward_row {
    uint64_t mac_status; /* MAC << 16 | enum forward_status */
    uint32_t port;       /* index into forward_table.ports, FORWARD_NO_PORT */
    vlan_set vlan;       /* in forward_table.vlans */
    uint16_t age;        /* seconds since last refreshed, FORWARD_AGE_UNKNOWN */
};

static inline struct mac forward_row_mac(const struct forward_row *row)
{
    return (struct mac){row->mac_status >> 16};
}
static inline enum forward_status forward_row_status(const struct forward_row *row)
{
    return (enum forward_status)(row->mac_status & 0xff);
}
static inline uint64_t forward_row_key(struct mac mac, enum forward_status status)
{
    return mac.bits << 16 | (uint64_t)status;
}

struct forward_port {
    uint32_t name;        /* ifName, else ifDescr, else "#ifIndex", else "port N" */
    uint32_t descr;       /* ifDescr, NAME_NONE */
    uint32_t alias;       /* ifAlias, NAME_NONE */
    uint32_t if_index;    /* 0 unknown */
    uint32_t bridge_port; /* dot1dBasePort, 0 unknown */
    uint32_t bridge;      /* on a host with several, a number of its own for each; 0 */
    uint32_t aggregate;   /* index of the LAG's aggregate port; its own index when none */
    bool tunnel; /* VTEP/NVE pseudo-port: what is behind it is remote (DOMAIN 2.3 point 6) */
    bool uplink; /* hypervisor's own bridge: leads out, not to a guest */
};

enum neighbour_protocol { NEIGHBOUR_LLDP, NEIGHBOUR_CDP };

struct neighbour {
    enum neighbour_protocol protocol;
    uint32_t port;              /* index into ports, FORWARD_NO_PORT when not resolved */
    struct mac chassis;         /* chassis id where it is a MAC, else MAC_NONE */
    uint32_t chassis_text;      /* as printed; NAME_NONE */
    uint32_t remote_port;       /* as printed; NAME_NONE */
    struct mac remote_port_mac; /* port id where it is a MAC */
    uint32_t system;            /* remote sysName or CDP device id; NAME_NONE */
    uint32_t description;       /* remote sysDescr or CDP platform; NAME_NONE */
};

struct forward_table {
    char *switch_name;   /* configured name, else sysName, else file stem */
    char *site;          /* "default" */
    char *hypervisor;    /* set when this is a hypervisor's own bridge; else NULL */
    char *sys_name;      /* "" unknown */
    char *sys_object_id; /* dotted, "" unknown */
    struct names *names;
    struct vlan_pool *vlans;
    struct forward_port *ports;
    size_t port_count;
    struct forward_row *rows;
    size_t row_count;
    struct neighbour *neighbours;
    size_t neighbour_count;
    struct mac *own_macs; /* bridge address, ifPhysAddress: this switch's own, sorted */
    size_t own_mac_count;
    struct receipt *receipts; /* one a context */
    size_t receipt_count;
    bool whole;                 /* every receipt is whole */
    struct wall started, ended; /* of the whole read; a row was read somewhere between */
    struct span ageing;     /* -1 us when not read: FORWARD_DEFAULT_AGEING is assumed and said */
    uint64_t rejected_rows; /* malformed indices, counted */
    bool cut;               /* LIMIT_FORWARD_ROWS was reached: never whole */
    /* A source that saw several switches (a CSV file of a whole site) hands over a
     * chain; whoever keeps the tables one by one sets this NULL first. */
    struct forward_table *next;
};

/* 802.1D's recommended ageing time, assumed where a device does not tell. */
#define FORWARD_DEFAULT_AGEING span_seconds(300)

/* Returns an empty table; yours to free. Names are copied. */
struct forward_table *forward_table_new(const char *switch_name, const char *site);
/* Frees the table and the chain behind it; NULL is allowed. */
void forward_table_free(struct forward_table *table);

/* Adds a port and returns its index; a port is added once, callers keep the map. */
uint32_t forward_table_add_port(struct forward_table *table, const struct forward_port *port);
/* Adds a row. Returns false when LIMIT_FORWARD_ROWS is reached: the row is not
 * kept and the table cannot be whole. */
bool forward_table_add_row(struct forward_table *table, struct forward_row row);
void forward_table_add_neighbour(struct forward_table *table, const struct neighbour *neighbour);
void forward_table_add_own_mac(struct forward_table *table, struct mac mac);
/* Takes what `receipt` holds and leaves it initialised. */
void forward_table_add_receipt(struct forward_table *table, struct receipt *take);
/* Ends building: sorts own_macs, trims, derives `whole`, `started`, `ended` and
 * `ageing` from the receipts. */
void forward_table_finish(struct forward_table *table);

/* Returns the index of the port that `name` names: by ifName, ifDescr, "#n" as
 * ifIndex, or a long or short form of the same name (GigabitEthernet1/0/1 =
 * Gi1/0/1, port_name.h); FORWARD_NO_PORT when none matches. */
uint32_t forward_table_find_port(const struct forward_table *table, const char *name);

#endif
