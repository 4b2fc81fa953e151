/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/mobile.h"

#include <stdlib.h>

#include "audit/world_view.h"
#include "base/check.h"

static void add_finding(struct mobile_answer *answer, enum discrepancy_kind kind)
{
    CHECK(answer->finding_count < MOBILE_FINDINGS);
    answer->findings[answer->finding_count++] = kind;
}

/* --- who it is --- */

/* Returns the longest prefix of the guest around `ip`, NULL when none is. */
static const struct subnet_prefix *fitting(const struct subnet_guest *guest, const struct ip *ip)
{
    const struct subnet_prefix *best = NULL;
    for (size_t i = 0; i < guest->prefix_count; i++) {
        const struct subnet_prefix *one = &guest->prefixes[i];
        if (ip_prefix_match(&one->prefix, ip) &&
            (best == NULL || one->prefix.bits > best->prefix.bits))
            best = one;
    }
    return best;
}

/* Takes the recorded address that is meant: of several guests the one whose subnets fit;
 * a guest before a row without one. */
static void find_by_home(const struct subnet_index *index, const struct mobile_question *question,
                         struct mobile_answer *answer)
{
    size_t count;
    const struct subnet_address *list = subnet_addresses(index, &question->home, &count);
    if (!ip_known(&question->home.address) || count == 0)
        return;
    const struct subnet_address *best = NULL;
    for (size_t i = 0; i < count && i < MOBILE_CANDIDATES; i++) {
        if (best == NULL || (best->guest == SUBNET_NONE && list[i].guest != SUBNET_NONE))
            best = &list[i];
        if (list[i].guest == SUBNET_NONE || !ip_known(&question->care_of))
            continue;
        struct subnet_guest guest = subnet_guest(index, list[i].guest);
        if (fitting(&guest, &question->care_of) != NULL) {
            best = &list[i];
            break;
        }
    }
    answer->join = question->home.bits == IP_BITS ? MOBILE_JOIN_ADDRESS : MOBILE_JOIN_PREFIX;
    answer->number = best->guest;
    answer->found = best->ref;
}

/* Returns the guest's NIC in the world that has `mac`, WORLD_NONE. */
static uint32_t find_nic(const struct world *world, struct mac mac)
{
    if (world == NULL || !mac_known(mac))
        return WORLD_NONE;
    const struct mac_slot *slot = mac_index_find(&world->index, mac.bits);
    if (slot == NULL || (slot->key >> 48 & (MAC_TAG_HYPERVISOR | MAC_TAG_INFRASTRUCTURE)) != 0)
        return WORLD_NONE;
    return slot->nic;
}

static void find_by_mac(const struct mobile_records *records,
                        const struct mobile_question *question, struct mobile_answer *answer)
{
    answer->nic = find_nic(records->world, question->mac);
    if (answer->nic == WORLD_NONE || answer->join != MOBILE_JOIN_NONE)
        return;
    uint32_t local;
    const struct world_set *set = world_nic_set(records->world, answer->nic, &local);
    uint32_t guest = set->set->nics.guest[local];
    answer->join = MOBILE_JOIN_MAC;
    answer->found = (struct record_ref){
        .row = guest, .set = (uint16_t)(set - records->world->sets), .table = RECORD_GUESTS};
    answer->guest = names_get(set->set->names, set->set->guests[guest].name);
    answer->number = subnet_guest_find(records->index, answer->guest);
}

static void find_guest(const struct mobile_records *records, const struct mobile_question *question,
                       struct mobile_answer *answer)
{
    find_by_home(records->index, question, answer);
    find_by_mac(records, question, answer);
    if (answer->number == SUBNET_NONE)
        return;
    struct subnet_guest guest = subnet_guest(records->index, answer->number);
    answer->guest = guest.name;
    answer->expected = guest.prefixes;
    answer->expected_count = guest.prefix_count;
}

/* --- what state it is recorded in --- */

static void add_state(struct mobile_answer *answer, enum run_state state, struct record_ref ref)
{
    enum tristate says = run_state_communicates(state);
    if (says == UNKNOWN || answer->states_differ)
        return;
    if (answer->state == RUN_STATE_UNKNOWN) {
        answer->communicates = says;
        answer->state = state;
        answer->state_row = ref;
    } else if (answer->communicates != says) {
        answer->communicates = UNKNOWN;
        answer->states_differ = true;
    }
}

static void add_plan_states(const struct subnet_index *index, const struct subnet_guest *guest,
                            struct mobile_answer *answer)
{
    for (size_t i = 0; i < guest->row_count; i++) {
        struct record_ref ref = guest->rows[i];
        const struct record_set *set = subnet_set(index, ref);
        if (ref.table == RECORD_CMDB)
            add_state(answer, set->items[ref.row].run_state, ref);
        else if (ref.table == RECORD_DCM)
            add_state(answer, set->allocations[ref.row].run_state, ref);
    }
}

/* What the inventory says of the NICs of a guest row. */
static void add_inventory_states(const struct world *world, struct record_ref ref,
                                 struct mobile_answer *answer)
{
    uint32_t *nics = NULL;
    size_t capacity = 0;
    size_t count =
        world_guest_nics(world, world->sets[ref.set].guest_base + ref.row, &nics, &capacity);
    for (size_t i = 0; i < count; i++)
        add_state(answer, world_nic_state(world, nics[i]), ref);
    if (count > 0 && answer->nic == WORLD_NONE)
        answer->nic = nics[0];
    free(nics);
}

