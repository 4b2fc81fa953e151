/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_TESTS_STORY_H
#define MUSTER_TESTS_STORY_H

#include "audit/sweep.h"
#include "audit/world.h"

/* A data centre under a fake clock, for scenes and random worlds: what is recorded, what
 * the switches have in their tables and what Muster remembers can be changed between
 * rounds; each round builds fresh snapshots, judges them, and carries memory on the way
 * the store does (intervals of reads that showed a MAC, guests first read as off,
 * discrepancies that stand). Times are whole seconds of one day. */

struct event;
struct live_base;

struct story_guest {
    char hypervisor[64], name[64], mac[24], state[16], since[40], vlan[24], wire[8], uuid[64];
};
struct story_attachment {
    char hypervisor[64], mac[24], sw[64], port[64];
};
struct story_row {
    char port[64], mac[24], vlan[24];
    int status, age;
};
struct story_port {
    char name[64], aggregate[64];
    bool uplink, tunnel;
};
struct story_switch {
    char name[64], site[64], hypervisor[64], sys_name[64], own[24], why[128];
    struct story_port *ports;
    struct story_row *rows;
    size_t port_count, row_count, port_capacity, row_capacity;
    struct {
        char port[64], system[64], chassis[24];
    } neighbours[16];
    size_t neighbour_count;
    double started, ended; /* of the next read; negative: the round's time */
    int ageing;            /* seconds, -1 not told */
    bool dead, partial, full;
    unsigned failed_rounds;
};
struct story_line { /* a row of one of the topology tables */
    enum record_table table;
    char values[5][64];
};
struct story_mlag {
    char a[64], port_a[64], b[64], port_b[64];
};

struct story {
    struct story_guest *guests;
    struct story_attachment *attachments;
    struct story_switch *switches;
    struct story_line *lines;
    struct story_mlag *mlags;
    size_t guest_count, attachment_count, switch_count, line_count, mlag_count;
    size_t guest_capacity, attachment_capacity, switch_capacity, line_capacity, mlag_capacity;
    double as_of; /* of the record; negative: one second before the round */
    struct audit_options options;
    /* memory between rounds; texts belong to the arena */
    struct arena *arena;
    struct seen_interval *intervals;
    struct off_since *offs;
    struct open_since *opens;
    size_t interval_count, off_count, open_count;
    size_t interval_capacity, off_capacity, open_capacity;
    /* the round at hand */
    struct record_set *record;
    struct forward_table **tables;
    size_t table_count;
    struct failed_source *failed;
    size_t failed_count;
    struct mlag_pair *pairs;
    struct memory memory;
    struct world_input input;
    struct world *world;
    struct sweep *sweep;
    /* Where another memory than the story's own is to be tried: `recall` replaces
     * story->memory before a round is judged, `remember` is told a judged round. */
    void (*recall)(struct story *story, double now);
    void (*remember)(struct story *story, double now);
    /* And of events, where there is a live judge: an event is heard; its changes and notes from
     * these on came out; and what was heard, when it is told to a round. */
    void (*hear)(struct story *story, const struct event *event);
    void (*follow)(struct story *story, size_t first_change, size_t first_note, double now);
    void (*keep)(struct story *story, const struct live_base *base);
    void *context;
    bool passing;            /* the next round is of the records read again and of older tables */
    struct story_live *live; /* story_live.h: the events between rounds; NULL: none */
};

/* Starts an empty story; story_done() frees it. */
void story_init(struct story *story);
void story_done(struct story *story);

/* Returns the switch of that name, made if it is new. */
struct story_switch *story_switch(struct story *story, const char *name);
struct story_port *story_port(struct story_switch *sw, const char *name);
void story_row(struct story_switch *sw, const char *port, const char *mac, const char *vlan,
               int status, int age);
/* Adds a guest NIC or changes the one of that hypervisor, name and MAC. */
struct story_guest *story_guest(struct story *story, const char *hypervisor, const char *name,
                                const char *mac);

/* Builds the snapshots and the world and judges at `now` seconds of the day; what was
 * judged stays in `story` until story_round_end(). */
void story_round(struct story *story, double now);

/* Carries memory on and frees the round. */
void story_round_end(struct story *story, double now);

/* "2026-01-01T..." of a second of the day. */
struct wall story_time(double second);

/* Writes who the discrepancy is about, in one word; returns `buffer`. */
const char *story_subject(const struct discrepancy *d, char *buffer, size_t size);

#endif
