/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SNMP_ADDRESS_H
#define MUSTER_SNMP_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

/* A UDP address of an agent, IPv4 or IPv6 with its scope. Answers are matched by
 * it, so it is held in the form that the kernel gives. Host names are resolved
 * elsewhere: resolving blocks. */

struct snmp_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};

enum { SNMP_ADDRESS_TEXT_SIZE = 80 };

/* Parses "192.0.2.1", "192.0.2.1:1161", "2001:db8::1", "[2001:db8::1]:1161" and
 * "fe80::1%eth0"; without a port, `port` is taken. Returns 0, ERR_SYNTAX when the
 * text is no numeric address (maybe a host name), or ERR_RANGE for a port that is
 * not 1 to 65535, with *ret untouched. */
int snmp_address_parse(const char *text, uint16_t port, struct snmp_address *ret,
                       struct err *err) MUST_USE;

/* Splits "host", "host:port", "[v6]:port" and bare IPv6 into host and port without
 * looking at the host. Returns 0 or ERR_SYNTAX / ERR_RANGE with nothing written. */
int snmp_address_split(const char *text, uint16_t port, char *ret_host, size_t host_size,
                       uint16_t *ret_port, struct err *err) MUST_USE;

/* Writes "192.0.2.1:161" or "[2001:db8::1]:161"; returns `buffer`. */
char *snmp_address_format(const struct snmp_address *address,
                          char buffer[static SNMP_ADDRESS_TEXT_SIZE]);

/* Returns the size for the socket calls. */
static inline socklen_t snmp_address_size(const struct snmp_address *address)
{
    return address->any.sa_family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
}

/* Whether both are the same host and port. */
bool snmp_address_equal(const struct snmp_address *a, const struct snmp_address *b);

#endif
