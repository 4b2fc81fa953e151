/* SPDX-License-Identifier: Apache-2.0 */
#include "source/radius_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "io/clock.h"
#include "io/loop.h"
#include "source/radius_event.h"
#include "source/radius_recent.h"
#include "source/radius_scope.h"
#include "source/radius_socket.h"

enum {
    RADIUS_TURN = 8,   /* batches of one socket before others get their turn */
    REPLY_INLINE = 64, /* an answer without long Proxy-States fits */
    SAME_SECONDS = 1,  /* by which two subtractions of a delay may differ */
    NO_SLOT = UINT32_MAX
};

#define KEEP_REQUESTS span_seconds(60)
#define KEEP_RECORDS  span_seconds(300)
#define AHEAD_MOST    span_seconds(300)
#define DELAY_MOST    (30 * 86400)
#define EARLIEST_TIME ((struct wall){INT64_C(946684800000000)}) /* 2000-01-01 */

/* name, whether it is a loss, enumerator; each is documented in the operator's guide.
 * What a stranger can raise by sending is never a loss: losses become an audit_gap. */
#define RADIUS_COUNTERS(COUNTER)                                                                   \
    COUNTER("received", false, COUNT_RECEIVED)                                                     \
    COUNTER("answered", false, COUNT_ANSWERED)                                                     \
    COUNTER("starts", false, COUNT_STARTS)                                                         \
    COUNTER("interims", false, COUNT_INTERIMS)                                                     \
    COUNTER("stops", false, COUNT_STOPS)                                                           \
    COUNTER("resets", false, COUNT_RESETS)                                                         \
    COUNTER("status_server", false, COUNT_STATUS_SERVER)                                           \
    COUNTER("other_status", false, COUNT_OTHER_STATUS)                                             \
    COUNTER("duplicate", false, COUNT_DUPLICATE)                                                   \
    COUNTER("repeated", false, COUNT_REPEATED)                                                     \
    COUNTER("pending", false, COUNT_PENDING)                                                       \
    COUNTER("no_switch", false, COUNT_NO_SWITCH)                                                   \
    COUNTER("no_port", false, COUNT_NO_PORT)                                                       \
    COUNTER("unknown_client", false, COUNT_UNKNOWN_CLIENT)                                         \
    COUNTER("malformed", false, COUNT_MALFORMED)                                                   \
    COUNTER("bad_authenticator", false, COUNT_BAD_AUTHENTICATOR)                                   \
    COUNTER("no_message_authenticator", false, COUNT_NO_MESSAGE_AUTHENTICATOR)                     \
    COUNTER("unexpected_code", false, COUNT_UNEXPECTED_CODE)                                       \
    COUNTER("no_status_type", false, COUNT_NO_STATUS_TYPE)                                         \
    COUNTER("no_station", false, COUNT_NO_STATION)                                                 \
    COUNTER("wrong_time", false, COUNT_WRONG_TIME)                                                 \
    COUNTER("unknown_scope", false, COUNT_UNKNOWN_SCOPE)                                           \
    COUNTER("scopes_full", true, COUNT_SCOPES_FULL)                                                \
    COUNTER("refused", true, COUNT_REFUSED)                                                        \
    COUNTER("not_stored", true, COUNT_NOT_STORED)                                                  \
    COUNTER("send_failed", true, COUNT_SEND_FAILED)                                                \
    COUNTER("kernel_dropped", true, COUNT_KERNEL_DROPPED)

enum counter {
#define COUNTER(name, loss, enumerator) enumerator,
    RADIUS_COUNTERS(COUNTER)
#undef COUNTER
        COUNT_COUNT
};

/* An answer that waits until its event is on the disk. */
struct slot {
    struct radius_socket *socket;
    struct radius_peer peer;
    uint64_t request_key, record_key;
    uint8_t *bytes; /* NULL: in `inline_bytes` */
    uint8_t inline_bytes[REPLY_INLINE];
    uint16_t length; /* 0: free */
    uint32_t next;   /* of the free ones */
};

