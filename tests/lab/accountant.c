/* SPDX-License-Identifier: Apache-2.0 */

/* usage: accountant PORT SECRET GUESTS WINDOW [RATE]
 *
 * A network of access servers that account to 127.0.0.1:PORT and remember what was
 * acknowledged, while the server is killed and started under it.
 *
 * WINDOW records are in flight, or RATE a second are begun where that is given. A record
 * that is not answered is sent again until it is, as RFC 2866 wants it: one time in two the
 * same octets, else with a new identifier, a new authenticator and Acct-Delay-Time counted
 * on. Record number n is of guest n % GUESTS: a start, an interim, a stop, and then the next
 * session, so that every pair of session and status is one record. An answer counts only
 * when its authenticator is right.
 *
 * Prints the number of acknowledged records now and then, a line each. When its standard
 * input ends it begins no more, has what it has begun acknowledged, and prints one JSON
 * object: records, all of them acknowledged, and how often it sent again. Ends with 1 when
 * that takes longer than PATIENCE_S. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
    SOCKETS = 8,
    IDENTIFIERS = 256,
    PACKET_MAX = 512,
    ANSWER_MAX = 4096,
    RESEND_MS = 250,
    PATIENCE_S = 60,
    GUESTS_A_PORT = 50,
    TELL_EVERY = 100,
    SOCKET_BUFFER = 4 << 20
};

/* Attribute types of RFC 2865, 2866, 2869. */
enum {
    NAS_IP_ADDRESS = 4,
    CALLING_STATION_ID = 31,
    NAS_IDENTIFIER = 32,
    ACCT_STATUS_TYPE = 40,
    ACCT_DELAY_TIME = 41,
    ACCT_SESSION_ID = 44,
    EVENT_TIMESTAMP = 55,
    NAS_PORT_ID = 87
};

struct flight {
    bool busy;
    uint64_t record;
    int64_t first_ms, sent_ms;
    uint32_t happened; /* seconds since 1970 */
    uint8_t packet[PACKET_MAX];
    size_t length;
};

