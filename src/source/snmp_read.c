/* SPDX-License-Identifier: Apache-2.0 */
#include "source/snmp_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
    CONTEXT_TRIES = 3, /* of a VLAN's own context, which may not exist */
    SPLIT_MIN = 3,     /* requests in flight from which a table is split */
    PROGRESS_ROWS = 10000,
    SCOPE_SIZE = 300
};

/* One request of the reader, waiting or under way. */
struct asking {
    struct snmp_read *read;
    struct asking *next;
    struct bridge_want want;
    struct snmp_task *task; /* NULL: waiting */
    /* A probe's instances: what stands in the place of each row's index. */
    struct oid *instances;
    size_t instance_count;
    bool fdb_ids; /* this walk is the map from VLAN to FDB id */
};

struct asking_queue {
    struct asking *first, **last;
};

struct snmp_read {
    struct snmp_read_options options;
    struct bridge_reader *reader;
    struct asking_queue fast, slow, under_way;
    size_t busy;
    uint32_t *fdb_ids;
    size_t fdb_count, fdb_capacity;
    uint64_t asked, answered, reported;
    struct err first;
    snmp_read_end_fn *end;
    snmp_read_progress_fn *progress;
    void *aux;
};

static const struct oid dot1d_column = OID(1, 3, 6, 1, 2, 1, 17, 4, 3, 1);
static const struct oid dot1q_column = OID(1, 3, 6, 1, 2, 1, 17, 7, 1, 2, 2, 1);
static const struct oid ieee_column = OID(1, 3, 111, 2, 802, 1, 1, 4, 1, 2, 2, 1);
static const struct oid vlan_fdb_id = OID(1, 3, 6, 1, 2, 1, 17, 7, 1, 4, 2, 1, 3);
static const struct oid ieee_vlan_fdb_id = OID(1, 3, 111, 2, 802, 1, 1, 4, 1, 4, 2, 1, 4);

static void pump(struct snmp_read *read);

/* --- queues --- */

static void queue_init(struct asking_queue *queue)
{
    queue->first = NULL;
    queue->last = &queue->first;
}

static void queue_add(struct asking_queue *queue, struct asking *asking)
{
    asking->next = NULL;
    *queue->last = asking;
    queue->last = &asking->next;
}

static struct asking *queue_take(struct asking_queue *queue)
{
    struct asking *asking = queue->first;
    queue->first = asking->next;
    if (queue->first == NULL)
        queue->last = &queue->first;
    return asking;
}

static void queue_remove(struct asking_queue *queue, struct asking *asking)
{
    struct asking **at = &queue->first;
    while (*at != asking)
        at = &(*at)->next;
    *at = asking->next;
    if (*at == NULL)
        queue->last = at;
}

static void asking_free(struct asking *asking)
{
    free(asking->instances);
    free(asking);
}

static void queue_free(struct asking_queue *queue)
{
    while (queue->first != NULL) {
        struct asking *asking = queue_take(queue);
        snmp_cancel(asking->task);
        asking_free(asking);
    }
}

/* --- the end --- */

static void read_free(struct snmp_read *read)
{
    queue_free(&read->fast);
    queue_free(&read->slow);
    queue_free(&read->under_way);
    bridge_reader_free(read->reader);
    free(read->fdb_ids);
    free(read);
}

/* Drops what is not about the probed MAC, where a column had to be walked. */
static void keep_only(struct bridge_table *table, struct mac mac)
{
    size_t kept = 0;
    for (size_t i = 0; i < table->row_count; i++)
        if (mac_equal(bridge_row_mac(&table->rows[i]), mac))
            table->rows[kept++] = table->rows[i];
    if (kept < table->row_count)
        table->odd_count = 0; /* it counts rows by their old numbers */
    table->row_count = kept;
}

static void finish(struct snmp_read *read)
{
    snmp_read_end_fn *end = read->end;
    void *aux = read->aux;
    uint64_t asked = read->asked, answered = read->answered;
    struct err err = read->first;
    struct bridge_table *table = bridge_reader_take(read->reader);
    if (mac_known(read->options.probe))
        keep_only(table, read->options.probe);
    read_free(read);
    end(aux, table, asked, answered, answered == 0 ? &err : NULL);
}

/* `code` is why it ended, 0: the end was seen. */
static void asking_over(struct asking *asking, int code, const char *why_not)
{
    struct snmp_read *read = asking->read;
    queue_remove(&read->under_way, asking);
    read->busy--;
    if (code == ERR_TIMEOUT || code == ERR_SYSTEM)
        bridge_reader_silent(read->reader, asking->want.id, why_not);
    else
        bridge_reader_end(read->reader, asking->want.id, why_not);
    asking_free(asking);
    pump(read);
}

