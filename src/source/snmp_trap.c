/* SPDX-License-Identifier: Apache-2.0 */
#include "source/snmp_trap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/text.h"
#include "io/loop.h"
#include "io/udp.h"
#include "snmp/address.h"
#include "snmp/notification.h"
#include "source/trap_identity.h"
#include "source/trap_rate.h"
#include "wire/trap.h"

enum {
    LISTENERS_MAX = 8,
    MAPPED_MAX = 65536, /* entries of `devices` and of `engines` */
    SESSION_SIZE = LIMIT_NAME_BYTES + 64,
    PORT_SIZE = LIMIT_NAME_BYTES + 1,
    VLAN_MAX = 4094
};

struct snmp_trap_config {
    struct option_list listen, devices, engines;
    char *community, *user, *auth_protocol, *auth_password, *priv_protocol, *priv_password,
        *credentials_file, *engine_id, *state_file;
    int64_t rate, burst, unknown_rate;
};

#define FIELD(name) .offset = offsetof(struct snmp_trap_config, name)

static const struct config_option options[] = {
    {.name = "listen",
     .type = OPTION_TEXT_LIST,
     FIELD(listen),
     .help = "Addresses to listen on, with a port where it is not 162: 192.0.2.5, "
             "[2001:db8::5]:1162, 0.0.0.0:162. Without it, all addresses of both families."},
    {.name = "community_file",
     .type = OPTION_SECRET_FILE,
     FIELD(community),
     .help = "File whose first line is the community of traps and informs in versions 1 and 2c."},
    {.name = "user",
     .type = OPTION_TEXT,
     FIELD(user),
     .help = "User of traps and informs in version 3."},
    {.name = "auth_protocol",
     .type = OPTION_TEXT,
     FIELD(auth_protocol),
     .default_text = "none",
     .help = "The user's authentication: none, md5, sha, sha224, sha256, sha384 or sha512."},
    {.name = "auth_password_file",
     .type = OPTION_SECRET_FILE,
     FIELD(auth_password),
     .help = "File whose first line is the user's authentication password."},
    {.name = "priv_protocol",
     .type = OPTION_TEXT,
     FIELD(priv_protocol),
     .default_text = "none",
     .help = "The user's privacy: none, des, aes, aes192, aes256, aes192-cisco or aes256-cisco."},
    {.name = "priv_password_file",
     .type = OPTION_SECRET_FILE,
     FIELD(priv_password),
     .help = "File whose first line is the user's privacy password."},
    {.name = "credentials",
     .type = OPTION_PATH,
     FIELD(credentials_file),
     .help = "File with further communities and users, one a line: \"community SECRET\" or \"user "
             "NAME [AUTH PASSWORD [PRIV PASSWORD]]\". It must not be readable by every user."},
    {.name = "devices",
     .type = OPTION_TEXT_LIST,
     FIELD(devices),
     .help = "Which switch speaks from an address that is not its agent's, as ADDRESS=SWITCH: "
             "loopback addresses, translated ones."},
    {.name = "engines",
     .type = OPTION_TEXT_LIST,
     FIELD(engines),
     .help = "Which switch has a version 3 engine id, as ENGINEID=SWITCH, in hexadecimal; for "
             "switches that speak from changing addresses."},
    {.name = "rate",
     .type = OPTION_INTEGER,
     FIELD(rate),
     .default_text = "100",
     .low = 1,
     .high = 100000,
     .help = "Notifications that one switch may send in a second, over a longer time."},
    {.name = "burst",
     .type = OPTION_INTEGER,
     FIELD(burst),
     .default_text = "1000",
     .low = 1,
     .high = 1000000,
     .help = "Notifications that one switch may send at once after a pause."},
    {.name = "unknown_rate",
     .type = OPTION_INTEGER,
     FIELD(unknown_rate),
     .default_text = "1000",
     .low = 1,
     .high = 1000000,
     .help = "Notifications in a second from all addresses together that are no configured "
             "switch's: forwarders, and those who invent addresses."},
    {.name = "engine_id",
     .type = OPTION_TEXT,
     FIELD(engine_id),
     .help = "This receiver's own engine id for version 3 informs, in hexadecimal; without it, one "
             "is made and kept."},
    {.name = "state_file",
     .type = OPTION_STATE_PATH,
     FIELD(state_file),
     .default_text = "snmp_trap.state",
     .help = "Where the engine id and the number of starts are kept; used with version 3 only."},
    {.name = NULL},
};

