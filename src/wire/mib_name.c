/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/mib_name.h"

#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/mac.h"

static const struct {
    const char *name, *oid;
} known[] = {
    {"zeroDotZero", "0.0"},
    {"iso", "1"},
    {"org", "1.3"},
    {"dod", "1.3.6"},
    {"internet", "1.3.6.1"},
    {"mgmt", "1.3.6.1.2"},
    {"mib-2", "1.3.6.1.2.1"},
    {"private", "1.3.6.1.4"},
    {"enterprises", "1.3.6.1.4.1"},
    {"transmission", "1.3.6.1.2.1.10"},
    {"cisco", "1.3.6.1.4.1.9"},
    {"ciscoProducts", "1.3.6.1.4.1.9.1"},
    {"ciscoMgmt", "1.3.6.1.4.1.9.9"},
    {"system", "1.3.6.1.2.1.1"},
    {"sysDescr", "1.3.6.1.2.1.1.1"},
    {"sysObjectID", "1.3.6.1.2.1.1.2"},
    {"sysUpTime", "1.3.6.1.2.1.1.3"},
    {"sysUpTimeInstance", "1.3.6.1.2.1.1.3.0"},
    {"sysName", "1.3.6.1.2.1.1.5"},
    {"interfaces", "1.3.6.1.2.1.2"},
    {"ifIndex", "1.3.6.1.2.1.2.2.1.1"},
    {"ifDescr", "1.3.6.1.2.1.2.2.1.2"},
    {"ifType", "1.3.6.1.2.1.2.2.1.3"},
    {"ifPhysAddress", "1.3.6.1.2.1.2.2.1.6"},
    {"ifMIB", "1.3.6.1.2.1.31"},
    {"ifName", "1.3.6.1.2.1.31.1.1.1.1"},
    {"ifAlias", "1.3.6.1.2.1.31.1.1.1.18"},
    {"ifStackStatus", "1.3.6.1.2.1.31.1.2.1.3"},
    {"dot1dBridge", "1.3.6.1.2.1.17"},
    {"dot1dBase", "1.3.6.1.2.1.17.1"},
    {"dot1dBaseBridgeAddress", "1.3.6.1.2.1.17.1.1"},
    {"dot1dBasePortIfIndex", "1.3.6.1.2.1.17.1.4.1.2"},
    {"dot1dTp", "1.3.6.1.2.1.17.4"},
    {"dot1dTpLearnedEntryDiscards", "1.3.6.1.2.1.17.4.1"},
    {"dot1dTpAgingTime", "1.3.6.1.2.1.17.4.2"},
    {"dot1dTpFdbAddress", "1.3.6.1.2.1.17.4.3.1.1"},
    {"dot1dTpFdbPort", "1.3.6.1.2.1.17.4.3.1.2"},
    {"dot1dTpFdbStatus", "1.3.6.1.2.1.17.4.3.1.3"},
    {"qBridgeMIB", "1.3.6.1.2.1.17.7"},
    {"dot1qTpFdbPort", "1.3.6.1.2.1.17.7.1.2.2.1.2"},
    {"dot1qTpFdbStatus", "1.3.6.1.2.1.17.7.1.2.2.1.3"},
    {"dot1qVlanFdbId", "1.3.6.1.2.1.17.7.1.4.2.1.3"},
    {"ieee8021QBridgeTpFdbPort", "1.3.111.2.802.1.1.4.1.2.2.1.2"},
    {"ieee8021QBridgeTpFdbStatus", "1.3.111.2.802.1.1.4.1.2.2.1.3"},
    {"ieee8021QBridgeVlanFdbId", "1.3.111.2.802.1.1.4.1.4.2.1.4"},
    {"dot3adAggPortSelectedAggID", "1.2.840.10006.300.43.1.2.1.1.12"},
    {"dot3adAggPortAttachedAggID", "1.2.840.10006.300.43.1.2.1.1.13"},
    {"pagpGroupIfIndex", "1.3.6.1.4.1.9.9.98.1.1.1.1.8"},
    {"vtpVlanState", "1.3.6.1.4.1.9.9.46.1.3.1.1.2"},
    {"lldpLocChassisId", "1.0.8802.1.1.2.1.3.2"},
    {"lldpLocPortIdSubtype", "1.0.8802.1.1.2.1.3.7.1.2"},
    {"lldpLocPortId", "1.0.8802.1.1.2.1.3.7.1.3"},
    {"lldpLocPortDesc", "1.0.8802.1.1.2.1.3.7.1.4"},
    {"lldpRemChassisIdSubtype", "1.0.8802.1.1.2.1.4.1.1.4"},
    {"lldpRemChassisId", "1.0.8802.1.1.2.1.4.1.1.5"},
    {"lldpRemPortIdSubtype", "1.0.8802.1.1.2.1.4.1.1.6"},
    {"lldpRemPortId", "1.0.8802.1.1.2.1.4.1.1.7"},
    {"lldpRemPortDesc", "1.0.8802.1.1.2.1.4.1.1.8"},
    {"lldpRemSysName", "1.0.8802.1.1.2.1.4.1.1.9"},
    {"lldpRemSysDesc", "1.0.8802.1.1.2.1.4.1.1.10"},
    {"cdpCacheAddress", "1.3.6.1.4.1.9.9.23.1.2.1.1.4"},
    {"cdpCacheDeviceId", "1.3.6.1.4.1.9.9.23.1.2.1.1.6"},
    {"cdpCacheDevicePort", "1.3.6.1.4.1.9.9.23.1.2.1.1.7"},
    {"cdpCachePlatform", "1.3.6.1.4.1.9.9.23.1.2.1.1.8"},
    {"hwDynFdbPort", "1.3.6.1.4.1.2011.5.25.42.2.1.3.1.4"},
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Finds the last name of `text`: sets *ret_name, *ret_length and returns where
 * the index begins. Names stand between dots and behind "MODULE::". */
static size_t last_name(const char *text, size_t length, const char **ret_name, size_t *ret_length)
{
    size_t at = 0, end = 0;
    for (size_t i = 0; i + 1 < length; i++)
        if (text[i] == ':' && text[i + 1] == ':')
            at = i + 2;
    *ret_length = 0;
    while (at < length) {
        if (text[at] == '.')
            at++;
        size_t start = at;
        if (at == length || !is_letter(text[at]))
            break;
        while (at < length && (is_letter(text[at]) || is_digit(text[at]) || text[at] == '-'))
            at++;
        *ret_name = text + start;
        *ret_length = at - start;
        end = at;
        if (at < length && text[at] != '.')
            break;
    }
    return end;
}

static int append_mac(struct oid *oid, struct mac mac)
{
    uint8_t octets[6];
    mac_to_octets(mac, octets);
    for (int i = 0; i < 6; i++)
        if (oid_append(oid, octets[i]) != 0)
            return ERR_LIMIT;
    return 0;
}

static int append_number(struct oid *oid, const char *text, size_t length)
{
    uint64_t number = 0;
    if (length == 0)
        return ERR_SYNTAX;
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(text[i]))
            return ERR_NOT_FOUND;
        number = number * 10 + (uint64_t)(text[i] - '0');
        if (number > UINT32_MAX)
            return ERR_RANGE;
    }
    return oid_append(oid, (uint32_t)number);
}