static void count(struct snmp_read *read, const struct snmp_result *result)
{
    read->asked += result->asked;
    read->answered += result->answered;
}

static void on_end(void *arg, const struct snmp_result *result)
{
    struct asking *asking = arg;
    struct snmp_read *read = asking->read;
    count(read, result);
    if (result->code != 0 && read->first.code == 0)
        err_set(&read->first, (enum err_code)result->code, "%s", result->why);
    asking_over(asking, result->code, result->code != 0 ? result->why : NULL);
}

/* --- answers --- */

static void note_fdb_id(struct snmp_read *read, const struct snmp_value *value)
{
    if (value->type != SNMP_GAUGE32 && value->type != SNMP_INTEGER)
        return;
    uint32_t id = (uint32_t)value->number;
    for (size_t i = 0; i < read->fdb_count; i++)
        if (read->fdb_ids[i] == id)
            return;
    if (read->fdb_count >= LIMIT_VLANS_PER_SET)
        return;
    read->fdb_ids =
        alloc_grow(read->fdb_ids, read->fdb_count, &read->fdb_capacity, sizeof(uint32_t));
    read->fdb_ids[read->fdb_count++] = id;
}

static void report_progress(struct snmp_read *read)
{
    uint64_t rows = bridge_reader_rows(read->reader);
    if (read->progress == NULL || rows < read->reported + PROGRESS_ROWS)
        return;
    read->reported = rows;
    read->progress(read->aux, rows);
}

static void on_rows(void *arg, const struct snmp_row *rows, size_t row_count)
{
    struct asking *asking = arg;
    struct snmp_read *read = asking->read;
    for (size_t i = 0; i < row_count; i++) {
        if (asking->fdb_ids)
            note_fdb_id(read, &rows[i].value);
        if (bridge_reader_row(read->reader, asking->want.id, 0, rows[i].index, rows[i].index_length,
                              &rows[i].value) == BRIDGE_STOP) {
            count(read, snmp_task_result(asking->task));
            snmp_cancel(asking->task);
            asking_over(asking, 0, NULL);
            return;
        }
    }
    report_progress(read);
}

static void on_value(void *arg, size_t position, const struct snmp_value *value)
{
    struct asking *asking = arg;
    struct snmp_read *read = asking->read;
    if (asking->instances == NULL) {
        (void)bridge_reader_row(read->reader, asking->want.id, position, NULL, 0, value);
        return;
    }
    if (value->type >= SNMP_NO_SUCH_OBJECT)
        return;
    const struct oid *instance = &asking->instances[position];
    uint32_t column = asking->want.oids[0].length;
    uint8_t index[OID_BER_SIZE];
    size_t length = oid_index_encode(instance->ids + column, instance->length - column, index);
    (void)bridge_reader_row(read->reader, asking->want.id, 0, index, length, value);
}

/* --- probes --- */

static bool is_column_of(const struct oid *column, const struct oid *entry)
{
    return column->length == entry->length + 1 && oid_has_prefix(column, entry);
}

static void add_mac(struct oid *oid, struct mac mac)
{
    uint8_t octets[6];
    mac_to_octets(mac, octets);
    for (int i = 0; i < 6; i++)
        oid->ids[oid->length++] = octets[i];
}

/* Makes the instances of the probed MAC in a forward column. Returns false when the
 * column is none, or no FDB id is known: then it is walked. */
static bool make_instances(const struct snmp_read *read, struct asking *asking)
{
    const struct oid *column = &asking->want.oids[0];
    bool plain = is_column_of(column, &dot1d_column), ieee = is_column_of(column, &ieee_column);
    if (!plain && !ieee && !is_column_of(column, &dot1q_column))
        return false;
    asking->instance_count = plain ? 1 : read->fdb_count;
    if (asking->instance_count == 0)
        return false;
    asking->instances = alloc_array(asking->instance_count, sizeof(struct oid));
    for (size_t i = 0; i < asking->instance_count; i++) {
        struct oid *oid = &asking->instances[i];
        *oid = *column;
        if (ieee)
            oid->ids[oid->length++] = 1; /* the only component of nearly all bridges */
        if (!plain)
            oid->ids[oid->length++] = read->fdb_ids[i];
        add_mac(oid, read->options.probe);
    }
    return true;
}

/* --- asking --- */

static enum snmp_index index_of(const struct oid *column)
{
    if (is_column_of(column, &dot1d_column))
        return SNMP_INDEX_MAC;
    return is_column_of(column, &dot1q_column) ? SNMP_INDEX_FDB_MAC : SNMP_INDEX_OTHER;
}

