/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/recall.h"

#include <stdlib.h>
#include <string.h>

#include "audit/live.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/names.h"
#include "daemon/config.h"
#include "io/clock.h"
#include "io/loop.h"
#include "store/event_log.h"
#include "store/followed.h"
#include "store/heard.h"
#include "store/query.h"
#include "store/told.h"

/* A stop that came after the last round may tell of so long before it. */
#define LATE_STOP span_seconds(300)

/* What followed may not have come to the disk before a kill for so long. */
#define LOST_BEFORE span_seconds(5)

enum { FOLDED_AT_ONCE = 32768, RESTORED_A_TURN = 1024 };

/* Where a session was, by numbers of `names`; shared by many. */
struct origin {
    uint32_t source, type, nas, switch_name, port;
    uint16_t vlan;
};

struct session {
    struct presence_id id;
    uint64_t hash; /* 0: of an address */
    struct wall started, heard;
    struct span lifetime;
    uint32_t origin;
    uint8_t source, proof, end;
    bool implicit;
};

/* Of a session of an address: where it is bound. */
struct bound {
    uint32_t session;
    struct ip home, care_of;
    struct mac mac;
    struct wall said;
    bool borne_out;
};

/* An open case of an address. */
struct stood {
    enum discrepancy_kind kind;
    struct ip address;
    bool confirmed;
};

/* The sessions that were found to have expired. */
struct expired_list {
    uint64_t *numbers;
    struct wall *at;
    size_t count, number_capacity, at_capacity;
};

struct recall {
    struct recall_parts parts;
    char **sources; /* recorded ones */
    struct record_set **sets;
    struct wall *read_at;
    size_t source_count;
    uint64_t secret;
    struct wall listened; /* when somebody last did; WALL_UNKNOWN */
    struct names *names;
    struct origin *origins;
    size_t origin_count, origin_capacity;
    struct session *sessions;
    size_t session_count, session_capacity, restored;
    struct bound *bound;
    struct stood *stood;
    size_t bound_count, bound_capacity, stood_count, stood_capacity;
    struct expired_list expired;
    struct wall since;  /* the last round knows what had ended before; WALL_UNKNOWN: nothing did */
    struct map open_of; /* MAC -> 1: it has an open session */
    struct mac *ended;  /* whose sessions ended since, or expired */
    size_t ended_count, ended_capacity;
    struct arena *arena; /* of what follows */
    struct heard_fact *ends;
    struct heard_fact *frames; /* announcements that still hold */
    struct migration_window *windows;
    struct switch_flush *flushes;
    size_t end_count, end_capacity, frame_count, window_count, flush_count;
    struct loop_timer *timer;
};

/* --- in the keeper's thread --- */

static uint32_t name_of(struct recall *recall, const char *text)
{
    size_t length = text != NULL ? strlen(text) : 0;
    if (length == 0 || length > LIMIT_NAME_BYTES)
        return NAME_NONE;
    return names_add(recall->names, text, length);
}

/* Sessions come in the order of their numbers: those of one port often follow each other. */
static uint32_t origin_of(struct recall *recall, const struct session_record *record)
{
    struct origin origin;
    memset(&origin, 0, sizeof origin);
    origin.source = name_of(recall, record->source);
    origin.type = name_of(recall, record->type);
    origin.nas = name_of(recall, record->nas);
    origin.switch_name = name_of(recall, record->switch_name);
    origin.port = name_of(recall, record->port);
    origin.vlan = record->vlan;
    if (recall->origin_count > 0 &&
        memcmp(&recall->origins[recall->origin_count - 1], &origin, sizeof origin) == 0)
        return (uint32_t)recall->origin_count - 1;
    recall->origins = alloc_grow(recall->origins, recall->origin_count, &recall->origin_capacity,
                                 sizeof *recall->origins);
    recall->origins[recall->origin_count] = origin;
    return (uint32_t)recall->origin_count++;
}

/* How long the session holds without a word; 0: it was not told. */
static struct span hold_of(const struct session_record *record)
{
    struct presence_options options;
    presence_options_init(&options);
    return presence_hold(&options, record->lifetime, record->interval);
}

