/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/privilege.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Returns how many threads the process has, 1 when that cannot be seen. */
static unsigned count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    unsigned count = 0;
    if (tasks == NULL)
        return 1;
    for (const struct dirent *entry; (entry = readdir(tasks)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/* Without this no program of ours could give privileges back: no error where the kernel
 * says that we may not, since then there are none to keep. */
static void drop_bounding_set(void)
{
    for (unsigned long capability = 0; capability <= CAP_LAST_CAP; capability++)
        (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static int become(const char *user, struct err *err)
{
    errno = 0;
    const struct passwd *entry = getpwnam(user);
    if (entry == NULL)
        return err_set(err, ERR_NOT_FOUND, "daemon: user: there is no user \"%s\"", user);
    if (initgroups(entry->pw_name, entry->pw_gid) != 0 ||
        setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0 ||
        setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0)
        return err_set_errno(err, errno, "becoming the user \"%s\"", user);
    if (entry->pw_uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
        return err_set(err, ERR_SYSTEM, "became \"%s\" and could become root again", user);
    return 0;
}

static int drop_capabilities(struct err *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (syscall(SYS_capset, &head, none) != 0)
        return err_set_errno(err, errno, "dropping the capabilities");
    return 0;
}

int privilege_drop(const char *user, struct err *err)
{
    if (count_threads() > 1)
        return err_set(err, ERR_SYSTEM, "privileges cannot be dropped: threads run already");
    drop_bounding_set();
    int status = user != NULL && geteuid() == 0 ? become(user, err) : 0;
    if (status == 0)
        status = drop_capabilities(err);
    if (status == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        status = err_set_errno(err, errno, "giving up new privileges");
    return status;
}