/* A configured name for an address or an engine. */
struct mapped {
    struct ip address;
    uint8_t engine[SNMP_ENGINE_ID_SIZE];
    size_t engine_length;
    const char *switch_name; /* in the configuration */
};

/* What is counted besides the outcomes. What a stranger can raise by sending is never a loss, for
 * losses become an audit_gap. name, word, loss */
#define COUNTERS(COUNTER)                                                                          \
    COUNTER(RECEIVED, "received", false)                                                           \
    COUNTER(EVENTS, "events", false)                                                               \
    COUNTER(OTHERS, "other_notifications", false)                                                  \
    COUNTER(UNKNOWN_SWITCH, "unknown_switch", false)                                               \
    COUNTER(ANSWERED, "informs_answered", false)                                                   \
    COUNTER(STRANGERS_LIMITED, "strangers_limited", false)                                         \
    COUNTER(RATE_LIMITED, "rate_limited", true)                                                    \
    COUNTER(FEED_FULL, "not_stored", true)                                                         \
    COUNTER(NOT_ANSWERED, "answers_lost", true)                                                    \
    COUNTER(TRAILING, "trailing_octets", true)                                                     \
    COUNTER(REJECTED, "senseless_changes", true)

enum counter {
#define COUNTER(name, word, loss) COUNT_##name,
    COUNTERS(COUNTER)
#undef COUNTER
        COUNTER_COUNT
};

struct trap_source {
    const struct snmp_trap_config *config;
    struct env *env;
    struct trap_credentials credentials;
    struct snmp_address listen[LISTENERS_MAX]; /* as configured */
    size_t listen_count;
    struct mapped *devices, *engines; /* sorted by address; in order */
    size_t device_count, engine_count;
    /* while started */
    struct event_feed *feed;
    struct trap_engine engine;
    struct usm_crypto *crypto;              /* while keys are made */
    struct loop_timer *deriving;            /* ... of the next user */
    struct notification_receiver *receiver; /* NULL while keys are made */
    struct trap_rate *rate;
    struct udp_listener *listeners[LISTENERS_MAX];
    size_t listener_count;
    /* counted since construction */
    uint64_t outcomes[NOTIFICATION_OUTCOME_COUNT];
    uint64_t counters[COUNTER_COUNT];
};

static void count(struct trap_source *source, enum counter counter, uint64_t more)
{
    source->counters[counter] += more;
}

/* --- which switch --- */

static int compare_devices(const void *a, const void *b)
{
    const struct mapped *x = a, *y = b;
    return ip_compare(&x->address, &y->address);
}

static const char *switch_at(const struct trap_source *source, const struct ip *address)
{
    const struct mapped key = {.address = *address};
    if (!ip_known(address))
        return NULL;
    const struct mapped *found =
        source->device_count == 0
            ? NULL
            : bsearch(&key, source->devices, source->device_count, sizeof(key), compare_devices);
    return found != NULL ? found->switch_name : event_feed_switch(source->feed, address, NULL);
}

static const char *switch_of_engine(const struct trap_source *source, struct snmp_octets id)
{
    for (size_t i = 0; i < source->engine_count; i++)
        if (source->engines[i].engine_length == id.length && id.length > 0 &&
            memcmp(source->engines[i].engine, id.bytes, id.length) == 0)
            return source->engines[i].switch_name;
    return NULL;
}

/* --- events --- */

