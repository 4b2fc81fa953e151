/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_WORLD_VIEW_H
#define MUSTER_AUDIT_WORLD_VIEW_H

#include "audit/edge.h"
#include "audit/judge.h"
#include "audit/mac_index.h"
#include "audit/world.h"
#include "base/map.h"

/* The inside of the world, for the modules of audit/ only.
 *
 * Everything that comes by name from several sources is given one number here:
 * switches, ports of the tables that were read, hypervisors, sites, VLAN sets. NICs
 * and guests are numbered through all record sets, in order: NIC n of set s is
 * nic_base[s] + n. Logical ports (a LAG with its members, an MLAG pair) are one
 * `root`. Nothing changes after world_new(). */

#define WORLD_NONE UINT32_MAX
/* A port where several hypervisors are attached (behind a blade switch). */
#define WORLD_SEVERAL (UINT32_MAX - 1)

/* VLAN sets fit a slot's tag when their number is below this. */
enum { WORLD_VLAN_TAGS = 2047 };

struct world_switch {
    const char *name;
    uint32_t site;
    const struct forward_table *table; /* NULL: nothing was read */
    uint32_t table_number;
    const struct failed_source *failed; /* NULL: answered */
    uint32_t hypervisor;                /* whose own bridge it is, else WORLD_NONE */
    uint32_t first_port, port_count;
    bool configured;
    bool topology_known; /* some port is known to lead to another switch, or is recorded */
    bool topology_told;  /* and somebody said so: it is not only inferred from the tables */
    bool edges_assumed;  /* known only because no other switch is configured in the site */
    bool proves_absence; /* whole, not empty, room to learn */
    bool ageing_assumed; /* the device did not tell */
    int64_t started_us, ended_us, ageing_us, poll_error_us;
    int64_t last_read_us;    /* latest sighting that memory has from it: its read before */
    uint16_t *vlans;         /* table's VLAN set -> world's */
    uint32_t next_same;      /* another table of the same switch, WORLD_NONE */
    const char *recorded_as; /* table and line that name it, where it is not configured */
};

struct world_port {
    uint32_t switch_index;
    uint32_t root;       /* port number of the logical port */
    uint32_t hypervisor; /* by attachment or LLDP; WORLD_NONE, WORLD_SEVERAL */
    uint8_t class;       /* enum port_class */
    uint8_t confidence;  /* enum edge_confidence */
    uint8_t reason;      /* enum edge_reason, edge_class.h */
    uint32_t other;      /* reason's own: switch number, port number ... */
    uint32_t place_of;   /* root: whose only place it is; WORLD_NONE, WORLD_SEVERAL */
};

struct world_attachment {
    uint32_t hypervisor;
    struct mac nic_mac;
    uint32_t switch_index; /* WORLD_NONE: not said */
    uint32_t port;         /* port number; WORLD_NONE: not said, not read or no such port */
    const char *switch_name, *port_name; /* "" when not said */
    uint32_t set, line;
};

struct world_hypervisor {
    const char *name;
    uint32_t site;
    uint32_t first_attachment, attachment_count; /* in world.attachments, grouped */
    bool located;    /* some attachment names a port that is, or may be, there */
    bool observable; /* all of its ports prove absence */
    uint8_t reason;  /* enum coverage_reason */
    uint32_t reason_attachment;
    bool has_guests;  /* recorded */
    uint32_t expects; /* guests that should be on the wire */
};

/* A hypervisor's NIC, once for each (hypervisor, MAC). */
struct world_hypervisor_nic {
    uint32_t hypervisor;
    struct mac mac;
};

/* NICs that share a MAC: element of a list sorted by MAC, then NIC. */
struct world_shared_mac {
    uint64_t mac;
    uint32_t nic;
};

/* What was heard of one MAC at one place, or (without fact) a port that no table has.
 * Each has a port number of its own, world.port_count + its place in world.heard, whose
 * world_port repeats the class, root and switch of the port that it is on: so all that the
 * judge asks of a port holds for it too, and a sighting stays eight octets. Only its time
 * is its own (proof.h). */
struct world_heard {
    const struct heard_fact *fact; /* NULL: a port by name only */
    const char *port_name;
    uint32_t on;       /* the port it is on: one that was read, one by name, or `nowhere` */
    uint32_t next;     /* of the same MAC; WORLD_NONE */
    int64_t window_us; /* a frame is proved within this time before `first` (probes) */
    uint16_t vlan;
    bool open;    /* it still stands at world.in.now */
    bool present; /* and no table that was read since knows better: a sighting */
};

struct world_set {
    const struct record_set *set;
    uint32_t nic_base, guest_base;
    struct map hypervisors;             /* name number in the set -> hypervisor */
    uint32_t *hypervisor_numbers;       /* the same as an array, only while the world is built */
    uint16_t *vlans;                    /* set's VLAN set -> world's */
    bool has_gaps;                      /* some NIC has no usable MAC or no hypervisor */
    bool guests_alone;                  /* each has one NIC, in order */
    bool guests_in_order;               /* nics.guest never falls: a guest's NICs stand together */
    uint32_t *guest_start, *guest_nics; /* else: CSR of NICs by guest */
};

