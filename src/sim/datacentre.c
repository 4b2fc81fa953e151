/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/datacentre.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "sim/datacentre_state.h"

void datacentre_free(struct datacentre *dc)
{
    if (!dc)
        return;
    for (size_t i = 0; i < dc->station_count; i++)
        free(dc->stations[i].stays);
    for (size_t i = 0; i < dc->hypervisor_count; i++)
        free(dc->hypervisors[i].name);
    for (size_t i = 0; i < dc->guest_count; i++)
        free(dc->guests[i].name);
    fabric_done(&dc->fabric);
    free(dc->switch_states);
    free(dc->vlans);
    free(dc->stations);
    free(dc->hypervisors);
    free(dc->guests);
    free(dc->attachments);
    free(dc->pending);
    free(dc->truths);
    free(dc);
}

/* --- the clock --- */

struct wall datacentre_now(const struct datacentre *dc)
{
    return (struct wall){dc->now};
}

void sim_enqueue(struct datacentre *dc, struct sim_pending event)
{
    dc->pending =
        alloc_grow(dc->pending, dc->pending_count, &dc->pending_capacity, sizeof(dc->pending[0]));
    event.order = dc->next_order++;
    size_t at = dc->pending_count++;
    while (at > 0 && dc->pending[at - 1].at > event.at) {
        dc->pending[at] = dc->pending[at - 1];
        at--;
    }
    dc->pending[at] = event;
}

void datacentre_advance(struct datacentre *dc, struct wall now)
{
    while (dc->pending_count > 0 && dc->pending[0].at <= now.us) {
        struct sim_pending event = dc->pending[0];
        dc->pending_count--;
        memmove(dc->pending, dc->pending + 1, dc->pending_count * sizeof(dc->pending[0]));
        sim_happen(dc, &event);
    }
    if (now.us > dc->now)
        dc->now = now.us;
}

/* --- scheduling: names to indices --- */

static const char *const action_words[] = {
#define ACTION(word, name) word,
    SIM_ACTIONS(ACTION)
#undef ACTION
};

const char *sim_action_word(enum sim_action action)
{
    CHECK(action < SIM_ACTION_COUNT);
    return action_words[action];
}

enum sim_action sim_action_parse(const char *word)
{
    for (int i = 0; i < SIM_ACTION_COUNT; i++)
        if (strcmp(word, action_words[i]) == 0)
            return (enum sim_action)i;
    return SIM_ACTION_COUNT;
}

enum subject_type { SUBJECT_GUEST, SUBJECT_HYPERVISOR, SUBJECT_SWITCH };

static enum subject_type subject_type(enum sim_action action)
{
    switch (action) {
    case SIM_UNKNOWN:
    case SIM_RECABLE:
    case SIM_DIE:
    case SIM_FAILOVER:
    case SIM_NO_ATTACHMENT:
        return SUBJECT_HYPERVISOR;
    case SIM_SWITCH_DIES:
    case SIM_SWITCH_RETURNS:
        return SUBJECT_SWITCH;
    case SIM_MIGRATE:
    case SIM_SILENT_MOVE:
    case SIM_CLONE:
    case SIM_POWER_OFF:
    case SIM_ZOMBIE:
    case SIM_POWER_ON:
    case SIM_CRASH:
    case SIM_NIC_CRASH:
    case SIM_WRONG_VLAN:
    case SIM_ACCESS_PORT:
    case SIM_FLAP:
    case SIM_CONFLICT:
    case SIM_INVENTORY:
    case SIM_ACTION_COUNT:
        break;
    }
    return SUBJECT_GUEST;
}

static bool named(const char *name)
{
    return name && name[0];
}

/* Whether one of the places lies on the other's way to the root: then one row of
 * the upper switch stands for both. */
static bool one_above_other(const struct datacentre *dc, struct fabric_place a,
                            struct fabric_place b)
{
    return fabric_on_path_to_root(&dc->fabric, a.switch_index, b) ||
           fabric_on_path_to_root(&dc->fabric, b.switch_index, a);
}

static bool target_suits(const struct datacentre *dc, uint32_t guest, uint32_t target)
{
    const struct sim_guest *g = &dc->guests[guest];
    const struct sim_hypervisor *h = &dc->hypervisors[target];
    return target != g->hypervisor && target != g->home && h->attachment_count > 0 && !h->touched;
}

/* Whether a guest on `target` would be on switches that are not above or below
 * those where it is now. */
static bool target_unrelated(const struct datacentre *dc, uint32_t guest, uint32_t target)
{
    return !one_above_other(dc, sim_guest_place(dc, guest, dc->guests[guest].hypervisor),
                            sim_guest_place(dc, guest, target));
}

/* A guest that is to be seen in two places needs two unrelated ones. */
static bool has_unrelated_target(const struct datacentre *dc, uint32_t guest)
{
    for (uint32_t i = 0; i < dc->hypervisor_count; i++)
        if (target_suits(dc, guest, i) && target_unrelated(dc, guest, i))
            return true;
    return false;
}

