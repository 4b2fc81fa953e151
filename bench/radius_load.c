/* SPDX-License-Identifier: Apache-2.0 */
/* A network of access servers that send RADIUS accounting: the load of the events
 * benchmark, the same for every server that is measured.
 *
 * `radius_load window ADDRESS PORT SECRET GUESTS COUNT WINDOW` keeps WINDOW requests in
 * flight until COUNT were answered: what a request costs the server. `radius_load rate
 * ADDRESS PORT SECRET GUESTS COUNT RATE` sends RATE a second whatever comes back: how long
 * an answer takes. `radius_load fill ... COUNT WINDOW` is `window` with the start of each guest's
 * session in turn, to be renewed within a minute. Requests are about 200 octets, each a guest of
 * roster.h at its recorded place: its session goes on (interim), and one request in ten ends it, to
 * begin again soon. One in sixteen answers has its authenticator verified; a request that is not
 * answered within TIMEOUT_S is lost and said. Nothing is sent again: a benchmark that
 * retries hides what the server drops. SOCKETS x 256 identifiers bound what is in flight. */

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/mac.h"
#include "peers/peer_report.h"
#include "roster.h"

enum {
    SOCKETS = 16,
    IDENTIFIERS = 256,
    BATCH = 32,
    PACKET_MAX = 512,
    SOCKET_BUFFER = 8 << 20,
    TIMEOUT_S = 5,
    VERIFY_STRIDE = 16,
    RESTART_AFTER = 512, /* requests between a session's end and the next one's begin */
    STOP_STRIDE = 10,
    FILL_INTERIM_SECONDS = 60,
    INTERIM_SECONDS = 600,
    GUEST_STRIDE = 7368787 /* a prime: far apart, and none again before all had a turn */
};

/* Attribute types of RFC 2865, 2866, 2869. */
enum {
    USER_NAME = 1,
    NAS_IP_ADDRESS = 4,
    NAS_PORT = 5,
    CALLED_STATION_ID = 30,
    CALLING_STATION_ID = 31,
    NAS_IDENTIFIER = 32,
    ACCT_STATUS_TYPE = 40,
    ACCT_DELAY_TIME = 41,
    ACCT_INPUT_OCTETS = 42,
    ACCT_OUTPUT_OCTETS = 43,
    ACCT_SESSION_ID = 44,
    ACCT_SESSION_TIME = 46,
    EVENT_TIMESTAMP = 55,
    NAS_PORT_TYPE = 61,
    ACCT_INTERIM_INTERVAL = 85,
    NAS_PORT_ID = 87
};

struct flight {
    double sent; /* 0: none in flight */
    uint8_t authenticator[16];
};