static bool had_expired(const struct recall *recall, const struct session_record *record,
                        struct span hold)
{
    if (hold.us == 0)
        hold = RECALL_UNDATED;
    return wall_known(recall->listened) && record->heard.us + hold.us < recall->listened.us;
}

/* The next session to be added is of an address. */
static void add_bound(struct recall *recall, const struct session_record *record)
{
    recall->bound = alloc_grow(recall->bound, recall->bound_count, &recall->bound_capacity,
                               sizeof *recall->bound);
    recall->bound[recall->bound_count++] =
        (struct bound){.session = (uint32_t)recall->session_count,
                       .home = record->address,
                       .care_of = record->care_of,
                       .mac = record->mac,
                       .said = record->last,
                       .borne_out = record->updates > 0};
}

static void add_session(struct recall *recall, const struct session_record *record,
                        struct span hold)
{
    enum presence_source source = presence_source_parse(record->type);
    bool is_bound = ip_known(&record->address) && ip_known(&record->care_of);
    bool has_mac = mac_known(record->mac) && !is_bound; /* else it is its link-layer id */
    if (is_bound)
        add_bound(recall, record);
    if (has_mac)
        map_put(&recall->open_of, record->mac.bits, 1);
    recall->sessions = alloc_grow(recall->sessions, recall->session_count,
                                  &recall->session_capacity, sizeof *recall->sessions);
    recall->sessions[recall->session_count++] = (struct session){
        .id = has_mac ? presence_mac(record->mac) : presence_address(record->address),
        .hash = has_mac
                    ? presence_session_hash(recall->secret, source, record->nas, record->session)
                    : 0,
        .started = record->started,
        .heard = record->heard,
        .lifetime = hold,
        .origin = origin_of(recall, record),
        .source = (uint8_t)source,
        .proof = (uint8_t)record->proof,
        .implicit = record->implicit};
}

static void add_ended(struct recall *recall, struct mac mac)
{
    if (!mac_known(mac))
        return;
    recall->ended = alloc_grow(recall->ended, recall->ended_count, &recall->ended_capacity,
                               sizeof *recall->ended);
    recall->ended[recall->ended_count++] = mac;
}

static void add_expired(struct recall *recall, const struct session_record *record,
                        struct span hold)
{
    struct expired_list *list = &recall->expired;
    list->numbers =
        alloc_grow(list->numbers, list->count, &list->number_capacity, sizeof *list->numbers);
    list->at = alloc_grow(list->at, list->count, &list->at_capacity, sizeof *list->at);
    list->numbers[list->count] = record->number;
    list->at[list->count++] = wall_add(record->heard, hold.us > 0 ? hold : RECALL_UNDATED);
    if (hold.us > 0) /* else nothing follows: its source never said how long it holds */
        add_ended(recall, record->mac);
}

static int take_session(void *aux, const struct session_record *record)
{
    struct recall *recall = aux;
    struct wall ended = wall_known(record->ended) ? record->ended : record->expired;
    struct span hold = hold_of(record);
    if (!wall_known(ended) && !had_expired(recall, record, hold))
        add_session(recall, record, hold);
    else if (!wall_known(ended))
        add_expired(recall, record, hold);
    else if (ended.us >= recall->since.us || record->heard.us >= recall->since.us)
        add_ended(recall, record->mac);
    return 0;
}

/* --- what had ended --- */

static void add_end(struct recall *recall, const struct heard_fact *fact)
{
    if (fact->end == HEARD_OPEN || fact->proof == EVENT_PROOF_HINT ||
        (recall->open_of.count > 0 && map_find(&recall->open_of, fact->mac.bits) != MAP_NO_VALUE))
        return;
    recall->ends =
        alloc_grow(recall->ends, recall->end_count, &recall->end_capacity, sizeof *recall->ends);
    recall->ends[recall->end_count++] = *fact;
}