struct ear {
    struct radius_server *server;
    struct radius_socket socket;
    struct loop_watch *watch;
};

struct radius_server {
    struct env *env;
    struct radius_clients clients;
    struct radius_crypto *crypto;
    struct radius_batch *batch;
    struct radius_scopes *scopes;
    struct radius_recent *requests, *records; /* NULL while stopped */
    struct event_feed *feed;
    struct ear ears[RADIUS_SOCKETS_MAX];
    size_t ear_count;
    struct slot *slots;
    size_t slot_count, slot_capacity;
    uint32_t free_slot;
    uint32_t epoch; /* of the tickets: those of before a stop mean nothing */
    uint64_t counts[COUNT_COUNT];
    bool fed;                    /* events wait for a flush */
    struct request *requests_in; /* RADIUS_BATCH of them: the verified ones of a batch */
    struct seen_at *seen;        /* RADIUS_BATCH of them: what the scopes are to learn of it */
    size_t seen_count;
};

/* A session of scope `key` was at `port`. */
struct seen_at {
    uint64_t key;
    char port[RADIUS_TEXT_SIZE];
};

/* One request on its way. */
struct request {
    struct radius_socket *socket;
    struct radius_datagram datagram;
    const struct radius_client *client;
    struct radius_packet packet;
    struct radius_accounting record;
    uint64_t key, record_base, record_key;
    struct wall heard, at;
    struct mono now;
    const char *nas; /* the switch, or who it says it is: `name`, or the feed's or the client's */
    bool no_switch;  /* none that is configured */
    char name[RADIUS_TEXT_SIZE];
};

struct radius_server *radius_server_new(struct env *env, struct radius_clients *take,
                                        struct err *err)
{
    struct radius_crypto *crypto = radius_crypto_new();
    if (crypto == NULL) {
        err_set(err, ERR_UNSUPPORTED, "libcrypto has no MD5, which RADIUS needs");
        return NULL;
    }
    struct radius_server *server = alloc_zeroed(1, sizeof(*server));
    server->env = env;
    server->clients = *take;
    *take = (struct radius_clients){0};
    server->crypto = crypto;
    server->batch = radius_batch_new();
    server->scopes = radius_scopes_new();
    server->requests_in = alloc_zeroed(RADIUS_BATCH, sizeof(*server->requests_in));
    server->seen = alloc_zeroed(RADIUS_BATCH, sizeof(*server->seen));
    server->free_slot = NO_SLOT;
    return server;
}

void radius_server_free(struct radius_server *server)
{
    if (server == NULL)
        return;
    radius_server_stop(server);
    radius_clients_done(&server->clients);
    radius_crypto_free(server->crypto);
    radius_batch_free(server->batch);
    radius_scopes_free(server->scopes);
    free(server->requests_in);
    free(server->seen);
    free(server);
}

/* --- slots --- */

static uint32_t take_slot(struct radius_server *server)
{
    uint32_t number = server->free_slot;
    if (number != NO_SLOT) {
        server->free_slot = server->slots[number].next;
        return number;
    }
    if (server->slot_count == LIMIT_RADIUS_PENDING)
        return NO_SLOT;
    server->slots = alloc_grow(server->slots, server->slot_count, &server->slot_capacity,
                               sizeof(*server->slots));
    return (uint32_t)server->slot_count++;
}

static void free_slot(struct radius_server *server, uint32_t number)
{
    struct slot *slot = &server->slots[number];
    free(slot->bytes);
    *slot = (struct slot){.next = server->free_slot};
    server->free_slot = number;
}

