/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SIM_DATACENTRE_H
#define MUSTER_SIM_DATACENTRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mac.h"
#include "model/discrepancy.h"
#include "model/forwarding.h"
#include "model/run_state.h"
#include "sim/fabric.h"

/* A data centre that exists only as arithmetic: switches, hypervisors, guests,
 * what the records say of them, and a clock that runs.
 *
 * Whoever speaks is a *station* (a guest's NIC, a hypervisor's, a router, a
 * server). Where a station speaks is a list of *stays*: a place, a VLAN, an
 * interval, a rhythm of frames. Nothing is simulated frame by frame: the last
 * frame of a stay before any instant is one division, and a switch's forward
 * table at an instant is, for each station and VLAN, the direction of the latest
 * frame that reached the switch and is not older than its ageing time. So a
 * table costs O(stations), is exact at any instant, and two processes with one
 * seed and one clock see the same world. Broadcast frames reach every switch
 * (each learns each MAC of each VLAN, as flooding does); a stay may also be
 * *directed*, its frames reaching only the switches between it and the root:
 * that is how an old switch keeps a stale row after a silent move, and how a
 * clone shows on two edges at once.
 *
 * The records are a second, separate state: what guests.csv and attachments.csv
 * say. Actions change the network, the records or both; where both, the records
 * may follow later (`lag`) or never. Every action that makes a discrepancy adds
 * to the *truth*: what an audit which reads everything should find, of which
 * subject and in which interval. Actions carry a time and happen when
 * datacentre_advance() passes it; going back in time is not possible.
 *
 * Reproducible: the same shape and calls give the same world; chance comes from
 * the seed alone (random.h). Not thread-safe, does no I/O (records.h writes the
 * files). Limits: a VLAN fits 12 bits, a fabric's own limits hold; memory is
 * about 250 bytes a NIC. */

struct datacentre;

struct datacentre_shape {
    uint64_t seed;
    unsigned switches, hypervisors, guests; /* at least 1, 0, 0 */
    unsigned vlans;                         /* guest VLANs, 1 to 64 */
    unsigned stations;                      /* servers and printers on access ports */
    bool mlag;                              /* one MLAG pair, from 4 switches on */
    bool dialects;                          /* agents show their tables in several ways */
    enum fabric_dialect dialect;            /* else all in this one */
    bool settled;                           /* nobody is off, paused or not on the wire */
    struct span ageing;                     /* of every switch */
    struct wall start;                      /* the clock's first instant */
};

/* Sets a small world: 6 switches, 8 hypervisors, 48 guests, ageing 300 s. */
void datacentre_shape_init(struct datacentre_shape *shape);

/* Builds the data centre of `shape`, everything right and recorded, speaking
 * since an hour before `shape->start`; yours to free. */
struct datacentre *datacentre_new(const struct datacentre_shape *shape);

/* Builds the golden example of DOMAIN 30: switch sw1 with ports A and B, hosts
 * hostA and hostB, guests A to E, and its three discrepancies; yours to free. */
struct datacentre *datacentre_new_golden(struct wall start);

/* Frees `dc`; NULL is allowed. */
void datacentre_free(struct datacentre *dc);

/* --- the clock --- */

/* Returns the present instant of the simulated clock. */
struct wall datacentre_now(const struct datacentre *dc);

/* Moves the clock to `now` (not before its present instant: then nothing moves)
 * and lets every scheduled action up to then happen, in order of time. */
void datacentre_advance(struct datacentre *dc, struct wall now);

/* --- what happens --- */

/* word in scripts and on the control socket, enumerator, what it takes:
 * subject (guest, hypervisor or switch) and target (hypervisor or switch) */
#define SIM_ACTIONS(ACTION)                                                                        \
    ACTION("migrate", SIM_MIGRATE)         /* guest [hypervisor]: announced by a broadcast */      \
    ACTION("silent-move", SIM_SILENT_MOVE) /* guest [hypervisor]: the old switch is not told */    \
    ACTION("clone", SIM_CLONE)             /* guest [hypervisor]: a second copy speaks there */    \
    ACTION("power-off", SIM_POWER_OFF)     /* guest: off, and recorded off */                      \
    ACTION("zombie", SIM_ZOMBIE)           /* guest: recorded off, goes on speaking */             \
    ACTION("power-on", SIM_POWER_ON)       /* guest: on, and recorded on */                        \
    ACTION("unknown", SIM_UNKNOWN)         /* hypervisor: an unrecorded guest starts there */      \
    ACTION("crash", SIM_CRASH)             /* guest: recorded on, falls silent */                  \
    ACTION("nic-crash", SIM_NIC_CRASH)     /* guest: its last NIC falls silent */                  \
    ACTION("recable", SIM_RECABLE)         /* hypervisor [switch]: other port, not recorded */     \
    ACTION("die", SIM_DIE)                 /* hypervisor: it and its guests fall silent */         \
    ACTION("failover", SIM_FAILOVER)       /* hypervisor: other recorded uplink; no fault */       \
    ACTION("wrong-vlan", SIM_WRONG_VLAN)   /* guest: speaks in another VLAN than recorded */       \
    ACTION("access-port", SIM_ACCESS_PORT) /* guest [switch]: speaks from an access port */        \
    ACTION("flap", SIM_FLAP)               /* guest [hypervisor]: between two ports, and back */   \
    ACTION("conflict", SIM_CONFLICT)       /* guest [hypervisor]: a second record claims it */     \
    ACTION("no-attachment", SIM_NO_ATTACHMENT) /* hypervisor: its attachments are not recorded */  \
    ACTION("switch-dies", SIM_SWITCH_DIES)     /* switch: answers no more, frames still pass */    \
    ACTION("switch-returns", SIM_SWITCH_RETURNS) /* switch: restarts with an empty table */        \
    ACTION("inventory", SIM_INVENTORY)           /* guest [hypervisor]: only the record changes */

