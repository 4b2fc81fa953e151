/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "snmp/walk.h"

/* Dividing one table among parallel segments, without knowing what is in it.
 *
 * An index that ends in a MAC is read as a number (with its FDB id in front). When
 * a segment would be free, a *probe* is sent: one GETNEXT that asks, for some
 * thirty numbers ahead of where the busiest segment reads, which row comes next.
 * The numbers lie at distances that grow by four (tables are clusters of a few
 * vendors' prefixes, far apart) and, where the end is known, evenly. From the
 * answer follow the gaps between clusters and a bound beyond which nothing is;
 * the segment is cut at a gap, else at a part of what is left of its cluster. Bad
 * guesses are mended by the next idle segment. A probe costs one request, an
 * unlucky cut one more; PROBES_MAX bounds both. */

enum {
    GROWTH = 4,
    GEOMETRIC_MAX = 20,
    EVEN_COUNT = 12,
    POSITIONS_MAX = GEOMETRIC_MAX + EVEN_COUNT,
    PROBES_MAX = 24,
    WORTH_ANSWERS = 3, /* what is left must need so many answers for a cut to pay */
    TAIL_SIZE = 16     /* of an FDB id up to 65535 and six octets */
};

struct splitter {
    enum snmp_index index;
    unsigned segments, probes;
    bool probing, given_up;
    struct job probe;
    struct segment *victim;
    uint64_t low; /* where the victim was */
    uint64_t positions[POSITIONS_MAX];
    size_t position_count;
    struct segment *extra[SEGMENTS_MAX];
    unsigned extra_count;
};

/* --- indices as numbers --- */

static uint64_t key_max(enum snmp_index index)
{
    return index == SNMP_INDEX_MAC ? (UINT64_C(1) << 48) - 1 : UINT64_MAX;
}

static bool key_of(const struct walk *walk, const uint8_t *name, size_t length, uint64_t *ret)
{
    uint32_t ids[7];
    size_t count = 0, skip = walk->splitter->index == SNMP_INDEX_FDB_MAC ? 1 : 0;
    if (length <= walk->prefix_length ||
        oid_index_decode(name + walk->prefix_length, length - walk->prefix_length, ids, 7,
                         &count) != 0 ||
        count != skip + 6 || (skip == 1 && ids[0] > UINT16_MAX))
        return false;
    uint64_t key = skip == 1 ? ids[0] : 0;
    for (size_t i = skip; i < count; i++) {
        if (ids[i] > UINT8_MAX)
            return false;
        key = key << 8 | ids[i];
    }
    *ret = key;
    return true;
}

static size_t tail_of(enum snmp_index index, uint64_t key, uint8_t tail[static TAIL_SIZE])
{
    uint32_t ids[7];
    size_t skip = index == SNMP_INDEX_FDB_MAC ? 1 : 0;
    ids[0] = (uint32_t)(key >> 48);
    for (size_t i = 0; i < 6; i++)
        ids[skip + i] = (uint32_t)(key >> (40 - 8 * i) & 0xff);
    return oid_index_encode(ids, skip + 6, tail);
}

void splitter_first_row(const struct walk *walk, struct segment *segment, const uint8_t *name,
                        size_t length)
{
    segment->keyed = key_of(walk, name, length, &segment->first_key);
    if (!segment->keyed)
        walk->splitter->given_up = true;
}

/* --- choosing whom to relieve --- */

/* Returns how far apart `rows` rows of a segment are on the whole; at least 1. */
static uint64_t distance(const struct segment *segment, uint64_t at, uint64_t rows)
{
    double each = (double)(at - segment->first_key) / (double)segment->rows;
    double apart = each * (double)rows;
    return apart < 1 ? 1 : apart > 1e18 ? UINT64_C(1000000000000000000) : (uint64_t)apart;
}

/* Returns how many answers a segment still needs, as far as can be told. */
static double answers_left(const struct walk *walk, const struct segment *segment)
{
    uint64_t at;
    unsigned repetitions = walk->task.device->repetitions;
    if (segment->done || !segment->keyed || segment->rows < 2 ||
        !key_of(walk, segment->name, segment->length, &at) || segment->bound_key <= at)
        return 0;
    return (double)(segment->bound_key - at) / (double)distance(segment, at, repetitions);
}

