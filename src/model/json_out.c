/* SPDX-License-Identifier: Apache-2.0 */
#include "model/json_out.h"

#include <inttypes.h>
#include <string.h>

void json_key(struct text *to, const char *name)
{
    char last = to->length > 0 ? to->data[to->length - 1] : '{';
    if (last != '{' && last != '[')
        text_add_char(to, ',');
    text_add_json(to, name, strlen(name));
    text_add_char(to, ':');
}

void json_text(struct text *to, const char *text)
{
    if (text == NULL)
        text_add(to, "null");
    else
        text_add_json(to, text, strlen(text));
}

void json_text_or_null(struct text *to, const char *text)
{
    json_text(to, text != NULL && *text != '\0' ? text : NULL);
}

void json_wall(struct text *to, struct wall time)
{
    char buffer[CLOCK_TEXT_SIZE];
    json_text(to, wall_known(time) ? wall_format(time, buffer) : NULL);
}

void json_mac(struct text *to, struct mac mac)
{
    char buffer[MAC_TEXT_SIZE];
    json_text(to, mac_known(mac) ? mac_format(mac, buffer) : NULL);
}

void json_vlan(struct text *to, const char *vlan)
{
    text_add_char(to, '[');
    if (vlan != NULL && strcmp(vlan, "trunk") == 0) {
        text_add(to, "\"trunk\"");
    } else if (vlan != NULL) {
        for (const char *at = vlan; *at != '\0'; at++)
            text_add_char(to, *at == '|' ? ',' : *at);
    }
    text_add_char(to, ']');
}

void json_vlan_value(struct text *to, const char *vlan)
{
    if (vlan == NULL || *vlan == '\0')
        text_add(to, "null");
    else if (strchr(vlan, '|') == NULL && strcmp(vlan, "trunk") != 0)
        text_add(to, vlan);
    else
        json_vlan(to, vlan);
}

/* Opens the next element of an array: a comma unless it is the first. */
static void next_element(struct text *to, size_t index)
{
    if (index > 0)
        text_add_char(to, ',');
}

static void add_if(struct text *to, const char *name, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    json_key(to, name);
    json_text(to, value);
}

static void add_subject(struct text *to, const struct discrepancy *d)
{
    json_key(to, "subject");
    text_add_char(to, '{');
    add_if(to, "guest", d->subject.guest);
    add_if(to, "uuid", d->subject.uuid);
    if (mac_known(d->subject.mac)) {
        json_key(to, "mac");
        json_mac(to, d->subject.mac);
    }
    add_if(to, "hypervisor", d->subject.hypervisor);
    add_if(to, "switch", d->subject.switch_name);
    add_if(to, "port", d->subject.port);
    add_if(to, "source", d->subject.source);
    if (ip_known(&d->subject.address)) {
        char address[IP_TEXT_SIZE];
        add_if(to, "address", ip_format(&d->subject.address, address));
    }
    if (d->mac_count > 0) {
        json_key(to, "macs");
        text_add_char(to, '[');
        for (size_t i = 0; i < d->mac_count; i++) {
            next_element(to, i);
            json_mac(to, d->macs[i]);
        }
        text_add_char(to, ']');
    }
    text_add_char(to, '}');
}

static void add_place(struct text *to, const struct named_place *place)
{
    json_key(to, "switch");
    json_text_or_null(to, place->switch_name);
    json_key(to, "port");
    json_text_or_null(to, place->port);
}

static void add_expected(struct text *to, const struct discrepancy *d)
{
    json_key(to, "expected");
    text_add_char(to, '{');
    json_key(to, "hypervisor");
    json_text_or_null(to, d->expected_hypervisor_count > 0 ? d->expected_hypervisors[0] : NULL);
    if (d->expected_hypervisor_count > 1) {
        json_key(to, "hypervisors");
        text_add_char(to, '[');
        for (size_t i = 0; i < d->expected_hypervisor_count; i++) {
            next_element(to, i);
            json_text(to, d->expected_hypervisors[i]);
        }
        text_add_char(to, ']');
    }
    json_key(to, "places");
    text_add_char(to, '[');
    for (size_t i = 0; i < d->expected_count; i++) {
        next_element(to, i);
        text_add_char(to, '{');
        add_place(to, &d->expected[i]);
        text_add_char(to, '}');
    }
    text_add_char(to, ']');
    add_if(to, "run_state", d->run_state);
    text_add_char(to, '}');
}

static void add_observed(struct text *to, const struct discrepancy *d)
{
    json_key(to, "observed");
    text_add_char(to, '[');
    for (size_t i = 0; i < d->observed_count; i++) {
        const struct observed_place *seen = &d->observed[i];
        next_element(to, i);
        text_add_char(to, '{');
        add_place(to, &seen->place);
        json_key(to, "vlan");
        json_vlan(to, seen->vlan);
        json_key(to, "from");
        json_wall(to, seen->from);
        json_key(to, "to");
        json_wall(to, seen->to);
        json_key(to, "source");
        json_text_or_null(to, seen->source);
        text_add_char(to, '}');
    }
    text_add_char(to, ']');
}

