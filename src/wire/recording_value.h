/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_RECORDING_VALUE_H
#define MUSTER_WIRE_RECORDING_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/oid.h"
#include "wire/snmp_value.h"

/* Values as recordings print them, back to what was in the message. A printed
 * value has lost things (a string of digits and an integer look alike without
 * types; with MIBs loaded a MAC is printed as text), so readers of values accept
 * a MAC and a number also as text; here only what is certain is turned back. The
 * octets are written over the text they came from, which is never shorter, so
 * nothing is allocated. */

/* A value and where an OID's octets are kept. */
struct recording_value {
    struct snmp_value value;
    uint8_t oid[OID_BER_SIZE];
};

/* Reads the value of an .snmprec line: `tag` decimal, `hexadecimal` as told by
 * the tag's x. `text` is overwritten. Returns 0, ERR_SYNTAX, or ERR_UNSUPPORTED
 * for a tag that is no SNMP type. */
int recording_value_snmprec(uint32_t tag, bool hexadecimal, char *text, size_t length,
                            struct recording_value *ret) MUST_USE;

/* Reads what stands behind the "=" of a walk: "TYPE: value", or a value without
 * type. `text` may have several lines and is overwritten. Returns 0 or
 * ERR_SYNTAX. "No Such Object" and its like are values too. */
int recording_value_walk(char *text, size_t length, struct recording_value *ret) MUST_USE;

#endif
