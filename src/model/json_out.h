/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_MODEL_JSON_OUT_H
#define MUSTER_MODEL_JSON_OUT_H

#include "base/clock.h"
#include "base/text.h"
#include "model/case_record.h"
#include "model/discrepancy.h"
#include "model/event.h"
#include "model/receipt.h"

/* The stable JSON of muster-schema(5): field names only ever grow. Written by
 * hand into a text, since a round may hold a million objects and their field
 * order is part order is part of what people compare. Every text is escaped, and octets that are
 * no UTF-8 are replaced, since names come from devices. */

/* Appends "name": with a comma before it unless it is the first of its object. */
void json_key(struct text *to, const char *name);
/* Appends `text` as a string, null for NULL. */
void json_text(struct text *to, const char *text);
/* As json_text(), and null also for "". */
void json_text_or_null(struct text *to, const char *text);
/* Appends an RFC 3339 time, null when unknown. */
void json_wall(struct text *to, struct wall time);
/* Appends "52:54:00:11:22:33", null for MAC_NONE. */
void json_mac(struct text *to, struct mac mac);
/* Appends "10", "10|20" as [10,20]; [] for "" (not known), "trunk" as ["trunk"]. */
void json_vlan(struct text *to, const char *vlan);
/* As json_vlan(), and a single VLAN as a plain number, not known as null: an edge's. */
void json_vlan_value(struct text *to, const char *vlan);

/* Appends the fields of a discrepancy, without braces, after what the object has. */
void json_discrepancy(struct text *to, const struct discrepancy *d);
/* Appends a receipt as an object; `switch_name` NULL: of no switch. */
void json_receipt(struct text *to, const struct receipt *receipt, const char *switch_name);
/* Appends the fields of a case and its discrepancy, without braces. */
void json_case(struct text *to, const struct case_record *record);
/* Appends the fields of an event, without braces: what is not known is left out. */
void json_event(struct text *to, const struct event *event);
/* Appends the chain of proof as an array. */
void json_evidence(struct text *to, const struct evidence *evidence, size_t count);

#endif