static struct segment *segment_at(struct walk *walk, unsigned i)
{
    return i == 0 ? &walk->first : walk->splitter->extra[i - 1];
}

static unsigned count_busy(struct walk *walk)
{
    unsigned busy = 0;
    for (unsigned i = 0; i <= walk->splitter->extra_count; i++)
        busy += segment_at(walk, i)->done ? 0 : 1;
    return busy;
}

static struct segment *choose_victim(struct walk *walk)
{
    struct segment *best = NULL;
    double most = WORTH_ANSWERS;
    for (unsigned i = 0; i <= walk->splitter->extra_count; i++) {
        struct segment *segment = segment_at(walk, i);
        double left = answers_left(walk, segment);
        if (left > most) {
            most = left;
            best = segment;
        }
    }
    return best;
}

bool splitter_consider(struct walk *walk)
{
    struct splitter *splitter = walk->splitter;
    unsigned busy = count_busy(walk);
    if (busy == 0)
        return false;
    if (splitter->probing || splitter->given_up || busy >= splitter->segments ||
        splitter->extra_count == SEGMENTS_MAX || splitter->probes >= PROBES_MAX)
        return true;
    splitter->victim = choose_victim(walk);
    if (splitter->victim != NULL) {
        splitter->probing = true;
        splitter->probes++;
        engine_ready(&splitter->probe);
    }
    return true;
}

/* --- probing --- */

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void choose_positions(const struct walk *walk, struct splitter *splitter, uint64_t low)
{
    const struct segment *victim = splitter->victim;
    uint64_t high = victim->bound_key;
    uint64_t step = distance(victim, low, walk->task.device->repetitions);
    size_t count = 0;
    for (size_t i = 0; i < GEOMETRIC_MAX && high - low > step; i++) {
        splitter->positions[count++] = low + step;
        if (step > UINT64_MAX / GROWTH)
            break;
        step *= GROWTH;
    }
    if (high != key_max(splitter->index))
        for (uint64_t i = 1; i <= EVEN_COUNT; i++)
            splitter->positions[count++] = low + (high - low) / (EVEN_COUNT + 1) * i;
    qsort(splitter->positions, count, sizeof(splitter->positions[0]), compare_keys);
    splitter->position_count = count;
    splitter->low = low;
}

static void probe_build(struct job *job, struct request *request, struct snmp_message *message,
                        struct ber_writer *writer)
{
    struct splitter *splitter = CONTAINER(job, struct splitter, probe);
    struct walk *walk = CONTAINER(job->task, struct walk, task);
    const struct segment *victim = splitter->victim;
    uint8_t name[OID_BER_SIZE + TAIL_SIZE];
    uint64_t low = victim->first_key;
    /* Where it is now; a row that is no key leaves where it began. */
    (void)key_of(walk, victim->name, victim->length, &low);
    if (request->tries == 0)
        choose_positions(walk, splitter, low);
    message->pdu = SNMP_GETNEXT;
    memcpy(name, victim->name, walk->prefix_length);
    for (size_t i = 0; i < splitter->position_count; i++) {
        size_t length =
            tail_of(splitter->index, splitter->positions[i], name + walk->prefix_length);
        if (!snmp_writer_add(writer, name, walk->prefix_length + length, NULL)) {
            splitter->position_count = i;
            break;
        }
    }
}

/* Reads which row follows each position, up to the first without one before the
 * bound. Returns how many have one; false in *ret_good for an unusable answer. */
static size_t read_followers(const struct walk *walk, const struct splitter *splitter,
                             const struct snmp_message *message,
                             uint64_t followers[static POSITIONS_MAX], bool *ret_good)
{
    struct ber_reader list = snmp_message_varbinds(message);
    const struct segment *victim = splitter->victim;
    *ret_good = message->error_status == SNMP_NO_ERROR;
    for (size_t i = 0; *ret_good && i < splitter->position_count; i++) {
        struct snmp_varbind varbind;
        uint64_t key = 0;
        if (snmp_varbind_next(&list, &varbind) != 1) {
            *ret_good = false;
            return i;
        }
        if (varbind.value.type == SNMP_END_OF_MIB_VIEW ||
            varbind.oid_length <= walk->prefix_length ||
            memcmp(varbind.oid, victim->name, walk->prefix_length) != 0)
            return i;
        *ret_good =
            key_of(walk, varbind.oid, varbind.oid_length, &key) && key > splitter->positions[i];
        if (key >= victim->bound_key)
            return i;
        followers[i] = key;
    }
    return splitter->position_count;
}

