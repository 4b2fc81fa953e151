/* SPDX-License-Identifier: Apache-2.0 */

/* alloc.h, arena.h and hash.h. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/hash.h"

static void test_growing_doubles(void **state)
{
    size_t capacity = 0, steps = 0;
    AUTO_FREE uint32_t *numbers = NULL;
    for (size_t count = 0; count < 1000; count++) {
        size_t before = capacity;
        numbers = alloc_grow(numbers, count, &capacity, sizeof *numbers);
        numbers[count] = (uint32_t)count;
        steps += before != capacity;
    }
    assert_int_equal(capacity, 1024);
    assert_int_equal(steps, 7);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(numbers[i], i);
}

static void test_huge_blocks_are_zeroed_and_aligned(void **state)
{
    static const size_t sizes[] = {1, 4096, 5000000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        char *block = alloc_huge(sizes[s]);
        assert_int_equal((uintptr_t)block % (sizes[s] > 4096 ? 2 * 1024 * 1024 : 4096), 0);
        for (size_t i = 0; i < sizes[s]; i += 997)
            assert_int_equal(block[i], 0);
        block[0] = block[sizes[s] - 1] = 1;
        alloc_huge_free(block, sizes[s]);
    }
    alloc_huge_free(NULL, 1);
}

static void test_zeroed_and_empty_blocks(void **state)
{
    AUTO_FREE char *block = alloc_zeroed(100, 3);
    for (int i = 0; i < 300; i++)
        assert_int_equal(block[i], 0);
    AUTO_FREE char *empty = alloc_array(0, 8);
    assert_non_null(empty);
    AUTO_FREE char *text = alloc_text("abc");
    assert_string_equal(text, "abc");
    text = alloc_resize(text, 1000, 1);
    assert_string_equal(text, "abc");
}

static void test_an_overflowing_size_stops_the_program(void **state)
{
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(1);
        signal(SIGABRT, SIG_DFL);
        void *block = alloc_array(SIZE_MAX / 2, 3);
        _exit(block != NULL ? 2 : 3);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void test_arena_blocks_are_aligned_zeroed_and_apart(void **state)
{
    struct arena *arena = arena_new();
    uint8_t *last = NULL;
    for (size_t size = 0; size < 3000; size += 7) {
        uint8_t *block = arena_alloc(arena, size);
        assert_int_equal((uintptr_t)block % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(block[i], 0);
        memset(block, 0xaa, size);
        if (last != NULL)
            assert_true(size < 7 || last[0] == 0xaa);
        last = block;
    }
    arena_free(arena);
    arena_free(NULL);
}

static void test_a_large_block_does_not_waste_the_chunk(void **state)
{
    struct arena *arena = arena_new();
    arena_alloc(arena, 16);
    size_t before = arena_size(arena);
    memset(arena_alloc(arena, 1 << 20), 1, 1 << 20);
    assert_true(arena_size(arena) < before + (1 << 20) + 256);
    size_t after = arena_size(arena);
    arena_alloc(arena, 16);
    assert_int_equal(arena_size(arena), after);
    arena_free(arena);
}

static void test_arena_texts(void **state)
{
    struct arena *arena = arena_new();
    assert_string_equal(arena_text(arena, "abcdef", 3), "abc");
    assert_string_equal(arena_text(arena, NULL, 0), "");
    assert_string_equal(arena_printf(arena, "%s-%d", "x", 7), "x-7");
    char *large = arena_printf(arena, "%0*d", 100000, 1);
    assert_int_equal(strlen(large), 100000);
    arena_free(arena);
}

static void test_hash_depends_on_every_byte_length_and_seed(void **state)
{
    uint8_t bytes[64] = {0};
    for (size_t length = 0; length <= sizeof bytes; length++) {
        uint64_t base = hash_bytes(bytes, length, 1);
        assert_true(base == hash_bytes(bytes, length, 1));
        assert_true(base != hash_bytes(bytes, length, 2));
        if (length < sizeof bytes)
            assert_true(base != hash_bytes(bytes, length + 1, 1));
        for (size_t i = 0; i < length; i++) {
            bytes[i] = 1;
            assert_true(base != hash_bytes(bytes, length, 1));
            bytes[i] = 0;
        }
    }
    hash_bytes(NULL, 0, 1);
    assert_true(hash_seed() != 0);
    assert_true(hash_seed() == hash_seed());
    assert_true(hash_u64(1, 2) != hash_u64(1, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growing_doubles),
        cmocka_unit_test(test_huge_blocks_are_zeroed_and_aligned),
        cmocka_unit_test(test_zeroed_and_empty_blocks),
        cmocka_unit_test(test_an_overflowing_size_stops_the_program),
        cmocka_unit_test(test_arena_blocks_are_aligned_zeroed_and_apart),
        cmocka_unit_test(test_a_large_block_does_not_waste_the_chunk),
        cmocka_unit_test(test_arena_texts),
        cmocka_unit_test(test_hash_depends_on_every_byte_length_and_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
