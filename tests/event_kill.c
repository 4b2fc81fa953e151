/* SPDX-License-Identifier: Apache-2.0 */

/* usage: event_kill [KILLS [FOLDER]]
 *
 * A child journals events under full load, folds them into the store beside that and
 * commits rounds in between, and says which events it would have acknowledged; the parent
 * kills it with SIGKILL at a random moment, again and again on the same store. After
 * each kill it brings what the journal holds into the store and looks: every
 * acknowledged event is there, none is there twice. The next child sends again what was
 * not acknowledged, as a RADIUS client does, so that events that were stored without
 * an answer come a second time. Prints its seed. */

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "store/event_log.h"

enum {
    LONGEST_MS = 20,
    ACKNOWLEDGED_MOST = 20000,     /* before a kill */
    EVENTS_MOST = 4 * 1000 * 1000, /* in one run of this program */
    GROUP_MOST = 60,
    GROUPS_KEPT = 1 << 16, /* whose events are remembered until they are settled */
    SESSION_EVENTS = 10,
    SEND_AGAIN_MOST = 5000
};

static const struct wall noon = {INT64_C(1764000000000000)};
static const uint64_t mac_base = UINT64_C(0x525400000000);

/* What the parent knows: bit 0 acknowledged, bit 1 in the store. */
struct known {
    uint8_t *events;
    uint32_t next; /* number that no child has used */
    const char *store, *journal;
};

static void give_up(const char *what, const char *detail)
{
    fprintf(stderr, "event_kill: %s: %s\n", what, detail);
    exit(1);
}

static struct event event_numbered(uint32_t number, char session[static 32])
{
    static const enum event_kind kinds[SESSION_EVENTS] = {
        EVENT_START,  EVENT_UPDATE, EVENT_UPDATE, EVENT_UPDATE, EVENT_UPDATE,
        EVENT_UPDATE, EVENT_UPDATE, EVENT_UPDATE, EVENT_UPDATE, EVENT_STOP};
    struct event event = event_of(kinds[number % SESSION_EVENTS]);
    snprintf(session, 32, "S%u", number / SESSION_EVENTS);
    event.proof = EVENT_PROOF_TOLD;
    event.source = event.type = "radius";
    event.nas = event.switch_name = "sw1";
    event.port = "Gi0/1";
    event.session = session;
    event.mac.bits = mac_base + number;
    event.at = event.heard = wall_add(noon, span_ms(number));
    return event;
}

/* --- the child --- */

/* The events of a group, until it is settled. */
struct sent {
    uint32_t numbers[GROUP_MOST];
    uint32_t count;
};

struct work {
    struct store *store;
    struct journal *journal;
    struct sent *sent; /* by group number, modulo GROUPS_KEPT */
    int said;
    uint64_t settled;
};

static void on_settled(void *aux, uint64_t group, bool stored, const struct err *err)
{
    struct work *work = aux;
    const struct sent *sent = &work->sent[group % GROUPS_KEPT];
    if (!stored)
        give_up("a group", err->text);
    work->settled++;
    size_t length = sent->count * sizeof sent->numbers[0];
    if (write(work->said, sent->numbers, length) != (ssize_t)length)
        give_up("saying", strerror(errno));
}

static void open_both(const struct known *known, struct work *work)
{
    struct err err = {0};
    struct event_position position = {0};
    if (store_open(known->store, STORE_WRITE, &work->store, &err) != 0 ||
        store_events_position(work->store, &position, &err) != 0)
        give_up("opening the store", err.text);
    struct journal_recovery recovery;
    const struct journal_options options = {.identity = position.identity,
                                            .folded = position.folded,
                                            .lanes = 3,
                                            .segment_bytes = 4 * JOURNAL_SEGMENT_BYTES_MIN};
    if (journal_open(known->journal, &options, &work->journal, &recovery, &err) != 0)
        give_up("opening the journal", err.text);
    if (recovery.damaged_places > 0)
        give_up("recovery", "a kill has damaged the journal");
}

static bool fold_some(struct work *work, size_t limit)
{
    struct event_fold fold;
    struct err err = {0};
    if (store_events_fold(work->store, work->journal, limit, noon, STORE_RETENTION, &fold, &err) !=
        0)
        give_up("folding", err.text);
    return fold.more;
}