/* One notification on its way to the feed. */
struct telling {
    struct trap_source *source;
    struct event event; /* switch_name, nas, at */
    char nas[IP_TEXT_SIZE];
    bool refused; /* the feed had no room */
    uint32_t told;
};

static void tell(struct telling *telling, const struct event *event)
{
    struct trap_source *source = telling->source;
    if (event_feed_add(source->feed, event, EVENT_NO_TICKET) != 0) {
        telling->refused = true;
        count(source, COUNT_FEED_FULL, 1);
        return;
    }
    telling->told++;
    count(source, COUNT_EVENTS, 1);
}

/* Whether a device's text may pass as a name. */
static bool is_name(struct snmp_octets name)
{
    if (name.length == 0 || name.length > LIMIT_NAME_BYTES ||
        !text_is_utf8((const char *)name.bytes, name.length))
        return false;
    for (size_t i = 0; i < name.length; i++)
        if (name.bytes[i] < ' ' || name.bytes[i] == 0x7f)
            return false;
    return true;
}

/* Writes "#10101" or a name; returns NULL where the notification has neither. */
static const char *write_port(char buffer[static PORT_SIZE], uint32_t if_index,
                              struct snmp_octets name)
{
    if (if_index != 0)
        snprintf(buffer, PORT_SIZE, "#%u", if_index);
    else if (is_name(name))
        snprintf(buffer, PORT_SIZE, "%.*s", (int)name.length, (const char *)name.bytes);
    else
        return NULL;
    return buffer;
}

/* Tells that the MAC of `from` came to or left a port, given in all numberings. */
static void tell_mac(struct telling *telling, enum event_kind kind, const struct trap_event *from,
                     uint32_t if_index, uint32_t bridge_port, struct snmp_octets name)
{
    char port[PORT_SIZE], session[SESSION_SIZE], base[24] = "";
    struct event event = telling->event;
    event.kind = kind;
    event.mac = from->mac;
    event.vlan = from->vlan <= VLAN_MAX ? (uint16_t)from->vlan : 0;
    event.port = write_port(port, if_index, name);
    if (bridge_port != 0)
        snprintf(base, sizeof(base), "base port %u", bridge_port);
    snprintf(session, sizeof(session), "vlan %u %s", event.vlan,
             event.port != NULL ? event.port : base);
    event.session = session;
    if (kind == EVENT_STOP)
        event.cause = from->kind == TRAP_MAC_MOVED ? "moved" : "removed";
    tell(telling, &event);
}

static void tell_move(struct telling *telling, const struct trap_event *from)
{
    static const struct snmp_octets no_name = {NULL, 0};
    tell_mac(telling, EVENT_START, from, from->if_index, from->bridge_port, from->port_name);
    if (from->from_port != 0 && from->if_index != 0)
        tell_mac(telling, EVENT_STOP, from, from->from_port, 0, no_name);
    else if (from->from_port != 0)
        tell_mac(telling, EVENT_STOP, from, 0, from->from_port, no_name);
    else if (from->from_name.length > 0)
        tell_mac(telling, EVENT_STOP, from, 0, 0, from->from_name);
}

/* A hint needs a switch to look at. */
static void tell_hint(struct telling *telling, enum event_hint hint, const struct trap_event *from,
                      const char *cause)
{
    char port[PORT_SIZE];
    struct event event = telling->event;
    event.kind = EVENT_HINT;
    event.hint = hint;
    event.cause = cause;
    if (event.switch_name == NULL)
        return;
    if (from != NULL)
        event.port = write_port(port, from->if_index, from->port_name);
    tell(telling, &event);
}

