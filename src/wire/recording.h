/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_RECORDING_H
#define MUSTER_WIRE_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/oid.h"
#include "wire/snmp_value.h"

/* The varbinds of one recording in the order of their OIDs, as an agent has
 * them: to walk a column, to get one instance, to find the next one. What
 * recording_parser.h reads goes in here; a recording that was taken out of order
 * is sorted, of an OID that comes twice the last stays, being the later answer, and
 * the others are counted. Varbinds lie back to back in one block (OID octets, type, value), so a
 * table of ten million rows takes some 30 bytes each. Limits:
 * RECORDING_BYTES_MAX in all, LIMIT_OID_LENGTH, LIMIT_LINE_BYTES a value. */

#define RECORDING_BYTES_MAX (UINT64_C(1) << 30)

struct recording;

/* Returns an empty recording; yours to free. */
struct recording *recording_new(void);
/* NULL is allowed. */
void recording_free(struct recording *recording);

/* Adds a varbind; has the type recording_fn with the recording as `aux`. Returns
 * 0 or ERR_LIMIT. Not after recording_finish(). */
int recording_add(void *recording, const struct oid *oid, const struct snmp_value *value) MUST_USE;

/* Ends adding: sorts, drops repeated OIDs. */
void recording_finish(struct recording *recording);

/* Returns how many varbinds there are; positions run from 0. */
size_t recording_count(const struct recording *recording);

/* Returns how many repeated OIDs were dropped. */
uint64_t recording_repeated(const struct recording *recording);
/* Returns whether OIDs went backwards or repeated. */
bool recording_disordered(const struct recording *recording);

/* One varbind; the octets belong to the recording. */
struct recording_varbind {
    const uint8_t *oid; /* BER content */
    size_t oid_length;
    struct snmp_value value;
};

/* Sets *ret to the varbind at `position`, below recording_count(). */
void recording_get(const struct recording *recording, size_t position,
                   struct recording_varbind *ret);

/* Returns the position of the first varbind that is not before `oid`,
 * recording_count() when all are. */
size_t recording_seek(const struct recording *recording, const struct oid *oid);

/* Sets *ret to the value of exactly `oid`. Returns whether there is one. */
bool recording_find(const struct recording *recording, const struct oid *oid,
                    struct snmp_value *ret);

#endif