/* Keeps of the addresses whose sessions ended those that have no open one, each once. */
static void sift_ended(struct recall *recall)
{
    size_t kept = 0;
    for (size_t i = 0; i < recall->ended_count; i++) {
        if (recall->open_of.count > 0 &&
            map_find(&recall->open_of, recall->ended[i].bits) != MAP_NO_VALUE)
            continue;
        recall->ended[kept++] = recall->ended[i];
    }
    recall->ended_count = 0;
    struct map known = MAP_EMPTY;
    for (size_t i = 0; i < kept; i++) {
        if (known.count > 0 && map_find(&known, recall->ended[i].bits) != MAP_NO_VALUE)
            continue;
        map_put(&known, recall->ended[i].bits, 1);
        recall->ended[recall->ended_count++] = recall->ended[i];
    }
    map_done(&known);
}

/* Of each address the last end since the last round. */
static int load_ended(struct recall *recall, struct store *store, struct err *err)
{
    struct live_options options;
    struct store_heard heard = {0};
    live_options_init(&options);
    sift_ended(recall);
    const struct audit_options *audit = &recall->parts.generation->config->audit;
    const struct store_heard_query query = {.now = clock_wall(),
                                            .settle = audit->settle,
                                            .departed_for = options.departed_for,
                                            .clock_skew = audit->clock_skew,
                                            .macs = recall->ended,
                                            .mac_count = recall->ended_count,
                                            .concluded = true};
    if (recall->ended_count == 0)
        return 0;
    int status = store_load_heard(store, &query, recall->arena, &heard, err);
    for (size_t i = 0; status == 0 && i < heard.count; i++)
        add_end(recall, &heard.facts[i]);
    store_heard_done(&heard);
    return status;
}

/* Adds the end that the last round was told, unless its guest was overheard since. */
static int add_told_end(struct recall *recall, struct store *store, const struct heard_fact *fact,
                        struct err *err)
{
    bool answered = false;
    int status = 0;
    if (fact->end == HEARD_OPEN)
        return 0;
    if (heard_is_session(fact->origin))
        status = store_was_announced(
            store, fact->mac,
            wall_add(fact->ended, recall->parts.generation->config->audit.clock_skew), clock_wall(),
            &answered, err);
    if (status == 0 && !answered)
        add_end(recall, fact);
    return status;
}

/* And what the last round was told of others. */
static int load_told(struct recall *recall, struct store *store, const struct store_round *round,
                     struct err *err)
{
    struct told_fact *told = NULL;
    size_t count = 0;
    struct map newer = MAP_EMPTY;
    int status =
        store_load_told(store, round->number, round->judged, recall->arena, &told, &count, err);
    for (size_t i = 0; i < recall->end_count; i++)
        map_put(&newer, recall->ends[i].mac.bits, 1);
    for (size_t i = 0; status == 0 && i < count; i++)
        if (told[i].keep == HEARD_KEEP_WHOLE &&
            (newer.count == 0 || map_find(&newer, told[i].fact.mac.bits) == MAP_NO_VALUE))
            status = add_told_end(recall, store, &told[i].fact, err);
    map_done(&newer);
    return status;
}

static int load_sessions(struct recall *recall, struct store *store, struct err *err)
{
    struct wall now = clock_wall();
    struct span settle = recall->parts.generation->config->audit.settle;
    struct store_round round = {.told = WALL_UNKNOWN};
    int status = store_find_round(store, WALL_UNKNOWN, &round, err);
    if (status != 0 && status != ERR_NOT_FOUND)
        return status;
    struct wall from = wall_known(round.told)         ? round.told
                       : wall_known(recall->listened) ? recall->listened
                                                      : now;
    recall->since = wall_add(from, span_us(-2 * settle.us));
    const struct session_query sessions = {.from = wall_add(recall->since, span_us(-LATE_STOP.us)),
                                           .to = now};
    status = store_each_session(store, &sessions, take_session, recall, err);
    if (status == 0 && recall->expired.count > 0)
        status = store_expire_sessions(store, recall->expired.numbers, recall->expired.at,
                                       recall->expired.count, err);
    if (status == 0)
        status = load_ended(recall, store, err);
    return status == 0 && wall_known(round.told) ? load_told(recall, store, &round, err) : status;
}