static void tell_event(struct telling *telling, const struct trap *trap,
                       const struct trap_event *from)
{
    switch (from->kind) {
    case TRAP_LINK_UP:
        tell_hint(telling, EVENT_HINT_LINK_UP, from, NULL);
        break;
    case TRAP_LINK_DOWN:
        tell_hint(telling, EVENT_HINT_LINK_DOWN, from, NULL);
        break;
    case TRAP_RESTART:
        tell_hint(telling, EVENT_HINT_RESTART, NULL, trap->name);
        break;
    case TRAP_TOPOLOGY_CHANGE:
        tell_hint(telling, EVENT_HINT_TOPOLOGY_CHANGE, NULL, trap->name);
        break;
    case TRAP_MAC_LEARNED:
        tell_mac(telling, EVENT_START, from, from->if_index, from->bridge_port, from->port_name);
        break;
    case TRAP_MAC_REMOVED:
        tell_mac(telling, EVENT_STOP, from, from->if_index, from->bridge_port, from->port_name);
        break;
    case TRAP_MAC_MOVED:
        tell_move(telling, from);
        break;
    case TRAP_OTHER:
    case TRAP_KIND_COUNT:
        count(telling->source, COUNT_OTHERS, 1);
        break;
    }
}

static void begin_telling(struct trap_source *source, const struct notification *notification,
                          const struct trap *trap, const struct udp_datagram *datagram,
                          struct telling *ret)
{
    struct event *event = &ret->event;
    *ret = (struct telling){.source = source, .event = event_of(EVENT_HINT)};
    event->proof = EVENT_PROOF_HINT;
    event->at = source->env->now(source->env->clock);
    if (notification->authentic)
        event->switch_name = switch_of_engine(source, trap->engine_id);
    if (event->switch_name == NULL)
        event->switch_name = switch_at(source, &trap->agent);
    if (event->switch_name == NULL)
        event->switch_name = switch_at(source, &datagram->from);
    event->agent = ip_known(&trap->agent) ? trap->agent : datagram->from;
    event->nas =
        event->switch_name != NULL ? event->switch_name : ip_format(&event->agent, ret->nas);
    if (event->switch_name == NULL)
        count(source, COUNT_UNKNOWN_SWITCH, 1);
}

/* Tells all that a notification says. Returns false when not all could be taken. */
static bool tell_notification(struct trap_source *source, const struct notification *notification,
                              const struct udp_datagram *datagram, bool after_loss, bool stranger)
{
    struct trap trap;
    struct trap_event from;
    struct telling telling;
    if (trap_begin(&trap, &notification->message) != 0) {
        source->outcomes[NOTIFICATION_TAKEN]--;
        source->outcomes[NOTIFICATION_MALFORMED]++;
        return false;
    }
    begin_telling(source, notification, &trap, datagram, &telling);
    if (after_loss)
        tell_hint(&telling, EVENT_HINT_NONE, NULL, "notifications over its rate were dropped");
    while (trap_next(&trap, &from))
        tell_event(&telling, &trap, &from);
    count(source, COUNT_TRAILING, trap.macs.trailing);
    count(source, COUNT_REJECTED, trap.macs.rejected);
    if (telling.told > 1)
        trap_rate_owe(source->rate, &datagram->from, stranger, telling.told - 1);
    return !telling.refused;
}

/* --- datagrams --- */

static void send_back(struct trap_source *source, struct udp_listener *listener,
                      const struct udp_datagram *to, struct snmp_octets bytes)
{
    if (bytes.length > 0 && !udp_reply(listener, to, bytes.bytes, bytes.length))
        count(source, COUNT_NOT_ANSWERED, 1);
}

static void answer(struct trap_source *source, struct udp_listener *listener,
                   const struct udp_datagram *to, const struct notification *notification,
                   struct mono now)
{
    if (notification->message.pdu != SNMP_INFORM)
        return;
    struct snmp_octets bytes = notification_answer(source->receiver, notification, now);
    count(source, bytes.length > 0 ? COUNT_ANSWERED : COUNT_NOT_ANSWERED, 1);
    send_back(source, listener, to, bytes);
}

