/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SIM_READINGS_H
#define MUSTER_SIM_READINGS_H

#include <stddef.h>

#include "audit/world.h"
#include "model/forwarding.h"
#include "model/record.h"
#include "sim/datacentre.h"

/* A simulated data centre in the judge's own nouns: what a perfect reading of each
 * switch and of the records gives at the present simulated instant, without
 * sockets, files and waiting. Tests and random worlds judge thousands of data
 * centres this way; what agents and files say of the same world must lead to the
 * same verdicts. A reading is whole and takes no time: torn and late readings are
 * made from it by whoever wants them. Recorded are the tables that records.h
 * writes as files, MLAG pairs as the configuration's. */

/* Reads one switch: ports with their LAGs, rows, LLDP neighbours, own addresses and
 * one whole receipt, all at the present instant; yours to free. */
struct forward_table *sim_reading(const struct datacentre *dc, uint32_t switch_index);

/* Reads the records: guests, attachments, switches, links and LAGs; yours to free. */
struct record_set *sim_recorded(const struct datacentre *dc);

/* Returns the MLAG pairs and sets *ret_count; yours to free(), the names are
 * borrowed from `dc`. */
struct mlag_pair *sim_mlag_pairs(const struct datacentre *dc, size_t *ret_count);

#endif
