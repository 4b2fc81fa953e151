/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_MODEL_RECORD_H
#define MUSTER_MODEL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mac.h"
#include "base/names.h"
#include "base/text.h"
#include "model/run_state.h"
#include "model/vlan.h"

/* What one recorded source says: an immutable snapshot of its tables (DESIGN
 * section 4). Whatever the source (spreadsheet, program, later ODBC or libvirt),
 * its rows arrive through record_add_row(), which knows the columns, so that
 * every source has the same grammar and the same messages. Texts are numbers of
 * the set's own `names`; NAME_NONE is "nothing said".
 *
 * The guest NICs (T3, up to tens of millions) are columns; the other tables are
 * plain rows. */

/* table word, enumerator, configuration key = CSV file stem */
#define RECORD_TABLES(TABLE)                                                                       \
    TABLE("guests", RECORD_GUESTS)                                                                 \
    TABLE("attachments", RECORD_ATTACHMENTS)                                                       \
    TABLE("switches", RECORD_SWITCHES)                                                             \
    TABLE("ports", RECORD_PORTS)                                                                   \
    TABLE("links", RECORD_LINKS)                                                                   \
    TABLE("lags", RECORD_LAGS)                                                                     \
    TABLE("planned_work", RECORD_PLANNED_WORK)                                                     \
    TABLE("cmdb", RECORD_CMDB)                                                                     \
    TABLE("dcm", RECORD_DCM)                                                                       \
    TABLE("capacity", RECORD_CAPACITY)

enum record_table {
#define TABLE(word, name) name,
    RECORD_TABLES(TABLE)
#undef TABLE
        RECORD_TABLE_COUNT
};

/* T3, published inventory: one element of each column a guest NIC. */
struct nic_columns {
    size_t count, capacity;
    uint64_t *mac;        /* struct mac's bits; MAC_NONE where the source has none */
    uint32_t *guest;      /* index into record_set.guests */
    uint32_t *hypervisor; /* name; NAME_NONE where the record does not say */
    int64_t *state_since; /* wall microseconds; WALL_UNKNOWN.us */
    vlan_set *vlan;       /* in record_set.vlans */
    uint8_t *run_state;   /* enum run_state */
    uint8_t *wire;        /* enum tristate: expected on the wire (DOMAIN F16) */
};

/* What belongs to a guest rather than to a NIC: one element for each different
 * (name, uuid) of the source. Identity = uuid, else (site, name). Small, since
 * there are millions: what few sources say stands in `details`. */
struct record_guest {
    uint32_t name;
    uint32_t uuid;    /* ask record_guest_uuid() */
    uint32_t details; /* index into record_set.details, NAME_NONE */
};
struct record_details {
    uint32_t ip, tags; /* names, NAME_NONE */
};

/* The columns of one row that Muster does not know, as a JSON object: kept and
 * shown. `row` counts from 0 within its table (guests: the NIC). */
struct record_extra {
    uint32_t row;
    const char *json;
};
struct record_extras {
    struct record_extra *items; /* in the order of `row` */
    size_t count;
};

enum { RECORD_UUID_SIZE = 256 };

struct record_attachment { /* T2, hypervisor forward table */
    uint32_t hypervisor;
    struct mac nic_mac;         /* MAC_NONE when not said */
    uint32_t switch_name, port; /* NAME_NONE: to be learnt */
    uint32_t line;
};
struct record_switch {
    uint32_t name, address, site, chassis, line;
};
enum port_role { PORT_ROLE_UNKNOWN, PORT_ROLE_EDGE, PORT_ROLE_INTER_SWITCH, PORT_ROLE_HYPERVISOR };
struct record_port {
    uint32_t switch_name, port;
    enum port_role role;
    uint32_t line;
};
struct record_link {
    uint32_t switch_a, port_a, switch_b, port_b, kind, line;
};
struct record_lag {
    uint32_t switch_name, aggregate, member, mlag, line;
};
/* The tables of later issues are kept as read. */
struct record_planned_work {
    uint32_t scope, repeat, owner, text, line;
    struct wall from, to;
};
struct record_item { /* CMDB row */
    uint32_t guest, address, subnet, hypervisor, owner;
    enum run_state run_state;
    uint32_t line;
};
struct record_allocation { /* DCM row and, with guest NAME_NONE, capacity row */
    uint32_t hypervisor, guest, address, subnet;
    double cpu, memory, storage, bandwidth; /* cores, MiB, MiB, bit/s; NAN unknown */
    enum run_state run_state;
    uint32_t line;
};

