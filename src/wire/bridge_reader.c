/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/bridge_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/text.h"
#include "wire/bridge_columns.h"
#include "wire/bridge_facts.h"
#include "wire/bridge_rows.h"

enum {
    VTP_OPERATIONAL = 1,
    VTP_RESERVED_FIRST = 1002, /* Token Ring and FDDI defaults, never Ethernet */
    VTP_RESERVED_LAST = 1005,
    VLAN_HIGHEST = 4094,
    DEFAULT_VLAN = 1
};

enum scalar {
    SCALAR_DESCR,
    SCALAR_OBJECT_ID,
    SCALAR_UPTIME,
    SCALAR_NAME,
    SCALAR_BRIDGE_ADDRESS,
    SCALAR_AGEING,
    SCALAR_DISCARDS,
    SCALAR_COUNT
};

struct task {
    uint32_t id;
    enum bridge_column column;
    enum bridge_want_kind kind;
    uint32_t context;
    struct oid oids[SCALAR_COUNT];
    size_t oid_count;
    bool under_way, ended, stopped;
    bool missed;    /* it got no answer, and need not be made again yet */
    unsigned tries; /* before this one */
    uint64_t rows;
    struct bridge_walk walk; /* PORT, STATUS, ADDRESS */
    size_t first_row;        /* of the table's rows, where this port column began */
    enum wire_neighbour_protocol protocol;
    enum neighbour_column neighbour;
};

struct bridge_reader {
    struct bridge_reader_options options;
    uint32_t *contexts; /* copy of the options' */
    struct bridge_facts *before;
    struct quirk quirk;
    bool quirk_found;
    struct bridge_table *table;
    struct bridge_rows rows;
    struct facts_builder facts;
    struct task **tasks; /* by id */
    size_t task_count, task_capacity, next_task;
    size_t open;
    size_t family; /* position in the quirk's order */
    bool closing_asked, dead, second_asked;
    uint32_t asked, silent, unread; /* FACTS_BIT: parts of the facts in this read */
    char *why_unread;
    unsigned retries;
    uint32_t default_vlan;
    uint64_t discards;
};

/* --- tasks --- */

static struct task *task_add(struct bridge_reader *reader, enum bridge_column column,
                             const struct oid *oids, size_t count, uint32_t context)
{
    struct task *task = alloc_zeroed(1, sizeof *task);
    *task = (struct task){
        .id = (uint32_t)reader->task_count,
        .column = column,
        .kind = column <= COLUMN_CLOSING ? BRIDGE_GET : BRIDGE_WALK,
        .context = context,
        .oid_count = count,
    };
    memcpy(task->oids, oids, count * sizeof *oids);
    reader->asked |= FACTS_BIT(bridge_column_part(column));
    reader->tasks = alloc_grow(reader->tasks, reader->task_count, &reader->task_capacity,
                               sizeof(struct task *));
    reader->tasks[reader->task_count++] = task;
    reader->open++;
    return task;
}

static void walk_add(struct bridge_reader *reader, enum bridge_column column, struct oid oid,
                     uint32_t context)
{
    if (oid.length > 0)
        (void)task_add(reader, column, &oid, 1, context);
}

static struct task *fdb_walk_add(struct bridge_reader *reader, enum bridge_column column,
                                 enum bridge_family family, uint32_t context)
{
    struct oid oid = bridge_column_forward(&reader->quirk, family, column);
    struct task *task = task_add(reader, column, &oid, 1, context);
    task->walk.family = family;
    task->walk.context = context;
    task->walk.fdb = family == BRIDGE_VENDOR ? &reader->quirk.fdb : NULL;
    return task;
}

/* --- plan --- */

static void plan_neighbours(struct bridge_reader *reader)
{
    size_t count;
    const struct bridge_neighbour_column *columns = bridge_columns_neighbours(&count);
    for (size_t i = 0; !reader->options.no_neighbours && i < count; i++) {
        if (columns[i].column == NEIGHBOUR_DESCRIPTION && !reader->options.everything &&
            columns[i].protocol == WIRE_LLDP)
            continue;
        struct task *task = task_add(reader, COLUMN_NEIGHBOUR, &columns[i].oid, 1, 0);
        task->protocol = columns[i].protocol;
        task->neighbour = columns[i].column;
    }
}