struct world {
    struct world_input in;
    /* A recorded source that gave nothing, ever: what it would record is not known, so
     * that something is in no record cannot be observed. NULL: all is known. */
    const struct failed_source *unread_records;
    struct audit_options options;
    struct memory no_memory;
    const struct memory *memory;
    struct names *names; /* sites, switches, hypervisors, ports that were not found */
    struct arena *arena;
    struct vlan_pool *vlans;

    uint32_t *sites; /* site -> name */
    bool *site_whole;
    /* By site: whatever sent no frame after this is in none of its tables; WALL_UNKNOWN.us unless
     * all of them prove absence. */
    int64_t *site_read_us;
    uint32_t site_count;
    struct world_switch *switches;
    uint32_t switch_count;
    struct map switch_of_name; /* name -> first switch of it */
    uint32_t *table_switch;    /* world_input.tables -> switch */
    struct world_port *ports;
    uint32_t port_count;
    struct map places;       /* root << 32 | hypervisor -> 1, of roots that several share */
    struct map unread_peers; /* root -> switch of its MLAG pair that was not read */
    struct world_hypervisor *hypervisors;
    uint32_t hypervisor_count;
    struct map hypervisor_of_name;
    struct world_attachment *attachments;
    uint32_t attachment_count;
    struct world_hypervisor_nic *hypervisor_nics; /* sorted by MAC */
    uint32_t hypervisor_nic_count;

    struct world_set *sets;
    uint32_t nic_count, guest_count;
    struct mac_index index;
    struct world_shared_mac *shared;
    size_t shared_count;
    uint32_t *canonical;  /* guest -> first guest of the same identity; NULL: itself */
    uint32_t *next_guest; /* guest -> next of the same identity; NULL with canonical */
    uint32_t *irregular;  /* guests with several claims that differ; sorted */
    size_t irregular_count;
    struct world_plan *plans; /* CMDB or data-centre model against T3 */
    size_t plan_count;
    /* What was heard; all empty, and `nowhere` WORLD_NONE, where nothing was. */
    struct world_heard *heard;
    uint32_t heard_count;
    size_t heard_capacity;
    struct map heard_of_mac;           /* MAC -> the first */
    struct map heard_places;           /* hash of switch and port names -> port number */
    uint32_t nowhere;                  /* port number of "heard somewhere" */
    struct map windows;                /* MAC -> number of world.in.windows */
    const struct world_opened *opened; /* discrepancies younger than `memory`; NULL */
};

/* Since when a discrepancy stands, where memory cannot know it: an event opened it, or this very
 * round. *ret_broken: it was gone since memory was loaded, which then says nothing of it. */
struct world_opened {
    int64_t (*since)(const void *aux, const struct world *world, uint8_t kind, uint8_t type,
                     uint32_t subject, uint64_t mac, uint32_t domain,
                     bool *ret_broken); /* WALL_UNKNOWN.us */
    const void *aux;
};

/* A CMDB or data-centre model row that puts a guest on a hypervisor. */
struct world_plan {
    uint32_t guest, hypervisor, set, line;
    uint8_t run_state;
    bool cmdb;
};

/* --- reading it --- */

/* The record set that NIC or guest number `n` belongs to, and its number there. */
const struct world_set *world_nic_set(const struct world *world, uint32_t nic, uint32_t *ret_local);
const struct world_set *world_guest_set(const struct world *world, uint32_t guest,
                                        uint32_t *ret_local);
uint32_t world_nic_guest(const struct world *world, uint32_t nic);
uint32_t world_nic_hypervisor(const struct world *world, uint32_t nic);
struct mac world_nic_mac(const struct world *world, uint32_t nic);
uint16_t world_nic_vlan(const struct world *world, uint32_t nic);
enum run_state world_nic_state(const struct world *world, uint32_t nic);

/* Returns the site of a hypervisor, 0 ("default") for WORLD_NONE. */
uint32_t world_hypervisor_site(const struct world *world, uint32_t hypervisor);

/* Fetches the columns of a NIC that will be asked for soon. */
void world_prefetch_nic(const struct world *world, uint32_t nic);
void world_prefetch_guest(const struct world *world, uint32_t nic); /* its guest's number alone */

/* Returns the first of `world.hypervisor_nics` with `mac`, WORLD_NONE. */
uint32_t world_find_hypervisor_nic(const struct world *world, uint64_t mac);

/* Whether `port` (its logical port) is a place of `hypervisor`. */
bool world_is_place(const struct world *world, uint32_t port, uint32_t hypervisor);

/* Returns the switch of `name` (configured or recorded), WORLD_NONE when unknown. */
uint32_t world_find_switch(const struct world *world, const char *name);

