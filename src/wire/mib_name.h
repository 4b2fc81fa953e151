/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_MIB_NAME_H
#define MUSTER_WIRE_MIB_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/oid.h"

/* Object names as snmpwalk prints them when it was not called with -On, back to
 * OIDs: "SNMPv2-SMI::mib-2.17.4.3.1.2.0.8.227.255.255.252", "IF-MIB::ifName.3",
 * ".iso.org.dod.internet.mgmt.mib-2.interfaces.ifTable.ifEntry.ifDescr.1",
 * "BRIDGE-MIB::dot1dTpFdbPort[0:8:e3:ff:ff:fc]".
 *
 * Only the last name before the numbers counts, and only the names that Muster
 * reads are known; of an index its numbers, [numbers] and [MAC] are understood.
 * An index printed as the characters of its octets ('..n.E.') cannot be turned
 * back: such a walk has to be taken again with -On, and the caller says so. */

/* Parses numeric OIDs and the names above; the whole of `text` must be one.
 * Returns 0, ERR_SYNTAX when it is no OID or name at all, ERR_NOT_FOUND when it
 * is the name of something that is not known or not to be turned back, or
 * ERR_RANGE / ERR_LIMIT; *ret is untouched then. */
int mib_name_parse(const char *text, size_t length, struct oid *ret) MUST_USE;

#endif