/* Writes the answer of `request` into slot `number`. */
static void fill_slot(struct radius_server *server, uint32_t number, const struct request *request)
{
    uint8_t bytes[RADIUS_PACKET_MAX];
    struct slot *slot = &server->slots[number];
    const struct radius_secret secret = {(const uint8_t *)request->client->secret,
                                         request->client->secret_length};
    size_t length = radius_response_write(server->crypto, &request->packet, secret, bytes);
    CHECK(length != 0); /* an answer holds no more than its request */
    *slot = (struct slot){.socket = request->socket,
                          .peer = request->datagram.peer,
                          .request_key = request->key,
                          .record_key = request->record_key,
                          .length = (uint16_t)length};
    if (length > REPLY_INLINE)
        slot->bytes = alloc_array(length, 1);
    memcpy(slot->bytes != NULL ? slot->bytes : slot->inline_bytes, bytes, length);
}

/* Answers with the batch: nothing has to be stored first. */
static void answer_now(struct radius_server *server, const struct request *request)
{
    uint8_t bytes[RADIUS_PACKET_MAX];
    const struct radius_secret secret = {(const uint8_t *)request->client->secret,
                                         request->client->secret_length};
    size_t length = radius_response_write(server->crypto, &request->packet, secret, bytes);
    CHECK(length != 0);
    radius_batch_add(server->batch, request->socket, &request->datagram.peer, bytes, length);
    server->counts[COUNT_ANSWERED]++;
}

/* Fetches what is known of an answer's request. */
static void expect_settled(const struct radius_server *server, uint64_t ticket)
{
    const uint32_t number = (uint32_t)ticket;
    if (ticket >> 32 != server->epoch || number >= server->slot_count)
        return;
    radius_recent_expect(server->requests, server->slots[number].request_key);
    radius_recent_expect(server->records, server->slots[number].record_key);
}

void radius_server_settled(struct radius_server *server, const uint64_t *tickets, size_t count,
                           bool stored)
{
    for (size_t i = 0; i < count; i++)
        expect_settled(server, tickets[i]);
    for (size_t i = 0; i < count; i++) {
        const uint32_t number = (uint32_t)tickets[i];
        if (tickets[i] >> 32 != server->epoch || number >= server->slot_count ||
            server->slots[number].length == 0)
            continue;
        struct slot *slot = &server->slots[number];
        if (stored) {
            radius_recent_done(server->requests, slot->request_key);
            radius_recent_done(server->records, slot->record_key);
            radius_batch_add(server->batch, slot->socket, &slot->peer,
                             slot->bytes != NULL ? slot->bytes : slot->inline_bytes, slot->length);
            server->counts[COUNT_ANSWERED]++;
        } else {
            radius_recent_forget(server->requests, slot->request_key);
            radius_recent_forget(server->records, slot->record_key);
            server->counts[COUNT_NOT_STORED]++;
        }
        free_slot(server, number);
        server->counts[COUNT_PENDING]--;
    }
    server->counts[COUNT_SEND_FAILED] += radius_batch_send(server->batch);
}

/* --- from record to event --- */

/* The texts of an event; they live as long as the call that is given it. */
struct event_texts {
    char port[RADIUS_TEXT_SIZE], session[RADIUS_TEXT_SIZE], user[RADIUS_TEXT_SIZE],
        called[RADIUS_TEXT_SIZE];
};

/* Whether the switch's clock is slow by what it says itself of the delay. Its time counts all the
 * same: a record that somebody sends again looks like that. */
static bool is_slow(const struct radius_accounting *record, struct wall at, struct wall heard)
{
    return record->has_event_time && record->has_delay && record->delay_seconds <= DELAY_MOST &&
           heard.us - (int64_t)record->delay_seconds * 1000000 - at.us > AHEAD_MOST.us;
}

