/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/recall.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/names.h"
#include "daemon/config.h"
#include "io/clock.h"
#include "io/loop.h"
#include "store/event_log.h"

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
    uint8_t source, proof;
    bool implicit;
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

static int take_session(void *aux, const struct session_record *record)
{
    struct recall *recall = aux;
    struct span hold = hold_of(record);
    enum presence_source source = presence_source_parse(record->type);
    bool has_mac = mac_known(record->mac);
    if (wall_known(record->ended) || had_expired(recall, record, hold))
        return 0;
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
    return 0;
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
    struct wall now = clock_wall();
    const struct session_query open = {.from = now, .to = now};
    int status = load_records(recall, store, err);
    if (status == 0)
        status = fold_all(recall, store, err);
    if (status == 0)
        status = find_listened(recall, store, err);
    return status == 0 ? store_each_session(store, &open, take_session, recall, err) : status;
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

static void restore(struct recall *recall, const struct session *session)
{
    const struct origin *numbers = &recall->origins[session->origin];
    const struct heard_origin origin = {.source = names_get(recall->names, numbers->source),
                                        .type = names_get(recall->names, numbers->type),
                                        .nas = names_get(recall->names, numbers->nas),
                                        .switch_name =
                                            names_get(recall->names, numbers->switch_name),
                                        .port = names_get(recall->names, numbers->port),
                                        .vlan = numbers->vlan};
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

static void restore_some(void *aux)
{
    struct recall *recall = aux;
    for (size_t i = 0; i < RESTORED_A_TURN && recall->restored < recall->session_count; i++)
        restore(recall, &recall->sessions[recall->restored++]);
    if (recall->restored < recall->session_count) {
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
    recall->listened = WALL_UNKNOWN;
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
    names_free(recall->names);
    free(recall);
}