struct accountant {
    const char *secret;
    uint32_t guests;
    uint64_t window, rate;
    EVP_MD_CTX *digest;
    int sockets[SOCKETS];
    struct flight flights[SOCKETS][IDENTIFIERS];
    uint8_t next_identifier[SOCKETS];
    uint64_t random, begun, acknowledged, again, stale;
    int64_t longest_ms;
};

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "accountant: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool toss(struct accountant *accountant)
{
    accountant->random ^= accountant->random << 13;
    accountant->random ^= accountant->random >> 7;
    accountant->random ^= accountant->random << 17;
    return accountant->random >> 63 != 0;
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

/* MD5 of the packet with `authenticator` in its place, and the secret. */
static void sign(struct accountant *accountant, const uint8_t *packet, size_t length,
                 const uint8_t *authenticator, uint8_t ret[static 16])
{
    unsigned size = 16;
    if (EVP_DigestInit_ex(accountant->digest, EVP_md5(), NULL) != 1 ||
        EVP_DigestUpdate(accountant->digest, packet, 4) != 1 ||
        EVP_DigestUpdate(accountant->digest, authenticator, 16) != 1 ||
        EVP_DigestUpdate(accountant->digest, packet + 20, length - 20) != 1 ||
        EVP_DigestUpdate(accountant->digest, accountant->secret, strlen(accountant->secret)) != 1 ||
        EVP_DigestFinal_ex(accountant->digest, ret, &size) != 1)
        give_up("MD5");
}

static void make_packet(struct accountant *accountant, struct flight *flight, uint8_t identifier)
{
    static const uint32_t statuses[] = {1, 3, 2}; /* start, interim, stop */
    static const uint8_t zeros[16];
    uint32_t guest = (uint32_t)(flight->record % accountant->guests);
    uint64_t wave = flight->record / accountant->guests;
    char text[64];
    flight->packet[0] = 4;
    flight->packet[1] = identifier;
    uint8_t *end = add_number(flight->packet + 20, ACCT_STATUS_TYPE, statuses[wave % 3]);
    snprintf(text, sizeof text, "%u-%llu", guest, (unsigned long long)wave / 3);
    end = add_text(end, ACCT_SESSION_ID, text);
    snprintf(text, sizeof text, "52-54-00-%02X-%02X-%02X", guest >> 16 & 255, guest >> 8 & 255,
             guest & 255);
    end = add_text(end, CALLING_STATION_ID, text);
    end = add_text(end, NAS_IDENTIFIER, "sw1");
    end = add_number(end, NAS_IP_ADDRESS, 0xc0000201);
    snprintf(text, sizeof text, "Gi0/%u", guest / GUESTS_A_PORT + 1);
    end = add_text(end, NAS_PORT_ID, text);
    end = add_number(end, EVENT_TIMESTAMP, flight->happened);
    end = add_number(end, ACCT_DELAY_TIME, (uint32_t)((now_ms() - flight->first_ms) / 1000));
    flight->length = (size_t)(end - flight->packet);
    flight->packet[2] = (uint8_t)(flight->length >> 8);
    flight->packet[3] = (uint8_t)flight->length;
    sign(accountant, flight->packet, flight->length, zeros, flight->packet + 4);
}

/* A server that is not there is an answer that does not come. */
static void put_on_wire(const struct accountant *accountant, unsigned socket_number,
                        struct flight *flight)
{
    flight->sent_ms = now_ms();
    if (send(accountant->sockets[socket_number], flight->packet, flight->length, 0) < 0 &&
        errno != ECONNREFUSED && errno != EAGAIN && errno != ENOBUFS)
        give_up("sending");
}

/* Returns a free place of the socket, NULL when there is none. */
static struct flight *free_place(struct accountant *accountant, unsigned socket_number,
                                 uint8_t *ret_identifier)
{
    for (unsigned i = 0; i < IDENTIFIERS; i++) {
        uint8_t identifier = accountant->next_identifier[socket_number]++;
        if (!accountant->flights[socket_number][identifier].busy) {
            *ret_identifier = identifier;
            return &accountant->flights[socket_number][identifier];
        }
    }
    return NULL;
}

static bool begin_record(struct accountant *accountant)
{
    unsigned socket_number = (unsigned)(accountant->begun % SOCKETS);
    uint8_t identifier;
    struct flight *flight = free_place(accountant, socket_number, &identifier);
    if (flight == NULL)
        return false;
    flight->busy = true;
    flight->record = accountant->begun++;
    flight->first_ms = now_ms();
    flight->happened = (uint32_t)time(NULL);
    make_packet(accountant, flight, identifier);
    put_on_wire(accountant, socket_number, flight);
    return true;
}

/* Sends again what waits for too long, as it was or renewed in another place. */
static void send_again(struct accountant *accountant, unsigned socket_number)
{
    int64_t now = now_ms();
    for (unsigned i = 0; i < IDENTIFIERS; i++) {
        struct flight *flight = &accountant->flights[socket_number][i];
        uint8_t identifier;
        if (!flight->busy || now - flight->sent_ms < RESEND_MS)
            continue;
        accountant->again++;
        struct flight *other =
            toss(accountant) ? free_place(accountant, socket_number, &identifier) : NULL;
        if (other != NULL) {
            *other = *flight;
            flight->busy = false;
            flight = other;
            make_packet(accountant, flight, identifier);
        }
        put_on_wire(accountant, socket_number, flight);
    }
}

static void tell(const struct accountant *accountant)
{
    printf("%llu\n", (unsigned long long)accountant->acknowledged);
    fflush(stdout);
}

static void take_answer(struct accountant *accountant, unsigned socket_number,
                        const uint8_t *answer, size_t length)
{
    uint8_t right[16];
    if (length < 20)
        return;
    struct flight *flight = &accountant->flights[socket_number][answer[1]];
    if (answer[0] == 5 && flight->busy)
        sign(accountant, answer, length, flight->packet + 4, right);
    if (answer[0] != 5 || !flight->busy || memcmp(right, answer + 4, 16) != 0) {
        accountant->stale++;
        return;
    }
    int64_t took = now_ms() - flight->first_ms;
    accountant->longest_ms = took > accountant->longest_ms ? took : accountant->longest_ms;
    flight->busy = false;
    if (++accountant->acknowledged % TELL_EVERY == 0)
        tell(accountant);
}

static void receive(struct accountant *accountant, int wait_ms)
{
    struct pollfd events[SOCKETS];
    uint8_t answer[ANSWER_MAX];
    for (unsigned s = 0; s < SOCKETS; s++)
        events[s] = (struct pollfd){.fd = accountant->sockets[s], .events = POLLIN};
    poll(events, SOCKETS, wait_ms);
    for (unsigned s = 0; s < SOCKETS; s++) {
        ssize_t length;
        while ((length = recv(accountant->sockets[s], answer, sizeof answer, MSG_DONTWAIT)) >= 0)
            take_answer(accountant, s, answer, (size_t)length);
    }
}

static bool input_ended(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, 0) > 0;
}