/* When it happened; arrival where the record's own word cannot be. */
static struct wall event_time(struct radius_server *server, const struct request *request)
{
    const struct radius_accounting *record = &request->record;
    struct radius_accounting undated = *record;
    struct wall at = radius_accounting_time(record, request->heard);
    if (at.us >= EARLIEST_TIME.us && at.us <= request->heard.us + AHEAD_MOST.us &&
        (record->has_event_time || !record->has_delay || record->delay_seconds <= DELAY_MOST)) {
        server->counts[COUNT_WRONG_TIME] += is_slow(record, at, request->heard);
        return at;
    }
    server->counts[COUNT_WRONG_TIME]++;
    undated.has_event_time = false;
    if (undated.has_delay && undated.delay_seconds > DELAY_MOST)
        undated.has_delay = false;
    return radius_accounting_time(&undated, request->heard);
}

static const char *find_configured(struct radius_server *server, struct request *request)
{
    const struct radius_accounting *record = &request->record;
    const struct ip *addresses[] = {&record->nas_address, &record->nas_address6};
    if (request->client->switch_name != NULL)
        return request->client->switch_name;
    const char *found = event_feed_switch(server->feed, &request->datagram.peer.from_ip, NULL);
    if (found == NULL && *radius_text_copy(record->nas_identifier, request->name) != '\0')
        found = event_feed_switch(server->feed, NULL, request->name);
    for (size_t i = 0; found == NULL && i < ARRAY_COUNT(addresses); i++) {
        if (ip_known(addresses[i]))
            found = event_feed_switch(server->feed, addresses[i], NULL);
    }
    return found;
}

/* Finds the switch that the record is about, and by that the keeper of its sessions. */
static void find_switch(struct radius_server *server, struct request *request)
{
    struct radius_accounting *record = &request->record;
    request->nas = find_configured(server, request);
    request->no_switch = request->nas == NULL;
    if (!request->no_switch)
        return;
    if (radius_event_nobodys(&record->nas_address))
        record->nas_address = IP_NONE;
    if (radius_event_nobodys(&record->nas_address6))
        record->nas_address6 = IP_NONE;
    request->nas = radius_nas_name(record, &request->datagram.peer.from_ip, request->name);
}

/* The packet by its authenticator, which is an MD5 of all of it and of the secret. */
static uint64_t origin_of(const struct request *request)
{
    uint64_t origin;
    memcpy(&origin, request->packet.authenticator, sizeof(origin));
    return origin;
}

static void make_event(struct radius_server *server, const struct request *request,
                       struct event_texts *texts, struct event *ret)
{
    const struct radius_accounting *record = &request->record;
    struct event event = event_of(radius_event_kind(record->status));
    event.proof = EVENT_PROOF_TOLD;
    event.heard = request->heard;
    event.at = request->at.us < request->heard.us ? request->at : request->heard;
    event.switch_name = event.nas = request->nas;
    server->counts[COUNT_NO_SWITCH] += request->no_switch;
    event.port = radius_port_apply(request->client->rule, record, texts->port);
    event.cause = radius_event_cause(record);
    event.origin = origin_of(request);
    if (event.kind != EVENT_RESET) {
        event.mac = record->mac;
        event.address =
            ip_known(&record->framed_address6) ? record->framed_address6 : record->framed_address;
        event.vlan = record->vlan;
        event.node = radius_text_copy(record->user, texts->user);
        event.session = radius_text_copy(record->session, texts->session);
        event.lifetime = radius_event_lifetime(record);
        server->counts[COUNT_NO_PORT] += texts->port[0] == '\0';
    }
    *ret = event;
}

/* --- repetitions --- */

static uint64_t request_key(const struct request *request)
{
    struct {
        uint8_t from[16], authenticator[RADIUS_AUTHENTICATOR];
        uint16_t port;
        uint8_t identifier, code;
    } key = {.port = request->datagram.peer.from_port,
             .identifier = request->packet.identifier,
             .code = request->packet.code};
    memcpy(key.from, request->datagram.peer.from_ip.octets, sizeof(key.from));
    memcpy(key.authenticator, request->packet.authenticator, sizeof(key.authenticator));
    return hash_bytes(&key, sizeof(key), hash_seed());
}