/* One bracket's content: a number, a MAC, or either behind "STRING: ". */
static int append_bracket(struct oid *oid, const char *text, size_t length)
{
    static const char prefix[] = "STRING: ";
    if (length > strlen(prefix) && memcmp(text, prefix, strlen(prefix)) == 0) {
        text += strlen(prefix);
        length -= strlen(prefix);
    }
    struct mac mac;
    if (memchr(text, ':', length) != NULL)
        return mac_parse(text, length, &mac) == 0 ? append_mac(oid, mac) : ERR_NOT_FOUND;
    return append_number(oid, text, length);
}

static int append_index(struct oid *oid, const char *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        int code;
        size_t end = at + 1;
        if (text[at] == '[') {
            while (end < length && text[end] != ']')
                end++;
            if (end == length)
                return ERR_SYNTAX;
            code = append_bracket(oid, text + at + 1, end - at - 1);
            end++;
        } else if (text[at] == '.') {
            while (end < length && text[end] != '.' && text[end] != '[')
                end++;
            code = append_number(oid, text + at + 1, end - at - 1);
        } else {
            return ERR_SYNTAX;
        }
        if (code != 0)
            return code;
        at = end;
    }
    return 0;
}

int mib_name_parse(const char *text, size_t length, struct oid *ret)
{
    if (length > 0 && (is_digit(text[0]) || (length > 1 && text[0] == '.' && is_digit(text[1]))))
        return oid_parse(text, length, ret);
    const char *name = NULL;
    size_t name_length, index = last_name(text, length, &name, &name_length);
    if (name_length == 0)
        return ERR_SYNTAX;
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (strlen(known[i].name) != name_length || memcmp(known[i].name, name, name_length) != 0)
            continue;
        struct oid oid;
        int code = oid_parse(known[i].oid, strlen(known[i].oid), &oid);
        CHECK(code == 0);
        code = append_index(&oid, text + index, length - index);
        if (code == 0)
            *ret = oid;
        return code;
    }
    return ERR_NOT_FOUND;
}