/* What a round leaves to the events: open cases of addresses. */
static int load_stood(struct recall *recall, struct store *store, struct err *err)
{
    static const char before[] = " address:";
    const struct case_record *cases;
    size_t count;
    uint64_t next;
    int status = store_load_cases(store, clock_wall(), span_us(0), recall->arena, &cases, &count,
                                  &next, err);
    for (size_t i = 0; status == 0 && i < count; i++) {
        const char *at = strstr(cases[i].discrepancy->identity, before);
        struct stood stood = {.kind = cases[i].discrepancy->kind,
                              .confirmed = cases[i].discrepancy->state == VERDICT_CONFIRMED};
        if (at == NULL || !case_state_open(cases[i].state))
            continue;
        at += sizeof before - 1;
        if (ip_parse(at, strcspn(at, " "), &stood.address) != 0)
            continue;
        recall->stood = alloc_grow(recall->stood, recall->stood_count, &recall->stood_capacity,
                                   sizeof *recall->stood);
        recall->stood[recall->stood_count++] = stood;
    }
    return status;
}

static bool has_window(const struct recall *recall, struct mac mac)
{
    for (size_t i = 0; i < recall->window_count; i++)
        if (mac_equal(recall->windows[i].mac, mac))
            return true;
    return false;
}

/* Of the last announcements, which are in the journal, nobody knows whether the window that they
 * opened came to be stored: it is now. */
static int add_lost_windows(struct recall *recall, struct store *store, bool *ret_added,
                            struct err *err)
{
    struct span length = recall->parts.generation->config->audit.migration_window;
    int status = 0;
    *ret_added = false;
    for (size_t i = recall->frame_count; i-- > 0 && status == 0;) { /* they are newest first */
        const struct heard_fact *fact = &recall->frames[i];
        if (fact->last.us < recall->listened.us - LOST_BEFORE.us || has_window(recall, fact->mac))
            continue;
        const struct followed window = {.kind = FOLLOWED_WINDOW,
                                        .mac = fact->mac,
                                        .at = fact->last,
                                        .until = wall_add(fact->last, length)};
        status = store_add_followed(store, &window, 1, recall->secret, err);
        *ret_added = true;
    }
    return status;
}

static int load_windows(struct recall *recall, struct store *store, struct err *err)
{
    struct live_options options;
    struct wall now = clock_wall();
    live_options_init(&options);
    return store_load_windows(store, wall_add(now, span_us(-options.window_rest.us)), now,
                              recall->arena, &recall->windows, &recall->window_count, err);
}

static int load_followed(struct recall *recall, struct store *store, struct err *err)
{
    const struct audit_options *audit = &recall->parts.generation->config->audit;
    struct wall now = clock_wall();
    bool added = false;
    int status = store_load_announced(store, now, audit->heard_hold, recall->arena, &recall->frames,
                                      &recall->frame_count, err);
    if (status == 0)
        status = load_windows(recall, store, err);
    if (status == 0 && wall_known(recall->listened))
        status = add_lost_windows(recall, store, &added, err);
    if (status == 0 && added)
        status = load_windows(recall, store, err);
    return status == 0 ? store_load_flushes(store, now, recall->arena, &recall->flushes,
                                            &recall->flush_count, err)
                       : status;
}

static int fold_all(struct recall *recall, struct store *store, struct err *err)
{
    struct event_fold fold = {.more = true};
    int status = 0;
    while (status == 0 && fold.more)
        status = store_events_fold(store, ledger_journal(recall->parts.ledger), FOLDED_AT_ONCE,
                                   clock_wall(), recall->parts.generation->config->retention, &fold,
                                   err);
    return status;
}

static int find_listened(struct recall *recall, struct store *store, struct err *err)
{
    const struct event_source_record *sources;
    size_t count;
    struct arena *arena = arena_new();
    int status = store_list_event_sources(store, arena, &sources, &count, err);
    for (size_t i = 0; status == 0 && i < count; i++) {
        if (!wall_known(recall->listened) || sources[i].last_heard.us > recall->listened.us)
            recall->listened = sources[i].last_heard;
    }
    arena_free(arena);
    return status;
}

static int load_records(struct recall *recall, struct store *store, struct err *err)
{
    for (size_t i = 0; i < recall->source_count; i++) {
        int status =
            store_last_good(store, recall->sources[i], &recall->sets[i], &recall->read_at[i], err);
        if (status != 0 && status != ERR_NOT_FOUND)
            return status;
    }
    return 0;
}