static bool guest_suits(const struct datacentre *dc, uint32_t index, enum sim_action action)
{
    const struct sim_guest *g = &dc->guests[index];
    if (g->touched || g->home == FABRIC_NONE || dc->hypervisors[g->hypervisor].touched)
        return false;
    if (action == SIM_POWER_ON)
        return g->run_state == RUN_STATE_OFF;
    if (action == SIM_NIC_CRASH && g->nic_count < 2)
        return false;
    if (action == SIM_WRONG_VLAN && dc->vlan_count < 3)
        return false;
    if ((action == SIM_CLONE || action == SIM_FLAP || action == SIM_SILENT_MOVE) &&
        !has_unrelated_target(dc, index))
        return false;
    return g->run_state == RUN_STATE_ON && g->wire_expected;
}

/* A hypervisor that a fault may concern as a whole: none of its guests is in
 * another fault. */
static bool hypervisor_suits(const struct datacentre *dc, uint32_t index, enum sim_action action)
{
    const struct sim_hypervisor *h = &dc->hypervisors[index];
    if (h->touched || h->attachment_count == 0)
        return false;
    if (action == SIM_UNKNOWN)
        return true;
    if (action == SIM_FAILOVER)
        return h->attachment_count > 1;
    unsigned guests = 0;
    for (size_t i = 0; i < dc->guest_count; i++) {
        const struct sim_guest *g = &dc->guests[i];
        bool concerned = g->hypervisor == index || g->home == index;
        if (concerned && g->touched && g->run_state == RUN_STATE_ON && g->wire_expected)
            return false;
        guests += concerned;
    }
    return guests > 0;
}

/* A switch whose silence hides no other fault: an edge switch, untouched. */
static bool switch_suits(const struct datacentre *dc, uint32_t index)
{
    const struct fabric_switch *s = &dc->fabric.switches[index];
    if (!dc->switch_states[index].alive || s->partner != FABRIC_NONE)
        return false;
    for (size_t p = 0; p < s->port_count; p++)
        if (s->ports[p].hypervisor != FABRIC_NONE &&
            dc->hypervisors[s->ports[p].hypervisor].touched)
            return false;
    return dc->fabric.nodes[s->node].parent != FABRIC_NONE || dc->fabric.switch_count == 1;
}

static bool suits(const struct datacentre *dc, enum subject_type type, uint32_t index,
                  enum sim_action action)
{
    switch (type) {
    case SUBJECT_GUEST:
        return guest_suits(dc, index, action);
    case SUBJECT_HYPERVISOR:
        return hypervisor_suits(dc, index, action);
    case SUBJECT_SWITCH:
        return switch_suits(dc, index);
    }
    UNREACHABLE();
}

static size_t subject_count(const struct datacentre *dc, enum subject_type type)
{
    return type == SUBJECT_GUEST        ? dc->guest_count
           : type == SUBJECT_HYPERVISOR ? dc->hypervisor_count
                                        : dc->fabric.switch_count;
}

static const char *subject_name(const struct datacentre *dc, enum subject_type type, uint32_t index)
{
    return type == SUBJECT_GUEST        ? dc->guests[index].name
           : type == SUBJECT_HYPERVISOR ? dc->hypervisors[index].name
                                        : dc->fabric.switches[index].name;
}

/* The named one, or the first that suits after a place chosen by the seed. */
static uint32_t find_subject(struct datacentre *dc, enum subject_type type, const char *name,
                             enum sim_action action)
{
    size_t count = subject_count(dc, type);
    if (named(name)) {
        for (uint32_t i = 0; i < count; i++)
            if (strcmp(subject_name(dc, type, i), name) == 0)
                return i;
        return FABRIC_NONE;
    }
    uint32_t first = sim_random_below(&dc->random, (uint32_t)count);
    for (size_t n = 0; n < count; n++) {
        uint32_t i = (uint32_t)((first + n) % count);
        if (suits(dc, type, i, action))
            return i;
    }
    return FABRIC_NONE;
}

/* Another hypervisor for a guest: on unrelated switches where there are any. */
static uint32_t find_target(struct datacentre *dc, uint32_t guest, const char *name)
{
    if (named(name))
        return find_subject(dc, SUBJECT_HYPERVISOR, name, SIM_MIGRATE);
    size_t count = dc->hypervisor_count;
    uint32_t first = sim_random_below(&dc->random, (uint32_t)count), second_best = FABRIC_NONE;
    for (size_t n = 0; n < count; n++) {
        uint32_t i = (uint32_t)((first + n) % count);
        if (!target_suits(dc, guest, i))
            continue;
        if (target_unrelated(dc, guest, i))
            return i;
        second_best = i;
    }
    return second_best;
}

static bool takes_hypervisor(enum sim_action action)
{
    return action == SIM_MIGRATE || action == SIM_SILENT_MOVE || action == SIM_CLONE ||
           action == SIM_FLAP || action == SIM_CONFLICT || action == SIM_INVENTORY;
}