static void handle(struct trap_source *source, struct udp_listener *listener,
                   struct udp_datagram *datagram, struct mono now)
{
    struct notification notification;
    bool stranger = switch_at(source, &datagram->from) == NULL;
    enum trap_verdict verdict = trap_rate_take(source->rate, &datagram->from, stranger, now);
    count(source, COUNT_RECEIVED, 1);
    if (verdict == TRAP_DROP) {
        count(source, stranger ? COUNT_STRANGERS_LIMITED : COUNT_RATE_LIMITED, 1);
        return;
    }
    notification_receive(source->receiver, datagram->bytes, datagram->length, &datagram->from,
                         datagram->from_port, now, &notification);
    source->outcomes[notification.outcome]++;
    send_back(source, listener, datagram, notification.report);
    bool after_loss = verdict == TRAP_PASS_AFTER_LOSS && !stranger;
    if (notification.outcome == NOTIFICATION_DUPLICATE ||
        (notification.outcome == NOTIFICATION_TAKEN &&
         tell_notification(source, &notification, datagram, after_loss, stranger)))
        answer(source, listener, datagram, &notification, now);
}

static void received(void *aux, struct udp_listener *listener, struct udp_datagram *datagrams,
                     size_t datagram_count)
{
    struct trap_source *source = aux;
    struct mono now = loop_now(source->env->loop);
    for (size_t i = 0; i < datagram_count; i++)
        handle(source, listener, &datagrams[i], now);
    event_feed_flush(source->feed);
}

/* --- configuration --- */

/* Splits "KEY=SWITCH" of the option called `option`. */
static int split_mapping(const char *option, const char *text, size_t *ret_key,
                         const char **ret_switch, struct err *err)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text || equals[1] == '\0' ||
        strlen(equals + 1) > LIMIT_NAME_BYTES)
        return err_set(err, ERR_SYNTAX, "%s: \"%s\": expected %s=SWITCH", option, text,
                       strcmp(option, "devices") == 0 ? "ADDRESS" : "ENGINEID");
    *ret_key = (size_t)(equals - text);
    *ret_switch = equals + 1;
    return 0;
}

static int check_count(const char *option, size_t given, struct err *err)
{
    return given <= MAPPED_MAX
               ? 0
               : err_set(err, ERR_LIMIT, "%s: more than %d entries", option, MAPPED_MAX);
}

static int read_devices(struct trap_source *source, const struct option_list *list, struct err *err)
{
    int code = check_count("devices", list->count, err);
    source->devices = alloc_zeroed(list->count + 1, sizeof(*source->devices));
    for (size_t i = 0; code == 0 && i < list->count; i++) {
        struct mapped *device = &source->devices[i];
        size_t key;
        code = split_mapping("devices", list->items[i], &key, &device->switch_name, err);
        if (code == 0 && ip_parse(list->items[i], key, &device->address) != 0)
            code = err_set(err, ERR_SYNTAX, "devices: \"%s\" begins with no IP address",
                           list->items[i]);
    }
    source->device_count = code == 0 ? list->count : 0;
    qsort(source->devices, source->device_count, sizeof(*source->devices), compare_devices);
    return code;
}

static int read_engines(struct trap_source *source, const struct option_list *list, struct err *err)
{
    int code = check_count("engines", list->count, err);
    source->engines = alloc_zeroed(list->count + 1, sizeof(*source->engines));
    for (size_t i = 0; code == 0 && i < list->count; i++) {
        struct mapped *engine = &source->engines[i];
        size_t key;
        code = split_mapping("engines", list->items[i], &key, &engine->switch_name, err);
        if (code == 0 &&
            trap_engine_parse(list->items[i], key, engine->engine, &engine->engine_length) != 0)
            code = err_set(err, ERR_SYNTAX, "engines: \"%s\" begins with no engine id",
                           list->items[i]);
    }
    source->engine_count = code == 0 ? list->count : 0;
    return code;
}