static uint64_t hash_text(struct radius_text text, uint64_t seed)
{
    return hash_bytes(text.bytes != NULL ? text.bytes : "", text.length, seed);
}

/* The hash of all that makes two records the same, but for the second. Of one switch, whichever way
 * a copy takes: the names that switches give themselves may be those that they were made with, and
 * after a power cut all of them say at once that they start. */
static uint64_t record_base(const struct request *request)
{
    const struct radius_accounting *record = &request->record;
    uint64_t hash = hash_bytes(request->nas, strlen(request->nas),
                               hash_u64((uint64_t)record->status, hash_seed()));
    if (radius_event_kind(record->status) == EVENT_RESET) {
        hash = hash_text(record->port_id, hash);
        hash = hash_u64(record->has_port ? record->port : UINT64_MAX, hash);
        return hash_text(record->called, hash);
    }
    return hash_u64(record->mac.bits, hash_text(record->session, hash));
}

/* Looks for the record at its second and, where that was computed from a delay, beside
 * it. Updates may come as fast as their sender likes: without a time of its own or a
 * delay an update is no repetition, for then a repetition has the same octets. */
static enum radius_repeat find_record(const struct radius_server *server,
                                      const struct request *request)
{
    const struct radius_accounting *record = &request->record;
    if (record->status == RADIUS_STATUS_INTERIM && !record->has_event_time &&
        record->delay_seconds == 0)
        return RADIUS_NEWS;
    const int64_t second = request->at.us / 1000000;
    const int64_t around = request->record.has_event_time ? 0 : SAME_SECONDS;
    for (int64_t s = second - around; s <= second + around; s++) {
        const uint64_t key = hash_u64((uint64_t)s, request->record_base);
        const enum radius_repeat repeat = radius_recent_find(server->records, key, request->now);
        if (repeat != RADIUS_NEWS)
            return repeat;
    }
    return RADIUS_NEWS;
}

/* Deals with a repetition. Returns whether it was one. */
static bool answer_repetition(struct radius_server *server, const struct request *request,
                              enum radius_repeat repeat, enum counter counter)
{
    if (repeat == RADIUS_NEWS)
        return false;
    server->counts[counter]++;
    if (repeat == RADIUS_REPEATS_DONE)
        answer_now(server, request);
    return true;
}

/* --- feeding --- */

/* Hands one event over whose answer waits in a slot. */
static void feed_event(struct radius_server *server, struct request *request,
                       const struct event *event)
{
    const uint32_t number = take_slot(server);
    if (number == NO_SLOT) {
        server->counts[COUNT_REFUSED]++;
        return;
    }
    fill_slot(server, number, request);
    if (event_feed_add(server->feed, event, (uint64_t)server->epoch << 32 | number) != 0) {
        free_slot(server, number);
        server->counts[COUNT_REFUSED]++;
        return;
    }
    server->counts[COUNT_PENDING]++;
    radius_recent_put(server->requests, request->key, request->now);
    radius_recent_put(server->records, request->record_key, request->now);
    server->fed = true;
}

struct scoped_reset {
    struct radius_server *server;
    struct event event;
    char port[RADIUS_TEXT_SIZE]; /* of the one that is not yet fed; the last has the ticket */
    bool refused;
};

static void see_port(void *aux, const char *port)
{
    struct scoped_reset *reset = aux;
    if (reset->port[0] != '\0') {
        if (event_feed_add(reset->server->feed, &reset->event, EVENT_NO_TICKET) == 0)
            reset->server->fed = true;
        else
            reset->refused = true;
    }
    memcpy(reset->port, port, strlen(port) + 1);
}

