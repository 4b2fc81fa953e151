/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/radius_accounting.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

const char *radius_status_word(enum radius_status status)
{
    static const char *const words[RADIUS_STATUS_COUNT] = {
#define STATUS(word, name) word,
        RADIUS_STATUSES(STATUS)
#undef STATUS
    };
    CHECK((size_t)status < RADIUS_STATUS_COUNT);
    return words[status];
}

static uint32_t read_integer(const uint8_t octets[static 4])
{
    return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 |
           octets[3];
}

static enum radius_status status_of(uint32_t number)
{
    switch (number) {
    case 1:
        return RADIUS_STATUS_START;
    case 2:
        return RADIUS_STATUS_STOP;
    case 3:
        return RADIUS_STATUS_INTERIM;
    case 7:
        return RADIUS_STATUS_ON;
    case 8:
        return RADIUS_STATUS_OFF;
    case 15:
        return RADIUS_STATUS_FAILED;
    default:
        return RADIUS_STATUS_OTHER;
    }
}

static void take_text(struct radius_text *text, const struct radius_attribute *attribute)
{
    if (text->bytes == NULL)
        *text = (struct radius_text){(const char *)attribute->value, attribute->length};
}

static void take_integer(bool *has, uint32_t *value, const struct radius_attribute *attribute)
{
    if (*has || attribute->length != 4)
        return;
    *value = read_integer(attribute->value);
    *has = true;
}

static void take_address(struct ip *address, const struct radius_attribute *attribute,
                         uint8_t octets)
{
    if (ip_known(address) || attribute->length != octets)
        return;
    *address = octets == 4 ? ip_from_v4(attribute->value) : ip_from_v6(attribute->value);
}

/* A VLAN in decimal, behind a tag of RFC 2868 where there is one. */
static void take_vlan(struct radius_accounting *record, const struct radius_attribute *attribute)
{
    uint32_t vlan = 0;
    size_t at = attribute->length > 0 && attribute->value[0] < ' ' ? 1 : 0;
    if (record->vlan != 0 || attribute->length - at > 4)
        return;
    for (; at < attribute->length; at++) {
        if (attribute->value[at] < '0' || attribute->value[at] > '9')
            return; /* a VLAN's name, which is its switch's own */
        vlan = vlan * 10 + (uint32_t)(attribute->value[at] - '0');
    }
    record->vlan = vlan <= 4094 ? (uint16_t)vlan : 0;
}

/* The attributes of which a bool says that they were there. */
static void take_number(struct radius_accounting *record, bool *has_status, bool *has_type,
                        const struct radius_attribute *attribute)
{
    uint32_t status;
    switch (attribute->type) {
    case RADIUS_NAS_PORT:
        take_integer(&record->has_port, &record->port, attribute);
        break;
    case RADIUS_ACCT_STATUS_TYPE:
        if (*has_status)
            break;
        take_integer(has_status, &status, attribute);
        if (*has_status)
            record->status = status_of(status);
        break;
    case RADIUS_ACCT_DELAY_TIME:
        take_integer(&record->has_delay, &record->delay_seconds, attribute);
        break;
    case RADIUS_ACCT_TERMINATE_CAUSE:
        take_integer(&record->has_cause, &record->cause, attribute);
        break;
    case RADIUS_EVENT_TIMESTAMP:
        take_integer(&record->has_event_time, &record->event_seconds, attribute);
        break;
    case RADIUS_NAS_PORT_TYPE:
        take_integer(has_type, &record->port_type, attribute);
        break;
    case RADIUS_ACCT_INTERIM_INTERVAL:
        take_integer(&record->has_interim, &record->interim_seconds, attribute);
        break;
    default:
        break;
    }
}

static void take_name(struct radius_accounting *record, const struct radius_attribute *attribute)
{
    switch (attribute->type) {
    case RADIUS_USER_NAME:
        take_text(&record->user, attribute);
        break;
    case RADIUS_CALLED_STATION_ID:
        take_text(&record->called, attribute);
        break;
    case RADIUS_CALLING_STATION_ID:
        take_text(&record->calling, attribute);
        break;
    case RADIUS_NAS_IDENTIFIER:
        take_text(&record->nas_identifier, attribute);
        break;
    case RADIUS_ACCT_SESSION_ID:
        take_text(&record->session, attribute);
        break;
    case RADIUS_ACCT_MULTI_SESSION_ID:
        take_text(&record->multi_session, attribute);
        break;
    case RADIUS_NAS_PORT_ID:
        take_text(&record->port_id, attribute);
        break;
    case RADIUS_NAS_IP_ADDRESS:
        take_address(&record->nas_address, attribute, 4);
        break;
    case RADIUS_FRAMED_IP_ADDRESS:
        take_address(&record->framed_address, attribute, 4);
        break;
    case RADIUS_NAS_IPV6_ADDRESS:
        take_address(&record->nas_address6, attribute, 16);
        break;
    case RADIUS_FRAMED_IPV6_ADDRESS:
        take_address(&record->framed_address6, attribute, 16);
        break;
    case RADIUS_TUNNEL_PRIVATE_GROUP_ID:
        take_vlan(record, attribute);
        break;
    default:
        break;
    }
}