/* Fills *ret; `text` holds the community or context of a VLAN. */
static void make_scope(const struct snmp_read *read, uint32_t vlan, char text[static SCOPE_SIZE],
                       struct snmp_scope *ret)
{
    *ret = (struct snmp_scope){0};
    if (vlan == 0)
        return;
    ret->tries = CONTEXT_TRIES;
    ret->timeout = span_us(read->options.timeout.us / 2);
    if (read->options.version == SNMP_V3) {
        const struct quirk *quirk = bridge_reader_quirk(read->reader);
        const char *prefix = read->options.context_prefix;
        if (prefix == NULL)
            prefix =
                quirk != NULL && quirk->context_prefix[0] != '\0' ? quirk->context_prefix : "vlan-";
        snprintf(text, SCOPE_SIZE, "%s%u", prefix, vlan);
        ret->context = text;
    } else {
        snprintf(text, SCOPE_SIZE, "%s@%u", read->options.community, vlan);
        ret->community = text;
    }
}

static void ask(struct snmp_read *read, struct asking *asking)
{
    char text[SCOPE_SIZE];
    struct snmp_scope scope;
    const struct bridge_want *want = &asking->want;
    struct snmp_device *device = read->options.device;
    make_scope(read, want->context, text, &scope);
    queue_add(&read->under_way, asking);
    read->busy++;
    if (want->kind == BRIDGE_GET) {
        asking->task =
            snmp_get(device, want->oids, want->oid_count, &scope, on_value, on_end, asking);
        return;
    }
    if (mac_known(read->options.probe) && make_instances(read, asking)) {
        asking->task = snmp_get(device, asking->instances, asking->instance_count, &scope, on_value,
                                on_end, asking);
        return;
    }
    bool split = read->options.in_flight >= SPLIT_MIN;
    struct snmp_walk_options walk = {
        .scope = scope,
        .index = index_of(want->oids),
        .segments = split ? read->options.in_flight : 1,
        .allow_unordered = want->allow_disorder,
        .repetitions_most = want->max_repetitions,
    };
    asking->fdb_ids = oid_compare(want->oids, &vlan_fdb_id) == 0 ||
                      oid_compare(want->oids, &ieee_vlan_fdb_id) == 0;
    asking->task = snmp_walk(device, want->oids, &walk, on_rows, on_end, asking);
}

/* Returns the next request to send, NULL when it is better to wait. */
static struct asking *choose(struct snmp_read *read)
{
    bool probing = mac_known(read->options.probe);
    if (read->busy >= read->options.in_flight)
        return NULL;
    /* A probe needs the map of FDB ids before it can ask for instances. */
    bool slow_first = probing && read->fdb_count == 0;
    if (slow_first && read->slow.first != NULL)
        return queue_take(&read->slow);
    if (slow_first && read->busy > 0)
        return NULL;
    if (read->fast.first != NULL)
        return queue_take(&read->fast);
    /* A table that is read in several parts at once needs all that is allowed. */
    if (read->busy > 0 && read->options.in_flight >= SPLIT_MIN && !probing &&
        !read->under_way.first->want.slow_changing)
        return NULL;
    return read->slow.first != NULL ? queue_take(&read->slow) : NULL;
}

static void pump(struct snmp_read *read)
{
    struct bridge_want want;
    while (bridge_reader_next(read->reader, &want)) {
        struct asking *asking = alloc_zeroed(1, sizeof(*asking));
        asking->read = read;
        asking->want = want;
        queue_add(want.slow_changing ? &read->slow : &read->fast, asking);
    }
    struct asking *asking;
    while ((asking = choose(read)) != NULL)
        ask(read, asking);
    if (read->busy == 0 && bridge_reader_finished(read->reader))
        finish(read);
}

struct snmp_read *snmp_read_start(const struct snmp_read_options *options, snmp_read_end_fn *end,
                                  snmp_read_progress_fn *progress, void *aux)
{
    struct snmp_read *read = alloc_zeroed(1, sizeof(*read));
    read->options = *options;
    read->end = end;
    read->progress = progress;
    read->aux = aux;
    queue_init(&read->fast);
    queue_init(&read->slow);
    queue_init(&read->under_way);
    if (options->fdb_count > 0) {
        read->fdb_ids = alloc_array(options->fdb_count, sizeof(uint32_t));
        memcpy(read->fdb_ids, options->fdb_ids, options->fdb_count * sizeof(uint32_t));
        read->fdb_count = read->fdb_capacity = options->fdb_count;
    }
    read->reader = bridge_reader_new(&options->reader);
    pump(read);
    return read;
}

void snmp_read_cancel(struct snmp_read *read)
{
    if (read != NULL)
        read_free(read);
}