/* An On or Off that says no port but a Called-Station-Id: ends what is behind that. */
static void feed_scoped_reset(struct radius_server *server, struct request *request,
                              const struct event *event, const char *called)
{
    struct scoped_reset reset = {.server = server, .event = *event};
    reset.event.port = reset.port;
    if (radius_scopes_each(server->scopes, radius_scope_key(event->nas, called), see_port,
                           &reset) == 0) {
        server->counts[COUNT_UNKNOWN_SCOPE]++;
        answer_now(server, request);
        return;
    }
    if (reset.refused)
        server->counts[COUNT_REFUSED]++;
    else
        feed_event(server, request, &reset.event);
}

/* Notes what the scopes are to learn; that waits until the batch has been fetched. */
static void note_scope(struct radius_server *server, const struct event *event, const char *called)
{
    if (called[0] == '\0' || event->port[0] == '\0')
        return;
    CHECK(server->seen_count < RADIUS_BATCH);
    struct seen_at *seen = &server->seen[server->seen_count++];
    seen->key = radius_scope_key(event->nas, called);
    memcpy(seen->port, event->port, strlen(event->port) + 1);
    radius_scopes_expect(server->scopes, seen->key, seen->port);
}

static void learn_scopes(struct radius_server *server)
{
    for (size_t i = 0; i < server->seen_count; i++) {
        const struct seen_at *seen = &server->seen[i];
        if (radius_scopes_learn(server->scopes, seen->key, seen->port) != 0)
            server->counts[COUNT_SCOPES_FULL]++;
    }
    server->seen_count = 0;
}

static void count_kind(struct radius_server *server, enum event_kind kind)
{
    static const enum counter counters[] = {[EVENT_START] = COUNT_STARTS,
                                            [EVENT_UPDATE] = COUNT_INTERIMS,
                                            [EVENT_STOP] = COUNT_STOPS,
                                            [EVENT_RESET] = COUNT_RESETS};
    server->counts[counters[kind]]++;
}

/* Whether a record is about one port, of whatever name: an On or Off of a port that the client's
 * rule cannot name must not end the sessions of all others. */
static bool names_port(const struct radius_accounting *record)
{
    char text[RADIUS_TEXT_SIZE];
    return (record->has_port && record->port != 0) ||
           *radius_text_copy(record->port_id, text) != '\0';
}

static void take_record(struct radius_server *server, struct request *request)
{
    struct event_texts texts;
    struct event event;
    if (answer_repetition(server, request, find_record(server, request), COUNT_REPEATED))
        return;
    make_event(server, request, &texts, &event);
    count_kind(server, event.kind);
    radius_text_copy(request->record.called, texts.called);
    if (event.kind == EVENT_RESET && event.port[0] == '\0' && names_port(&request->record)) {
        server->counts[COUNT_UNKNOWN_SCOPE]++;
        answer_now(server, request);
        return;
    }
    if (event.kind == EVENT_RESET && event.port[0] == '\0' && texts.called[0] != '\0') {
        learn_scopes(server); /* those of this batch that came before */
        feed_scoped_reset(server, request, &event, texts.called);
        return;
    }
    if (event.kind == EVENT_START || event.kind == EVENT_UPDATE)
        note_scope(server, &event, texts.called);
    feed_event(server, request, &event);
}

/* A verified Accounting-Request. */
static void take_accounting(struct radius_server *server, struct request *request)
{
    const enum event_kind kind = radius_event_kind(request->record.status);
    const enum radius_repeat repeat =
        radius_recent_find(server->requests, request->key, request->now);
    if (answer_repetition(server, request, repeat, COUNT_DUPLICATE))
        return;
    if (request->record.status == RADIUS_STATUS_NONE) {
        server->counts[COUNT_NO_STATUS_TYPE]++; /* no accounting record: not acknowledged */
    } else if (kind == EVENT_KIND_COUNT) {
        server->counts[COUNT_OTHER_STATUS]++;
        answer_now(server, request);
    } else if (kind != EVENT_RESET && request->record.station != RADIUS_STATION_MAC) {
        server->counts[COUNT_NO_STATION]++;
        answer_now(server, request);
    } else {
        take_record(server, request);
    }
}