static void plan_second_neighbours(struct bridge_reader *reader)
{
    size_t count;
    const struct bridge_neighbour_column *columns = bridge_columns_second(&count);
    reader->second_asked = true;
    for (size_t i = 0; i < count; i++)
        task_add(reader, COLUMN_NEIGHBOUR, &columns[i].oid, 1, 0)->neighbour = columns[i].column;
}

static void plan_facts(struct bridge_reader *reader)
{
    if (reader->before != NULL && reader->options.facts_fresh)
        return;
    walk_add(reader, COLUMN_BASE_PORT, OID_BRIDGE(1, 4, 1, 2), 0);
    walk_add(reader, COLUMN_IF_NAME, OID_IF_X(1), 0);
    walk_add(reader, COLUMN_VLAN_FDB, OID_BRIDGE(7, 1, 4, 2, 1, 3), 0);
    if (reader->quirk.vlan == QUIRK_VLAN_TAGS) {
        walk_add(reader, COLUMN_TAG, reader->quirk.tag, 0);
        walk_add(reader, COLUMN_TAG_FDB, reader->quirk.tag_fdb, 0);
    }
    walk_add(reader, COLUMN_IF_TYPE, OID_IF_ENTRY(3), 0);
    walk_add(reader, COLUMN_IF_ADDRESS, OID_IF_ENTRY(6), 0);
    walk_add(reader, COLUMN_IF_DESCR, OID_IF_ENTRY(2), 0);
    if (reader->options.everything) {
        walk_add(reader, COLUMN_IF_ALIAS, OID_IF_X(18), 0);
        walk_add(reader, COLUMN_IEEE_VLAN_FDB, OID_IEEE8021(4, 1, 4, 2, 1, 4), 0);
        walk_add(reader, COLUMN_IEEE_BASE_PORT, OID_IEEE8021(2, 1, 1, 4, 1, 3), 0);
    }
    walk_add(reader, COLUMN_LAG_ATTACHED, OID_LAG_PORT(13), 0);
    walk_add(reader, COLUMN_LAG_SELECTED, OID_LAG_PORT(12), 0);
    walk_add(reader, COLUMN_LAG_PAGP, OID(1, 3, 6, 1, 4, 1, 9, 9, 98, 1, 1, 1, 1, 8), 0);
    walk_add(reader, COLUMN_IF_STACK, OID(1, 3, 6, 1, 2, 1, 31, 1, 2, 1, 3), 0);
    walk_add(reader, COLUMN_LLDP_OWN, OID_LLDP(3, 2), 0);
    plan_neighbours(reader);
}

static void plan_context(struct bridge_reader *reader, uint32_t vlan)
{
    (void)fdb_walk_add(reader, COLUMN_PORT, BRIDGE_DOT1D, vlan);
    if (reader->before == NULL || !reader->options.facts_fresh)
        walk_add(reader, COLUMN_BASE_PORT, OID_BRIDGE(1, 4, 1, 2), vlan);
}

/* Every family at once: the quirks' order first, then what it leaves out. */
static void plan_everything(struct bridge_reader *reader)
{
    bool planned[BRIDGE_FAMILY_COUNT] = {false};
    for (size_t i = 0; i < reader->quirk.order_count; i++)
        planned[reader->quirk.order[i]] = true;
    planned[BRIDGE_VENDOR] |= reader->quirk.fdb.column.length > 0;
    planned[BRIDGE_DOT1D] = planned[BRIDGE_DOT1Q] = planned[BRIDGE_IEEE8021Q] = true;
    for (int family = 0; family < BRIDGE_FAMILY_COUNT; family++)
        if (planned[family] &&
            bridge_column_forward(&reader->quirk, (enum bridge_family)family, COLUMN_PORT).length >
                0)
            (void)fdb_walk_add(reader, COLUMN_PORT, (enum bridge_family)family, 0);
    walk_add(reader, COLUMN_VTP_STATE, OID(1, 3, 6, 1, 4, 1, 9, 9, 46, 1, 3, 1, 1, 2), 0);
    for (size_t i = 0; i < reader->options.context_count; i++)
        plan_context(reader, reader->contexts[i]);
}

