/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_RECORDING_PARSER_H
#define MUSTER_WIRE_RECORDING_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/oid.h"
#include "wire/snmp_value.h"

/* Reads recordings of SNMP answers as people have them: snmpsim's ".snmprec"
 * (OID|tag|value, a tag with x is hexadecimal) and what snmpwalk, snmpbulkwalk
 * and OpenNMS' ".properties" print (".1.3.6... = TYPE: value", with or without
 * -On, quotes, enumeration words, values over several lines; also -Oq, -OQ
 * without types). The form is told by the first line that is one of either.
 *
 * Bytes are fed in pieces of any size; a varbind is handed over as soon as the
 * line that begins the next one is seen, so memory is bounded by one value
 * (LIMIT_LINE_BYTES). What a walk says of its own end ("Timeout: No Response",
 * "OID not increasing") makes the recording partial; lines that are neither are
 * counted and the first is remembered, for a file of garbage is an error and one
 * bad line in a thousand a note. Any octets are allowed; nothing recurses. */

enum recording_form { RECORDING_NONE, RECORDING_SNMPREC, RECORDING_WALK };

struct recording_summary {
    enum recording_form form;
    uint64_t lines, varbinds;
    uint64_t bad_lines;     /* what was no varbind and no continuation */
    uint64_t first_bad;     /* its line number, 0 none */
    const char *expected;   /* what was expected there; static text */
    uint64_t bad_values;    /* varbinds whose value cannot be read: handed over as NULL */
    uint64_t unknown_names; /* varbinds whose name could not be turned into an OID */
    char ended_by[160];     /* the walk's own word on why it ended early, "" */
};

/* Called for each varbind; `value` is valid during the call. A result other than
 * 0 ends the parsing with it. */
typedef int recording_fn(void *aux, const struct oid *oid, const struct snmp_value *value);

struct recording_parser;

/* Returns a parser; yours to free. */
struct recording_parser *recording_parser_new(recording_fn *each, void *aux);
/* NULL is allowed. */
void recording_parser_free(struct recording_parser *parser);

/* Takes the next `length` bytes. Returns 0, or what `each` returned: then feed
 * nothing more. */
int recording_parser_feed(struct recording_parser *parser, const char *bytes,
                          size_t length) MUST_USE;

/* Ends: hands over what is still held. Returns as feed; *ret is filled in either
 * case. */
int recording_parser_finish(struct recording_parser *parser,
                            struct recording_summary *ret) MUST_USE;

#endif
