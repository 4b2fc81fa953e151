/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "daemon/config.h"
#include "daemon/daemon_internal.h"
#include "io/clock.h"
#include "model/json_out.h"
#include "store/query.h"
#include "workflow/case.h"

/* --- watchers --- */

void daemon_tell_cases(struct daemon *daemon, const struct case_change *changes, size_t count)
{
    if (!control_watched(daemon->control, false))
        return;
    AUTO_TEXT struct text line = TEXT_EMPTY;
    for (size_t i = 0; i < count; i++) {
        const struct case_change *change = &changes[i];
        if (!change->has_event)
            continue;
        text_clear(&line);
        text_add(&line, "{\"type\":\"case\"");
        json_key(&line, "event");
        json_text(&line, case_event_word(change->event.kind));
        json_key(&line, "at");
        json_wall(&line, change->event.at);
        json_key(&line, "who");
        json_text_or_null(&line, change->event.who);
        json_key(&line, "text");
        json_text_or_null(&line, change->event.text);
        json_case(&line, &change->record);
        text_add_char(&line, '}');
        control_tell(daemon->control, false, text_get(&line));
    }
}

void daemon_tell_events(struct daemon *daemon, const struct event *events, size_t count)
{
    if (daemon->control == NULL || !control_watched(daemon->control, true))
        return;
    AUTO_TEXT struct text line = TEXT_EMPTY;
    for (size_t i = 0; i < count; i++) {
        text_clear(&line);
        text_add(&line, "{\"type\":\"event\"");
        json_event(&line, &events[i]);
        text_add_char(&line, '}');
        control_tell(daemon->control, true, text_get(&line));
    }
}

/* --- what a person does to a case --- */

struct case_errand {
    struct daemon *daemon;
    uint64_t client;
    struct control_request request;
    char *who;
    struct arena *arena;
    struct case_change change;
};

static int change_case(void *aux, struct store *store, struct err *err)
{
    struct case_errand *errand = aux;
    const struct control_request *request = &errand->request;
    struct case_record record;
    int status = store_find_case(store, request->case_number, errand->arena, &record, err);
    if (status == 0 && request->verb == CONTROL_ACKNOWLEDGE)
        status = case_acknowledge(&record, errand->who, request->text, clock_wall(),
                                  &errand->change, err);
    else if (status == 0)
        status = case_close(&record, errand->who, request->text, request->without_proof,
                            clock_wall(), &errand->change, err);
    return status == 0 ? store_case_change(store, &errand->change, err) : status;
}

static void case_changed(void *aux, int status, const struct err *err)
{
    struct case_errand *errand = aux;
    struct daemon *daemon = errand->daemon;
    struct control_client *client = control_find(daemon->control, errand->client);
    char id[CASE_ID_SIZE];
    if (status == 0) {
        daemon_tell_cases(daemon, &errand->change, 1);
        log_say(daemon->log, LOG_LEVEL_INFO, "case", "%s is %s, by %s",
                case_id_format(errand->request.case_number, id),
                case_state_word(errand->change.record.state), errand->who);
    }
    if (client != NULL && status != 0) {
        control_end(client, status, err->text);
    } else if (client != NULL) {
        const char *state = case_state_word(errand->change.record.state);
        control_end(client, 0,
                    arena_printf(errand->arena, "%s is %s",
                                 case_id_format(errand->request.case_number, id), state));
    }
    arena_free(errand->arena);
    free(errand->who);
    free(errand);
}

static void ask_case(struct daemon *daemon, struct control_client *client, const char *who,
                     const struct control_request *request)
{
    struct case_errand *errand = alloc_zeroed(1, sizeof *errand);
    errand->daemon = daemon;
    errand->client = control_number(client);
    errand->request = *request;
    errand->who = alloc_text(who);
    errand->arena = arena_new();
    keeper_do(daemon->keeper, change_case, case_changed, errand);
}

/* --- requests --- */

static void ask_status(struct daemon *daemon, struct control_client *client)
{
    AUTO_TEXT struct text line = TEXT_EMPTY;
    status_print(daemon, &line);
    control_answer(client, text_get(&line));
    control_end(client, 0, "");
}

static void ask_level(struct daemon *daemon, struct control_client *client, const char *who,
                      enum log_level level)
{
    static const char *const levels[] = {
#define LEVEL(word, name) [name] = word,
        LOG_LEVELS(LEVEL)
#undef LEVEL
    };
    AUTO_TEXT struct text message = TEXT_EMPTY;
    log_set_level(daemon->log, level);
    text_printf(&message, "the log's level is %s, until the daemon ends or reads its configuration",
                levels[level]);
    log_say(daemon->log, LOG_LEVEL_INFO, "daemon", "log level %s, by %s", levels[level], who);
    control_end(client, 0, text_get(&message));
}

static void ask_watch(struct daemon *daemon, struct control_client *client, bool events)
{
    control_watch(client, events);
    control_answer(client, "{\"type\":\"watching\"}");
}

static void ask_shrunk(struct daemon *daemon, struct control_client *client, const char *source)
{
    AUTO_TEXT struct text message = TEXT_EMPTY;
    bool known = auditor_accept_shrunk(daemon->auditor, source);
    text_printf(&message,
                known ? "%s is read now, and believed whatever its size"
                      : "there is no recorded source \"%s\"",
                source);
    control_end(client, known ? 0 : ERR_NOT_FOUND, text_get(&message));
}

void daemon_asked(void *context, struct control_client *client, const char *who,
                  const struct control_request *request)
{
    struct daemon *daemon = context;
    switch (request->kind) {
    case CONTROL_STATUS:
        ask_status(daemon, client);
        return;
    case CONTROL_WATCH:
        ask_watch(daemon, client, request->events);
        return;
    case CONTROL_RELOAD:
        log_say(daemon->log, LOG_LEVEL_INFO, "config", "%s asks for a reload", who);
        daemon_reload(daemon, control_number(client));
        return;
    case CONTROL_LOG_LEVEL:
        ask_level(daemon, client, who, request->level);
        return;
    case CONTROL_CASE:
        ask_case(daemon, client, who, request);
        return;
    case CONTROL_ACCEPT_SHRUNK:
        ask_shrunk(daemon, client, request->text);
        return;
    }
}
