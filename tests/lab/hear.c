/* SPDX-License-Identifier: Apache-2.0 */

/* usage: hear snmp_trap|linux_bridge|ovs|mobile_ip|announce [map=ADDRESS=SWITCH] KEY=VALUE...
 *
 * Runs one event source with the options given and prints each event as a JSON line as
 * it comes; "ready" on a line of its own once it listens. On SIGTERM or SIGINT it
 * prints the source's counters as one object, stops it and ends. Status 1 with the
 * error on stderr when it could not be started. A key may be repeated for a list. */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "contract/feed_fake.h"
#include "io/clock.h"
#include "io/loop.h"
#include "model/json_out.h"
#include "source/announce.h"
#include "source/linux_bridge_events.h"
#include "source/mobile_ip.h"
#include "source/ovs_events.h"
#include "source/snmp_trap.h"

enum { MAX_VALUES = 64 };

static void print_event(void *aux, const struct event *event)
{
    AUTO_TEXT struct text line = TEXT_EMPTY;
    text_add(&line, "{");
    json_event(&line, event);
    printf("%s}\n", text_get(&line));
    fflush(stdout);
}

/* "192.0.2.1=sw1" */
static int add_map(struct event_feed *feed, const char *text, struct err *err)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL)
        return err_set(err, ERR_SYNTAX, "map=%s is not map=ADDRESS=SWITCH", text);
    AUTO_TEXT struct text address = TEXT_EMPTY;
    text_add_bytes(&address, text, (size_t)(equals - text));
    feed_fake_map(feed, text_get(&address), equals + 1);
    return 0;
}

/* Sets one KEY=VALUE; values of one key are gathered first. */
static int set_option(const struct plug_class *plug, void *config, struct event_feed *feed,
                      char **words, int count, int i, struct err *err)
{
    const struct option_source source = {0};
    char *value = strchr(words[i], '=');
    if (value == NULL)
        return err_set(err, ERR_SYNTAX, "%s is not KEY=VALUE", words[i]);
    size_t length = (size_t)(value - words[i]);
    AUTO_TEXT struct text key = TEXT_EMPTY;
    text_add_bytes(&key, words[i], length);
    if (strcmp(text_get(&key), "map") == 0)
        return add_map(feed, value + 1, err);
    const char *values[MAX_VALUES];
    size_t value_count = 0;
    for (int k = 0; k < count && value_count < MAX_VALUES; k++)
        if (strncmp(words[k], words[i], length + 1) == 0)
            values[value_count++] = words[k] + length + 1;
    const struct config_option *option = options_find(plug->options, text_get(&key));
    bool exposed;
    if (option == NULL)
        return err_set(err, ERR_NOT_FOUND, "no option %s", text_get(&key));
    return option_parse(option, text_get(&key), values, value_count, &source, config, &exposed,
                        err);
}

static void print_counters(const struct event_source_class *class, void *state)
{
    struct source_status status;
    class->status(state, &status);
    for (size_t i = 0; i < status.count; i++)
        printf("%s\"%s\":%" PRIu64, i == 0 ? "{" : ",", status.counters[i].name,
               status.counters[i].value);
    printf("}\n");
}

/* Says once why the source gave up; the lab waits for it. */
struct watch {
    struct event_feed *feed;
    struct loop_timer *timer;
};

static void look_for_failure(void *aux)
{
    struct watch *watch = aux;
    if (*feed_fake_failure(watch->feed) != '\0')
        fprintf(stderr, "%s\n", feed_fake_failure(watch->feed));
    else
        loop_timer_start(watch->timer, span_ms(100));
}

static void caught(void *aux, int number)
{
    loop_stop(aux);
}

static int hear(const struct event_source_class *class, void *config, struct event_feed *feed,
                struct err *err)
{
    struct env env = {.loop = loop_new(), .now = clock_env_now};
    AUTO_FREE void *state = alloc_zeroed(1, class->plug.state_size);
    struct loop_signal *terminate = loop_signal_new(env.loop, SIGTERM, caught, env.loop, err);
    struct loop_signal *interrupt = loop_signal_new(env.loop, SIGINT, caught, env.loop, err);
    int code = class->plug.construct(state, config, &env, err);
    if (code == 0) {
        code = class->start(state, feed, err);
        if (code == 0) {
            printf("ready\n");
            fflush(stdout);
            struct watch watch = {feed, NULL};
            watch.timer = loop_timer_new(env.loop, look_for_failure, &watch);
            loop_timer_start(watch.timer, span_ms(100));
            loop_run(env.loop);
            loop_timer_free(watch.timer);
            print_counters(class, state);
            class->stop(state);
        }
        class->plug.destruct(state);
    }
    loop_signal_free(terminate);
    loop_signal_free(interrupt);
    loop_free(env.loop);
    return code;
}

int main(int argc, char **argv)
{
    static const struct event_source_class *const classes[] = {
        &event_snmp_trap, &event_linux_bridge, &event_ovs, &event_mobile_ip, &event_announce};
    const struct event_source_class *class = NULL;
    for (size_t i = 0; argc > 1 && i < ARRAY_COUNT(classes); i++)
        if (strcmp(argv[1], classes[i]->plug.type) == 0)
            class = classes[i];
    if (class == NULL) {
        fprintf(stderr, "usage: hear snmp_trap|linux_bridge|ovs|mobile_ip|announce KEY=VALUE...\n");
        return 2;
    }
    struct err err = {0};
    AUTO_FREE void *config = alloc_zeroed(1, class->plug.config_size);
    struct event_feed *feed = feed_fake_new("lab", class->plug.type);
    int code = 0;
    options_init(class->plug.options, config);
    for (int i = 2; code == 0 && i < argc; i++)
        code = set_option(&class->plug, config, feed, argv + 2, argc - 2, i - 2, &err);
    feed_fake_listen(feed, print_event, NULL);
    if (code == 0)
        code = hear(class, config, feed, &err);
    if (code != 0)
        fprintf(stderr, "%s\n", err.text);
    options_done(class->plug.options, config);
    feed_fake_free(feed);
    return code != 0;
}