/* Returns where to cut, 0 for nowhere. */
static uint64_t choose_cut(const struct splitter *splitter, const uint64_t *followers, size_t count,
                           bool known_bound)
{
    uint64_t gaps[POSITIONS_MAX];
    size_t gap_count = 0;
    const uint64_t *positions = splitter->positions;
    if (count == 0)
        return 0;
    /* Two positions before one row: between them is nothing, a cluster begins there. */
    for (size_t i = 0; i + 1 < count; i++)
        if (followers[i] > positions[i + 1] &&
            (gap_count == 0 || gaps[gap_count - 1] != followers[i]))
            gaps[gap_count++] = followers[i];
    if (gap_count > 0)
        return gaps[gap_count / 2];
    uint64_t left = splitter->victim->bound_key - splitter->low;
    /* A bound just found is up to GROWTH times too far. */
    uint64_t cut = splitter->low + (known_bound ? left / 2 : left / 10 * 3);
    return cut < followers[count - 1] ? cut : followers[count - 1];
}

static void cut_victim(struct walk *walk, struct splitter *splitter, uint64_t cut)
{
    struct segment *victim = splitter->victim;
    uint8_t before[TAIL_SIZE];
    struct segment *segment = alloc_zeroed(1, sizeof(*segment));
    splitter->extra[splitter->extra_count++] = segment;
    segment->bound_key = victim->bound_key;
    memcpy(segment->end, victim->end, sizeof(segment->end));
    segment->end_length = victim->end_length;
    victim->bound_key = cut;
    victim->end_length = (uint32_t)tail_of(splitter->index, cut, victim->end);
    size_t length = tail_of(splitter->index, cut - 1, before);
    segment_init(walk, segment, victim->name, before, length);
    engine_ready(&segment->job);
}

static void probe_answer(struct job *job, unsigned repetitions, const struct snmp_message *message,
                         size_t length)
{
    struct splitter *splitter = CONTAINER(job, struct splitter, probe);
    struct walk *walk = CONTAINER(job->task, struct walk, task);
    struct segment *victim = splitter->victim;
    uint64_t followers[POSITIONS_MAX], at = 0;
    bool good = false, known_bound = victim->bound_key != key_max(splitter->index);
    size_t count = read_followers(walk, splitter, message, followers, &good);
    splitter->probing = false;
    if (!good) {
        splitter->given_up = true;
        return;
    }
    if (count < splitter->position_count && splitter->positions[count] < victim->bound_key)
        victim->bound_key = splitter->positions[count] + 1;
    uint64_t cut = choose_cut(splitter, followers, count, known_bound);
    if (cut != 0 && !victim->done && key_of(walk, victim->name, victim->length, &at) &&
        cut > at + 1)
        cut_victim(walk, splitter, cut);
    splitter_consider(walk);
}

static void probe_silent(struct job *job, struct request *request)
{
}

/* A walk goes on without probes that get no answer. */
static void probe_lost(struct job *job)
{
    struct splitter *splitter = CONTAINER(job, struct splitter, probe);
    splitter->probing = false;
    splitter->given_up = true;
}

static const struct job_class probe_class = {
    .build = probe_build,
    .answer = probe_answer,
    .silent = probe_silent,
    .lost = probe_lost,
};

void splitter_new(struct walk *walk, enum snmp_index index, unsigned segments)
{
    struct splitter *splitter = alloc_zeroed(1, sizeof(*splitter));
    unsigned most = walk->task.device->limits.in_flight;
    splitter->index = index;
    splitter->segments = segments < most ? segments : most;
    walk->splitter = splitter;
    walk->first.bound_key = key_max(index);
    job_init(&splitter->probe, &probe_class, &walk->task);
}

void splitter_free(struct splitter *splitter)
{
    if (splitter == NULL)
        return;
    for (unsigned i = 0; i < splitter->extra_count; i++) {
        if (splitter->extra[i]->name != splitter->extra[i]->room)
            free(splitter->extra[i]->name);
        free(splitter->extra[i]);
    }
    free(splitter);
}
