/* SPDX-License-Identifier: Apache-2.0 */
#include "io/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"

static int make_directory(void **state)
{
    char *directory = alloc_text("/tmp/muster-file-XXXXXX");
    *state = directory;
    return mkdtemp(directory) == NULL;
}

static int remove_directory(void **state)
{
    AUTO_FREE char *directory = *state;
    return rmdir(directory);
}

static void test_what_was_written_is_read(void **state)
{
    AUTO_FREE char *path = file_join(*state, "a.txt");
    struct err err;
    char *bytes;
    size_t length;
    assert_int_equal(file_write(path, "one", 3, 0600, &err), 0);
    assert_int_equal(file_write(path, "two\0x", 5, 0600, &err), 0);
    assert_int_equal(file_read(path, 5, &bytes, &length, &err), 0);
    assert_int_equal(length, 5);
    assert_memory_equal(bytes, "two\0x", 6);
    free(bytes);
    assert_int_equal(file_read(path, 4, &bytes, &length, &err), ERR_LIMIT);
    assert_true(wall_known(file_modified(path)));
    assert_true(file_changed(path).us >= file_modified(path).us);
    unlink(path);
}

static void test_a_failed_write_leaves_the_old_file(void **state)
{
    AUTO_FREE char *path = file_join(*state, "missing/a.txt");
    struct err err;
    assert_int_equal(file_write(path, "x", 1, 0600, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, "missing/a.txt"));
}

static void test_endless_files_are_bounded(void **state)
{
    struct err err;
    char *bytes;
    size_t length;
    assert_int_equal(file_read("/dev/zero", 100000, &bytes, &length, &err), ERR_LIMIT);
    assert_int_equal(file_read("/nonexistent", 10, &bytes, &length, &err), ERR_NOT_FOUND);
    assert_int_equal(file_read("/", 10, &bytes, &length, &err), ERR_SYSTEM);
    assert_false(wall_known(file_modified("/nonexistent")));
    assert_false(wall_known(file_changed("/nonexistent")));
}

static void test_a_secret_is_the_first_line(void **state)
{
    AUTO_FREE char *path = file_join(*state, "secret");
    struct err err;
    char *secret;
    bool exposed;
    assert_int_equal(file_write(path, "s3cret\r\nmore", 12, 0600, &err), 0);
    assert_int_equal(file_read_secret(path, &secret, &exposed, &err), 0);
    assert_string_equal(secret, "s3cret");
    assert_false(exposed);
    file_secret_free(secret);
    chmod(path, 0644);
    assert_int_equal(file_read_secret(path, &secret, &exposed, &err), 0);
    assert_true(exposed);
    file_secret_free(secret);
    assert_int_equal(file_write(path, "\nsecond", 7, 0600, &err), 0);
    assert_int_equal(file_read_secret(path, &secret, &exposed, &err), ERR_SYNTAX);
    assert_null(strstr(err.text, "second"));
    unlink(path);
}

static void test_paths_are_joined(void **state)
{
    const char *cases[][3] = {{"/a", "b", "/a/b"}, {"/a", "/b", "/b"}, {".", "b", "b"}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        AUTO_FREE char *joined = file_join(cases[i][0], cases[i][1]);
        assert_string_equal(joined, cases[i][2]);
    }
    const char *directories[][2] = {{"a", "."}, {"/a", "/"}, {"/a/b", "/a"}, {"a/b", "a"}};
    for (size_t i = 0; i < ARRAY_COUNT(directories); i++) {
        AUTO_FREE char *directory = file_directory(directories[i][0]);
        assert_string_equal(directory, directories[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_read),
        cmocka_unit_test(test_a_failed_write_leaves_the_old_file),
        cmocka_unit_test(test_endless_files_are_bounded),
        cmocka_unit_test(test_a_secret_is_the_first_line),
        cmocka_unit_test(test_paths_are_joined),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