static int load(void *aux, struct store *store, struct err *err)
{
    struct recall *recall = aux;
    int status = load_records(recall, store, err);
    if (status == 0)
        status = fold_all(recall, store, err);
    if (status == 0)
        status = find_listened(recall, store, err);
    if (status == 0)
        status = load_sessions(recall, store, err);
    if (status == 0)
        status = load_stood(recall, store, err);
    return status == 0 ? load_followed(recall, store, err) : status;
}

/* --- on the loop --- */

static void take_records(struct recall *recall)
{
    size_t count;
    struct poller *const *pollers = auditor_pollers(recall->parts.auditor, &count);
    for (size_t i = 0; i < count; i++) {
        struct poller *poller = pollers[i];
        for (size_t s = 0; poller->is_recorded && s < recall->source_count; s++) {
            if (recall->sets[s] == NULL || poller->latest != NULL ||
                strcmp(recall->sources[s], poller->source->name) != 0)
                continue;
            recall->sets[s]->read_at = recall->read_at[s];
            poller->latest = holding_of_records(recall->sets[s], recall->parts.loop);
            poller->latest_at = recall->read_at[s];
            recall->sets[s] = NULL;
        }
    }
}

static struct heard_origin origin_at(const struct recall *recall, const struct session *session)
{
    const struct origin *numbers = &recall->origins[session->origin];
    return (struct heard_origin){.source = names_get(recall->names, numbers->source),
                                 .type = names_get(recall->names, numbers->type),
                                 .nas = names_get(recall->names, numbers->nas),
                                 .switch_name = names_get(recall->names, numbers->switch_name),
                                 .port = names_get(recall->names, numbers->port),
                                 .vlan = numbers->vlan};
}

static void restore_bound(struct recall *recall, const struct bound *bound)
{
    const struct session *session = &recall->sessions[bound->session];
    const struct heard_origin origin = origin_at(recall, session);
    const struct live_binding binding = {.home = bound->home,
                                         .care_of = bound->care_of,
                                         .mac = bound->mac,
                                         .peer = origin.nas != NULL ? origin.nas : "",
                                         .said = bound->said,
                                         .last = session->heard,
                                         .borne_out = bound->borne_out};
    reactor_restore_binding(recall->parts.reactor, &binding, &origin);
}

static void restore(struct recall *recall, const struct session *session)
{
    const struct heard_origin origin = origin_at(recall, session);
    const struct presence_row row = {.id = session->id,
                                     .source = (enum presence_source)session->source,
                                     .session = session->hash,
                                     .started = session->started,
                                     .heard = session->heard,
                                     .lifetime = session->lifetime,
                                     .expires = session->lifetime.us > 0
                                                    ? wall_add(session->heard, session->lifetime)
                                                    : WALL_UNKNOWN,
                                     .end = PRESENCE_LIVE,
                                     .proof = (enum event_proof)session->proof,
                                     .implicit = session->implicit};
    reactor_restore(recall->parts.reactor, &row, &origin);
}

/* One that ended since the last round settles anew. */
static void restore_end(struct recall *recall, const struct heard_fact *fact)
{
    enum presence_source source = presence_source_parse(fact->origin->type);
    const struct presence_row row = {
        .id = presence_mac(fact->mac),
        .source = source,
        .session = presence_session_hash(recall->secret, source, fact->origin->nas, fact->session),
        .started = fact->first,
        .heard = fact->ended,
        .expires = WALL_UNKNOWN,
        .end = fact->end == HEARD_RESET ? PRESENCE_RESET : PRESENCE_STOPPED,
        .proof = (enum event_proof)fact->proof,
        .implicit = !wall_known(fact->frame)};
    if (fact->end == HEARD_EXPIRED || fact->ended.us < recall->since.us)
        reactor_restore_departed(recall->parts.reactor, fact);
    else
        reactor_restore(recall->parts.reactor, &row, fact->origin);
}

