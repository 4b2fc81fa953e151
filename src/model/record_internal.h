/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_MODEL_RECORD_INTERNAL_H
#define MUSTER_MODEL_RECORD_INTERNAL_H

#include "base/map.h"
#include "model/record.h"

/* What the three parts of the record share and nobody else sees: the columns of
 * each table (record_layout.c), the state that only adding rows needs
 * (record.c makes and drops it, record_row.c uses it) and the packing of uuids.
 *
 * One table of columns drives everything that speaks of columns: reading a
 * header, filling a row's field, the messages, and printing the table again. A
 * plain table's row is a struct whose fields are found by offset; only the guest
 * NICs, which come by the million, are written out by hand. */

enum column_kind {
    COLUMN_NAME,   /* uint32_t: interned */
    COLUMN_TEXT,   /* as COLUMN_NAME, and may hold line breaks */
    COLUMN_MAC,    /* struct mac */
    COLUMN_STATE,  /* enum run_state */
    COLUMN_ROLE,   /* enum port_role */
    COLUMN_WALL,   /* struct wall */
    COLUMN_NUMBER, /* double, NAN when empty */
    COLUMN_VLAN,   /* guests only */
    COLUMN_WIRE    /* guests only */
};

struct record_column {
    const char *name;
    enum column_kind kind;
    bool filled;   /* an empty value is an error */
    size_t offset; /* of the field in the table's row struct; guests: enum nic_column */
};

/* The guests' columns by number. */
enum nic_column {
    NIC_HYPERVISOR,
    NIC_GUEST,
    NIC_MAC,
    NIC_RUN_STATE,
    NIC_STATE_SINCE,
    NIC_VLAN,
    NIC_WIRE_EXPECTED,
    NIC_UUID,
    NIC_IP,
    NIC_TAGS,
    NIC_COLUMN_COUNT
};

enum { RECORD_COLUMNS_MAX = 12 };

struct record_layout {
    enum record_table table;
    size_t count;                      /* columns of the incoming table */
    int16_t at[RECORD_COLUMNS_MAX];    /* known column -> incoming one, -1 */
    uint8_t known[RECORD_COLUMNS_MAX]; /* those known columns that are there, in their order */
    size_t known_count;
    size_t unknown_count;
    uint16_t *unknown; /* incoming columns that no known one takes */
    char **names;      /* of all incoming columns */
};

/* Returns the columns of `table` and sets *ret_count. */
const struct record_column *record_columns(enum record_table table, size_t *ret_count);

/* --- uuids: a number of record_set.uuids with the high bit set, or a name --- */

#define RECORD_UUID_BINARY UINT32_C(0x80000000)

/* Parses the usual form (32 hex digits, '-' and braces between). Returns whether
 * `text` has it. */
bool record_uuid_parse(const char *text, size_t length, uint8_t octets[static 16]);

/* --- while rows are added --- */

/* Short texts of a column and what they were parsed to: a column of VLANs, states
 * or dates holds a few different ones, again and again. Texts of one to eight
 * octets are compared as numbers; longer ones are not cached. */
enum { SHORT_CACHE_BITS = 10, SHORT_CACHE_LENGTH = 8 };

struct short_cache {
    struct {
        uint64_t key;
        uint32_t value;
        uint32_t length; /* 0: free */
    } entries[1 << SHORT_CACHE_BITS];
};

struct record_build {
    uint32_t *latest; /* name -> latest guest of that name, or NAME_NONE */
    size_t latest_count;
    struct map same_name; /* hash of (name, uuid) -> guest, where a name has several */
    struct short_cache hypervisor, vlan, state;
    struct short_cache date; /* "26-11-23" to days since 2000 */
    size_t guest_capacity, detail_capacity, uuid_capacity;
    size_t capacity[RECORD_TABLE_COUNT], extra_capacity[RECORD_TABLE_COUNT];
    size_t total_rows;
};

/* The address of a plain table's array pointer and of its count. */
struct record_rows {
    void **array;
    size_t *count;
};

/* Returns where the plain table `table` keeps its rows. */
struct record_rows record_rows(struct record_set *set, enum record_table table);

/* Returns the size of one row of the plain table `table`. */
size_t record_row_size(enum record_table table);

#endif
