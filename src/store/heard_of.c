/* SPDX-License-Identifier: Apache-2.0 */
#include "store/heard_of.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"

struct listing {
    struct store *store;
    const struct heard_of_query *query;
    struct arena *arena;
    struct heard_line *lines; /* the newest of each sort, at most twice the limit each */
    size_t count, capacity, first_of_sort;
    size_t total;
};

static int compare_lines(const void *a, const void *b)
{
    const struct heard_line *x = a, *y = b;
    if (x->at.us != y->at.us)
        return x->at.us < y->at.us ? -1 : 1;
    return (int)x->kind - (int)y->kind;
}

/* Drops all but the newest of the lines from number `first` on. */
static void keep_newest(struct listing *listing, size_t first)
{
    size_t limit = listing->query->limit, count = listing->count - first;
    if (count > 1)
        qsort(listing->lines + first, count, sizeof *listing->lines, compare_lines);
    if (count <= limit)
        return;
    memmove(listing->lines + first, listing->lines + first + (count - limit),
            limit * sizeof *listing->lines);
    listing->count = first + limit;
}

static struct heard_line *add_line(struct listing *listing, enum heard_line_kind kind,
                                   struct wall at)
{
    struct wall to = listing->query->to;
    if (wall_known(to) && at.us > to.us)
        return NULL;
    if (listing->count - listing->first_of_sort >= 2 * listing->query->limit)
        keep_newest(listing, listing->first_of_sort);
    listing->lines =
        alloc_grow(listing->lines, listing->count, &listing->capacity, sizeof *listing->lines);
    struct heard_line *line = &listing->lines[listing->count++];
    *line = (struct heard_line){.kind = kind, .at = at};
    listing->total++;
    return line;
}

/* --- sessions --- */

static const char *keep(struct listing *listing, const char *text)
{
    return text != NULL ? arena_text(listing->arena, text, strlen(text)) : "";
}

static void add_session(struct listing *listing, enum heard_line_kind kind, struct wall at,
                        const struct session_record *record)
{
    struct heard_line *line = add_line(listing, kind, at);
    if (line != NULL)
        line->session = *record;
}

static int take_session(void *aux, const struct session_record *record)
{
    struct listing *listing = aux;
    struct session_record kept = *record;
    kept.source = keep(listing, record->source);
    kept.type = keep(listing, record->type);
    kept.nas = keep(listing, record->nas);
    kept.session = keep(listing, record->session);
    kept.node = keep(listing, record->node);
    kept.switch_name = keep(listing, record->switch_name);
    kept.port = keep(listing, record->port);
    kept.cause = keep(listing, record->cause);
    add_session(listing, HEARD_LINE_BEGAN, record->started, &kept);
    if (wall_known(record->expired))
        add_session(listing, HEARD_LINE_EXPIRED, record->expired, &kept);
    if (wall_known(record->ended))
        add_session(listing, HEARD_LINE_ENDED, record->ended, &kept);
    return 0;
}

static int list_sessions(struct listing *listing, struct err *err)
{
    const struct heard_of_query *query = listing->query;
    const struct session_query sessions = {.from = WALL_UNKNOWN,
                                           .to = query->to,
                                           .macs = query->macs,
                                           .mac_count = query->mac_count,
                                           .addresses = query->addresses,
                                           .address_count = query->address_count};
    int failed = store_each_session(listing->store, &sessions, take_session, listing, err);
    keep_newest(listing, 0);
    return failed;
}

/* --- announcements, hints, what followed --- */

static int list_events(struct listing *listing, struct err *err)
{
    const struct heard_of_query *query = listing->query;
    const struct event_query events = {.macs = query->macs,
                                       .mac_count = query->mac_count,
                                       .addresses = query->addresses,
                                       .address_count = query->address_count,
                                       .from = WALL_UNKNOWN,
                                       .to = query->to,
                                       .limit = query->limit};
    const struct event_entry *entries = NULL;
    size_t count = 0, more = 0;
    listing->first_of_sort = listing->count;
    int failed = store_list_loose_events(listing->store, &events, listing->arena, &entries, &count,
                                         &more, err);
    for (size_t i = 0; failed == 0 && i < count; i++) {
        struct heard_line *line = add_line(listing, HEARD_LINE_EVENT, entries[i].event.at);
        if (line != NULL)
            line->event = entries[i].event;
    }
    listing->total += more;
    return failed;
}

static int list_followed(struct listing *listing, struct err *err)
{
    const struct heard_of_query *query = listing->query;
    int failed = 0;
    listing->first_of_sort = listing->count;
    for (size_t i = 0; failed == 0 && i < query->mac_count; i++) {
        struct followed *items = NULL;
        size_t count = 0, more = 0;
        failed = store_list_followed(listing->store, query->macs[i], query->to, query->limit,
                                     listing->arena, &items, &count, &more, err);
        for (size_t k = 0; failed == 0 && k < count; k++) {
            struct heard_line *line = add_line(listing, HEARD_LINE_FOLLOWED, items[k].at);
            if (line != NULL)
                line->followed = items[k];
        }
        listing->total += more;
    }
    return failed;
}

int store_list_heard_of(struct store *store, const struct heard_of_query *query,
                        struct arena *arena, struct heard_line **ret, size_t *ret_count,
                        size_t *ret_more, struct err *err)
{
    struct listing listing = {.store = store, .query = query, .arena = arena};
    int failed = list_sessions(&listing, err);
    if (failed == 0)
        failed = list_events(&listing, err);
    if (failed == 0)
        failed = list_followed(&listing, err);
    if (failed == 0) {
        keep_newest(&listing, 0);
        *ret = arena_alloc(arena, (listing.count + 1) * sizeof **ret);
        if (listing.count > 0)
            memcpy(*ret, listing.lines, listing.count * sizeof **ret);
        *ret_count = listing.count;
        *ret_more = listing.total - listing.count;
    }
    free(listing.lines);
    return failed;
}
