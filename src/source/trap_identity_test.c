/* SPDX-License-Identifier: Apache-2.0 */
#include "source/trap_identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct folder {
    char path[64], file[128];
};

static int set_up(void **state)
{
    struct folder *folder = calloc(1, sizeof(*folder));
    strcpy(folder->path, "/tmp/muster-identity-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    snprintf(folder->file, sizeof(folder->file), "%s/file", folder->path);
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    struct folder *folder = *state;
    unlink(folder->file);
    rmdir(folder->path);
    free(folder);
    return 0;
}

static void write_file(const struct folder *folder, const char *text, mode_t mode)
{
    FILE *file = fopen(folder->file, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    chmod(folder->file, mode);
}

static void boots_count_up(void **state)
{
    struct folder *folder = *state;
    struct trap_engine first, second;
    assert_int_equal(trap_engine_boot(folder->file, NULL, &first, NULL), 0);
    assert_int_equal(first.boots, 1);
    assert_int_equal(trap_engine_boot(folder->file, NULL, &second, NULL), 0);
    assert_int_equal(second.boots, 2);
    assert_int_equal(first.id_length, second.id_length);
    assert_memory_equal(first.id, second.id, first.id_length);
    struct stat about;
    assert_int_equal(stat(folder->file, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
}

/* A damaged file, or boots used up: a new engine, which is always safe. */
static void damaged_file(void **state)
{
    static const char *const texts[] = {"",
                                        "engine_id 8000\nboots 3\n",
                                        "engine_id zz\nboots 3\n",
                                        "engine_id 8000000001020304\n",
                                        "engine_id 8000000001020304\nboots 0\n",
                                        "engine_id 8000000001020304\nboots 2147483646\n",
                                        "engine_id 8000000001020304\nboots 99999999999999999999\n"};
    struct folder *folder = *state;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct trap_engine engine;
        write_file(folder, texts[i], 0600);
        assert_int_equal(trap_engine_boot(folder->file, NULL, &engine, NULL), 0);
        assert_int_equal(engine.boots, 1);
        assert_int_not_equal(engine.id[4], 0);
    }
}

static void configured_engine(void **state)
{
    struct folder *folder = *state;
    struct trap_engine engine;
    struct err err;
    assert_int_equal(trap_engine_boot(folder->file, "0x80:00:1F:88:01:02", &engine, NULL), 0);
    assert_int_equal(engine.id_length, 6);
    assert_int_equal(engine.id[2], 0x1f);
    assert_int_equal(trap_engine_boot(folder->file, "80001f880102", &engine, NULL), 0);
    assert_int_equal(engine.boots, 2);
    assert_int_equal(trap_engine_boot(folder->file, "80001f88", &engine, &err), ERR_SYNTAX);
    assert_non_null(strstr(err.text, "80001f88"));
}

static void unwritable_state(void **state)
{
    struct trap_engine engine;
    struct err err;
    assert_int_equal(trap_engine_boot("/nonexistent/state", NULL, &engine, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, "/nonexistent/state"));
    assert_int_equal(trap_engine_boot(NULL, NULL, &engine, NULL), 0);
    assert_int_equal(engine.boots, 1);
}

static void engine_ids(void **state)
{
    static const char too_long[] =
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";
    static const char *const bad[] = {
        "", "0x", "8000000", "800000000", "80-00-00-00-01", "80000000xy", too_long};
    uint8_t id[SNMP_ENGINE_ID_SIZE];
    size_t length;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(trap_engine_parse(bad[i], strlen(bad[i]), id, &length), ERR_SYNTAX);
}

static int read_file(const struct folder *folder, struct trap_credentials *ret, struct err *err)
{
    struct usm_crypto *crypto = usm_crypto_new();
    memset(ret, 0, sizeof(*ret));
    int code = trap_credentials_add_file(ret, crypto, folder->file, err);
    usm_crypto_free(crypto);
    return code;
}

static void credentials_file(void **state)
{
    struct folder *folder = *state;
    struct trap_credentials credentials;
    write_file(folder,
               "# who may tell us something\n\ncommunity public\r\n"
               "user open\n  user signed sha256 authpass12345 # the core\n"
               "user sealed sha authpass12345 aes privpass12345",
               0600);
    assert_int_equal(read_file(folder, &credentials, NULL), 0);
    assert_int_equal(credentials.community_count, 1);
    assert_string_equal(credentials.communities[0], "public");
    assert_int_equal(credentials.user_count, 3);
    assert_int_equal(credentials.users[0].auth, USM_AUTH_NONE);
    assert_int_equal(credentials.users[1].auth, USM_AUTH_SHA256);
    assert_int_equal(credentials.users[2].priv, USM_PRIV_AES128);
    struct usm_crypto *crypto = usm_crypto_new();
    struct usm_user expected;
    assert_int_equal(usm_user_init(&expected, crypto, "sealed", USM_AUTH_SHA1, "authpass12345",
                                   USM_PRIV_AES128, "privpass12345", NULL),
                     0);
    for (int keys = 0; keys < 3; keys++) /* of "open", which has none, "signed" and "sealed" */
        assert_true(trap_credentials_derive(&credentials, crypto));
    assert_memory_not_equal(&credentials.users[2], &expected, sizeof(expected));
    assert_false(trap_credentials_derive(&credentials, crypto));
    assert_memory_equal(&credentials.users[2], &expected, sizeof(expected));
    assert_null(credentials.passwords[2].priv);
    assert_false(trap_credentials_derive(&credentials, crypto)); /* there is nothing left */
    usm_crypto_free(crypto);
    trap_credentials_done(&credentials);
    assert_int_equal(credentials.user_count, 0);
}

static void bad_credentials(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {{"community", "file:1: expected"},
               {"\ncommunity a b", "file:2: expected"},
               {"user a sha", "file:1: expected"},
               {"user a sha short", "file:1"},
               {"user a rot13 authpass12345", "rot13"},
               {"user a sha authpass12345 xor privpass12345", "xor"},
               {"user a sha authpass12345 aes privpass12345 more", "file:1: expected"},
               {"user a\nuser a", "file:2: the user \"a\" is there twice"},
               {"secret x", "file:1: expected"}};
    struct folder *folder = *state;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct trap_credentials credentials;
        struct err err = {0};
        write_file(folder, bad[i].text, 0600);
        assert_int_not_equal(read_file(folder, &credentials, &err), 0);
        if (strstr(err.text, bad[i].says) == NULL)
            fail_msg("%s: %s", bad[i].text, err.text);
        trap_credentials_done(&credentials);
    }
}

static void exposed_credentials(void **state)
{
    struct folder *folder = *state;
    struct trap_credentials credentials;
    struct err err;
    write_file(folder, "community public\n", 0644);
    assert_int_equal(read_file(folder, &credentials, &err), ERR_DENIED);
    assert_null(strstr(err.text, "public"));
}

static void too_many(void **state)
{
    struct folder *folder = *state;
    struct trap_credentials credentials;
    struct err err;
    FILE *file = fopen(folder->file, "w");
    for (int i = 0; i <= IDENTITY_COMMUNITIES; i++)
        fprintf(file, "community c%d\n", i);
    fclose(file);
    chmod(folder->file, 0600);
    assert_int_equal(read_file(folder, &credentials, &err), ERR_LIMIT);
    trap_credentials_done(&credentials);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(boots_count_up), TEST(damaged_file),     TEST(configured_engine),
        TEST(engine_ids),     TEST(credentials_file), TEST(unwritable_state),
        TEST(too_many),       TEST(bad_credentials),  TEST(exposed_credentials),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
