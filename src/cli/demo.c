/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "io/clock.h"
#include "io/file.h"
#include "sim/demo_world.h"
#include "sim/server.h"
#include "sim/site.h"
#include "store/query.h"

/* `muster demo`: a simulated data centre on loopback, audited by the same code
 * that audits a real one, over real SNMP, in real time. */

enum { PORT_FIRST = 16100, PORT_TRIES = 20 };

struct demo {
    uint64_t seed;
    const char *keep;
    bool golden; /* which of the two worlds is on */
    char directory[256];
    char *config, *store;
    struct sim_site *site;
    struct sim_child child;
    struct wall start;
};

static void say(const char *format, ...) PRINTF_LIKE(1, 2);

static void say(const char *format, ...)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    bool colours = terminal_colours(stdout);
    va_list args;
    va_start(args, format);
    text_vprintf(&text, format, args);
    va_end(args);
    printf("%s%s%s\n", colours ? terminal_colour_start(COLOUR_BOLD) : "", text_get(&text),
           colours ? terminal_colour_end() : "");
    fflush(stdout);
}

static int make_directory(struct demo *demo)
{
    if (demo->keep != NULL) {
        snprintf(demo->directory, sizeof demo->directory, "%s", demo->keep);
        if (strlen(demo->keep) >= sizeof demo->directory ||
            (mkdir(demo->directory, 0700) != 0 && errno != EEXIST))
            return command_fail("demo", EXIT_USAGE, "cannot make %s: %s", demo->keep,
                                strerror(errno));
    } else {
        const char *base = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
        snprintf(demo->directory, sizeof demo->directory, "%.200s/muster-demo.XXXXXX", base);
        if (mkdtemp(demo->directory) == NULL)
            return command_fail("demo", EXIT_USAGE, "cannot make a directory in %s: %s", base,
                                strerror(errno));
    }
    demo->config = file_join(demo->directory, "muster.yaml");
    demo->store = file_join(demo->directory, "muster.db");
    return EXIT_CLEAN;
}

static struct datacentre *make_world(const struct demo *demo)
{
    return demo->golden ? datacentre_new_golden(demo->start)
                        : sim_demo_world(demo->seed, demo->start);
}

/* Starts the agents at the first port that is free. */
static int start_agents(struct demo *demo, struct err *err)
{
    int status = ERR_SYSTEM;
    for (uint16_t port = PORT_FIRST; status != 0 && port < PORT_FIRST + PORT_TRIES; port++) {
        struct sim_server *server = sim_server_new();
        struct sim_site_config config = {.port = port};
        status = sim_site_new(make_world(demo), &config, server, demo->start, &demo->site, err);
        if (status == 0)
            status = sim_child_start(server, &demo->child, err);
        sim_server_free(server);
        if (status != 0) {
            sim_site_free(demo->site);
            demo->site = NULL;
        }
    }
    return status;
}

static void wait_until(struct wall when)
{
    struct span left = wall_since(when, clock_wall());
    if (left.us <= 0)
        return;
    struct timespec pause = {left.us / 1000000, left.us % 1000000 * 1000};
    nanosleep(&pause, NULL);
}

/* Runs a subcommand in this process, as a shell would. */
static int run(const struct demo *demo, int (*command)(int, char **), const char *word,
               const char *argument)
{
    char *argv[6] = {0};
    int argc = 0;
    const char *words[] = {word, "-c", demo->config, argument};
    for (size_t i = 0; i < ARRAY_COUNT(words) && words[i] != NULL; i++)
        argv[argc++] = strdup(words[i]);
    printf("\n$ muster %s%s%s\n", word, argument != NULL ? " " : "",
           argument != NULL ? argument : "");
    fflush(stdout);
    optind = 0;
    int status = command(argc, argv);
    fflush(stdout);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return status;
}

