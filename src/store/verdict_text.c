/* SPDX-License-Identifier: Apache-2.0 */
#include "store/verdict_text.h"

#include <inttypes.h>
#include <string.h>

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
    char address[IP_TEXT_SIZE];
    if (ip_known(&subject->address)) /* rows of before had no such member */
        add_member(to, "address", ip_format(&subject->address, address));
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
