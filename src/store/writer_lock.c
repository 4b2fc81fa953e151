/* SPDX-License-Identifier: Apache-2.0 */
#include "store/writer_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/text.h"

enum { OWNER_SIZE = 64 };

static int taken(int lock, const char *path, struct err *err)
{
    char owner[OWNER_SIZE];
    ssize_t length = pread(lock, owner, sizeof owner - 1, 0);
    owner[length > 0 ? length : 0] = '\0';
    for (char *at = owner; *at != '\0'; at++) /* whatever is there goes to a terminal */
        if (*at < ' ' || *at > '~')
            *at = '\0';
    return err_set(err, ERR_TIMEOUT,
                   "%s is being written by process %s: ask that one, or wait until it has ended",
                   path, owner[0] != '\0' ? owner : "(unknown)");
}

static void sign(int lock)
{
    AUTO_TEXT struct text owner = TEXT_EMPTY;
    text_printf(&owner, "%ld (%s)\n", (long)getpid(), program_invocation_short_name);
    if (ftruncate(lock, 0) == 0 && pwrite(lock, text_get(&owner), owner.length, 0) < 0)
        return; /* the lock counts, not what is written in it */
}

int writer_lock_open(const char *path, int *ret, struct err *err)
{
    AUTO_TEXT struct text name = TEXT_EMPTY;
    text_printf(&name, "%s.lock", path);
    int lock = open(text_get(&name), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (lock < 0 && (errno == EACCES || errno == EROFS || errno == EPERM)) {
        err_set_errno(err, errno, "%s cannot be written: making %s", path, text_get(&name));
        if (err != NULL)
            err->code = ERR_DENIED;
        return ERR_DENIED;
    }
    if (lock < 0)
        return err_set_errno(err, errno, "making %s", text_get(&name));
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        int failed = errno == EWOULDBLOCK
                         ? taken(lock, path, err)
                         : err_set_errno(err, errno, "locking %s", text_get(&name));
        close(lock);
        return failed;
    }
    sign(lock);
    *ret = lock;
    return 0;
}

void writer_lock_close(int lock)
{
    if (lock >= 0)
        close(lock);
}
