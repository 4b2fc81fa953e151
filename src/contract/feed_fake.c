/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/feed_fake.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct copy {
    struct event event; /* its texts are this copy's own */
    uint64_t ticket;
};

struct known_switch {
    struct ip address;
    char *name;
};

struct event_feed {
    char *source, *type;
    struct copy *copies;
    size_t count, capacity;
    struct known_switch *switches;
    size_t switch_count, switch_capacity;
    size_t left; /* events that it still takes */
    size_t flushes, unflushed, waiting;
    feed_fake_told_fn *told;
    void *aux;
    struct err failure;
};

struct event_feed *feed_fake_new(const char *source, const char *type)
{
    struct event_feed *feed = alloc_zeroed(1, sizeof(*feed));
    feed->source = alloc_text(source);
    feed->type = alloc_text(type);
    feed->left = SIZE_MAX;
    return feed;
}

/* Every text of an event that a copy owns. */
#define TEXTS(event)                                                                               \
    {                                                                                              \
        &(event)->switch_name, &(event)->port, &(event)->node, &(event)->nas, &(event)->session,   \
            &(event)->cause                                                                        \
    }

void feed_fake_clear(struct event_feed *feed)
{
    for (size_t i = 0; i < feed->count; i++) {
        const char **texts[] = TEXTS(&feed->copies[i].event);
        for (size_t k = 0; k < ARRAY_COUNT(texts); k++)
            free((char *)(uintptr_t)*texts[k]);
    }
    feed->count = feed->flushes = feed->unflushed = 0;
    feed->failure = (struct err){0};
}

void feed_fake_free(struct event_feed *feed)
{
    if (feed == NULL)
        return;
    feed_fake_clear(feed);
    for (size_t i = 0; i < feed->switch_count; i++)
        free(feed->switches[i].name);
    free(feed->switches);
    free(feed->copies);
    free(feed->source);
    free(feed->type);
    free(feed);
}

void feed_fake_map(struct event_feed *feed, const char *address, const char *switch_name)
{
    feed->switches = alloc_grow(feed->switches, feed->switch_count, &feed->switch_capacity,
                                sizeof(*feed->switches));
    struct known_switch *entry = &feed->switches[feed->switch_count++];
    CHECK(ip_parse(address, strlen(address), &entry->address) == 0);
    entry->name = alloc_text(switch_name);
}

void feed_fake_refuse_after(struct event_feed *feed, size_t count)
{
    feed->left = count;
}

void feed_fake_wait(struct event_feed *feed, size_t waiting)
{
    feed->waiting = waiting;
}

void feed_fake_listen(struct event_feed *feed, feed_fake_told_fn *told, void *aux)
{
    feed->told = told;
    feed->aux = aux;
}

size_t feed_fake_count(const struct event_feed *feed)
{
    return feed->count;
}

const struct event *feed_fake_event(const struct event_feed *feed, size_t i)
{
    CHECK(i < feed->count);
    return &feed->copies[i].event;
}

uint64_t feed_fake_ticket(const struct event_feed *feed, size_t i)
{
    CHECK(i < feed->count);
    return feed->copies[i].ticket;
}

size_t feed_fake_flushes(const struct event_feed *feed)
{
    return feed->flushes;
}

size_t feed_fake_unflushed(const struct event_feed *feed)
{
    return feed->unflushed;
}

const char *feed_fake_failure(const struct event_feed *feed)
{
    return feed->failure.text;
}

/* --- the core's side of the contract --- */

int event_feed_add(struct event_feed *feed, const struct event *event, uint64_t ticket)
{
    CHECK(event->kind < EVENT_KIND_COUNT && event->proof < EVENT_PROOF_COUNT);
    if (feed->left == 0)
        return ERR_LIMIT;
    if (feed->left != SIZE_MAX)
        feed->left--;
    feed->copies = alloc_grow(feed->copies, feed->count, &feed->capacity, sizeof(*feed->copies));
    struct copy *copy = &feed->copies[feed->count++];
    *copy = (struct copy){*event, ticket};
    const char **texts[] = TEXTS(&copy->event);
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        *texts[i] = *texts[i] != NULL ? alloc_text(*texts[i]) : NULL;
    copy->event.source = feed->source;
    copy->event.type = feed->type;
    feed->unflushed++;
    if (feed->told != NULL)
        feed->told(feed->aux, &copy->event);
    return 0;
}

void event_feed_flush(struct event_feed *feed)
{
    feed->flushes++;
    feed->unflushed = 0;
}

size_t event_feed_waiting(const struct event_feed *feed)
{
    return feed->waiting;
}

const char *event_feed_switch(const struct event_feed *feed, const struct ip *address,
                              const char *name)
{
    for (size_t i = 0; i < feed->switch_count; i++) {
        const struct known_switch *entry = &feed->switches[i];
        if ((address != NULL && ip_equal(&entry->address, address)) ||
            (name != NULL && strcmp(entry->name, name) == 0))
            return entry->name;
    }
    return NULL;
}

void event_feed_failed(struct event_feed *feed, const struct err *err)
{
    feed->failure = *err;
}
