/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_RECORD_FIXTURE_H
#define MUSTER_AUDIT_RECORD_FIXTURE_H

#include "model/record.h"

/* Records for tests, written as people write them: a header line and rows, values
 * separated by commas without quotes. They go through the same grammar as those of every
 * recorded source (record_add_row), so a test cannot set up a record that no file could
 * hold. For the unit tests of this folder only. */

/* Adds the rows of `csv` ("guest,address\nweb1,192.0.2.1\n") to table `table` of `set`;
 * fails the test when one does not parse. */
void record_fixture_add(struct record_set *set, enum record_table table, const char *csv);

#endif