static int read_listen(struct trap_source *source, const struct option_list *list, struct err *err)
{
    if (list->count > LISTENERS_MAX)
        return err_set(err, ERR_LIMIT, "listen: more than %d addresses", LISTENERS_MAX);
    for (size_t i = 0; i < list->count; i++) {
        int code = snmp_address_parse(list->items[i], SNMP_TRAP_PORT, &source->listen[i], err);
        if (code != 0)
            return err_prefix(err, "listen");
    }
    source->listen_count = list->count;
    return 0;
}

static int read_credentials(struct trap_source *source, struct err *err)
{
    const struct snmp_trap_config *config = source->config;
    struct trap_credentials *to = &source->credentials;
    struct usm_crypto *crypto = usm_crypto_new();
    const struct trap_user_options user = {config->user, config->auth_protocol,
                                           config->auth_password, config->priv_protocol,
                                           config->priv_password};
    int code = 0;
    if (config->community != NULL)
        code = trap_credentials_add_community(to, config->community, err);
    if (code == 0 && config->user != NULL)
        code = trap_credentials_add_user(to, crypto, &user, err);
    if (code == 0 && config->credentials_file != NULL)
        code = trap_credentials_add_file(to, crypto, config->credentials_file, err);
    usm_crypto_free(crypto);
    if (code == 0 && to->community_count + to->user_count == 0)
        code = err_set(err, ERR_SYNTAX,
                       "nobody may send anything: expected \"community_file\", \"user\" or "
                       "\"credentials\"");
    return code;
}

static void destruct(void *state)
{
    struct trap_source *source = state;
    trap_credentials_done(&source->credentials);
    free(source->devices);
    free(source->engines);
    source->devices = source->engines = NULL;
}

static int construct(void *state, const void *config, struct env *env, struct err *err)
{
    struct trap_source *source = state;
    struct trap_engine engine;
    *source = (struct trap_source){.config = config, .env = env};
    int code = trap_engine_check(source->config->engine_id, &engine, err);
    if (code == 0)
        code = read_listen(source, &source->config->listen, err);
    if (code == 0)
        code = read_devices(source, &source->config->devices, err);
    if (code == 0)
        code = read_engines(source, &source->config->engines, err);
    if (code == 0)
        code = read_credentials(source, err);
    if (code != 0)
        destruct(source);
    return code;
}

/* --- listening --- */

static int open_listener(struct trap_source *source, const struct ip *address, uint16_t port,
                         struct err *err)
{
    struct udp_listener *listener;
    int code = udp_listener_new(source->env->loop, address, port, received, source, &listener, err);
    if (code == 0)
        source->listeners[source->listener_count++] = listener;
    return code;
}

/* All addresses of both families; a host without one of them has the other. */
static int open_everywhere(struct trap_source *source, struct err *err)
{
    static const uint8_t any_v4[4];
    const struct ip v4 = ip_from_v4(any_v4), v6 = IP_NONE;
    int code = open_listener(source, &v4, SNMP_TRAP_PORT, err);
    if (open_listener(source, &v6, SNMP_TRAP_PORT, code == 0 ? NULL : err) == 0)
        code = 0;
    return code;
}

static int open_listeners(struct trap_source *source, struct err *err)
{
    if (source->listen_count == 0)
        return open_everywhere(source, err);
    for (size_t i = 0; i < source->listen_count; i++) {
        const struct snmp_address *wanted = &source->listen[i];
        bool is_v4 = wanted->any.sa_family == AF_INET;
        struct ip address = is_v4 ? ip_from_v4((const uint8_t *)&wanted->v4.sin_addr)
                                  : ip_from_v6((const uint8_t *)&wanted->v6.sin6_addr);
        uint16_t port = ntohs(is_v4 ? wanted->v4.sin_port : wanted->v6.sin6_port);
        int code = open_listener(source, &address, port, err);
        if (code != 0)
            return code;
    }
    return 0;
}