static void begin_some(struct accountant *accountant, int64_t since_ms)
{
    uint64_t most = accountant->acknowledged + accountant->window;
    uint64_t due = accountant->rate * (uint64_t)(now_ms() - since_ms) / 1000;
    if (accountant->rate > 0 && due < most)
        most = due;
    while (accountant->begun < most && begin_record(accountant))
        ;
}

static void send_all_again(struct accountant *accountant)
{
    for (unsigned s = 0; s < SOCKETS; s++)
        send_again(accountant, s);
}

static void work(struct accountant *accountant)
{
    int64_t since = now_ms(), looked = since;
    while (!input_ended()) {
        begin_some(accountant, since);
        receive(accountant, accountant->rate > 0 ? 1 : 20);
        if (now_ms() - looked < RESEND_MS / 4)
            continue;
        looked = now_ms();
        send_all_again(accountant);
    }
    int64_t deadline = now_ms() + PATIENCE_S * 1000;
    while (accountant->acknowledged < accountant->begun && now_ms() < deadline) {
        receive(accountant, 20);
        send_all_again(accountant);
    }
}

static void open_sockets(struct accountant *accountant, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    for (unsigned s = 0; s < SOCKETS; s++) {
        int size = SOCKET_BUFFER;
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof at) != 0)
            give_up("socket");
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        accountant->sockets[s] = fd;
    }
}

int main(int argc, char **argv)
{
    if (argc < 5 || argc > 6) {
        fprintf(stderr, "usage: accountant PORT SECRET GUESTS WINDOW [RATE]\n");
        return 2;
    }
    struct accountant *accountant = alloc_zeroed(1, sizeof *accountant);
    accountant->secret = argv[2];
    accountant->guests = (uint32_t)strtoul(argv[3], NULL, 10);
    accountant->window = strtoull(argv[4], NULL, 10);
    accountant->rate = argc == 6 ? strtoull(argv[5], NULL, 10) : 0;
    accountant->digest = EVP_MD_CTX_new();
    accountant->random = (uint64_t)getpid() * UINT64_C(0x9e3779b97f4a7c15) | 1;
    if (accountant->guests == 0 || accountant->window == 0 ||
        accountant->window > accountant->guests || accountant->digest == NULL) {
        fprintf(stderr, "accountant: the window must be within the number of guests\n");
        return 2;
    }
    open_sockets(accountant, (uint16_t)atoi(argv[1]));
    work(accountant);
    printf("{\"records\":%llu,\"acknowledged\":%llu,\"again\":%llu,\"stale\":%llu,"
           "\"longest_ms\":%lld}\n",
           (unsigned long long)accountant->begun, (unsigned long long)accountant->acknowledged,
           (unsigned long long)accountant->again, (unsigned long long)accountant->stale,
           (long long)accountant->longest_ms);
    bool whole = accountant->acknowledged == accountant->begun;
    EVP_MD_CTX_free(accountant->digest);
    free(accountant);
    return whole ? 0 : 1;
}