static int audit_rounds(struct demo *demo, struct err *err)
{
    for (int round = 0; round < SIM_DEMO_ROUNDS; round++) {
        struct sim_records records;
        wait_until(wall_add(demo->start, span_seconds(round * SIM_DEMO_ROUND_SECONDS)));
        sim_site_datacentre(demo->site, clock_wall());
        sim_site_records(demo->site, &records);
        int status = sim_records_update(&records, demo->directory, err);
        if (status != 0)
            return status;
        say("\nRound %d of %d", round + 1, SIM_DEMO_ROUNDS);
        status = run(demo, command_audit, "audit", NULL);
        if (status != EXIT_FOUND)
            return err_set(err, ERR_PROTOCOL,
                           "the audit ended with status %d; %d (discrepancies found) was expected",
                           status, EXIT_FOUND);
        if (round + 1 < SIM_DEMO_ROUNDS)
            say("\nTime passes (%d s): guests move, entries age out of tables, records follow.",
                SIM_DEMO_ROUND_SECONDS);
    }
    return 0;
}

/* The cases of the store, open and ended ones. */
static int load_cases(const struct demo *demo, struct arena *arena, const struct case_record **ret,
                      size_t *ret_count, struct err *err)
{
    struct store *store;
    struct case_filter filter = CASE_FILTER_OPEN;
    filter.all = true;
    int status = store_open(demo->store, STORE_READ, &store, err);
    if (status != 0)
        return status;
    status = store_list_cases(store, &filter, arena, ret, ret_count, err);
    store_close(store);
    return status;
}

/* What makes the better example: an open case, then a confirmed one. */
static int rank(const struct case_record *record)
{
    return 2 * case_state_open(record->state) + (record->discrepancy->state == VERDICT_CONFIRMED);
}

static const struct case_record *find_kind(const struct case_record *cases, size_t count,
                                           enum discrepancy_kind kind)
{
    const struct case_record *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (cases[i].discrepancy->kind != kind)
            continue;
        if (found == NULL || rank(&cases[i]) > rank(found))
            found = &cases[i];
    }
    return found;
}

/* Lists the kinds and one example of each; returns how many are missing. */
static unsigned list_kinds(const struct case_record *cases, size_t count)
{
    unsigned missing = 0;
    say("\nEvery kind of discrepancy that polling can see:");
    for (int kind = 0; kind < DISCREPANCY_KIND_COUNT; kind++) {
        if (!discrepancy_polled((enum discrepancy_kind)kind))
            continue;
        const struct case_record *example = find_kind(cases, count, (enum discrepancy_kind)kind);
        char id[CASE_ID_SIZE] = "-";
        missing += example == NULL;
        printf("  %-20s %-6s %s\n", discrepancy_word((enum discrepancy_kind)kind),
               example != NULL ? case_id_format(example->number, id) : "-",
               example != NULL ? verdict_state_word(example->discrepancy->state) : "NOT FOUND");
    }
    return missing;
}

static void explain(const struct demo *demo, const struct case_record *cases, size_t count)
{
    static const enum discrepancy_kind kinds[] = {DISCREPANCY_OFF_BUT_SEEN,
                                                  DISCREPANCY_DUPLICATE_GUEST};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        const struct case_record *example = find_kind(cases, count, kinds[i]);
        char id[CASE_ID_SIZE];
        if (example != NULL)
            run(demo, command_why, "why", case_id_format(example->number, id));
    }
    const struct case_record *moved = find_kind(cases, count, DISCREPANCY_WRONG_LOCATION);
    if (moved != NULL && moved->discrepancy->subject.guest != NULL) {
        run(demo, command_where, "where", moved->discrepancy->subject.guest);
        run(demo, command_history, "history", moved->discrepancy->subject.guest);
    }
}

static int show(struct demo *demo, struct err *err)
{
    struct arena *arena = arena_new();
    const struct case_record *cases;
    size_t count;
    unsigned missing = 0;
    int status = load_cases(demo, arena, &cases, &count, err);
    if (status == 0) {
        say("\nWhy? Every verdict carries its proof.");
        explain(demo, cases, count);
        missing = list_kinds(cases, count);
    }
    arena_free(arena);
    if (status == 0 && missing > 0)
        status = err_set(err, ERR_PROTOCOL, "%u kinds of discrepancy were not found", missing);
    return status;
}

