/* SPDX-License-Identifier: Apache-2.0 */
#include "snmp/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse_port(const char *text, uint16_t *ret, struct err *err)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0')
        return err_set(err, ERR_SYNTAX, "port \"%s\" is not a number", text);
    if (port < 1 || port > 65535)
        return err_set(err, ERR_RANGE, "port %s is not between 1 and 65535", text);
    *ret = (uint16_t)port;
    return 0;
}

int snmp_address_split(const char *text, uint16_t port, char *ret_host, size_t host_size,
                       uint16_t *ret_port, struct err *err)
{
    const char *host = text, *colon = strchr(text, ':');
    size_t length = strlen(text);
    uint16_t found = port;
    if (text[0] == '[') {
        const char *close = strchr(text, ']');
        if (close == NULL || (close[1] != '\0' && close[1] != ':'))
            return err_set(err, ERR_SYNTAX, "\"%s\" is not an address: expected [IPv6]:port", text);
        host = text + 1;
        length = (size_t)(close - host);
        colon = close[1] == ':' ? close + 1 : NULL;
    } else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        length = (size_t)(colon - text);
    } else {
        colon = NULL; /* none, or bare IPv6 */
    }
    if (colon != NULL) {
        int result = parse_port(colon + 1, &found, err);
        if (result != 0)
            return result;
    }
    if (length == 0 || length >= host_size)
        return err_set(err, ERR_SYNTAX, "\"%s\" is not an address", text);
    memcpy(ret_host, host, length);
    ret_host[length] = '\0';
    *ret_port = found;
    return 0;
}

int snmp_address_parse(const char *text, uint16_t port, struct snmp_address *ret, struct err *err)
{
    char host[SNMP_ADDRESS_TEXT_SIZE];
    uint16_t found = 0;
    int result = snmp_address_split(text, port, host, sizeof(host), &found, err);
    if (result != 0)
        return result;
    struct snmp_address address;
    memset(&address, 0, sizeof(address));
    if (inet_pton(AF_INET, host, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(found);
        *ret = address;
        return 0;
    }
    char *scope = strchr(host, '%');
    if (scope != NULL)
        *scope++ = '\0';
    if (inet_pton(AF_INET6, host, &address.v6.sin6_addr) != 1)
        return err_set(err, ERR_SYNTAX, "\"%s\" is neither an IPv4 nor an IPv6 address", text);
    address.v6.sin6_family = AF_INET6;
    address.v6.sin6_port = htons(found);
    if (scope != NULL) {
        address.v6.sin6_scope_id = if_nametoindex(scope);
        if (address.v6.sin6_scope_id == 0)
            return err_set(err, ERR_SYNTAX, "\"%s\": there is no interface %s here", text, scope);
    }
    *ret = address;
    return 0;
}

char *snmp_address_format(const struct snmp_address *address,
                          char buffer[static SNMP_ADDRESS_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN];
    if (address->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof(host));
        snprintf(buffer, SNMP_ADDRESS_TEXT_SIZE, "%s:%u", host, ntohs(address->v4.sin_port));
    } else {
        inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof(host));
        snprintf(buffer, SNMP_ADDRESS_TEXT_SIZE, "[%s]:%u", host, ntohs(address->v6.sin6_port));
    }
    return buffer;
}

bool snmp_address_equal(const struct snmp_address *a, const struct snmp_address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET)
        return a->v4.sin_port == b->v4.sin_port && a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    return a->v6.sin6_port == b->v6.sin6_port &&
           memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0 &&
           (a->v6.sin6_scope_id == b->v6.sin6_scope_id || a->v6.sin6_scope_id == 0 ||
            b->v6.sin6_scope_id == 0);
}
