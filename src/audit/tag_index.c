/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/tag_index.h"

#include "base/alloc.h"
#include "base/check.h"

/* Ten of twelve places: beyond, many records go past their line. */
enum { LINES_FIRST = 8, LINE_LOAD = 10 };

void tag_index_init(struct tag_index *index, uint64_t (*hash_of)(const void *aux, uint32_t item),
                    const void *aux)
{
    *index = (struct tag_index){.hash_of = hash_of, .aux = aux};
}

static size_t table_size(const struct tag_table *table)
{
    return (size_t)table->line_count * sizeof *table->lines;
}

static void table_free(struct tag_table *table)
{
    alloc_huge_free(table->lines, table_size(table));
    *table = (struct tag_table){0};
}

void tag_index_done(struct tag_index *index)
{
    table_free(&index->now);
    table_free(&index->old);
}

void tag_index_ready(struct tag_index *index, uint32_t count)
{
    CHECK(index->now.count == 0 && index->old.lines == NULL);
    table_free(&index->now);
    index->now.line_count = count / LINE_LOAD + LINES_FIRST;
    index->now.lines = alloc_huge(table_size(&index->now));
}

void tag_index_reserve(struct tag_index *index, uint32_t count)
{
    index->lines_expected = count / LINE_LOAD + LINES_FIRST;
}

size_t tag_index_size(const struct tag_index *index)
{
    return table_size(&index->now) + table_size(&index->old);
}

static uint32_t next_line(const struct tag_table *table, uint32_t line)
{
    return line + 1 == table->line_count ? 0 : line + 1;
}

static void table_put(struct tag_table *table, uint64_t hash, uint32_t item)
{
    uint32_t at = tag_home(table, hash);
    uint64_t free_places;
    while ((free_places = tag_match(&table->lines[at], 0)) == 0) {
        table->lines[at].past++;
        at = next_line(table, at);
    }
    struct tag_line *line = &table->lines[at];
    unsigned place = tag_match_place(free_places);
    line->tags[place] = tag_of(hash);
    line->items[place] = item;
    table->count++;
}

/* Looks for `item` from its home on; on the way back the lines it went past no longer
 * lead to it. */
static bool table_remove(struct tag_table *table, uint64_t hash, uint32_t item)
{
    if (table->lines == NULL)
        return false;
    uint32_t home = tag_home(table, hash), at = home;
    for (uint32_t left = table->line_count; left > 0; left--) {
        struct tag_line *line = &table->lines[at];
        uint64_t match = tag_match(line, tag_of(hash));
        for (; match != 0; match &= match - 1) {
            unsigned place = tag_match_place(match);
            if (line->items[place] != item)
                continue;
            line->tags[place] = 0;
            table->count--;
            for (uint32_t i = home; i != at; i = next_line(table, i))
                table->lines[i].past--;
            return true;
        }
        if (line->past == 0)
            return false;
        at = next_line(table, at);
    }
    return false;
}

/* Carries the next line over; after the last one the first ones once more, since what went
 * past the end of the table lies there. */
static void carry_line(struct tag_index *index)
{
    const struct tag_line *line = &index->old.lines[index->carried++ % index->old.line_count];
    uint32_t items[TAG_LINE_ITEMS];
    uint64_t hashes[TAG_LINE_ITEMS];
    unsigned count = 0;
    for (unsigned i = 0; i < TAG_LINE_ITEMS; i++)
        if (line->tags[i] != 0)
            items[count++] = line->items[i];
    for (unsigned i = 0; i < count; i++) { /* apart: the reads of the records overlap */
        hashes[i] = index->hash_of(index->aux, items[i]);
        __builtin_prefetch(&index->now.lines[tag_home(&index->now, hashes[i])], 1);
    }
    for (unsigned i = 0; i < count; i++) {
        CHECK(table_remove(&index->old, hashes[i], items[i]));
        table_put(&index->now, hashes[i], items[i]);
    }
    if (index->old.count == 0)
        table_free(&index->old);
}

static void grow(struct tag_index *index)
{
    while (index->old.lines != NULL) /* only where many were removed meanwhile */
        carry_line(index);
    uint32_t lines = index->now.line_count + index->now.line_count / 2;
    if (lines < index->lines_expected)
        lines = index->lines_expected;
    struct tag_table table = {.line_count = lines < LINES_FIRST ? LINES_FIRST : lines};
    table.lines = alloc_huge_lazy(table_size(&table));
    index->old = index->now;
    index->carried = 0;
    index->now = table;
    if (index->old.count == 0)
        table_free(&index->old);
}

void tag_index_put(struct tag_index *index, uint64_t hash, uint32_t item)
{
    uint64_t count = (uint64_t)index->now.count + index->old.count;
    if (count >= (uint64_t)index->now.line_count * LINE_LOAD)
        grow(index);
    if (index->old.lines != NULL)
        carry_line(index);
    bool behind = index->old.lines != NULL && tag_home(&index->old, hash) >= index->carried;
    table_put(behind ? &index->old : &index->now, hash, item);
}

void tag_index_remove(struct tag_index *index, uint64_t hash, uint32_t item)
{
    CHECK(table_remove(&index->now, hash, item) || table_remove(&index->old, hash, item));
}