/* Returns the port number that `port` names on `switch_name`, WORLD_NONE. */
uint32_t world_find_port(const struct world *world, const char *switch_name, const char *port);

/* Returns the hypervisor of `name`, WORLD_NONE when unknown; and the words for a
 * port and a site, borrowed from the world. */
uint32_t world_find_hypervisor(const struct world *world, const char *name);
const char *world_port_name(const struct world *world, uint32_t port);
const char *world_site_name(const struct world *world, uint32_t site);

/* --- what was heard (world_heard.c) --- */

/* Returns what was heard at port number `port`, NULL where a table was read. */
static inline const struct world_heard *world_heard_at(const struct world *world, uint32_t port)
{
    return port < world->port_count ? NULL : &world->heard[port - world->port_count];
}

/* Returns one more than the greatest port number. */
static inline uint32_t world_port_end(const struct world *world)
{
    return world->port_count + world->heard_count;
}

/* Returns the first of what was heard of `mac`, NULL; and the next of the same MAC. */
const struct world_heard *world_heard_of(const struct world *world, uint64_t mac);
const struct world_heard *world_heard_next(const struct world *world,
                                           const struct world_heard *heard);

/* Whether tables that were read whole since know better than the session that `heard` is: its
 * last frame is older than any that they could have missed. */
bool world_heard_is_outlasted(const struct world *world, const struct world_heard *heard);

/* Returns the port number of what was heard, for a sighting. */
static inline uint32_t world_heard_port(const struct world *world, const struct world_heard *heard)
{
    return world->port_count + (uint32_t)(heard - world->heard);
}

/* Returns the sighting that a heard fact is. */
static inline struct sighting world_heard_sighting(const struct world *world,
                                                   const struct world_heard *heard)
{
    return (struct sighting){world_heard_port(world, heard), heard->vlan,
                             heard->fact->polled ? heard->fact->age : FORWARD_AGE_UNKNOWN};
}

/* Whether an announcement makes two places of `mac` expected at world.in.now. */
bool world_in_window(const struct world *world, uint64_t mac);

/* Returns the ageing time of the switch that has `port`, microseconds. */
static inline int64_t world_ageing(const struct world *world, uint32_t port)
{
    return world->switches[world->ports[port].switch_index].ageing_us;
}

/* Returns until when what the flushed switch lacks says nothing: one ageing time, microseconds. */
int64_t world_flush_end(const struct world *world, const struct switch_flush *flush);

/* mac_is_station(), decided without a call for nearly every address. */
static inline bool world_is_station(struct mac mac)
{
    uint64_t first = mac.bits >> 40;
    if (first != 0x00 && first != 0x02)
        return first < 0x100 && (first & 1) == 0;
    return mac_is_station(mac);
}

/* Whether two VLAN sets of the world can be one bridge domain: they share a VLAN,
 * or one of them is not known. */
bool world_vlans_overlap(const struct world *world, uint16_t a, uint16_t b);

/* Whether both are known and they share no VLAN. */
static inline bool world_vlans_apart(const struct world *world, uint16_t a, uint16_t b)
{
    return !world_vlans_overlap(world, a, b);
}

/* Whether the row is a sighting at all: learned (or status not read), on a port. */
static inline bool world_row_counts(const struct forward_row *row)
{
    enum forward_status status = forward_row_status(row);
    return row->port != FORWARD_NO_PORT &&
           (status == FORWARD_UNREAD || status == FORWARD_LEARNED || status == FORWARD_OTHER);
}

/* --- building it, each part in its own file --- */

void world_build_nics(struct world *world);  /* world_nics.c */
void world_free_nics(struct world *world);   /* world_nics.c */
void world_build_links(struct world *world); /* world_links.c: logical ports */
void edge_build(struct world *world);        /* edge_class.c */
void world_build_heard(struct world *world); /* world_heard.c: nothing where nothing was heard */

/* Makes room for what is heard: ports that only the record names, and "somewhere". The
 * world's ports, switches and places must be its own. */
void world_heard_open(struct world *world);

/* Ties one fact, which is borrowed, and returns its port number. */
uint32_t world_heard_add(struct world *world, const struct heard_fact *fact);

/* Returns the port number that the names stand for: one that was read, one by name, or
 * `nowhere`. Adds it to what is known, up to a limit. */
uint32_t world_heard_place(struct world *world, const char *switch_name, const char *port);

/* Takes away all facts from the `count`th entry on; ports by name among them stay known. */
void world_heard_cut(struct world *world, uint32_t count);
void world_free_heard(struct world *world);

/* Adds the NICs of guest `guest` (and of the guests that are the same) to
 * `nics` (grown by alloc_grow) and returns their number. */
size_t world_guest_nics(const struct world *world, uint32_t guest, uint32_t **nics,
                        size_t *capacity);

/* Returns the NICs that share `mac`, sorted; none when at most one NIC has it. */
size_t world_shared(const struct world *world, struct mac mac, const struct world_shared_mac **ret);

#endif
