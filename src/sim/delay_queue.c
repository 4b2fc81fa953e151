/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/delay_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"

void delay_queue_init(struct delay_queue *queue, size_t limit)
{
    *queue = (struct delay_queue){.limit = limit};
}

void delay_queue_done(struct delay_queue *queue)
{
    for (size_t i = 0; i < queue->count; i++)
        free(queue->heap[i].bytes);
    free(queue->heap);
    *queue = (struct delay_queue){0};
}

static bool sooner(const struct delayed *a, const struct delayed *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

bool delay_queue_put(struct delay_queue *queue, const struct delayed *item)
{
    if (queue->count >= queue->limit)
        return false;
    queue->heap = alloc_grow(queue->heap, queue->count, &queue->capacity, sizeof(queue->heap[0]));
    struct delayed copy = *item;
    copy.order = queue->next_order++;
    copy.bytes = alloc_array(item->length + 1, 1);
    memcpy(copy.bytes, item->bytes, item->length);
    size_t at = queue->count++;
    while (at > 0 && sooner(&copy, &queue->heap[(at - 1) / 2])) {
        queue->heap[at] = queue->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    queue->heap[at] = copy;
    return true;
}

int64_t delay_queue_due(const struct delay_queue *queue)
{
    return queue->count > 0 ? queue->heap[0].due : INT64_MAX;
}

struct delayed delay_queue_take(struct delay_queue *queue)
{
    CHECK(queue->count > 0);
    struct delayed first = queue->heap[0], last = queue->heap[--queue->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= queue->count)
            break;
        if (child + 1 < queue->count && sooner(&queue->heap[child + 1], &queue->heap[child]))
            child++;
        if (!sooner(&queue->heap[child], &last))
            break;
        queue->heap[at] = queue->heap[child];
        at = child;
    }
    queue->heap[at] = last;
    return first;
}
