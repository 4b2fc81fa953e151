/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SIM_DATACENTRE_STATE_H
#define MUSTER_SIM_DATACENTRE_STATE_H

#include "sim/datacentre.h"
#include "sim/random.h"

/* What a simulated data centre is made of: shared by the files that build it
 * (generate.c), let things happen in it (happenings.c) and read it
 * (datacentre.c, forward.c); nobody else includes this. All instants are
 * microseconds of the simulated clock. Guests, hypervisors and stations refer to
 * each other by index, because every array grows while things happen; only
 * names are pointers, allocated once and kept until the data centre is freed, so
 * that truths and events may hold them. */

#define FOREVER INT64_MAX

enum { SIM_UUID_SIZE = 37, SIM_ATTACHMENTS_MAX = 4, SIM_NICS_MAX = 4 };

/* A station speaks here, in this VLAN, at `first`, `first` + `period` ... */
struct sim_stay {
    struct fabric_place place;
    int64_t from, to; /* speaks while from <= t < to */
    int64_t period, first;
    uint16_t vlan;
    bool directed; /* frames reach only the switches up to the root */
};

struct sim_station {
    struct mac mac;
    int64_t period;
    struct sim_stay *stays;
    size_t stay_count, stay_capacity;
};

struct sim_attachment {
    struct fabric_place place; /* the logical port: an aggregate where it is a LAG */
    uint32_t station;          /* of the NIC that is cabled there */
};

struct sim_hypervisor {
    char *name;
    struct sim_attachment attachments[SIM_ATTACHMENTS_MAX]; /* as cabled */
    unsigned attachment_count;
    unsigned active;  /* which attachment carries the guests of even number */
    bool shares_load; /* guests of odd number use the next attachment */
    bool speaks_lldp;
    bool touched; /* a fault concerns it: chance takes another one */
};

struct sim_guest {
    char *name;
    char uuid[SIM_UUID_SIZE];
    uint32_t hypervisor; /* where it really is */
    uint32_t nics[SIM_NICS_MAX];
    uint16_t vlans[SIM_NICS_MAX]; /* as recorded */
    unsigned nic_count;
    uint32_t home;        /* hypervisor in the record; FABRIC_NONE: not recorded */
    uint32_t second_home; /* a second record's; FABRIC_NONE */
    uint32_t flaps_with;  /* the other hypervisor of a flap; FABRIC_NONE */
    unsigned flaps;
    enum run_state run_state, recorded_state;
    int64_t state_since, recorded_since;
    bool wire_expected;
    bool touched;
};

struct sim_pending {
    int64_t at;
    uint64_t order; /* equal times happen in the order of scheduling */
    enum sim_action action;
    bool record_follows; /* not an action: the record of `guest` becomes true */
    uint32_t guest, hypervisor, switch_index;
    int64_t lag;
};

struct sim_switch_state {
    bool alive;
    int64_t booted;
};

struct datacentre {
    struct datacentre_shape shape;
    struct sim_random random;
    int64_t now;
    struct fabric fabric;
    struct sim_switch_state *switch_states;
    uint16_t *vlans;
    size_t vlan_count;
    struct sim_station *stations;
    size_t station_count, station_capacity;
    struct sim_hypervisor *hypervisors;
    size_t hypervisor_count, hypervisor_capacity;
    struct sim_guest *guests;
    size_t guest_count, guest_capacity;
    struct sim_recorded_attachment *attachments;
    size_t attachment_count, attachment_capacity;
    struct sim_pending *pending; /* sorted by time, then order */
    size_t pending_count, pending_capacity;
    uint64_t next_order;
    uint64_t record_changes;
    const char *last_scheduled;
    struct sim_truth *truths;
    size_t truth_count, truth_capacity;
    uint32_t next_mac;
};

/* --- building (generate.c) --- */

/* Adds a silent station and returns its index. */
uint32_t sim_add_station(struct datacentre *dc, struct mac mac);

/* Lets a station speak from `from` on, beside what it does already. */
void sim_station_speak(struct datacentre *dc, uint32_t station, struct fabric_place place,
                       uint16_t vlan, bool directed, int64_t from);

/* Adds a guest with `nic_count` NICs that speaks on its hypervisor since `from`
 * and is recorded there as on; returns its index. */
uint32_t sim_add_guest(struct datacentre *dc, const char *name, uint32_t hypervisor,
                       unsigned nic_count, int64_t from);

/* Adds a hypervisor without attachments; returns its index. */
uint32_t sim_add_hypervisor(struct datacentre *dc, const char *name);

/* Cables a hypervisor's NIC (FABRIC_NONE: a new one) to a port, and records it;
 * returns the station of the NIC. */
uint32_t sim_attach(struct datacentre *dc, uint32_t hypervisor, struct fabric_place place,
                    uint32_t station, int64_t from);

/* Returns a free access port of the switch, a new one if need be. */
uint32_t sim_free_port(struct datacentre *dc, uint32_t switch_index);

/* Returns where the frames of a guest enter the fabric when it runs on
 * `hypervisor`. */
struct fabric_place sim_guest_place(const struct datacentre *dc, uint32_t guest,
                                    uint32_t hypervisor);

/* Returns the next guest MAC, of one of the hypervisors' prefixes. */
struct mac sim_next_guest_mac(struct datacentre *dc);

/* --- happening (happenings.c) --- */

/* Lets one pending event happen; `event` is a copy, off the queue. */
void sim_happen(struct datacentre *dc, const struct sim_pending *event);

/* Puts an event into the queue. */
void sim_enqueue(struct datacentre *dc, struct sim_pending event);

/* Adds to the truth; `subject` must live as long as the data centre. */
void sim_truth_add(struct datacentre *dc, enum discrepancy_kind kind, const char *subject,
                   struct mac mac, int64_t from);

/* The last frame of `stay` at or before `at`; INT64_MIN when there is none. */
int64_t sim_stay_last_frame(const struct sim_stay *stay, int64_t at);

#endif