enum sim_action {
#define ACTION(word, name) name,
    SIM_ACTIONS(ACTION)
#undef ACTION
        SIM_ACTION_COUNT
};

/* Returns the word of `action`. */
const char *sim_action_word(enum sim_action action);

/* Returns the action that `word` names, SIM_ACTION_COUNT when none. */
enum sim_action sim_action_parse(const char *word);

/* For `lag`: the records never follow. */
#define SIM_NEVER span_us(-1)

/* One thing that happens at a time. */
struct sim_event {
    struct wall at;
    enum sim_action action;
    const char *subject; /* name; NULL or "": any that suits, by the seed */
    const char *target;  /* name; NULL or "": any other that suits */
    struct span lag;     /* when the records follow; SIM_NEVER */
};

/* Schedules `event`; one that lies in the past happens at the next advance.
 * Subjects are resolved now. Returns 0, ERR_NOT_FOUND when a name is not known
 * or nothing suits (a clone needs two hypervisors), with the reason in `err`. */
int datacentre_schedule(struct datacentre *dc, const struct sim_event *event,
                        struct err *err) MUST_USE;

/* Returns the name of the guest, hypervisor or switch that the latest successful
 * datacentre_schedule() took; "" before the first. Borrowed. */
const char *datacentre_last_scheduled(const struct datacentre *dc);

/* Parses "migrate web03 hv02", "clone web07", with an optional " lag=20s", as
 * scripts and the control socket spell it, into an event at `at` whose names
 * point into `line` (changed by this call). Returns 0 or ERR_SYNTAX. */
int sim_event_parse(char *line, struct wall at, struct sim_event *ret, struct err *err) MUST_USE;

/* --- what should be found --- */

struct sim_truth {
    enum discrepancy_kind kind;
    const char *subject; /* guest, hypervisor or switch name; "" for an unknown guest */
    struct mac mac;      /* of the guest (its first NIC); MAC_NONE where none applies */
    struct wall from;    /* an audit that reads everything from here on says it */
    struct wall to;      /* and until here; WALL_UNKNOWN while it lasts */
};

/* Returns the whole truth so far, in order of time, and sets *ret_count;
 * borrowed until the next advance. */
const struct sim_truth *datacentre_truth(const struct datacentre *dc, size_t *ret_count);

/* --- what can be read --- */

/* Returns the switches and cables; borrowed. */
const struct fabric *datacentre_fabric(const struct datacentre *dc);

/* Whether the switch's agent answers, and since when its sysUpTime counts. */
bool datacentre_switch_alive(const struct datacentre *dc, uint32_t switch_index);
struct wall datacentre_switch_booted(const struct datacentre *dc, uint32_t switch_index);

/* Returns the guest VLANs and sets *ret_count; borrowed. The infrastructure's own
 * VLAN (hypervisors, routers) is the first. */
const uint16_t *datacentre_vlans(const struct datacentre *dc, size_t *ret_count);

struct sim_forward_row {
    struct mac mac;
    uint32_t port; /* index into the switch's ports; FABRIC_NONE: port 0 */
    uint16_t vlan;
    uint16_t age; /* seconds since the last frame */
    enum forward_status status;
};

/* Computes the forward table of a switch at the present instant, sorted by VLAN,
 * then MAC: learned rows, the switch's own address (self) and one static row
 * (mgmt). Sets *ret_count; the rows are yours to free(). */
struct sim_forward_row *datacentre_forward(const struct datacentre *dc, uint32_t switch_index,
                                           size_t *ret_count);

/* Which LLDP neighbour a physical port has. */
struct sim_neighbour {
    uint32_t local_port;
    struct mac chassis;
    const char *system, *port, *description; /* borrowed */
};

/* Computes the LLDP neighbours of a switch (switches and those hypervisors that
 * speak LLDP), sorted by port. Sets *ret_count; yours to free(). */
struct sim_neighbour *datacentre_neighbours(const struct datacentre *dc, uint32_t switch_index,
                                            size_t *ret_count);

/* --- what is recorded --- */

/* Returns a number that rises whenever the records change. */
uint64_t datacentre_record_changes(const struct datacentre *dc);

struct sim_recorded_nic {
    const char *hypervisor, *guest, *uuid;
    struct mac mac;
    enum run_state run_state;
    struct wall state_since;
    uint16_t vlan;
    bool wire_expected;
};

/* Returns the rows of guests.csv as the records stand now. Sets *ret_count;
 * yours to free(). */
struct sim_recorded_nic *datacentre_recorded_nics(const struct datacentre *dc, size_t *ret_count);

struct sim_recorded_attachment {
    const char *hypervisor;
    struct mac nic_mac;
    struct fabric_place place;
};

/* Returns the rows of attachments.csv as the records stand now. Sets *ret_count;
 * yours to free(). */
struct sim_recorded_attachment *datacentre_recorded_attachments(const struct datacentre *dc,
                                                                size_t *ret_count);

#endif