/* The next family that the quirks name, or the VLAN list behind the last one. */
static void plan_family(struct bridge_reader *reader, bool had_rows, enum bridge_family last)
{
    const struct quirk *quirk = &reader->quirk;
    bool vlan_tables = quirk->contexts && (!had_rows || last == BRIDGE_DOT1D);
    while (reader->family < quirk->order_count) {
        enum bridge_family family = quirk->order[reader->family++];
        if (bridge_column_forward(quirk, family, COLUMN_PORT).length == 0)
            continue;
        (void)fdb_walk_add(reader, COLUMN_PORT, family, 0);
        if (family == BRIDGE_IEEE8021Q &&
            (reader->before == NULL || !reader->options.facts_fresh)) {
            walk_add(reader, COLUMN_IEEE_VLAN_FDB, OID_IEEE8021(4, 1, 4, 2, 1, 4), 0);
            walk_add(reader, COLUMN_IEEE_BASE_PORT, OID_IEEE8021(2, 1, 1, 4, 1, 3), 0);
        }
        return;
    }
    if (vlan_tables)
        walk_add(reader, COLUMN_VTP_STATE, OID(1, 3, 6, 1, 4, 1, 9, 9, 46, 1, 3, 1, 1, 2), 0);
}

/* The port column of a family ended: what else of that table, and what next. */
static void plan_after_port(struct bridge_reader *reader, const struct task *task)
{
    enum bridge_family family = task->walk.family;
    bool everything = reader->options.everything;
    if (family != BRIDGE_VENDOR && (everything || (task->rows > 0 && reader->quirk.status))) {
        struct task *status = fdb_walk_add(reader, COLUMN_STATUS, family, task->context);
        status->walk.cursor = task->first_row;
    }
    if (family != BRIDGE_VENDOR && (everything || task->walk.sequences > 0)) {
        struct task *address = fdb_walk_add(reader, COLUMN_ADDRESS, family, task->context);
        address->walk.cursor = task->first_row;
    }
    if (everything || task->context != 0)
        return;
    if (task->rows == 0 || reader->quirk.both) {
        plan_family(reader, task->rows > 0, family);
    } else {
        reader->family = reader->quirk.order_count;
        plan_family(reader, true, family);
    }
}

static void plan_closing(struct bridge_reader *reader)
{
    if (reader->closing_asked || reader->options.everything || reader->dead)
        return;
    reader->closing_asked = true;
    const struct oid oids[] = {OID_SYSTEM(3), OID_BRIDGE(4, 1, 0)};
    (void)task_add(reader, COLUMN_CLOSING, oids, ARRAY_COUNT(oids), 0);
}

/* --- life --- */