static void remove_files(const struct demo *demo)
{
    static const char *const names[] = {
        "muster.yaml", "muster.db",       "muster.db-wal", "muster.db-shm", "muster.db.lock",
        "guests.csv",  "attachments.csv", "switches.csv",  "ports.csv",     "links.csv",
        "lags.csv",    "community",       "v3-auth",       "v3-priv"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char *path = file_join(demo->directory, names[i]);
        unlink(path);
        free(path);
    }
    rmdir(demo->directory);
}

/* Makes the agents and the recorded side of the world that is on. */
static int set_up(struct demo *demo, struct err *err)
{
    struct sim_records records;
    demo->start = clock_wall();
    int status = start_agents(demo, err);
    if (status != 0)
        return status;
    sim_site_records(demo->site, &records);
    status = sim_records_write(&records, demo->directory, err);
    if (status != 0)
        return status;
    /* Its records follow within seconds, and it has no minute to wait for slower ones. */
    FILE *config = fopen(demo->config, "a");
    if (config == NULL || fputs("audit: {inventory_lag: 10s}\n", config) < 0 || fclose(config) != 0)
        return err_set_errno(err, errno, "cannot write %s", demo->config);
    return 0;
}

static void take_down(struct demo *demo)
{
    sim_child_stop(&demo->child);
    sim_site_free(demo->site);
    demo->site = NULL;
}

/* One switch, two hosts, five guests, three discrepancies. */
static int play_golden(struct demo *demo, struct err *err)
{
    demo->golden = true;
    int status = set_up(demo, err);
    if (status == 0) {
        say("One switch, two hosts, five guests. Host A should run A and C, and B is off; host B\n"
            "should run D, and E is off. The switch hears A, B and D on host A's port.");
        status = run(demo, command_audit, "audit", NULL);
        if (status != EXIT_FOUND)
            return err_set(err, ERR_PROTOCOL, "the audit ended with status %d", status);
        run(demo, command_why, "why", "B");
        status = 0;
    }
    take_down(demo);
    demo->golden = false;
    unlink(demo->store);
    return status;
}

static int play(struct demo *demo, struct err *err)
{
    int status = play_golden(demo, err);
    if (status == 0)
        status = set_up(demo, err);
    if (status != 0)
        return status;
    say("\nNow a data centre on loopback: 6 switches answer SNMP, 10 hypervisors, 60 guests.");
    printf("What is recorded of it, and the configuration, are in %s\n", demo->directory);
    status = audit_rounds(demo, err);
    return status == 0 ? show(demo, err) : status;
}

static int finish(struct demo *demo, int status, const struct err *err)
{
    take_down(demo);
    if (status == 0 && demo->keep == NULL)
        remove_files(demo);
    else
        printf("\nLeft for you to look at: %s (its agents have ended)\n", demo->directory);
    free(demo->config);
    free(demo->store);
    if (status != 0)
        return command_fail("demo", EXIT_USAGE, "%s", err->text);
    say("\nAudit your own next: README.md, \"in five minutes\".");
    return EXIT_CLEAN;
}

enum { OPTION_KEEP = 256, OPTION_SEED };

int command_demo(int argc, char **argv)
{
    static const struct option options[] = {{"keep", required_argument, NULL, OPTION_KEEP},
                                            {"seed", required_argument, NULL, OPTION_SEED},
                                            {NULL, 0, NULL, 0}};
    struct common_options common = {.config = "muster.yaml"};
    struct demo demo = {.seed = 1};
    for (int option; (option = command_options(argc, argv, "demo", options, &common)) != -1;) {
        if (option == OPTION_KEEP)
            demo.keep = optarg;
        else if (option == OPTION_SEED)
            demo.seed = strtoull(optarg, NULL, 10);
        else
            return EXIT_USAGE;
    }
    if (optind != argc)
        return command_fail("demo", EXIT_USAGE, "unexpected \"%s\"", argv[optind]);
    struct err err;
    int status = make_directory(&demo);
    if (status != EXIT_CLEAN)
        return status;
    return finish(&demo, play(&demo, &err), &err);
}