struct load {
    struct roster roster;
    bool fill;
    const char *secret;
    const EVP_MD *md5;
    EVP_MD_CTX *digest;
    int sockets[SOCKETS];
    struct flight flights[SOCKETS][IDENTIFIERS];
    uint8_t next_identifier[SOCKETS];
    uint16_t *sessions; /* of a guest: ends and begins so far; odd: it has none */
    uint32_t ended[RESTART_AFTER];
    uint32_t next_fill; /* guest */
    uint64_t random, turn, sent, answered, wrong, stops;
    double *latencies;
    double last_answer;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "radius_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t next_random(struct load *load)
{
    load->random ^= load->random << 13;
    load->random ^= load->random >> 7;
    load->random ^= load->random << 17;
    return load->random;
}

static uint8_t *add_octets(uint8_t *at, uint8_t type, const void *value, size_t length)
{
    at[0] = type;
    at[1] = (uint8_t)(length + 2);
    memcpy(at + 2, value, length);
    return at + 2 + length;
}

static uint8_t *add_text(uint8_t *at, uint8_t type, const char *text)
{
    return add_octets(at, type, text, strlen(text));
}

static uint8_t *add_number(uint8_t *at, uint8_t type, uint32_t value)
{
    uint32_t wire = htonl(value);
    return add_octets(at, type, &wire, sizeof wire);
}

static void md5_of(struct load *load, const uint8_t *a, size_t a_length, const uint8_t *b,
                   size_t b_length, uint8_t result[static 16])
{
    unsigned length = 16;
    if (EVP_DigestInit_ex2(load->digest, load->md5, NULL) != 1 ||
        EVP_DigestUpdate(load->digest, a, a_length) != 1 ||
        EVP_DigestUpdate(load->digest, b, b_length) != 1 ||
        EVP_DigestUpdate(load->digest, load->secret, strlen(load->secret)) != 1 ||
        EVP_DigestFinal_ex(load->digest, result, &length) != 1)
        fail("MD5");
}

/* Picks a guest that is where it should be, and what happens to it: its session goes on,
 * or ends, or, for one whose session ended a while ago, the next one begins. No guest comes
 * twice in a second, which a server would rightly take for a repetition. */
static uint32_t next_guest(struct load *load, uint32_t *ret_status)
{
    enum { START = 1, STOP = 2, INTERIM = 3 };
    if (load->fill) {
        *ret_status = START;
        while (roster_guest(&load->roster, load->next_fill).fault != ROSTER_RIGHT)
            load->next_fill = (load->next_fill + 1) % load->roster.guests;
        uint32_t filled = load->next_fill;
        load->next_fill = (filled + 1) % load->roster.guests;
        return filled;
    }
    uint32_t *due = &load->ended[load->sent % RESTART_AFTER];
    uint32_t number = *due;
    *due = UINT32_MAX;
    if (number != UINT32_MAX) {
        *ret_status = START;
        load->sessions[number]++;
        return number;
    }
    do {
        number = (uint32_t)(load->turn++ * GUEST_STRIDE % load->roster.guests);
    } while (load->sessions[number] % 2 == 1 ||
             roster_guest(&load->roster, number).fault != ROSTER_RIGHT);
    *ret_status = INTERIM;
    if (next_random(load) % STOP_STRIDE == 0) {
        *ret_status = STOP;
        load->sessions[number]++;
        load->ended[load->sent % RESTART_AFTER] = number;
        load->stops++;
    }
    return number;
}

static size_t make_request(struct load *load, uint8_t identifier, uint8_t *packet)
{
    uint32_t status;
    uint32_t number = next_guest(load, &status);
    struct roster_guest guest = roster_guest(&load->roster, number);
    struct roster_attachment at = roster_attachment(&load->roster, guest.hypervisor, 0);
    uint8_t octets[6];
    char text[64];
    mac_to_octets((struct mac){guest.mac}, octets);
    packet[0] = 4;
    packet[1] = identifier;
    memset(packet + 4, 0, 16);
    uint8_t *end = add_number(packet + 20, ACCT_STATUS_TYPE, status);
    snprintf(text, sizeof text, "%08X-%04X", number,
             status == 2 ? (load->sessions[number] - 1) / 2 : load->sessions[number] / 2);
    end = add_text(end, ACCT_SESSION_ID, text);
    snprintf(text, sizeof text, "%02X-%02X-%02X-%02X-%02X-%02X", octets[0], octets[1], octets[2],
             octets[3], octets[4], octets[5]);
    end = add_text(end, CALLING_STATION_ID, text);
    snprintf(text, sizeof text, "%02x%02x%02x%02x%02x%02x", octets[0], octets[1], octets[2],
             octets[3], octets[4], octets[5]);
    end = add_text(end, USER_NAME, text);
    end = add_text(end, CALLED_STATION_ID, "00-1B-0D-63-C2-26");
    end = add_text(end, NAS_IDENTIFIER, roster_switch_name(at.switch_number, text));
    end = add_number(end, NAS_IP_ADDRESS, 0xc0000201);
    end = add_number(end, NAS_PORT, at.port);
    end = add_text(end, NAS_PORT_ID, roster_port_name(at.port, text));
    end = add_number(end, NAS_PORT_TYPE, 15);
    end = add_number(end, ACCT_DELAY_TIME, 0);
    end = add_number(end, EVENT_TIMESTAMP, (uint32_t)time(NULL));
    end = add_number(end, ACCT_SESSION_TIME, 60);
    end = add_number(end, ACCT_INPUT_OCTETS, (uint32_t)next_random(load));
    end = add_number(end, ACCT_OUTPUT_OCTETS, (uint32_t)next_random(load));
    end =
        add_number(end, ACCT_INTERIM_INTERVAL, load->fill ? FILL_INTERIM_SECONDS : INTERIM_SECONDS);
    size_t length = (size_t)(end - packet);
    packet[2] = (uint8_t)(length >> 8);
    packet[3] = (uint8_t)length;
    md5_of(load, packet, length, NULL, 0, packet + 4);
    return length;
}

/* Takes the next identifier that waits for no answer, or is not worth waiting for any more;
 * one in flight when all are. */
static uint8_t free_identifier(struct load *load, unsigned socket_number)
{
    uint8_t identifier = load->next_identifier[socket_number];
    for (unsigned i = 0; i < IDENTIFIERS; i++, identifier++) {
        struct flight *flight = &load->flights[socket_number][identifier];
        if (flight->sent != 0 && peer_now() - flight->sent > TIMEOUT_S)
            flight->sent = 0;
        if (flight->sent == 0)
            break;
    }
    load->next_identifier[socket_number] = (uint8_t)(identifier + 1);
    return identifier;
}

/* Sends up to `count` requests by one socket; returns how many went. */
static unsigned send_batch(struct load *load, unsigned socket_number, unsigned count)
{
    static uint8_t packets[BATCH][PACKET_MAX];
    struct mmsghdr messages[BATCH] = {0};
    struct iovec parts[BATCH];
    unsigned made = 0;
    while (made < count && made < BATCH) {
        uint8_t identifier = free_identifier(load, socket_number);
        struct flight *flight = &load->flights[socket_number][identifier];
        if (flight->sent != 0)
            break;
        parts[made] = (struct iovec){packets[made], make_request(load, identifier, packets[made])};
        messages[made].msg_hdr.msg_iov = &parts[made];
        messages[made].msg_hdr.msg_iovlen = 1;
        memcpy(flight->authenticator, packets[made] + 4, 16);
        flight->sent = peer_now();
        load->sent++;
        made++;
    }
    for (unsigned gone = 0; gone < made;) {
        int n = sendmmsg(load->sockets[socket_number], messages + gone, made - gone, 0);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            fail("sending");
        gone += n > 0 ? (unsigned)n : 0;
    }
    return made;
}

static void take_answer(struct load *load, unsigned socket_number, uint8_t *packet, size_t length,
                        double now)
{
    struct flight *flight = &load->flights[socket_number][packet[1]];
    if (length < 20 || packet[0] != 5 || flight->sent == 0) {
        load->wrong++;
        return;
    }
    if (load->answered % VERIFY_STRIDE == 0) {
        uint8_t told[16], right[16];
        memcpy(told, packet + 4, 16);
        memcpy(packet + 4, flight->authenticator, 16);
        md5_of(load, packet, length, NULL, 0, right);
        load->wrong += memcmp(told, right, 16) != 0;
    }
    load->latencies[load->answered++] = now - flight->sent;
    flight->sent = 0;
    load->last_answer = now;
}

/* Takes what has come in on all sockets; returns how many answers. */
static unsigned receive(struct load *load, int wait_ms)
{
    static uint8_t packets[BATCH][PACKET_MAX];
    struct pollfd events[SOCKETS];
    for (unsigned s = 0; s < SOCKETS; s++)
        events[s] = (struct pollfd){.fd = load->sockets[s], .events = POLLIN};
    if (poll(events, SOCKETS, wait_ms) <= 0)
        return 0;
    unsigned taken = 0;
    for (unsigned s = 0; s < SOCKETS; s++) {
        if (!(events[s].revents & POLLIN))
            continue;
        struct mmsghdr messages[BATCH] = {0};
        struct iovec parts[BATCH];
        for (unsigned i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){packets[i], PACKET_MAX};
            messages[i].msg_hdr.msg_iov = &parts[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
        int n = recvmmsg(load->sockets[s], messages, BATCH, MSG_DONTWAIT, NULL);
        double now = peer_now();
        for (int i = 0; i < n; i++)
            take_answer(load, s, packets[i], messages[i].msg_len, now);
        taken += n > 0 ? (unsigned)n : 0;
    }
    return taken;
}

static bool all_quiet(const struct load *load)
{
    return peer_now() - load->last_answer > TIMEOUT_S;
}

static void by_window(struct load *load, uint64_t count, uint64_t window)
{
    unsigned socket_number = 0;
    while (load->answered < count && !all_quiet(load)) {
        while (load->sent < count && load->sent - load->answered < window) {
            uint64_t room = window - (load->sent - load->answered);
            if (room > count - load->sent)
                room = count - load->sent;
            socket_number = (socket_number + 1) % SOCKETS;
            if (send_batch(load, socket_number, room < BATCH ? (unsigned)room : BATCH) == 0)
                break;
        }
        receive(load, 100);
    }
}

static void by_rate(struct load *load, uint64_t count, uint64_t rate)
{
    double started = peer_now();
    while (load->sent < count) {
        double due = (peer_now() - started) * (double)rate;
        while (load->sent < count && (double)load->sent < due) {
            if (send_batch(load, (unsigned)(load->sent % SOCKETS), 1) == 0)
                break;
        }
        receive(load, 0);
    }
    while (load->answered < count && !all_quiet(load))
        receive(load, 100);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double percentile(const struct load *load, double share)
{
    return load->answered == 0 ? 0
                               : load->latencies[(size_t)(share * (double)(load->answered - 1))];
}

static void open_sockets(struct load *load, const struct sockaddr_in *at)
{
    for (unsigned s = 0; s < SOCKETS; s++) {
        int size = SOCKET_BUFFER, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *)at, sizeof *at) != 0)
            fail("socket");
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        load->sockets[s] = fd;
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    bool fill = argc == 8 && strcmp(argv[1], "fill") == 0;
    bool window = fill || (argc == 8 && strcmp(argv[1], "window") == 0);
    if (argc != 8 || (!window && strcmp(argv[1], "rate") != 0) ||
        inet_aton(argv[2], &at.sin_addr) == 0) {
        fprintf(stderr, "usage: radius_load window|rate|fill ADDRESS PORT SECRET GUESTS COUNT N\n");
        return 2;
    }
    at.sin_port = htons((uint16_t)atoi(argv[3]));
    static struct load load;
    uint64_t count = strtoull(argv[6], NULL, 10), figure = strtoull(argv[7], NULL, 10);
    if (!roster_init(&load.roster, (uint32_t)strtoul(argv[5], NULL, 10), 1) || count == 0)
        fail("too many guests, or none");
    load.fill = fill;
    load.secret = argv[4];
    load.md5 = EVP_MD_fetch(NULL, "MD5", "-fips");
    load.digest = EVP_MD_CTX_new();
    load.random = UINT64_C(0x9e3779b97f4a7c15);
    load.sessions = alloc_zeroed(load.roster.guests, sizeof *load.sessions);
    load.latencies = alloc_array(count, sizeof *load.latencies);
    for (unsigned i = 0; i < RESTART_AFTER; i++)
        load.ended[i] = UINT32_MAX;
    open_sockets(&load, &at);
    double started = peer_now();
    load.last_answer = started;
    if (window)
        by_window(&load, count, figure);
    else
        by_rate(&load, count, figure);
    double wall = load.last_answer - started;
    qsort(load.latencies, load.answered, sizeof *load.latencies, compare_doubles);
    printf("{\"units\":%llu,\"sent\":%llu,\"wrong\":%llu,\"stops\":%llu,\"wall\":%.6f,"
           "\"cpu\":%.6f,\"p50\":%.6f,\"p99\":%.6f,\"max\":%.6f}\n",
           (unsigned long long)load.answered, (unsigned long long)load.sent,
           (unsigned long long)load.wrong, (unsigned long long)load.stops, wall, peer_cpu(),
           percentile(&load, 0.5), percentile(&load, 0.99), percentile(&load, 1));
    return load.wrong == 0 ? 0 : 1;
}
