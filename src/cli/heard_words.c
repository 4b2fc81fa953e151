/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/heard_words.h"

#include <inttypes.h>
#include <string.h>

#include "audit/presence.h"
#include "audit/world_view.h"
#include "cli/table.h"
#include "model/json_out.h"

struct telling {
    const struct heard_line *lines;
    size_t count;
    bool *told; /* with another line */
    const struct world *world;
    struct arena *arena;
};

static bool filled(const char *text)
{
    return text != NULL && *text != '\0';
}

/* --- places --- */

/* What a place is worth that nothing read or recorded has. */
static void add_ignored(struct text *to, const struct world *world, const char *switch_name,
                        const char *port)
{
    uint32_t index = world != NULL ? world_find_switch(world, switch_name) : WORLD_NONE;
    if (world == NULL)
        return;
    if (index == WORLD_NONE)
        text_add(to, "; ignored as a place: no record and no table has such a switch");
    else if (!filled(port))
        text_add(to, "; nobody said at which port");
    else if (world->switches[index].table != NULL &&
             world_find_port(world, switch_name, port) == WORLD_NONE)
        text_add(to, "; ignored as a place: its table has no such port");
}

/* "at sw1 port Gi0/3 vlan 10". */
static void add_place(struct text *to, const struct world *world, const char *switch_name,
                      const char *port, uint16_t vlan)
{
    if (filled(switch_name))
        text_printf(to, " at %s", switch_name);
    if (filled(port))
        text_printf(to, "%s port %s", filled(switch_name) ? "" : " at", port);
    if (vlan != 0)
        text_printf(to, " vlan %u", vlan);
    if (filled(switch_name))
        add_ignored(to, world, switch_name, port);
    else
        text_add(to, filled(port) ? "; ignored as a place: its sender is mapped to no switch"
                                  : "; nobody said where");
}

/* --- sessions --- */

static bool is_trap(const struct session_record *session)
{
    return session->proof == EVENT_PROOF_HINT ||
           presence_source_parse(session->type) == PRESENCE_SNMP_TRAP;
}

static bool is_table(const struct session_record *session)
{
    enum presence_source source = presence_source_parse(session->type);
    return source == PRESENCE_LINUX_BRIDGE || source == PRESENCE_OVS;
}

/* "session A1 of sw1" and the like. */
static void add_session(struct text *to, const struct session_record *session)
{
    if (is_trap(session))
        text_add(to, "trap");
    else if (is_table(session))
        text_printf(to, "row of %s", session->nas);
    else if (ip_known(&session->care_of))
        text_printf(to, "binding%s%s", filled(session->nas) ? " with " : "", session->nas);
    else if (presence_source_parse(session->type) == PRESENCE_ANNOUNCE)
        text_add(to, "frames of it");
    else
        text_printf(to, "session%s%s%s%s", filled(session->session) ? " " : "", session->session,
                    filled(session->nas) ? " of " : "", session->nas);
}

static void say_began(const struct telling *telling, const struct heard_line *line, struct text *to)
{
    const struct session_record *session = &line->session;
    char care_of[IP_TEXT_SIZE], last[CLOCK_TEXT_SIZE];
    add_session(to, session);
    text_add(to, is_trap(session) ? ": learnt" : session->implicit ? " heard" : " began");
    if (ip_known(&session->care_of))
        text_printf(to, " at care-of address %s", ip_format(&session->care_of, care_of));
    else
        add_place(to, telling->world, session->switch_name, session->port, session->vlan);
    if (session->implicit && !is_trap(session))
        text_add(to, "; how it began was not heard");
    if (session->updates > 0)
        text_printf(to, "; refreshed %" PRIu64 " time%s, last %s", session->updates,
                    session->updates == 1 ? "" : "s", wall_format_ms(session->last, last));
}

static void say_ended(const struct telling *telling, const struct heard_line *line, struct text *to)
{
    const struct session_record *session = &line->session;
    bool refused = strcmp(session->cause, "refused") == 0;
    add_session(to, session);
    if (refused)
        text_add(to, " refused by its agent: it ends");
    else
        text_add(to, is_trap(session) ? ": gone" : " ended");
    if (is_trap(session))
        add_place(to, telling->world, session->switch_name, session->port, session->vlan);
    if (wall_known(session->expired) && session->expired.us < line->at.us)
        text_add(to, ", long after it had expired");
    if (strcmp(session->cause, "reset") == 0)
        text_add(to, " with all sessions of its NAS");
    else if (strcmp(session->cause, "replaced") == 0)
        text_add(to, ": it began anew");
    else if (filled(session->cause) && !refused && !is_trap(session))
        text_printf(to, ": %s", session->cause);
}

/* --- what made no session --- */

static void say_event(const struct telling *telling, const struct heard_line *line, struct text *to)
{
    static const char *const words[][2] = {
        {"gratuitous_arp", "gratuitous ARP"},
        {"rarp", "RARP"},
        {"unsolicited_nd", "unsolicited neighbour advertisement"}};
    const struct event *event = &line->event;
    const char *what = event_kind_word(event->kind);
    char address[IP_TEXT_SIZE];
    if (event->kind == EVENT_ANNOUNCE)
        what = "announcement";
    if (event->kind == EVENT_HINT)
        what = "hint";
    for (size_t i = 0; event->cause != NULL && i < ARRAY_COUNT(words); i++)
        if (strcmp(event->cause, words[i][0]) == 0)
            what = words[i][1];
    text_add(to, what);
    if (ip_known(&event->address))
        text_printf(to, " for %s", ip_format(&event->address, address));
    add_place(to, telling->world, event->switch_name, event->port, event->vlan);
}