struct bridge_reader *bridge_reader_new(const struct bridge_reader_options *options)
{
    struct bridge_reader *reader = alloc_zeroed(1, sizeof *reader);
    reader->options = *options;
    if (options->context_count > 0) {
        CHECK(options->context_count <= BRIDGE_CONTEXTS_MAX);
        reader->contexts = alloc_array(options->context_count, sizeof *reader->contexts);
        memcpy(reader->contexts, options->contexts,
               options->context_count * sizeof *reader->contexts);
    }
    if (options->take_facts != NULL) {
        reader->before = *options->take_facts;
        *options->take_facts = NULL;
    }
    reader->table = alloc_zeroed(1, sizeof *reader->table);
    reader->table->sys_descr = alloc_text("");
    reader->table->sys_object_id = alloc_text("");
    reader->table->sys_name = alloc_text("");
    reader->table->sys_uptime_cs = -1;
    reader->table->ageing_seconds = -1;
    bridge_rows_init(&reader->rows, reader->table);
    facts_builder_init(&reader->facts);
    (void)quirk_table_find(NULL, NULL, &reader->quirk);
    const struct oid oids[SCALAR_COUNT] = {
        [SCALAR_DESCR] = OID_SYSTEM(1),
        [SCALAR_OBJECT_ID] = OID_SYSTEM(2),
        [SCALAR_UPTIME] = OID_SYSTEM(3),
        [SCALAR_NAME] = OID_SYSTEM(5),
        [SCALAR_BRIDGE_ADDRESS] = OID_BRIDGE(1, 1, 0),
        [SCALAR_AGEING] = OID_BRIDGE(4, 2, 0),
        [SCALAR_DISCARDS] = OID_BRIDGE(4, 1, 0),
    };
    (void)task_add(reader, COLUMN_SYSTEM, oids, SCALAR_COUNT, 0);
    return reader;
}

void bridge_reader_free(struct bridge_reader *reader)
{
    if (reader == NULL)
        return;
    for (size_t i = 0; i < reader->task_count; i++)
        free(reader->tasks[i]);
    free(reader->tasks);
    free(reader->contexts);
    bridge_facts_free(reader->before);
    free(reader->why_unread);
    bridge_rows_done(&reader->rows);
    facts_builder_done(&reader->facts);
    bridge_table_free(reader->table);
    free(reader);
}

bool bridge_reader_next(struct bridge_reader *reader, struct bridge_want *ret)
{
    if (reader->next_task == reader->task_count)
        return false;
    struct task *task = reader->tasks[reader->next_task++];
    task->under_way = true;
    task->first_row = reader->table->row_count;
    *ret = (struct bridge_want){
        .id = task->id,
        .kind = task->kind,
        .context = task->context,
        .oids = task->oids,
        .oid_count = task->oid_count,
        .slow_changing = task->column > COLUMN_VTP_STATE,
        .allow_disorder = reader->quirk.disorder,
        .max_repetitions = reader->quirk.max_repetitions,
    };
    return true;
}

bool bridge_reader_finished(const struct bridge_reader *reader)
{
    return reader->open == 0;
}

uint64_t bridge_reader_rows(const struct bridge_reader *reader)
{
    return reader->table == NULL ? 0 : reader->table->row_count;
}

const struct quirk *bridge_reader_quirk(const struct bridge_reader *reader)
{
    return reader->quirk_found ? &reader->quirk : NULL;
}

/* --- rows --- */

static char *text_of(const struct snmp_value *value)
{
    struct text text = TEXT_EMPTY;
    for (size_t i = 0; i < value->length && value->bytes[i] != '\0'; i++)
        text_add_char(&text, (char)value->bytes[i]);
    return text_take(&text);
}

static void replace(char **field, char *text)
{
    free(*field);
    *field = text;
}

static void take_object_id(struct bridge_reader *reader, const struct snmp_value *value)
{
    struct oid oid;
    char text[OID_TEXT_SIZE];
    if (value->type == SNMP_OID) {
        if (oid_decode(value->bytes, value->length, &oid) != 0)
            return;
    } else if (value->type != SNMP_OCTETS ||
               oid_parse((const char *)value->bytes, value->length, &oid) != 0) {
        return;
    }
    replace(&reader->table->sys_object_id, alloc_text(oid_format(&oid, text)));
    reader->quirk_found = quirk_table_find(reader->options.quirks, &oid, &reader->quirk);
}

