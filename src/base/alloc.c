/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"

static size_t product(size_t count, size_t size)
{
    size_t bytes;
    CHECK(!__builtin_mul_overflow(count, size, &bytes));
    return bytes != 0 ? bytes : 1;
}

void *alloc_zeroed(size_t count, size_t size)
{
    void *block = calloc(1, product(count, size));
    CHECK(block != NULL);
    return block;
}

void *alloc_array(size_t count, size_t size)
{
    void *block = malloc(product(count, size));
    CHECK(block != NULL);
    return block;
}

void *alloc_resize(void *block, size_t count, size_t size)
{
    void *resized = realloc(block, product(count, size));
    CHECK(resized != NULL);
    return resized;
}

char *alloc_text(const char *text)
{
    char *copy = strdup(text);
    CHECK(copy != NULL);
    return copy;
}

void *alloc_grow(void *block, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return block;
    size_t grown = *capacity == 0 ? 16 : *capacity * 2;
    CHECK(grown > *capacity);
    *capacity = grown;
    return alloc_resize(block, grown, size);
}

void alloc_cleanup(void *pointer_address)
{
    free(*(void **)pointer_address);
}

enum { HUGE_PAGE = 2 * 1024 * 1024 };

/* The kernel's pages are zero already, and those of 2 MB cost few faults and few
 * misses of the TLB. They must begin on a multiple of their size: what is mapped
 * before and behind that is given back at once. */
void *alloc_huge_lazy(size_t size)
{
    CHECK(size > 0 && size < SIZE_MAX / 2);
    size_t spare = size >= HUGE_PAGE ? HUGE_PAGE : 0;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (size + page - 1) / page * page;
    char *at =
        mmap(NULL, whole + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED);
    if (spare > 0) {
        size_t before = (HUGE_PAGE - (uintptr_t)at % HUGE_PAGE) % HUGE_PAGE;
        if (before > 0)
            munmap(at, before);
        if (before < spare)
            munmap(at + before + whole, spare - before);
        at += before;
        madvise(at, whole, MADV_HUGEPAGE); /* advice: works as well without, slower */
    }
    return at;
}

void *alloc_huge(size_t size)
{
    char *at = alloc_huge_lazy(size);
    alloc_huge_touch(at, size);
    return at;
}

void alloc_huge_touch(void *block, size_t size)
{
    madvise(block, size, MADV_POPULATE_WRITE); /* one call instead of a fault a page: advice */
}

void alloc_huge_free(void *block, size_t size)
{
    if (block != NULL)
        munmap(block, size); /* the kernel rounds up to whole pages */
}