/* --- what followed --- */

static void say_probe(const struct followed *probe, const char *port, struct text *to)
{
    if (!filled(probe->text))
        text_printf(to, "a probe of %s did not find it", probe->switch_name);
    else if (filled(port) && strstr(probe->text, port) != NULL)
        text_printf(to, "confirmed by a probe of %s: %s", probe->switch_name, probe->text);
    else
        text_printf(to, "a probe of %s found it at %s", probe->switch_name, probe->text);
}

static void say_followed(const struct followed *followed, const char *port, struct text *to)
{
    char until[CLOCK_TEXT_SIZE];
    if (followed->kind == FOLLOWED_PROBE)
        say_probe(followed, port, to);
    else
        text_printf(to, "it opened a migration window until %s",
                    wall_format_ms(followed->until, until));
}

static bool is_followed(const struct heard_line *line)
{
    return line->kind == HEARD_LINE_FOLLOWED;
}

/* Adds what followed from line `number`, unless something was heard in between. */
static void add_followed(struct telling *telling, size_t number, struct text *to)
{
    const struct heard_line *line = &telling->lines[number];
    const char *port = line->kind == HEARD_LINE_EVENT ? line->event.port : line->session.port;
    for (size_t i = number + 1; i < telling->count && is_followed(&telling->lines[i]); i++) {
        if (telling->lines[i].at.us - line->at.us > HEARD_FOLLOWS.us)
            break;
        text_add(to, "; ");
        say_followed(&telling->lines[i].followed, port, to);
        telling->told[i] = true;
    }
}

static const char *say(struct telling *telling, size_t number)
{
    const struct heard_line *line = &telling->lines[number];
    AUTO_TEXT struct text text = TEXT_EMPTY;
    switch (line->kind) {
    case HEARD_LINE_BEGAN:
        say_began(telling, line, &text);
        break;
    case HEARD_LINE_ENDED:
        say_ended(telling, line, &text);
        break;
    case HEARD_LINE_EXPIRED:
        add_session(&text, &line->session);
        text_add(&text, " expired: nothing was heard of it in time");
        break;
    case HEARD_LINE_EVENT:
        say_event(telling, line, &text);
        break;
    case HEARD_LINE_FOLLOWED:
        say_followed(&line->followed, NULL, &text);
        break;
    }
    if (!is_followed(line))
        add_followed(telling, number, &text);
    return arena_text(telling->arena, text_get(&text), text.length);
}

static const char *source_of(const struct heard_line *line)
{
    if (line->kind == HEARD_LINE_EVENT)
        return line->event.source != NULL ? line->event.source : "";
    if (line->kind == HEARD_LINE_BEGAN || line->kind == HEARD_LINE_ENDED)
        return line->session.source;
    return "musterd";
}

size_t heard_words(const struct heard_line *lines, size_t count, const struct world *world,
                   struct arena *arena, struct heard_said **ret)
{
    struct telling telling = {.lines = lines, .count = count, .world = world, .arena = arena};
    size_t said = 0;
    telling.told = arena_alloc(arena, (count + 1) * sizeof *telling.told);
    memset(telling.told, 0, (count + 1) * sizeof *telling.told);
    *ret = arena_alloc(arena, (count + 1) * sizeof **ret);
    for (size_t i = 0; i < count; i++) {
        if (telling.told[i])
            continue;
        (*ret)[said++] = (struct heard_said){
            .at = lines[i].at, .source = source_of(&lines[i]), .text = say(&telling, i)};
    }
    return said;
}

/* --- printing --- */

void heard_words_print(const struct heard_said *said, size_t count, size_t more, FILE *to)
{
    static const struct table_column columns[] = {{"HEARD", 0}, {"BY", 8}, {"WHAT", 30}};
    if (count == 0)
        return;
    struct table *table = table_new(columns, ARRAY_COUNT(columns));
    char at[CLOCK_TEXT_SIZE];
    for (size_t i = 0; i < count; i++) {
        table_cell(table, wall_format_seconds(said[i].at, at));
        table_cell(table, said[i].source);
        table_cell(table, said[i].text);
    }
    putc('\n', to);
    table_print(table, to, terminal_width(to), terminal_colours(to));
    table_free(table);
    if (more > 0)
        fprintf(to, "and %zu earlier\n", more);
}

void heard_words_json(const struct heard_said *said, size_t count, size_t more, struct text *to)
{
    json_key(to, "heard");
    text_add_char(to, '[');
    for (size_t i = 0; i < count; i++) {
        text_add(to, i > 0 ? ",{" : "{");
        json_key(to, "at");
        json_wall(to, said[i].at);
        json_key(to, "source");
        json_text(to, said[i].source);
        json_key(to, "text");
        json_text(to, said[i].text);
        text_add_char(to, '}');
    }
    text_add_char(to, ']');
    json_key(to, "heard_before");
    text_printf(to, "%zu", more);
}
