/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/reassembly.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { UNIT = 8, DATAGRAM_MAX = 65535, UNITS = (DATAGRAM_MAX + UNIT) / UNIT, GROW_BYTES = 4096 };

enum state { FREE, COLLECTING, WHOLE, REFUSED };

struct datagram {
    enum state state;
    uint64_t number; /* of the frame that began it */
    uint64_t touched;
    uint64_t completed; /* the frame that made it whole */
    struct wall began;
    struct ip_packet head; /* the last part's headers, the first part's once it is there */
    bool headed;           /* the first part is there */
    size_t total;          /* octets in all; 0: the last part is not there */
    size_t units;          /* that are there */
    size_t room;
    uint8_t *bytes;
    uint8_t there[(UNITS + 7) / 8];
};

struct reassembly {
    reassembly_lost_fn *lost;
    void *aux;
    uint64_t clock; /* parts taken */
    struct datagram datagrams[LIMIT_REASSEMBLIES];
};

struct reassembly *reassembly_new(reassembly_lost_fn *lost, void *aux)
{
    struct reassembly *reassembly = alloc_zeroed(1, sizeof *reassembly);
    reassembly->lost = lost;
    reassembly->aux = aux;
    return reassembly;
}

static void clear(struct datagram *datagram)
{
    free(datagram->bytes);
    *datagram = (struct datagram){.state = FREE};
}

static bool is_there(const struct datagram *datagram, size_t unit)
{
    return (datagram->there[unit / 8] >> unit % 8 & 1) != 0;
}

static void give_up(struct reassembly *reassembly, struct datagram *datagram)
{
    if (datagram->state == COLLECTING && reassembly->lost != NULL) {
        struct ip_packet packet = datagram->head;
        packet.payload = datagram->bytes;
        packet.length = datagram->headed && is_there(datagram, 0) ? UNIT : 0;
        reassembly->lost(reassembly->aux, &packet, datagram->number);
    }
    clear(datagram);
}

void reassembly_end(struct reassembly *reassembly)
{
    for (;;) {
        struct datagram *first = NULL;
        for (size_t i = 0; i < LIMIT_REASSEMBLIES; i++) {
            struct datagram *at = &reassembly->datagrams[i];
            if (at->state != FREE && (first == NULL || at->number < first->number))
                first = at;
        }
        if (first == NULL)
            return;
        give_up(reassembly, first);
    }
}

void reassembly_free(struct reassembly *reassembly)
{
    if (reassembly == NULL)
        return;
    for (size_t i = 0; i < LIMIT_REASSEMBLIES; i++)
        clear(&reassembly->datagrams[i]);
    free(reassembly);
}

/* --- which one --- */

static bool is_same(const struct ip_packet *a, const struct ip_packet *b)
{
    return a->version == b->version && a->part.id == b->part.id &&
           (a->version == 6 || a->protocol == b->protocol) && ip_equal(&a->source, &b->source) &&
           ip_equal(&a->destination, &b->destination);
}

static bool is_over(const struct datagram *datagram, struct wall at)
{
    return wall_known(at) && wall_known(datagram->began) &&
           wall_since(at, datagram->began).us > span_seconds(REASSEMBLY_SECONDS).us;
}

/* The datagram that `packet` is a part of, NULL when it begins one. */
static struct datagram *find(struct reassembly *reassembly, const struct ip_packet *packet,
                             struct wall at)
{
    for (size_t i = 0; i < LIMIT_REASSEMBLIES; i++) {
        struct datagram *datagram = &reassembly->datagrams[i];
        if (datagram->state == FREE || !is_same(&datagram->head, packet))
            continue;
        if (!is_over(datagram, at))
            return datagram;
        give_up(reassembly, datagram); /* its identification is used again */
        return NULL;
    }
    return NULL;
}

static struct datagram *begin(struct reassembly *reassembly, const struct ip_packet *packet,
                              uint64_t number, struct wall at)
{
    struct datagram *oldest = &reassembly->datagrams[0];
    for (size_t i = 0; i < LIMIT_REASSEMBLIES && oldest->state != FREE; i++) {
        struct datagram *datagram = &reassembly->datagrams[i];
        if (datagram->state == FREE || datagram->touched < oldest->touched)
            oldest = datagram;
    }
    give_up(reassembly, oldest);
    oldest->state = COLLECTING;
    oldest->number = number;
    oldest->began = at;
    oldest->head = *packet;
    return oldest;
}

/* --- its octets --- */