static void take_scalar(struct bridge_reader *reader, size_t instance,
                        const struct snmp_value *value)
{
    struct bridge_table *table = reader->table;
    int64_t number = 0;
    bool is_number = bridge_value_number(value, &number);
    switch ((enum scalar)instance) {
    case SCALAR_DESCR:
        if (value->type == SNMP_OCTETS)
            replace(&table->sys_descr, text_of(value));
        break;
    case SCALAR_OBJECT_ID:
        take_object_id(reader, value);
        break;
    case SCALAR_UPTIME:
        table->sys_uptime_cs = is_number ? number : -1;
        break;
    case SCALAR_NAME:
        if (value->type == SNMP_OCTETS)
            replace(&table->sys_name, text_of(value));
        break;
    case SCALAR_BRIDGE_ADDRESS: {
        struct mac mac = bridge_value_mac(value);
        if (mac_known(mac) && !mac_is_zero(mac))
            (void)facts_add_own_mac(&reader->facts, mac);
        break;
    }
    case SCALAR_AGEING:
        table->ageing_seconds = is_number && number > 0 && number <= 1000000 ? number : -1;
        break;
    case SCALAR_DISCARDS:
        reader->discards = is_number ? (uint64_t)number : 0;
        break;
    case SCALAR_COUNT:
        break;
    }
}

static struct bridge_context *context_of(struct bridge_reader *reader, uint32_t vlan)
{
    struct bridge_table *table = reader->table;
    for (size_t i = table->context_count; i > 0; i--)
        if (table->contexts[i - 1].vlan == vlan)
            return &table->contexts[i - 1];
    table->contexts = alloc_grow(table->contexts, table->context_count, &table->context_capacity,
                                 sizeof *table->contexts);
    struct bridge_context *context = &table->contexts[table->context_count++];
    *context = (struct bridge_context){.vlan = vlan, .whole = true, .why_not = alloc_text("")};
    return context;
}

static void not_whole(struct bridge_reader *reader, uint32_t vlan, const char *why)
{
    struct bridge_context *context = context_of(reader, vlan);
    if (!context->whole)
        return;
    context->whole = false;
    replace(&context->why_not, alloc_text(why));
}

static void take_closing(struct bridge_reader *reader, size_t instance,
                         const struct snmp_value *value)
{
    int64_t number;
    struct bridge_table *table = reader->table;
    if (!bridge_value_number(value, &number))
        return;
    if (instance == 0 && table->sys_uptime_cs >= 0 && number < table->sys_uptime_cs)
        not_whole(reader, 0, "the device restarted during the read: sysUpTime went back");
    if (instance == 1 && (uint64_t)number > reader->discards)
        table->learn_discards = (uint64_t)number - reader->discards;
}

static void take_vtp(struct bridge_reader *reader, const uint32_t *index, size_t count,
                     const struct snmp_value *value)
{
    int64_t state;
    if (count != 2 || !bridge_value_number(value, &state) || state != VTP_OPERATIONAL)
        return;
    uint32_t vlan = index[1];
    if (vlan == DEFAULT_VLAN) {
        reader->default_vlan = DEFAULT_VLAN;
        return;
    }
    if (vlan == 0 || vlan > VLAN_HIGHEST || reader->options.everything ||
        (vlan >= VTP_RESERVED_FIRST && vlan <= VTP_RESERVED_LAST))
        return;
    plan_context(reader, vlan);
}

static bool is_interface_column(enum bridge_column column)
{
    return column >= COLUMN_IF_NAME && column <= COLUMN_IF_ADDRESS;
}

/* One cell of a map with a single index. */
static bool take_numbered(struct bridge_reader *reader, const struct task *task, uint32_t index,
                          const struct snmp_value *value)
{
    struct facts_builder *facts = &reader->facts;
    if (is_interface_column(task->column))
        return facts_add_interface(facts, (enum interface_column)(task->column - COLUMN_IF_NAME),
                                   index, value);
    if (task->column == COLUMN_BASE_PORT) /* a second try comes by what the first has got */
        return facts_add_base_port(facts, task->context, index, value) || task->tries > 0;
    if (task->column == COLUMN_TAG)
        return facts_add_tag(facts, index, value);
    return facts_add_tag_fdb(facts, index, value);
}