void radius_accounting_read(const struct radius_packet *packet, struct radius_accounting *ret)
{
    *ret = (struct radius_accounting){.mac = MAC_NONE, .port_type = RADIUS_PORT_TYPE_UNKNOWN};
    bool has_status = false, has_type = false;
    struct radius_attribute attribute;
    for (size_t at = 0; radius_attribute_next(packet, &at, &attribute);) {
        take_name(ret, &attribute);
        take_number(ret, &has_status, &has_type, &attribute);
    }
    ret->station =
        radius_station_parse(ret->calling.bytes, ret->calling.length, ret->port_type, &ret->mac);
}

struct wall radius_accounting_time(const struct radius_accounting *record, struct wall arrived)
{
    if (record->has_event_time)
        return (struct wall){(int64_t)record->event_seconds * 1000000};
    if (!record->has_delay || !wall_known(arrived))
        return arrived;
    return wall_add(arrived, span_seconds(-(int64_t)record->delay_seconds));
}

const char *radius_cause_word(uint32_t cause)
{
    static const char *const words[] = {NULL,
                                        "User-Request",
                                        "Lost-Carrier",
                                        "Lost-Service",
                                        "Idle-Timeout",
                                        "Session-Timeout",
                                        "Admin-Reset",
                                        "Admin-Reboot",
                                        "Port-Error",
                                        "NAS-Error",
                                        "NAS-Request",
                                        "NAS-Reboot",
                                        "Port-Unneeded",
                                        "Port-Preempted",
                                        "Port-Suspended",
                                        "Service-Unavailable",
                                        "Callback",
                                        "User-Error",
                                        "Host-Request",
                                        "Supplicant-Restart",
                                        "Reauthentication-Failure",
                                        "Port-Reinitialized",
                                        "Port-Administratively-Disabled",
                                        "Lost-Power"};
    return cause < ARRAY_COUNT(words) ? words[cause] : NULL;
}

char *radius_text_copy(struct radius_text text, char buffer[static RADIUS_TEXT_SIZE])
{
    size_t length = text.length < RADIUS_TEXT_SIZE ? text.length : RADIUS_TEXT_SIZE - 1;
    while (length > 0 && (text.bytes[length - 1] == '\0' || text.bytes[length - 1] == ' '))
        length--;
    if (length > 0)
        memcpy(buffer, text.bytes, length);
    buffer[length] = '\0';
    bool plain = true;
    for (size_t i = 0; i < length; i++)
        plain &= buffer[i] >= ' ' && buffer[i] <= '~';
    if (plain)
        return buffer;
    bool utf8 = text_is_utf8(buffer, length);
    for (size_t i = 0; i < length; i++) {
        bool control = (unsigned char)buffer[i] < ' ' || buffer[i] == 0x7f;
        if (control || (!utf8 && (unsigned char)buffer[i] > '~'))
            buffer[i] = '?';
    }
    return buffer;
}

char *radius_nas_name(const struct radius_accounting *record, const struct ip *from,
                      char buffer[static RADIUS_TEXT_SIZE])
{
    if (*radius_text_copy(record->nas_identifier, buffer) != '\0')
        return buffer;
    char address[IP_TEXT_SIZE];
    const struct ip *ip = ip_known(&record->nas_address)    ? &record->nas_address
                          : ip_known(&record->nas_address6) ? &record->nas_address6
                                                            : from;
    snprintf(buffer, RADIUS_TEXT_SIZE, "%s", ip_format(ip, address));
    return buffer;
}

char *radius_port_name(const struct radius_accounting *record, char buffer[static RADIUS_TEXT_SIZE])
{
    if (*radius_text_copy(record->port_id, buffer) == '\0' && record->has_port)
        snprintf(buffer, RADIUS_TEXT_SIZE, "%u", record->port);
    return buffer;
}