/* --- datagrams --- */

/* Whether the request is its client's. */
static bool is_genuine(struct radius_server *server, const struct request *request)
{
    const struct radius_secret secret = {(const uint8_t *)request->client->secret,
                                         request->client->secret_length};
    switch (
        radius_request_verify(server->crypto, &request->packet, secret, request->client->demand)) {
    case RADIUS_GENUINE:
        return true;
    case RADIUS_WRONG_AUTHENTICATOR:
    case RADIUS_WRONG_MESSAGE_AUTHENTICATOR:
        server->counts[COUNT_BAD_AUTHENTICATOR]++;
        return false;
    case RADIUS_NO_MESSAGE_AUTHENTICATOR:
        server->counts[COUNT_NO_MESSAGE_AUTHENTICATOR]++;
        return false;
    case RADIUS_NO_PROOF:
        break;
    }
    return false;
}

/* Looks a datagram through and answers a Status-Server. Returns whether it is an
 * Accounting-Request of who it says, its packet read. */
static bool examine(struct radius_server *server, struct request *request)
{
    const struct radius_datagram *datagram = &request->datagram;
    request->client = radius_clients_find(&server->clients, &datagram->peer.from_ip);
    if (request->client == NULL) {
        server->counts[COUNT_UNKNOWN_CLIENT]++;
        return false;
    }
    if (datagram->cut ||
        radius_packet_parse(datagram->bytes, datagram->length, &request->packet) != RADIUS_SOUND) {
        server->counts[COUNT_MALFORMED]++;
        return false;
    }
    const uint8_t code = request->packet.code;
    if (code != RADIUS_ACCOUNTING_REQUEST && code != RADIUS_STATUS_SERVER) {
        server->counts[COUNT_UNEXPECTED_CODE]++;
        return false;
    }
    if (!is_genuine(server, request))
        return false;
    if (code == RADIUS_STATUS_SERVER) {
        server->counts[COUNT_STATUS_SERVER]++;
        answer_now(server, request);
        return false;
    }
    return true;
}

/* Reads the record and has the memory fetched that the next step looks at: a batch waits
 * for it together and not one after the other. */
static void prepare(struct radius_server *server, struct request *request)
{
    radius_accounting_read(&request->packet, &request->record);
    request->at = event_time(server, request);
    find_switch(server, request);
    request->key = request_key(request);
    request->record_base = record_base(request);
    request->record_key = hash_u64((uint64_t)(request->at.us / 1000000), request->record_base);
    radius_recent_expect(server->requests, request->key);
    radius_recent_expect(server->records, request->record_key);
}

static void take_datagrams(struct radius_server *server, struct ear *ear, size_t count)
{
    const struct wall heard = server->env->now(server->env->clock);
    const struct mono now = loop_now(server->env->loop);
    size_t verified = 0;
    for (size_t i = 0; i < count; i++) {
        struct request *request = &server->requests_in[verified];
        request->socket = &ear->socket;
        request->heard = heard;
        request->now = now;
        radius_batch_datagram(server->batch, i, &request->datagram);
        if (!examine(server, request))
            continue;
        prepare(server, request);
        verified++;
    }
    for (size_t i = 0; i < verified; i++)
        take_accounting(server, &server->requests_in[i]);
    learn_scopes(server);
}

/* Works one batch off. Returns whether more may wait; fails the source when the socket is
 * broken. */
static bool take_batch(struct radius_server *server, struct ear *ear)
{
    int count =
        radius_batch_receive(server->batch, &ear->socket, &server->counts[COUNT_KERNEL_DROPPED]);
    if (count < 0) {
        struct err err;
        err_set_errno(&err, -count, "receiving RADIUS accounting at port %u",
                      radius_socket_port(&ear->socket));
        event_feed_failed(server->feed, &err);
        return false;
    }
    server->counts[COUNT_RECEIVED] += (uint64_t)count;
    take_datagrams(server, ear, (size_t)count);
    server->counts[COUNT_SEND_FAILED] += radius_batch_send(server->batch);
    if (server->fed) {
        server->fed = false;
        event_feed_flush(server->feed);
    }
    return count == RADIUS_BATCH;
}

