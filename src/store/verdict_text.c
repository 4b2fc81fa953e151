/* SPDX-License-Identifier: Apache-2.0 */
#include "store/verdict_text.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

/* --- printing --- */

static void add_key(struct text *to, const char *key)
{
    char last = to->length > 0 ? to->data[to->length - 1] : '{';
    if (last != '{' && last != '[')
        text_add_char(to, ',');
    text_printf(to, "\"%s\":", key);
}

static void add_item(struct text *to)
{
    if (to->data[to->length - 1] != '[')
        text_add_char(to, ',');
}

static void add_value(struct text *to, const char *value)
{
    if (value == NULL)
        text_add(to, "null");
    else
        text_add_json(to, value, strlen(value));
}

static void add_member(struct text *to, const char *key, const char *value)
{
    add_key(to, key);
    add_value(to, value);
}

static void add_wall(struct text *to, const char *key, struct wall wall)
{
    add_key(to, key);
    if (wall_known(wall))
        text_printf(to, "%" PRId64, wall.us);
    else
        text_add(to, "null");
}

static void add_mac(struct text *to, struct mac mac)
{
    char buffer[MAC_TEXT_SIZE];
    add_value(to, mac_known(mac) ? mac_format(mac, buffer) : NULL);
}

static void add_subject(struct text *to, const struct subject *subject)
{
    add_key(to, "subject");
    text_add_char(to, '{');
    add_member(to, "guest", subject->guest);
    add_member(to, "uuid", subject->uuid);
    add_member(to, "hypervisor", subject->hypervisor);
    add_member(to, "switch", subject->switch_name);
    add_member(to, "source", subject->source);
    add_member(to, "port", subject->port);
    add_key(to, "mac");
    add_mac(to, subject->mac);
    text_add_char(to, '}');
}

static void add_texts(struct text *to, const char *key, const char *const *texts, size_t count)
{
    add_key(to, key);
    text_add_char(to, '[');
    for (size_t i = 0; i < count; i++) {
        add_item(to);
        add_value(to, texts[i]);
    }
    text_add_char(to, ']');
}

static void add_places(struct text *to, const struct discrepancy *d)
{
    add_key(to, "expected");
    text_add_char(to, '[');
    for (size_t i = 0; i < d->expected_count; i++) {
        add_item(to);
        text_add_char(to, '{');
        add_member(to, "switch", d->expected[i].switch_name);
        add_member(to, "port", d->expected[i].port);
        text_add_char(to, '}');
    }
    text_add_char(to, ']');
    add_key(to, "observed");
    text_add_char(to, '[');
    for (size_t i = 0; i < d->observed_count; i++) {
        const struct observed_place *place = &d->observed[i];
        add_item(to);
        text_add_char(to, '{');
        add_member(to, "switch", place->place.switch_name);
        add_member(to, "port", place->place.port);
        add_member(to, "vlan", place->vlan);
        add_wall(to, "from", place->from);
        add_wall(to, "to", place->to);
        add_member(to, "source", place->source);
        text_add_char(to, '}');
    }
    text_add_char(to, ']');
}

static void add_evidence(struct text *to, const struct discrepancy *d)
{
    add_key(to, "evidence");
    text_add_char(to, '[');
    for (size_t i = 0; i < d->evidence_count; i++) {
        add_item(to);
        text_add_char(to, '{');
        add_member(to, "what", d->evidence[i].what);
        add_member(to, "source", d->evidence[i].source);
        add_wall(to, "at", d->evidence[i].at);
        add_member(to, "text", d->evidence[i].text);
        text_add_char(to, '}');
    }
    text_add_char(to, ']');
}

void verdict_text_print(const struct discrepancy *d, struct text *to)
{
    text_add_char(to, '{');
    add_member(to, "kind", discrepancy_word(d->kind));
    add_member(to, "state", verdict_state_word(d->state));
    add_member(to, "severity", severity_word(d->severity));
    add_member(to, "domain", d->domain);
    add_member(to, "identity", d->identity);
    add_subject(to, &d->subject);
    add_key(to, "macs");
    text_add_char(to, '[');
    for (size_t i = 0; i < d->mac_count; i++) {
        add_item(to);
        add_mac(to, d->macs[i]);
    }
    text_add_char(to, ']');
    add_texts(to, "expected_hypervisors", d->expected_hypervisors, d->expected_hypervisor_count);
    add_places(to, d);
    add_evidence(to, d);
    add_member(to, "why", d->why);
    add_member(to, "would_prove", d->would_prove);
    add_texts(to, "members", d->members, d->member_count);
    add_member(to, "run_state", d->run_state);
    text_add_char(to, '}');
}

/* --- parsing --- */

/* The first thing that does not fit makes the whole bad. */
struct reading {
    struct arena *arena;
    bool bad;
};

static const char *take_value(struct reading *reading, const json_t *value)
{
    if (json_is_null(value))
        return NULL;
    if (!json_is_string(value)) {
        reading->bad = true;
        return NULL;
    }
    return arena_text(reading->arena, json_string_value(value), json_string_length(value));
}

static const char *take_member(struct reading *reading, const json_t *object, const char *key)
{
    return take_value(reading, json_object_get(object, key));
}

static struct wall take_wall(struct reading *reading, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value))
        return (struct wall){json_integer_value(value)};
    if (!json_is_null(value))
        reading->bad = true;
    return WALL_UNKNOWN;
}

static struct mac take_mac(struct reading *reading, const json_t *value)
{
    struct mac mac = MAC_NONE;
    const char *text = take_value(reading, value);
    if (text != NULL && mac_parse(text, strlen(text), &mac) != 0)
        reading->bad = true;
    return mac;
}