static void take_member(struct bridge_reader *reader, const struct task *task, uint32_t if_index,
                        const struct snmp_value *value)
{
    int64_t aggregate;
    enum lag_source source = task->column == COLUMN_LAG_ATTACHED   ? LAG_ATTACHED
                             : task->column == COLUMN_LAG_SELECTED ? LAG_SELECTED
                                                                   : LAG_PAGP;
    if (bridge_value_number(value, &aggregate) && aggregate > 0 && aggregate <= INT32_MAX)
        lag_table_add(reader->facts.facts, if_index, (uint32_t)aggregate, source);
}

/* Cells of the maps: their indices are short, so they are decoded plainly. An
 * index of another length is none of the column's and is passed over. */
static bool take_fact(struct bridge_reader *reader, struct task *task, const uint32_t *index,
                      size_t count, const struct snmp_value *value)
{
    struct facts_builder *facts = &reader->facts;
    if (value->type >= SNMP_NO_SUCH_OBJECT || count == 0)
        return true;
    uint32_t last = index[count - 1];
    struct mac mac;
    switch (task->column) {
    case COLUMN_BASE_PORT:
    case COLUMN_IF_NAME:
    case COLUMN_IF_DESCR:
    case COLUMN_IF_ALIAS:
    case COLUMN_IF_TYPE:
    case COLUMN_IF_ADDRESS:
    case COLUMN_TAG:
    case COLUMN_TAG_FDB:
        return count != 1 || take_numbered(reader, task, last, value);
    case COLUMN_IEEE_BASE_PORT:
        (void)(count == 2 && facts_add_base_port(facts, 0, last, value));
        return true;
    case COLUMN_VLAN_FDB:
        return facts_add_vlan(facts, index, count, value);
    case COLUMN_IEEE_VLAN_FDB:
        (void)(count == 3 && facts_add_vlan(facts, index, count, value));
        return true;
    case COLUMN_LAG_SELECTED:
    case COLUMN_LAG_ATTACHED:
    case COLUMN_LAG_PAGP:
        if (count == 1)
            take_member(reader, task, last, value);
        return true;
    case COLUMN_IF_STACK:
        if (count == 2)
            lag_table_add(facts->facts, index[1], index[0], LAG_STACK);
        return true;
    case COLUMN_LLDP_OWN:
        mac = bridge_value_mac(value);
        return !mac_known(mac) || facts_add_own_mac(facts, mac);
    case COLUMN_NEIGHBOUR:
        (void)neighbour_table_add(facts->neighbours, task->protocol, task->neighbour, index, count,
                                  value);
        return true;
    case COLUMN_VTP_STATE:
        take_vtp(reader, index, count, value);
        return true;
    case COLUMN_SYSTEM:
    case COLUMN_CLOSING:
    case COLUMN_PORT:
    case COLUMN_STATUS:
    case COLUMN_ADDRESS:
        break;
    }
    UNREACHABLE();
}

enum bridge_verdict bridge_reader_row(struct bridge_reader *reader, uint32_t id, size_t instance,
                                      const uint8_t *index, size_t index_length,
                                      const struct snmp_value *value)
{
    CHECK(id < reader->task_count && reader->tasks[id]->under_way);
    struct task *task = reader->tasks[id];
    if (task->stopped)
        return BRIDGE_STOP;
    bool go_on = true;
    task->rows++;
    if (task->column == COLUMN_PORT) {
        go_on = bridge_rows_port(&reader->rows, &task->walk, index, index_length, value);
    } else if (task->column == COLUMN_STATUS) {
        go_on = bridge_rows_status(&reader->rows, &task->walk, index, index_length, value);
    } else if (task->column == COLUMN_ADDRESS) {
        go_on = bridge_rows_address(&reader->rows, &task->walk, index, index_length, value);
    } else if (task->kind == BRIDGE_GET) {
        CHECK(instance < task->oid_count);
        if (task->column == COLUMN_SYSTEM)
            take_scalar(reader, instance, value);
        else
            take_closing(reader, instance, value);
    } else {
        uint32_t ids[LIMIT_OID_LENGTH];
        size_t count;
        if (oid_index_decode(index, index_length, ids, LIMIT_OID_LENGTH, &count) == 0)
            go_on = take_fact(reader, task, ids, count, value);
    }
    task->stopped = !go_on;
    return go_on ? BRIDGE_GO_ON : BRIDGE_STOP;
}