static void make_room(struct datagram *datagram, size_t wanted)
{
    if (wanted <= datagram->room)
        return;
    size_t room = (wanted + GROW_BYTES) / GROW_BYTES * GROW_BYTES;
    uint8_t *bytes = alloc_array(room, 1);
    if (datagram->room > 0)
        memcpy(bytes, datagram->bytes, datagram->room);
    free(datagram->bytes);
    datagram->bytes = bytes;
    datagram->room = room;
}

/* Whether the part agrees with what is known of the whole's length. */
static bool fits(const struct datagram *datagram, const struct ip_part *part)
{
    size_t end = part->offset + part->length;
    if (part->more)
        return datagram->total == 0 || end <= datagram->total;
    if (datagram->total != 0)
        return end == datagram->total;
    for (size_t unit = (end + UNIT - 1) / UNIT; unit < UNITS; unit++) {
        if (is_there(datagram, unit))
            return false;
    }
    return true;
}

/* Copies what is new of the part. Returns whether what is not new is the same. */
static bool take(struct datagram *datagram, const struct ip_part *part)
{
    make_room(datagram, part->offset + part->length);
    for (size_t done = 0; done < part->length; done += UNIT) {
        size_t at = part->offset + done, left = part->length - done;
        size_t count = left < UNIT ? left : UNIT, unit = at / UNIT;
        if (is_there(datagram, unit)) {
            if (memcmp(datagram->bytes + at, part->bytes + done, count) != 0)
                return false;
            continue;
        }
        memcpy(datagram->bytes + at, part->bytes + done, count);
        datagram->there[unit / 8] |= (uint8_t)(1 << unit % 8);
        datagram->units++;
    }
    if (!part->more)
        datagram->total = part->offset + part->length;
    return true;
}

/* Whether a part of what is whole already only repeats it. */
static bool is_repeated(const struct datagram *datagram, const struct ip_part *part)
{
    return part->offset + part->length <= datagram->total &&
           memcmp(datagram->bytes + part->offset, part->bytes, part->length) == 0;
}

static bool is_whole(const struct datagram *datagram)
{
    return datagram->headed && datagram->total != 0 &&
           datagram->units == (datagram->total + UNIT - 1) / UNIT;
}

static enum wire_fault give_whole(struct datagram *datagram, bool old_options,
                                  struct ip_packet *ret, uint8_t **ret_bytes)
{
    uint8_t *bytes = alloc_array(datagram->total, 1);
    memcpy(bytes, datagram->bytes, datagram->total);
    *ret_bytes = bytes;
    return ip_packet_join(&datagram->head, bytes, datagram->total, old_options, ret);
}

enum wire_fault reassembly_add(struct reassembly *reassembly, const struct ip_packet *packet,
                               bool old_options, uint64_t number, struct wall at,
                               struct ip_packet *ret, uint8_t **ret_bytes)
{
    const struct ip_part *part = &packet->part;
    *ret_bytes = NULL;
    if (part->length == 0 || part->offset + part->length > DATAGRAM_MAX)
        return WIRE_MALFORMED;
    struct datagram *datagram = find(reassembly, packet, at);
    if (datagram != NULL && datagram->state == WHOLE) {
        if (is_repeated(datagram, part))
            return WIRE_OK;
        clear(datagram);
        datagram = NULL;
    }
    if (datagram == NULL)
        datagram = begin(reassembly, packet, number, at);
    datagram->touched = ++reassembly->clock;
    if (datagram->state == REFUSED || part->length < part->wire_length)
        return WIRE_OK; /* what was cut can never be whole */
    if (part->more && part->length % UNIT != 0)
        return WIRE_MALFORMED;
    if (!fits(datagram, part) || !take(datagram, part)) {
        datagram->state = REFUSED;
        return WIRE_CONTRADICTED;
    }
    if (part->offset == 0) {
        datagram->head = *packet;
        datagram->headed = true;
    }
    if (!is_whole(datagram))
        return WIRE_OK;
    datagram->state = WHOLE;
    datagram->completed = number;
    return give_whole(datagram, old_options, ret, ret_bytes);
}

void reassembly_take_back(struct reassembly *reassembly, uint64_t number)
{
    for (size_t i = 0; i < LIMIT_REASSEMBLIES; i++) {
        struct datagram *datagram = &reassembly->datagrams[i];
        if (datagram->state == WHOLE && datagram->completed == number)
            datagram->state = COLLECTING;
    }
}