/* Returns the array `key` and its length; a missing one is bad. */
static const json_t *take_array(struct reading *reading, const json_t *object, const char *key,
                                size_t *ret_count)
{
    const json_t *array = json_object_get(object, key);
    if (!json_is_array(array))
        reading->bad = true;
    *ret_count = json_array_size(array);
    return array;
}

static const char *const *take_texts(struct reading *reading, const json_t *object, const char *key,
                                     size_t *ret_count)
{
    const json_t *array = take_array(reading, object, key, ret_count);
    const char **texts = arena_alloc(reading->arena, (*ret_count + 1) * sizeof *texts);
    for (size_t i = 0; i < *ret_count; i++)
        texts[i] = take_value(reading, json_array_get(array, i));
    return texts;
}

static struct subject take_subject(struct reading *reading, const json_t *object)
{
    if (!json_is_object(object))
        reading->bad = true;
    return (struct subject){.guest = take_member(reading, object, "guest"),
                            .uuid = take_member(reading, object, "uuid"),
                            .hypervisor = take_member(reading, object, "hypervisor"),
                            .switch_name = take_member(reading, object, "switch"),
                            .source = take_member(reading, object, "source"),
                            .port = take_member(reading, object, "port"),
                            .mac = take_mac(reading, json_object_get(object, "mac"))};
}

static void take_places(struct reading *reading, const json_t *root, struct discrepancy *d)
{
    const json_t *array = take_array(reading, root, "expected", &d->expected_count);
    struct named_place *expected =
        arena_alloc(reading->arena, (d->expected_count + 1) * sizeof *expected);
    for (size_t i = 0; i < d->expected_count; i++) {
        const json_t *item = json_array_get(array, i);
        expected[i].switch_name = take_member(reading, item, "switch");
        expected[i].port = take_member(reading, item, "port");
    }
    d->expected = expected;
    array = take_array(reading, root, "observed", &d->observed_count);
    struct observed_place *observed =
        arena_alloc(reading->arena, (d->observed_count + 1) * sizeof *observed);
    for (size_t i = 0; i < d->observed_count; i++) {
        const json_t *item = json_array_get(array, i);
        observed[i].place.switch_name = take_member(reading, item, "switch");
        observed[i].place.port = take_member(reading, item, "port");
        observed[i].vlan = take_member(reading, item, "vlan");
        observed[i].from = take_wall(reading, item, "from");
        observed[i].to = take_wall(reading, item, "to");
        observed[i].source = take_member(reading, item, "source");
    }
    d->observed = observed;
}

static void take_evidence(struct reading *reading, const json_t *root, struct discrepancy *d)
{
    const json_t *array = take_array(reading, root, "evidence", &d->evidence_count);
    struct evidence *evidence =
        arena_alloc(reading->arena, (d->evidence_count + 1) * sizeof *evidence);
    for (size_t i = 0; i < d->evidence_count; i++) {
        const json_t *item = json_array_get(array, i);
        evidence[i].what = take_member(reading, item, "what");
        evidence[i].source = take_member(reading, item, "source");
        evidence[i].at = take_wall(reading, item, "at");
        evidence[i].text = take_member(reading, item, "text");
    }
    d->evidence = evidence;
}

static void take_words(struct reading *reading, const json_t *root, struct discrepancy *d)
{
    const char *kind = take_member(reading, root, "kind");
    const char *state = take_member(reading, root, "state");
    const char *severity = take_member(reading, root, "severity");
    d->kind = kind == NULL ? DISCREPANCY_KIND_COUNT : discrepancy_parse(kind);
    if (d->kind == DISCREPANCY_KIND_COUNT || state == NULL || severity == NULL) {
        reading->bad = true;
        return;
    }
    d->state = strcmp(state, verdict_state_word(VERDICT_CONFIRMED)) == 0 ? VERDICT_CONFIRMED
                                                                         : VERDICT_SUSPECTED;
    d->severity = SEVERITY_INFO;
    while (d->severity < SEVERITY_CRITICAL && strcmp(severity, severity_word(d->severity)) != 0)
        d->severity++;
}

static bool take_verdict(const json_t *root, struct arena *arena, struct discrepancy *d)
{
    struct reading reading = {.arena = arena};
    take_words(&reading, root, d);
    d->domain = take_member(&reading, root, "domain");
    d->identity = take_member(&reading, root, "identity");
    d->subject = take_subject(&reading, json_object_get(root, "subject"));
    const json_t *macs = take_array(&reading, root, "macs", &d->mac_count);
    struct mac *list = arena_alloc(arena, (d->mac_count + 1) * sizeof *list);
    for (size_t i = 0; i < d->mac_count; i++)
        list[i] = take_mac(&reading, json_array_get(macs, i));
    d->macs = list;
    d->expected_hypervisors =
        take_texts(&reading, root, "expected_hypervisors", &d->expected_hypervisor_count);
    take_places(&reading, root, d);
    take_evidence(&reading, root, d);
    d->why = take_member(&reading, root, "why");
    d->would_prove = take_member(&reading, root, "would_prove");
    d->members = take_texts(&reading, root, "members", &d->member_count);
    d->run_state = take_member(&reading, root, "run_state");
    return !reading.bad && d->identity != NULL;
}

int verdict_text_parse(const char *text, size_t length, struct arena *arena,
                       struct discrepancy *ret)
{
    json_t *root = json_loadb(text, length, JSON_ALLOW_NUL, NULL);
    struct discrepancy discrepancy = {0};
    bool good = json_is_object(root) && take_verdict(root, arena, &discrepancy);
    json_decref(root);
    if (!good)
        return ERR_CORRUPT;
    *ret = discrepancy;
    return 0;
}