/* As the daemon does it: slices that need not be on the disk, and now and then they are. */
static void take_some(struct work *work, size_t limit, bool settle)
{
    struct event_fold fold;
    struct err err = {0};
    if (store_events_take(work->store, work->journal, limit, noon, STORE_RETENTION, &fold, &err) !=
            0 ||
        (settle && store_events_settle(work->store, work->journal, &err) != 0))
        give_up("taking", err.text);
}

static void commit_round(struct store *store)
{
    uint64_t round = 0;
    struct err err = {0};
    if (store_round_begin(store, noon, &round, &err) != 0 ||
        store_round_cases(store, NULL, 0, &err) != 0 ||
        store_round_commit(store, noon, noon, &err) != 0)
        give_up("a round", err.text);
}

/* The store's thread. */
static void *keep_store(void *aux)
{
    struct work *work = aux;
    unsigned seed = (unsigned)getpid();
    for (;;) {
        if (rand_r(&seed) % 8 == 0)
            fold_some(work, 1 + (size_t)rand_r(&seed) % 3000);
        else
            take_some(work, 1 + (size_t)rand_r(&seed) % 300, rand_r(&seed) % 8 == 0);
        if (rand_r(&seed) % 8 == 0)
            commit_round(work->store);
    }
    return NULL;
}

static void wait_for_room(struct work *work, uint64_t group)
{
    struct pollfd descriptor = {.fd = journal_descriptor(work->journal), .events = POLLIN};
    do {
        if (poll(&descriptor, 1, group - work->settled > GROUPS_KEPT / 2 ? 1000 : 0) > 0)
            journal_settle(work->journal, on_settled, work);
    } while (group - work->settled > GROUPS_KEPT / 2);
}

static void send_group(struct work *work, const uint32_t *numbers, uint32_t count)
{
    char session[32];
    uint64_t group = 0;
    struct sent sent = {.count = count};
    memcpy(sent.numbers, numbers, count * sizeof *numbers);
    for (uint32_t i = 0; i < count; i++) {
        struct event event = event_numbered(numbers[i], session);
        while (journal_add(work->journal, &event, &group) != 0)
            journal_settle(work->journal, on_settled, work);
    }
    work->sent[group % GROUPS_KEPT] = sent;
    if (journal_flush(work->journal) != group)
        give_up("a group", "is not the one that was added to");
    wait_for_room(work, group);
}

/* Sends what was never acknowledged again, then new events until it is killed. */
static void work_on(const struct known *known, int said)
{
    struct work work = {.said = said, .sent = calloc(GROUPS_KEPT, sizeof *work.sent)};
    uint32_t numbers[GROUP_MOST], count = 0, again = 0;
    unsigned seed = (unsigned)getpid();
    pthread_t thread;
    open_both(known, &work);
    if (pthread_create(&thread, NULL, keep_store, &work) != 0)
        give_up("a thread", "cannot be started");
    for (uint32_t i = 0; i < known->next && again < SEND_AGAIN_MOST; i++) {
        if ((known->events[i] & 1) != 0)
            continue;
        numbers[count++] = i;
        again++;
        if (count == GROUP_MOST || (uint32_t)rand_r(&seed) % GROUP_MOST == 0) {
            send_group(&work, numbers, count);
            count = 0;
        }
    }
    for (uint32_t next = known->next; next < EVENTS_MOST - GROUP_MOST;) {
        uint32_t most = 1 + (uint32_t)rand_r(&seed) % (GROUP_MOST - 1);
        for (count = 0; count < most; count++)
            numbers[count] = next++;
        send_group(&work, numbers, count);
    }
    for (;;)
        pause();
}

/* --- the parent --- */

/* Hears which events are acknowledged, `most` at most; returns how many. */
static uint64_t hear(struct known *known, int said, uint64_t most)
{
    uint64_t count = 0;
    for (uint32_t number; count < most && read(said, &number, sizeof number) == sizeof number;
         count++) {
        known->events[number] |= 1;
        if (number >= known->next)
            known->next = number + 1;
    }
    return count;
}

/* Kills after a random number of acknowledgements and a moment, whatever the disk's
 * speed; now and then at once, while the child still recovers. */
