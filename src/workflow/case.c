/* SPDX-License-Identifier: Apache-2.0 */
#include "workflow/case.h"

#include <string.h>

/* Short names, so that the table below can be read as a table. */
enum {
    SUS = CASE_SUSPECTED,
    CON = CASE_CONFIRMED,
    REP = CASE_REPORTED,
    ACK = CASE_ACKNOWLEDGED,
    SUP = CASE_SUPPRESSED,
    CLR = CASE_CLEARED,
    CLO = CASE_CLOSED
};

/* Columns: seen suspected, seen confirmed, gone, unobserved, report, acknowledge,
 * suppress, release, close. What is not allowed to a person leads to the state
 * itself; the functions for people refuse it beforehand. */
static const uint8_t next_state[CASE_STATE_COUNT][CASE_INPUT_COUNT] = {
    [CASE_SUSPECTED] = {SUS, CON, CLR, SUS, SUS, ACK, SUP, SUS, CLO},
    [CASE_CONFIRMED] = {CON, CON, CLR, CON, REP, ACK, SUP, CON, CLO},
    [CASE_REPORTED] = {REP, REP, CLR, REP, REP, ACK, SUP, REP, CLO},
    [CASE_ACKNOWLEDGED] = {ACK, ACK, CLR, ACK, ACK, ACK, ACK, SUS, CLO},
    [CASE_SUPPRESSED] = {SUP, SUP, CLR, SUP, SUP, ACK, SUP, SUS, CLO},
    [CASE_CLEARED] = {SUS, CON, CLR, CLR, CLR, CLR, CLR, CLR, CLO},
    [CASE_CLOSED] = {SUS, CON, CLO, CLO, CLO, CLO, CLO, CLO, CLO},
};

enum case_state case_next(enum case_state state, enum case_input input)
{
    CHECK((unsigned)state < CASE_STATE_COUNT && (unsigned)input < CASE_INPUT_COUNT);
    return (enum case_state)next_state[state][input];
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(or_empty(a), or_empty(b)) == 0;
}

/* Whether two verdicts on one subject say the same places; times do not count. */
static bool same_places(const struct discrepancy *a, const struct discrepancy *b)
{
    if (a->observed_count != b->observed_count || a->expected_count != b->expected_count ||
        a->member_count != b->member_count)
        return false;
    for (size_t i = 0; i < a->observed_count; i++) {
        const struct observed_place *x = &a->observed[i], *y = &b->observed[i];
        if (!same_text(x->place.switch_name, y->place.switch_name) ||
            !same_text(x->place.port, y->place.port) || !same_text(x->vlan, y->vlan))
            return false;
    }
    for (size_t i = 0; i < a->expected_count; i++)
        if (!same_text(a->expected[i].switch_name, b->expected[i].switch_name) ||
            !same_text(a->expected[i].port, b->expected[i].port))
            return false;
    for (size_t i = 0; i < a->member_count; i++)
        if (!same_text(a->members[i], b->members[i]))
            return false;
    return true;
}

static void change_state(struct case_change *change, enum case_state to, struct wall now)
{
    struct case_record *record = &change->record;
    bool was_open = case_state_open(record->state), is_open = case_state_open(to);
    if (was_open && !is_open) {
        record->before = record->state;
        record->ended_at = now;
    } else if (is_open) {
        record->ended_at = WALL_UNKNOWN;
    }
    record->state = to;
    record->state_at = now;
}

static void add_event(struct case_change *change, enum case_event_kind kind, enum case_state from,
                      struct wall now, const char *who, const char *text)
{
    change->has_event = true;
    change->event = (struct case_event){.case_number = change->record.number,
                                        .at = now,
                                        .kind = kind,
                                        .from = from,
                                        .to = change->record.state,
                                        .who = or_empty(who),
                                        .text = or_empty(text)};
}

static struct case_change start_case(const struct discrepancy *verdict, enum case_input seen,
                                     uint64_t number, struct wall now)
{
    enum case_state state = case_next(CASE_CLOSED, seen);
    struct case_change change = {.record = {.number = number,
                                            .state = state,
                                            .state_at = now,
                                            .before = state,
                                            .ended_at = WALL_UNKNOWN,
                                            .discrepancy = verdict,
                                            .first = now,
                                            .last = now,
                                            .count = 1,
                                            .reported_at = WALL_UNKNOWN,
                                            .acknowledged_at = WALL_UNKNOWN}};
    add_event(&change, CASE_EVENT_OPENED, CASE_CLOSED, now, "", verdict->why);
    return change;
}

/* A cleared or closed case whose discrepancy is back within the time of grace. */
static void reopen(struct case_change *change, enum case_input seen, struct wall now)
{
    struct case_record *record = &change->record;
    enum case_state from = record->state, to = case_next(from, seen);
    if (record->before == CASE_ACKNOWLEDGED)
        to = CASE_ACKNOWLEDGED;
    else if (record->before == CASE_CONFIRMED || record->before == CASE_REPORTED)
        to = CASE_CONFIRMED; /* proof is not forgotten; the report is news again */
    change_state(change, to, now);
    record->reopened++;
    add_event(change, CASE_EVENT_REOPENED, from, now, "", record->discrepancy->why);
}

static void see_again(struct case_change *change, const struct discrepancy *verdict,
                      enum case_input seen, uint64_t round, struct wall now)
{
    struct case_record *record = &change->record;
    const struct discrepancy *earlier = record->discrepancy;
    record->discrepancy = verdict;
    record->last = now;
    record->count += round != 0; /* counts rounds, not events between them */
    if (!case_state_open(record->state)) {
        reopen(change, seen, now);
        return;
    }
    enum case_state from = record->state, to = case_next(from, seen);
    if (to != from) {
        change_state(change, to, now);
        add_event(change, CASE_EVENT_CONFIRMED, from, now, "", verdict->why);
    } else if (earlier == NULL || earlier->state != verdict->state ||
               !same_places(earlier, verdict)) {
        add_event(change, CASE_EVENT_CHANGED, from, now, "", verdict->why);
    }
}