static void stop(void *state)
{
    struct trap_source *source = state;
    for (size_t i = 0; i < source->listener_count; i++)
        udp_listener_free(source->listeners[i]);
    source->listener_count = 0;
    loop_timer_free(source->deriving);
    usm_crypto_free(source->crypto);
    notification_receiver_free(source->receiver);
    trap_rate_free(source->rate);
    source->deriving = NULL;
    source->crypto = NULL;
    source->receiver = NULL;
    source->rate = NULL;
    source->feed = NULL;
}

/* Begins to take what was sent: all keys are there. */
static void listen_now(struct trap_source *source)
{
    const struct trap_credentials *credentials = &source->credentials;
    const struct notification_settings settings = {
        .communities = (const char *const *)credentials->communities,
        .community_count = credentials->community_count,
        .users = credentials->users,
        .user_count = credentials->user_count,
        .engine_id = {source->engine.id, source->engine.id_length},
        .boots = source->engine.boots,
        .started = loop_now(source->env->loop)};
    source->receiver = notification_receiver_new(&settings);
    for (size_t i = 0; i < source->listener_count; i++)
        udp_listener_hold(source->listeners[i], false);
}

static void derive_next(void *aux)
{
    struct trap_source *source = aux;
    if (trap_credentials_derive(&source->credentials, source->crypto))
        loop_timer_start(source->deriving, span_us(0));
    else
        listen_now(source);
}

static int start(void *state, struct event_feed *feed, struct err *err)
{
    struct trap_source *source = state;
    const struct snmp_trap_config *config = source->config;
    const struct trap_credentials *credentials = &source->credentials;
    int code = trap_engine_boot(credentials->user_count > 0 ? config->state_file : NULL,
                                config->engine_id, &source->engine, err);
    if (code != 0)
        return code;
    const struct trap_rate_settings rate = {.each = (uint32_t)config->rate,
                                            .burst = (uint32_t)config->burst,
                                            .strangers = (uint32_t)config->unknown_rate};
    source->feed = feed;
    source->rate = trap_rate_new(&rate);
    code = open_listeners(source, err);
    if (code != 0) {
        stop(source);
        return code;
    }
    if (credentials->derived == credentials->user_count) {
        listen_now(source);
        return 0;
    }
    for (size_t i = 0; i < source->listener_count; i++)
        udp_listener_hold(source->listeners[i], true);
    source->crypto = usm_crypto_new();
    source->deriving = loop_timer_new(source->env->loop, derive_next, source);
    loop_timer_start(source->deriving, span_us(0));
    return 0;
}

static void add_counter(struct source_status *to, const char *name, uint64_t value, bool loss)
{
    CHECK(to->count < SOURCE_COUNTER_MAX);
    to->counters[to->count++] = (struct source_counter){name, value, loss};
}

static void status(void *state, struct source_status *ret)
{
    static const char *const words[] = {
#define COUNTER(name, word, loss) word,
        COUNTERS(COUNTER)
#undef COUNTER
    };
    static const bool losses[] = {
#define COUNTER(name, word, loss) loss,
        COUNTERS(COUNTER)
#undef COUNTER
    };
    const struct trap_source *source = state;
    uint64_t drops = 0;
    for (size_t i = 0; i < source->listener_count; i++)
        drops += udp_listener_drops(source->listeners[i]);
    ret->count = 0;
    for (size_t i = 0; i < COUNTER_COUNT; i++)
        add_counter(ret, words[i], source->counters[i], losses[i]);
    for (size_t i = 0; i < NOTIFICATION_OUTCOME_COUNT; i++)
        add_counter(ret, notification_outcome_word((enum notification_outcome)i),
                    source->outcomes[i], false);
    add_counter(ret, "kernel_drops", drops, true);
}

const struct event_source_class event_snmp_trap = {
    .plug = {.type = "snmp_trap",
             .summary = "SNMP traps and informs of switches, versions 1, 2c and 3.",
             .options = options,
             .state_size = sizeof(struct trap_source),
             .config_size = sizeof(struct snmp_trap_config),
             .construct = construct,
             .destruct = destruct},
    .start = start,
    .stop = stop,
    .status = status,
};