static int resolve_target(struct datacentre *dc, const struct sim_event *event,
                          struct sim_pending *p, struct err *err)
{
    if (takes_hypervisor(event->action)) {
        p->hypervisor = find_target(dc, p->guest, event->target);
        if (p->hypervisor == FABRIC_NONE)
            return err_set(err, ERR_NOT_FOUND, "%s %s: no other hypervisor%s%s",
                           sim_action_word(event->action), dc->guests[p->guest].name,
                           named(event->target) ? " is called " : " suits",
                           named(event->target) ? event->target : "");
    } else if (named(event->target)) {
        p->switch_index = fabric_find(&dc->fabric, event->target);
        if (p->switch_index == FABRIC_NONE)
            return err_set(err, ERR_NOT_FOUND, "no switch is called %s", event->target);
    }
    return 0;
}

/* Later chances take other guests and hypervisors. */
static void touch(struct datacentre *dc, const struct sim_pending *p)
{
    enum subject_type type = subject_type(p->action);
    if (type == SUBJECT_GUEST) {
        dc->guests[p->guest].touched = true;
    } else if (type == SUBJECT_HYPERVISOR && p->action != SIM_UNKNOWN) {
        dc->hypervisors[p->hypervisor].touched = true;
    } else if (type == SUBJECT_SWITCH) {
        const struct fabric_switch *s = &dc->fabric.switches[p->switch_index];
        for (size_t i = 0; i < s->port_count; i++)
            if (s->ports[i].hypervisor != FABRIC_NONE)
                dc->hypervisors[s->ports[i].hypervisor].touched = true;
    }
}

int datacentre_schedule(struct datacentre *dc, const struct sim_event *event, struct err *err)
{
    static const char *const type_words[] = {"guest", "hypervisor", "switch"};
    enum subject_type type = subject_type(event->action);
    uint32_t index = find_subject(dc, type, event->subject, event->action);
    if (index == FABRIC_NONE)
        return err_set(err, ERR_NOT_FOUND, "%s: no %s %s%s", sim_action_word(event->action),
                       type_words[type], named(event->subject) ? "is called " : "suits",
                       named(event->subject) ? event->subject : "");
    struct sim_pending p = {.at = event->at.us,
                            .action = event->action,
                            .guest = type == SUBJECT_GUEST ? index : FABRIC_NONE,
                            .hypervisor = type == SUBJECT_HYPERVISOR ? index : FABRIC_NONE,
                            .switch_index = type == SUBJECT_SWITCH ? index : FABRIC_NONE,
                            .lag = event->lag.us};
    int error = resolve_target(dc, event, &p, err);
    if (error)
        return error;
    touch(dc, &p);
    sim_enqueue(dc, p);
    dc->last_scheduled = subject_name(dc, type, index);
    return 0;
}

const char *datacentre_last_scheduled(const struct datacentre *dc)
{
    return dc->last_scheduled ? dc->last_scheduled : "";
}

int sim_event_parse(char *line, struct wall at, struct sim_event *ret, struct err *err)
{
    struct sim_event event = {.at = at, .subject = "", .target = "", .lag = SIM_NEVER};
    char *save = NULL;
    unsigned names = 0;
    for (char *word = strtok_r(line, " \t\r\n", &save); word;
         word = strtok_r(NULL, " \t\r\n", &save)) {
        if (names == 0) {
            event.action = sim_action_parse(word);
            if (event.action == SIM_ACTION_COUNT)
                return err_set(err, ERR_SYNTAX, "no action is called \"%s\"", word);
            names++;
        } else if (strncmp(word, "lag=", 4) == 0) {
            if (span_parse(word + 4, &event.lag) != 0)
                return err_set(err, ERR_SYNTAX, "\"%s\" is no time span; lag=20s was expected",
                               word);
        } else if (names == 1) {
            event.subject = word;
            names++;
        } else if (names == 2) {
            event.target = word;
            names++;
        } else {
            return err_set(err, ERR_SYNTAX, "nothing was expected after \"%s\"", event.target);
        }
    }
    if (names == 0)
        return err_set(err, ERR_SYNTAX, "an action was expected");
    *ret = event;
    return 0;
}

/* --- reading --- */

const struct sim_truth *datacentre_truth(const struct datacentre *dc, size_t *ret_count)
{
    *ret_count = dc->truth_count;
    return dc->truths;
}

const struct fabric *datacentre_fabric(const struct datacentre *dc)
{
    return &dc->fabric;
}

bool datacentre_switch_alive(const struct datacentre *dc, uint32_t switch_index)
{
    return dc->switch_states[switch_index].alive;
}

struct wall datacentre_switch_booted(const struct datacentre *dc, uint32_t switch_index)
{
    return (struct wall){dc->switch_states[switch_index].booted};
}

uint64_t datacentre_record_changes(const struct datacentre *dc)
{
    return dc->record_changes;
}

const uint16_t *datacentre_vlans(const struct datacentre *dc, size_t *ret_count)
{
    *ret_count = dc->vlan_count;
    return dc->vlans;
}