void json_evidence(struct text *to, const struct evidence *evidence, size_t count)
{
    text_add_char(to, '[');
    for (size_t i = 0; i < count; i++) {
        next_element(to, i);
        text_add_char(to, '{');
        json_key(to, "what");
        json_text(to, evidence[i].what);
        json_key(to, "source");
        json_text_or_null(to, evidence[i].source);
        json_key(to, "at");
        json_wall(to, evidence[i].at);
        json_key(to, "text");
        json_text(to, evidence[i].text);
        text_add_char(to, '}');
    }
    text_add_char(to, ']');
}

void json_discrepancy(struct text *to, const struct discrepancy *d)
{
    json_key(to, "kind");
    json_text(to, discrepancy_word(d->kind));
    json_key(to, "state");
    json_text(to, verdict_state_word(d->state));
    json_key(to, "severity");
    json_text(to, severity_word(d->severity));
    json_key(to, "domain");
    json_text(to, d->domain);
    add_subject(to, d);
    add_expected(to, d);
    add_observed(to, d);
    json_key(to, "evidence");
    json_evidence(to, d->evidence, d->evidence_count);
    json_key(to, "why");
    json_text(to, d->why);
    json_key(to, "would_prove");
    json_text_or_null(to, d->would_prove);
    if (d->member_count > 0) {
        json_key(to, "members");
        text_add_char(to, '[');
        for (size_t i = 0; i < d->member_count; i++) {
            next_element(to, i);
            json_text(to, d->members[i]);
        }
        text_add_char(to, ']');
    }
}

void json_receipt(struct text *to, const struct receipt *receipt, const char *switch_name)
{
    text_add_char(to, '{');
    json_key(to, "source");
    json_text(to, receipt->source);
    json_key(to, "type");
    json_text(to, receipt->type);
    if (switch_name != NULL) {
        json_key(to, "switch");
        json_text(to, switch_name);
    }
    json_key(to, "context");
    json_text(to, receipt->context);
    json_key(to, "asked");
    text_printf(to, "%" PRIu64, receipt->asked);
    json_key(to, "answered");
    text_printf(to, "%" PRIu64, receipt->answered);
    json_key(to, "rows");
    text_printf(to, "%" PRIu64, receipt->rows);
    json_key(to, "whole");
    text_add(to, receipt->whole ? "true" : "false");
    json_key(to, "why_not");
    json_text_or_null(to, receipt->why_not);
    json_key(to, "ageing");
    if (receipt->ageing.us >= 0)
        text_printf(to, "%g", span_as_seconds(receipt->ageing));
    else
        text_add(to, "null");
    json_key(to, "sys_uptime");
    if (receipt->sys_uptime_cs >= 0)
        text_printf(to, "%" PRId64, receipt->sys_uptime_cs);
    else
        text_add(to, "null");
    json_key(to, "learn_discards");
    text_printf(to, "%" PRIu64, receipt->learn_discards);
    json_key(to, "started");
    json_wall(to, receipt->started);
    json_key(to, "ended");
    json_wall(to, receipt->ended);
    text_add_char(to, '}');
}

void json_case(struct text *to, const struct case_record *record)
{
    char id[CASE_ID_SIZE];
    json_key(to, "id");
    json_text(to, case_id_format(record->number, id));
    json_key(to, "case_state");
    json_text(to, case_state_word(record->state));
    json_key(to, "case_state_at");
    json_wall(to, record->state_at);
    json_discrepancy(to, record->discrepancy);
    json_key(to, "first");
    json_wall(to, record->first);
    json_key(to, "last");
    json_wall(to, record->last);
    json_key(to, "count");
    text_printf(to, "%u", record->count);
    json_key(to, "reopened");
    text_printf(to, "%u", record->reopened);
    json_key(to, "acknowledged_by");
    json_text(to, record->acknowledged_by);
    json_key(to, "acknowledged_text");
    json_text(to, record->acknowledged_text);
}

static void add_ip(struct text *to, const char *name, const struct ip *ip)
{
    char buffer[IP_TEXT_SIZE];
    if (ip_known(ip))
        add_if(to, name, ip_format(ip, buffer));
}

void json_event(struct text *to, const struct event *event)
{
    json_key(to, "event");
    json_text(to, event_kind_word(event->kind));
    add_if(to, "hint", event_hint_word(event->hint));
    json_key(to, "proof");
    json_text(to, event_proof_word(event->proof));
    add_if(to, "source", event->source);
    add_if(to, "source_type", event->type);
    if (mac_known(event->mac)) {
        json_key(to, "mac");
        json_mac(to, event->mac);
    }
    add_ip(to, "address", &event->address);
    add_if(to, "switch", event->switch_name);
    add_if(to, "port", event->port);
    if (event->vlan != 0) {
        json_key(to, "vlan");
        text_printf(to, "%u", event->vlan);
    }
    add_ip(to, "care_of", &event->care_of);
    add_ip(to, "home_agent", &event->agent);
    add_ip(to, "correspondent", &event->correspondent);
    add_if(to, "node", event->node);
    add_if(to, "nas", event->nas);
    add_if(to, "session", event->session);
    add_if(to, "cause", event->cause);
    json_key(to, "at");
    json_wall(to, event->at);
    json_key(to, "heard");
    json_wall(to, event->heard);
    if (event->lifetime.us > 0) {
        json_key(to, "lifetime_seconds");
        text_printf(to, "%g", span_as_seconds(event->lifetime));
    }
}