static uint64_t kill_once(struct known *known)
{
    int ends[2];
    if (pipe(ends) != 0)
        give_up("pipe", strerror(errno));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        work_on(known, ends[1]);
    }
    close(ends[1]);
    uint64_t heard = 0;
    if (rand() % 6 != 0)
        heard = hear(known, ends[0], 1 + (uint64_t)rand() % ACKNOWLEDGED_MOST);
    struct timespec wait = {.tv_nsec = (long)(rand() % LONGEST_MS) * 1000000 + rand() % 1000000};
    nanosleep(&wait, NULL);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFSIGNALED(status))
        give_up("the child", "ended by itself");
    heard += hear(known, ends[0], UINT64_MAX);
    close(ends[0]);
    return heard;
}

static void look_at_events(struct known *known, sqlite3 *handle)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(handle, "SELECT mac FROM event", -1, &statement, NULL) != SQLITE_OK)
        give_up("reading events", sqlite3_errmsg(handle));
    for (uint32_t i = 0; i < EVENTS_MOST; i++)
        known->events[i] &= 1;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        uint64_t number = (uint64_t)sqlite3_column_int64(statement, 0) - mac_base;
        if (number >= EVENTS_MOST)
            give_up("an event", "that nobody sent");
        if ((known->events[number] & 2) != 0)
            give_up("an event", "is in the store twice");
        known->events[number] |= 2;
        if (number >= known->next)
            known->next = (uint32_t)number + 1;
    }
    sqlite3_finalize(statement);
}

static void check_soundness(sqlite3 *handle)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(handle, "PRAGMA integrity_check", -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW ||
        strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0)
        give_up("integrity_check", sqlite3_errmsg(handle));
    sqlite3_finalize(statement);
}

/* Returns how many events are in the store, after checking all that must hold. */
static uint64_t check(struct known *known, bool thoroughly)
{
    struct work work = {0};
    open_both(known, &work);
    while (fold_some(&work, STORE_FOLD_MAX))
        continue;
    journal_close(work.journal);
    store_close(work.store);
    sqlite3 *handle = NULL;
    if (sqlite3_open(known->store, &handle) != SQLITE_OK)
        give_up("opening", sqlite3_errmsg(handle));
    look_at_events(known, handle);
    if (thoroughly)
        check_soundness(handle);
    sqlite3_close(handle);
    uint64_t stored = 0;
    for (uint32_t i = 0; i < EVENTS_MOST; i++) {
        if (known->events[i] == 1)
            give_up("an acknowledged event", "is not in the store");
        stored += known->events[i] >> 1;
    }
    return stored;
}

static void remove_folder(const char *path)
{
    DIR *list = opendir(path);
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;)
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(list), entry->d_name, 0);
    if (list != NULL)
        closedir(list);
    rmdir(path);
}

int main(int argc, char **argv)
{
    int kills = argc > 1 ? atoi(argv[1]) : 5;
    unsigned seed = (unsigned)getpid();
    const char *given = getenv("MUSTER_SEED");
    if (given != NULL)
        seed = (unsigned)strtoul(given, NULL, 10);
    srand(seed);
    AUTO_TEXT struct text folder = TEXT_EMPTY;
    text_printf(&folder, "%s/muster-event-kill-XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (mkdtemp(folder.data) == NULL)
        give_up(text_get(&folder), strerror(errno));
    AUTO_TEXT struct text store = TEXT_EMPTY;
    AUTO_TEXT struct text journal = TEXT_EMPTY;
    text_printf(&store, "%s/muster.db", text_get(&folder));
    text_printf(&journal, "%s.journal", text_get(&store));
    struct known known = {
        .events = calloc(EVENTS_MOST, 1), .store = text_get(&store), .journal = text_get(&journal)};
    uint64_t acknowledged = 0, stored = 0;
    for (int i = 0; i < kills; i++) {
        acknowledged += kill_once(&known);
        stored = check(&known, i + 1 == kills);
    }
    printf("%d kills, %llu events acknowledged, %llu in the store, each once; seed %u\n", kills,
           (unsigned long long)acknowledged, (unsigned long long)stored, seed);
    remove_folder(text_get(&journal));
    remove_folder(text_get(&folder));
    free(known.events);
    return acknowledged > 0 || kills < 8 ? 0 : 1;
}