/* An announcement, which is no session but a row of the list. */
static void restore_frame(struct recall *recall, const struct heard_fact *fact)
{
    enum presence_source source = presence_source_parse(fact->origin->type);
    const struct presence_row row = {
        .id = presence_mac(fact->mac),
        .source = source,
        .session = presence_session_hash(recall->secret, source, fact->origin->nas, NULL),
        .started = fact->first,
        .heard = fact->last,
        .lifetime = wall_since(fact->expires, fact->last),
        .expires = fact->expires,
        .end = PRESENCE_LIVE,
        .proof = (enum event_proof)fact->proof};
    reactor_restore(recall->parts.reactor, &row, fact->origin);
}

static void restore_followed(struct recall *recall)
{
    struct reactor *reactor = recall->parts.reactor;
    for (size_t i = 0; i < recall->window_count; i++)
        reactor_restore_window(reactor, &recall->windows[i]);
    for (size_t i = 0; i < recall->flush_count; i++)
        reactor_restore_flush(reactor, &recall->flushes[i]);
    recall->window_count = recall->flush_count = 0;
}

static bool restore_next(struct recall *recall)
{
    size_t number = recall->restored++;
    if (number < recall->session_count) {
        restore(recall, &recall->sessions[number]);
        return true;
    }
    number -= recall->session_count;
    if (number < recall->stood_count) {
        const struct stood *stood = &recall->stood[number];
        reactor_restore_stood(recall->parts.reactor, stood->kind, &stood->address,
                              stood->confirmed);
        return true;
    }
    number -= recall->stood_count;
    if (number < recall->bound_count) {
        restore_bound(recall, &recall->bound[number]);
        return true;
    }
    number -= recall->bound_count;
    if (number < recall->end_count) {
        restore_end(recall, &recall->ends[number]);
        return true;
    }
    number -= recall->end_count;
    if (number < recall->frame_count)
        restore_frame(recall, &recall->frames[number]);
    return number < recall->frame_count;
}

static void restore_some(void *aux)
{
    struct recall *recall = aux;
    bool more = true;
    restore_followed(recall);
    for (size_t i = 0; i < RESTORED_A_TURN && more; i++)
        more = restore_next(recall);
    if (more) {
        loop_timer_start(recall->timer, span_us(0));
        return;
    }
    if (recall->session_count > 0)
        log_say(recall->parts.log, LOG_LEVEL_INFO, "events", "%zu sessions are known from before",
                recall->session_count);
    recall->parts.done(recall->parts.context);
}

static void loaded(void *aux, int status, const struct err *err)
{
    struct recall *recall = aux;
    if (status != 0)
        log_say(recall->parts.log, LOG_LEVEL_ERROR, "store",
                "%s; what was known before this start is known in part only", err->text);
    take_records(recall);
    loop_timer_start(recall->timer, span_us(0));
}

struct recall *recall_new(const struct recall_parts *parts)
{
    const struct config *config = parts->generation->config;
    struct recall *recall = alloc_zeroed(1, sizeof *recall);
    recall->parts = *parts;
    recall->secret = reactor_secret(parts->reactor);
    recall->listened = recall->since = WALL_UNKNOWN;
    recall->arena = arena_new();
    recall->names = names_new();
    recall->timer = loop_timer_new(parts->loop, restore_some, recall);
    recall->sources = alloc_zeroed(config->recorded_count + 1, sizeof *recall->sources);
    recall->sets = alloc_zeroed(config->recorded_count + 1, sizeof *recall->sets);
    recall->read_at = alloc_zeroed(config->recorded_count + 1, sizeof *recall->read_at);
    for (size_t i = 0; i < config->recorded_count; i++)
        recall->sources[recall->source_count++] = alloc_text(config->recorded[i].name);
    keeper_do(parts->keeper, load, loaded, recall);
    return recall;
}

void recall_free(struct recall *recall)
{
    if (recall == NULL)
        return;
    for (size_t i = 0; i < recall->source_count; i++) {
        record_set_free(recall->sets[i]);
        free(recall->sources[i]);
    }
    loop_timer_free(recall->timer);
    free(recall->sources);
    free(recall->sets);
    free(recall->read_at);
    free(recall->origins);
    free(recall->sessions);
    free(recall->bound);
    free(recall->stood);
    free(recall->expired.numbers);
    free(recall->expired.at);
    free(recall->ended);
    free(recall->ends);
    map_done(&recall->open_of);
    arena_free(recall->arena);
    names_free(recall->names);
    free(recall);
}