static void find_state(const struct mobile_records *records, struct mobile_answer *answer)
{
    struct subnet_guest guest = {0};
    if (answer->number != SUBNET_NONE)
        guest = subnet_guest(records->index, answer->number);
    add_plan_states(records->index, &guest, answer);
    struct mobile_answer inventory = {.nic = answer->nic, .communicates = UNKNOWN};
    for (size_t i = 0; records->world != NULL && i < guest.row_count; i++)
        if (guest.rows[i].table == RECORD_GUESTS)
            add_inventory_states(records->world, guest.rows[i], &inventory);
    if (guest.row_count == 0 && answer->join == MOBILE_JOIN_MAC)
        add_inventory_states(records->world, answer->found, &inventory);
    answer->nic = inventory.nic;
    if (answer->state != RUN_STATE_UNKNOWN)
        return;
    answer->communicates = inventory.communicates;
    answer->state = inventory.state;
    answer->state_row = inventory.state_row;
    answer->states_differ = inventory.states_differ;
}

/* --- the steps --- */

bool mobile_agent_is_known(const struct mobile_records *records, const struct ip *agent)
{
    for (size_t i = 0; i < records->agent_count; i++)
        if (ip_equal(&records->agents[i], agent))
            return true;
    const struct ip_prefix exact = {*agent, IP_BITS};
    size_t count;
    return subnet_addresses(records->index, &exact, &count) != NULL;
}

/* Whether that something is not recorded means anything; says why not. */
static bool can_miss(const struct mobile_records *records, struct mobile_answer *answer)
{
    if (records->unread != NULL)
        answer->unobservable = records->unread;
    else if (!subnet_has_records(records->index))
        answer->unobservable = "no source records addresses of guests";
    return answer->unobservable == NULL;
}

static void judge_agent(const struct mobile_records *records, const struct ip *agent,
                        struct mobile_answer *answer)
{
    if (!ip_known(agent) || mobile_agent_is_known(records, agent))
        return;
    bool listed = records->agent_count > 0 && records->unread == NULL;
    if (listed || can_miss(records, answer))
        add_finding(answer, DISCREPANCY_UNKNOWN_AGENT);
}

/* Returns whether the place is right, as far as the records say. */
static bool judge_place(const struct mobile_records *records, const struct ip *care_of,
                        struct mobile_answer *answer)
{
    if (!ip_known(care_of))
        return true;
    answer->subnet = subnet_of(records->index, care_of, &answer->subnet_assumed);
    answer->subnet_recorded = subnet_find(records->index, care_of, NULL);
    if (answer->guest == NULL)
        return true; /* recorded, but nothing that has a place */
    if (answer->expected_count == 0) {
        add_finding(answer, DISCREPANCY_RECORDED_GAP);
        return true;
    }
    struct subnet_guest guest = subnet_guest(records->index, answer->number);
    answer->matched = fitting(&guest, care_of);
    if (answer->matched == NULL)
        add_finding(answer, DISCREPANCY_WRONG_SUBNET);
    return answer->matched != NULL;
}

static void judge_arrival(const struct mobile_records *records,
                          const struct mobile_question *question, struct mobile_answer *answer)
{
    bool known = answer->join != MOBILE_JOIN_NONE;
    bool named = ip_known(&question->home.address) || mac_known(question->mac);
    if (!known && named && can_miss(records, answer))
        add_finding(answer, DISCREPANCY_UNKNOWN_MOBILE);
    judge_agent(records, &question->agent, answer);
    bool right = judge_place(records, &question->care_of, answer);
    if (known && right && answer->communicates == NO)
        add_finding(answer, DISCREPANCY_OFF_BUT_SEEN);
}

struct mobile_answer mobile_judge(const struct mobile_records *records,
                                  const struct mobile_question *question)
{
    struct mobile_answer answer = {.number = SUBNET_NONE,
                                   .nic = WORLD_NONE,
                                   .communicates = UNKNOWN,
                                   .state = RUN_STATE_UNKNOWN};
    find_guest(records, question, &answer);
    if (answer.join != MOBILE_JOIN_NONE)
        find_state(records, &answer);
    bool gone = answer.communicates == YES && question->others == 0;
    switch (question->trigger) {
    case MOBILE_ARRIVAL:
        judge_arrival(records, question, &answer);
        break;
    case MOBILE_STOP:
        if (gone)
            add_finding(&answer, DISCREPANCY_UNEXPECTED_STOP);
        break;
    case MOBILE_EXPIRY:
        if (gone)
            add_finding(&answer, DISCREPANCY_SESSION_EXPIRED);
        break;
    }
    return answer;
}

size_t mobile_guests(const struct subnet_index *index, const struct ip_prefix *home,
                     uint32_t *ret_numbers, size_t room)
{
    size_t count, found = 0;
    const struct subnet_address *list = subnet_addresses(index, home, &count);
    for (size_t i = 0; i < count && i < MOBILE_CANDIDATES && found < room; i++) {
        size_t at = 0;
        while (at < found && ret_numbers[at] != list[i].guest)
            at++;
        if (at == found && list[i].guest != SUBNET_NONE)
            ret_numbers[found++] = list[i].guest;
    }
    return found;
}