static bool grace_over(const struct case_record *record, struct wall now)
{
    return !wall_known(record->ended_at) || wall_since(now, record->ended_at).us >= CASE_GRACE.us;
}

bool case_continues(const struct case_record *record, struct wall now)
{
    return case_state_open(record->state) || !grace_over(record, now);
}

static void miss(struct case_change *change, bool observable, struct wall now)
{
    struct case_record *record = &change->record;
    enum case_state from = record->state;
    if (from == CASE_CLEARED && grace_over(record, now)) {
        change_state(change, CASE_CLOSED, now);
        add_event(change, CASE_EVENT_CLOSED, from, now, "", "not seen again since it was cleared");
        return;
    }
    enum case_state to = case_next(from, observable ? CASE_GONE : CASE_UNOBSERVED);
    if (to == from)
        return;
    change_state(change, to, now);
    add_event(change, CASE_EVENT_CLEARED, from, now, "", "observed, and no longer so");
}

struct case_change case_advance(const struct case_record *previous,
                                const struct discrepancy *verdict, bool observable, uint64_t number,
                                uint64_t round, struct wall now)
{
    CHECK(previous != NULL || verdict != NULL);
    enum case_input seen = CASE_SEEN_SUSPECTED;
    if (verdict != NULL && verdict->state == VERDICT_CONFIRMED)
        seen = CASE_SEEN_CONFIRMED;
    struct case_change change;
    if (previous == NULL || (verdict != NULL && !case_continues(previous, now))) {
        change = start_case(verdict, seen, number, now);
    } else {
        change = (struct case_change){.record = *previous};
        if (verdict != NULL)
            see_again(&change, verdict, seen, round, now);
        else
            miss(&change, observable, now);
    }
    change.judged = verdict != NULL;
    change.event.round = round;
    return change;
}

struct case_change case_report(const struct case_record *previous, uint64_t round, struct wall now)
{
    struct case_change change = {.record = *previous};
    enum case_state from = previous->state, to = case_next(from, CASE_REPORT);
    change.record.reported_at = now;
    if (to != from)
        change_state(&change, to, now);
    add_event(&change, CASE_EVENT_REPORTED, from, now, "", "");
    change.event.round = round;
    return change;
}

static int refuse(const struct case_record *record, const char *what, const char *instead,
                  struct err *err)
{
    char id[CASE_ID_SIZE];
    return err_set(err, ERR_DENIED, "%s is %s and cannot be %s; %s",
                   case_id_format(record->number, id), case_state_word(record->state), what,
                   instead);
}

int case_acknowledge(const struct case_record *previous, const char *who, const char *text,
                     struct wall now, struct case_change *ret, struct err *err)
{
    if (!case_state_open(previous->state))
        return refuse(previous, "acknowledged", "it no longer stands", err);
    struct case_change change = {.record = *previous};
    change_state(&change, case_next(previous->state, CASE_ACKNOWLEDGE), now);
    change.record.acknowledged_by = who;
    change.record.acknowledged_text = text;
    change.record.acknowledged_at = now;
    add_event(&change, CASE_EVENT_ACKNOWLEDGED, previous->state, now, who, text);
    *ret = change;
    return 0;
}

int case_release(const struct case_record *previous, const char *who, const char *text,
                 struct wall now, struct case_change *ret, struct err *err)
{
    if (previous->state != CASE_ACKNOWLEDGED && previous->state != CASE_SUPPRESSED)
        return refuse(previous, "released", "only an acknowledged or suppressed case can", err);
    struct case_change change = {.record = *previous};
    enum case_state to = case_next(previous->state, CASE_RELEASE);
    if (previous->discrepancy != NULL && previous->discrepancy->state == VERDICT_CONFIRMED)
        to = case_next(to, CASE_SEEN_CONFIRMED);
    change_state(&change, to, now);
    change.record.acknowledged_by = change.record.acknowledged_text = NULL;
    change.record.acknowledged_at = WALL_UNKNOWN;
    add_event(&change, CASE_EVENT_RELEASED, previous->state, now, who, text);
    *ret = change;
    return 0;
}

int case_suppress(const struct case_record *previous, const char *who, const char *text,
                  struct wall now, struct case_change *ret, struct err *err)
{
    if (!case_state_open(previous->state))
        return refuse(previous, "suppressed", "it no longer stands", err);
    struct case_change change = {.record = *previous};
    enum case_state to = case_next(previous->state, CASE_SUPPRESS);
    if (to != previous->state)
        change_state(&change, to, now);
    add_event(&change, CASE_EVENT_SUPPRESSED, previous->state, now, who, text);
    *ret = change;
    return 0;
}

int case_close(const struct case_record *previous, const char *who, const char *text,
               bool without_proof, struct wall now, struct case_change *ret, struct err *err)
{
    if (previous->state == CASE_CLOSED)
        return refuse(previous, "closed", "it is closed already", err);
    if (previous->state != CASE_CLEARED && !without_proof)
        return refuse(previous, "closed",
                      "nothing has shown yet that it is gone: acknowledge it to keep it quiet, or "
                      "close it without proof",
                      err);
    struct case_change change = {.record = *previous};
    change_state(&change, case_next(previous->state, CASE_CLOSE), now);
    add_event(&change, CASE_EVENT_CLOSED, previous->state, now, who, text);
    *ret = change;
    return 0;
}