/* --- ends --- */

static void end_system(struct bridge_reader *reader, const struct task *task, const char *why_not)
{
    if (why_not != NULL && task->rows == 0) {
        reader->dead = true;
        not_whole(reader, 0, why_not);
        return;
    }
    reader->table->port_rule = reader->quirk.port;
    reader->table->port_offset = reader->quirk.offset;
    (void)context_of(reader, 0);
    if (reader->options.everything)
        plan_everything(reader);
    else
        plan_family(reader, false, BRIDGE_DOT1Q);
    plan_facts(reader);
}

/* Whether an earlier read has got the part. */
static bool had_before(const struct bridge_reader *reader, enum facts_part part)
{
    return reader->before != NULL && (reader->before->unread & FACTS_BIT(part)) == 0;
}

/* Whether the context's forward table has shown rows. A device may keep silent about a
 * VLAN that it has no table of; what its ports would be is then nobody's question. */
static bool context_has_rows(const struct bridge_reader *reader, uint32_t vlan)
{
    for (size_t i = 0; i < reader->task_count; i++)
        if (reader->tasks[i]->column == COLUMN_PORT && reader->tasks[i]->context == vlan &&
            reader->tasks[i]->rows > 0)
            return true;
    return false;
}

/* Asks for the same once more. */
static void ask_again(struct bridge_reader *reader, const struct task *task)
{
    struct task *again = task_add(reader, task->column, task->oids, 1, task->context);
    again->tries = task->tries + 1;
    again->protocol = task->protocol;
    again->neighbour = task->neighbour;
    reader->retries++;
    if (task->column == COLUMN_VLAN_FDB || task->column == COLUMN_IEEE_VLAN_FDB)
        facts_forget_vlans(&reader->facts, task->column == COLUMN_VLAN_FDB ? 2 : 3);
}

/* Notes that no read has got the part, for want of an answer. */
static void note_unread(struct bridge_reader *reader, enum facts_part part, const char *why_not)
{
    reader->silent |= FACTS_BIT(part);
    reader->unread |= FACTS_BIT(part);
    if (reader->why_unread != NULL)
        return;
    struct text text = TEXT_EMPTY;
    text_printf(&text, "%s cannot be read: %s", facts_part_word(part), why_not);
    reader->why_unread = text_take(&text);
}

/* No answer to a walk for facts. Returns whether it is made again. */
static bool miss_fact(struct bridge_reader *reader, struct task *task, const char *why_not)
{
    enum facts_part part = bridge_column_part(task->column);
    if (part == FACTS_PART_COUNT || reader->options.everything)
        return false;
    if (had_before(reader, part)) {
        reader->silent |= FACTS_BIT(part);
        return false;
    }
    if (task->context != 0 && !context_has_rows(reader, task->context)) {
        task->missed = true; /* until it has rows, nobody's question */
        return false;
    }
    if (task->tries + 1 < BRIDGE_FACT_TRIES && reader->retries < BRIDGE_RETRIES_MAX) {
        ask_again(reader, task);
        return true;
    }
    note_unread(reader, part, why_not);
    return false;
}

/* The context of a VLAN has rows after all: what their ports are has to be known. */
static void ask_for_ports(struct bridge_reader *reader, uint32_t vlan)
{
    for (size_t i = 0; vlan != 0 && i < reader->task_count; i++) {
        struct task *task = reader->tasks[i];
        if (task->column == COLUMN_BASE_PORT && task->context == vlan && task->missed) {
            task->missed = false;
            ask_again(reader, task);
        }
    }
}