static void hear(void *aux, int fd, unsigned events)
{
    struct ear *ear = aux;
    (void)fd;
    (void)events;
    for (int turn = 0; turn < RADIUS_TURN && ear->watch != NULL; turn++) {
        if (!take_batch(ear->server, ear))
            break;
    }
}

/* --- starting and stopping --- */

static int open_ear(struct radius_server *server, const struct radius_listen *listen,
                    struct err *err)
{
    struct ear *ear = &server->ears[server->ear_count];
    *ear = (struct ear){.server = server};
    if (radius_socket_open(&ear->socket, &listen->address, listen->v6, listen->port, err) != 0)
        return err->code;
    ear->watch = loop_watch_new(server->env->loop, ear->socket.fd, LOOP_READ, hear, ear, err);
    if (ear->watch == NULL) {
        radius_socket_close(&ear->socket);
        return err->code;
    }
    server->ear_count++;
    return 0;
}

int radius_server_start(struct radius_server *server, const struct radius_listen *listens,
                        size_t count, bool family_may_lack, struct event_feed *feed,
                        struct err *err)
{
    CHECK(server->ear_count == 0 && count <= RADIUS_SOCKETS_MAX);
    server->feed = feed;
    server->requests = radius_recent_new(LIMIT_RADIUS_RECENT, KEEP_REQUESTS);
    server->records = radius_recent_new(LIMIT_RADIUS_RECENT, KEEP_RECORDS);
    for (size_t i = 0; i < count; i++) {
        errno = 0;
        if (open_ear(server, &listens[i], err) == 0)
            continue;
        if (family_may_lack && err->code == ERR_UNSUPPORTED)
            continue;
        radius_server_stop(server);
        return err->code;
    }
    if (server->ear_count > 0)
        return 0;
    radius_server_stop(server);
    return err->code;
}

void radius_server_stop(struct radius_server *server)
{
    for (size_t i = 0; i < server->ear_count; i++) {
        loop_watch_free(server->ears[i].watch);
        server->ears[i].watch = NULL;
        radius_socket_close(&server->ears[i].socket);
    }
    for (size_t i = 0; i < server->slot_count; i++)
        free(server->slots[i].bytes);
    free(server->slots);
    radius_recent_free(server->requests);
    radius_recent_free(server->records);
    server->ear_count = 0;
    server->slots = NULL;
    server->slot_count = server->slot_capacity = 0;
    server->free_slot = NO_SLOT;
    server->requests = server->records = NULL;
    server->counts[COUNT_PENDING] = 0;
    server->epoch = (server->epoch + 1) & INT32_MAX;
}

void radius_server_status(const struct radius_server *server, struct source_status *ret)
{
    static const struct source_counter counters[COUNT_COUNT] = {
#define COUNTER(name, loss, enumerator) {name, 0, loss},
        RADIUS_COUNTERS(COUNTER)
#undef COUNTER
    };
    for (size_t i = 0; i < COUNT_COUNT && ret->count < SOURCE_COUNTER_MAX; i++) {
        ret->counters[ret->count] = counters[i];
        ret->counters[ret->count].value = server->counts[i];
        for (size_t k = 0; i == COUNT_KERNEL_DROPPED && k < server->ear_count; k++)
            ret->counters[ret->count].value += radius_socket_untold(&server->ears[k].socket);
        ret->count++;
    }
}

uint16_t radius_server_port(const struct radius_server *server, size_t number)
{
    return number < server->ear_count ? radius_socket_port(&server->ears[number].socket) : 0;
}
