/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

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