struct record_set {
    char *source;      /* configured name of the source, for evidence and messages */
    struct wall as_of; /* when the source says this was true, or when it was read */
    /* When it was read last and still said so: a spreadsheet may be a year old and be
     * right. Set by whoever runs the round; WALL_UNKNOWN: as_of counts. */
    struct wall read_at;
    struct names *names;
    struct vlan_pool *vlans;
    struct nic_columns nics;
    struct record_guest *guests;
    struct record_details *details;
    uint8_t (*uuids)[16]; /* those in the usual form */
    struct record_extras extras[RECORD_TABLE_COUNT];
    struct record_attachment *attachments;
    struct record_switch *switches;
    struct record_port *ports;
    struct record_link *links;
    struct record_lag *lags;
    struct record_planned_work *planned_work;
    struct record_item *items;
    struct record_allocation *allocations, *capacities;
    size_t guest_count, attachment_count, switch_count, port_count, link_count, lag_count,
        planned_work_count, item_count, allocation_count, capacity_count;
    size_t detail_count, uuid_count;
    struct arena *arena;              /* texts of extras */
    struct record_build *build;       /* only while rows are added */
    bool present[RECORD_TABLE_COUNT]; /* the source has this table, maybe empty */
};

/* Returns an empty set; yours to free. */
struct record_set *record_set_new(const char *source, struct wall as_of);

/* Frees the set and every text in it; NULL is allowed. */
void record_set_free(struct record_set *set);

/* Returns the latest instant for which the set vouches: read_at, else as_of. */
struct wall record_set_vouched(const struct record_set *set);

/* Ends building: gives back what only adding rows needs and trims the rest. */
void record_set_finish(struct record_set *set);

/* Writes the uuid of guest number `guest` as text, lower case, "" when the source
 * has none; returns `buffer`. */
char *record_guest_uuid(const struct record_set *set, size_t guest,
                        char buffer[static RECORD_UUID_SIZE]);

/* Returns the guest's IP addresses and tags, NAME_NONE each where not said. */
struct record_details record_guest_details(const struct record_set *set, size_t guest);

/* Returns the unknown columns of row `row` of `table` as JSON, NULL when none. */
const char *record_extra_find(const struct record_set *set, enum record_table table, size_t row);

/* Returns how many rows of `table` the set holds. */
size_t record_set_rows(const struct record_set *set, enum record_table table);

/* Appends table `table` as CSV with its header (RFC 4180), each known column,
 * values in the form that is read back to an equal set; unknown columns go into
 * one last column `extra`. Nothing when the source does not have the table. */
void record_set_print_csv(const struct record_set *set, enum record_table table, struct text *to);

/* Appends the known columns of row `row` (from 0) of `table` as one CSV row without
 * line end, as record_set_print_csv() writes it. */
void record_row_print(const struct record_set *set, enum record_table table, size_t row,
                      struct text *to);

/* Returns the word for `role` ("edge" ...). */
const char *record_role_word(enum port_role role);

/* Returns the bytes that the set holds from the heap. */
size_t record_set_size(const struct record_set *set);

/* Returns the table's word ("guests" ...). */
const char *record_table_word(enum record_table table);

/* Finds a table by its word, or by the word that a row has for it in JSON
 * ("guest_nic", "attachment" ...). Returns 0, or ERR_NOT_FOUND with *ret untouched. */
int record_table_parse(const char *word, size_t length, enum record_table *ret) MUST_USE;

/* Returns the name of known column `number` of `table`, in the order of DESIGN
 * section 4; NULL after the last. */
const char *record_column_name(enum record_table table, size_t number);

/* --- adding rows --- */

/* One value of a row; a view, not terminated. */
struct record_value {
    const char *text;
    size_t length;
};

/* How the columns of an incoming table map to the known ones: made once from
 * the header (CSV) or from the keys of the first object (JSON lines), then used
 * for each row. */
struct record_layout;

/* Reads a header. Column names are compared without case; order does not
 * matter; unknown columns are kept. Returns 0 with *ret (yours to free), or
 * ERR_SYNTAX naming the missing or repeated column and what was expected. */
int record_layout_new(enum record_table table, const struct record_value *columns, size_t count,
                      struct record_layout **ret, struct err *err) MUST_USE;

/* Frees a layout; NULL is allowed. */
void record_layout_free(struct record_layout *layout);

/* Returns the name of the header's column `number` (0-based), "" beyond the last. */
const char *record_layout_column(const struct record_layout *layout, size_t number);

/* Adds one row. `values` has one element for each column of the header (a
 * shorter row has empty values); `line` is for messages and evidence. On bad
 * input returns ERR_SYNTAX, ERR_RANGE or ERR_LIMIT, sets *ret_column to the
 * offending column (0-based) and leaves the set unchanged; the message says
 * what was found and what was expected. */
int record_add_row(struct record_set *set, const struct record_layout *layout,
                   const struct run_state_words *words, const struct record_value *values,
                   size_t count, uint32_t line, size_t *ret_column, struct err *err) MUST_USE;

/* Says that record_add_row() will follow with these values, some rows later: what
 * it will look up is fetched into the cache meanwhile. Only speed depends on it. */
void record_expect_row(const struct record_set *set, const struct record_layout *layout,
                       const struct record_value *values, size_t count);

#endif