static void end_walk(struct bridge_reader *reader, struct task *task, const char *why_not)
{
    bool essential = task->column == COLUMN_PORT || task->column == COLUMN_VTP_STATE ||
                     task->column == COLUMN_CLOSING || task->column == COLUMN_STATUS ||
                     task->column == COLUMN_ADDRESS ||
                     (task->column == COLUMN_BASE_PORT && reader->before == NULL);
    /* A walk that was stopped because it came round is a walk to the end. */
    if (why_not != NULL && essential && !(task->stopped && reader->quirk.disorder))
        not_whole(reader, task->context, why_not);
    if (task->column == COLUMN_PORT) {
        context_of(reader, task->context)->rows += task->walk.rows;
        plan_after_port(reader, task);
        if (task->rows > 0)
            ask_for_ports(reader, task->context);
    } else if (task->column == COLUMN_NEIGHBOUR && task->neighbour == NEIGHBOUR_CHASSIS &&
               task->protocol == WIRE_LLDP && task->rows == 0 && !reader->second_asked) {
        plan_second_neighbours(reader);
    }
}

void bridge_reader_silent(struct bridge_reader *reader, uint32_t id, const char *why_not)
{
    CHECK(id < reader->task_count && reader->tasks[id]->under_way && !reader->tasks[id]->ended);
    struct task *task = reader->tasks[id];
    if (!miss_fact(reader, task, why_not)) {
        bridge_reader_end(reader, id, why_not);
        return;
    }
    task->ended = true;
    reader->open--; /* its second try is open */
}

void bridge_reader_end(struct bridge_reader *reader, uint32_t id, const char *why_not)
{
    CHECK(id < reader->task_count && reader->tasks[id]->under_way && !reader->tasks[id]->ended);
    struct task *task = reader->tasks[id];
    task->ended = true;
    if (task->column == COLUMN_SYSTEM)
        end_system(reader, task, why_not);
    else
        end_walk(reader, task, why_not);
    reader->open--;
    if (reader->open == 0)
        plan_closing(reader);
}

/* Builds the facts of this read and notes what no read has got. */
static struct bridge_facts *take_facts(struct bridge_reader *reader)
{
    const uint32_t all = FACTS_BIT(FACTS_PART_COUNT) - 1;
    const struct bridge_facts *before = reader->before;
    uint32_t missed = all & (reader->silent | ~reader->asked);
    uint32_t unread = before != NULL ? before->unread : all;
    struct bridge_facts *facts = facts_builder_take(&reader->facts, &reader->quirk, before, missed);
    facts->broken = reader->silent != 0 || reader->dead;
    facts->unread = reader->unread;
    if (reader->dead)
        facts->unread = unread;
    else if (reader->options.no_neighbours)
        facts->unread |= unread & FACTS_BIT(FACTS_NEIGHBOURS);
    const char *why = reader->why_unread;
    if (why == NULL && before != NULL && facts->unread != 0)
        why = before->why_unread;
    facts->why_unread = why != NULL ? alloc_text(why) : NULL;
    return facts;
}

struct bridge_table *bridge_reader_take(struct bridge_reader *reader)
{
    struct bridge_table *table = reader->table;
    CHECK(table != NULL);
    for (size_t i = 0; i < reader->task_count; i++)
        if (!reader->tasks[i]->ended)
            not_whole(reader, reader->tasks[i]->context, "the read was given up");
    if (table->cut)
        not_whole(reader, 0, "more rows or FDBs than the limit; the rest is missing");
    bridge_rows_finish(&reader->rows);
    bool reuse = reader->before != NULL && reader->options.facts_fresh;
    table->facts = reuse ? reader->before : take_facts(reader);
    if (reuse)
        reader->before = NULL;
    if (table->facts->why_unread != NULL)
        not_whole(reader, 0, table->facts->why_unread);
    if (table->ageing_seconds < 0)
        table->ageing_seconds = reader->quirk.ageing_seconds;
    bridge_facts_set_vlans(table, &reader->quirk, reader->default_vlan);
    reader->table = NULL;
    return table;
}
