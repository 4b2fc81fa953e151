/* SPDX-License-Identifier: Apache-2.0 */
#include "store/paced_file.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

#define NAME "muster-paced"

/* A file of ours; that of the file system below lies behind it, no better aligned than SQLite's
 * memory for it is. */
struct paced_file {
    sqlite3_file base;
    int written;     /* since the last sync */
    int64_t emptied; /* since this emptying began */
    _Alignas(sqlite3_int64) unsigned char below[];
};

static sqlite3_file *below(sqlite3_file *file)
{
    return (sqlite3_file *)((struct paced_file *)file)->below;
}

/* --- what is ours --- */

static int write_file(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 at)
{
    struct paced_file *paced = (struct paced_file *)file;
    int result = below(file)->pMethods->xWrite(below(file), bytes, count, at);
    if (result != SQLITE_OK)
        return result;
    paced->written += count;
    paced->emptied += count;
    int piece = paced->emptied > PACED_FINELY ? PACED_BYTES_BEHIND : PACED_BYTES;
    if (paced->written < piece)
        return SQLITE_OK;
    paced->written = 0;
    return below(file)->pMethods->xSync(below(file), SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

static int sync_file(sqlite3_file *file, int flags)
{
    ((struct paced_file *)file)->written = 0;
    return below(file)->pMethods->xSync(below(file), flags);
}

static int control_file(sqlite3_file *file, int operation, void *argument)
{
    if (operation == SQLITE_FCNTL_CKPT_START)
        ((struct paced_file *)file)->emptied = 0;
    return below(file)->pMethods->xFileControl(below(file), operation, argument);
}

/* --- what is not --- */

static int close_file(sqlite3_file *file)
{
    return below(file)->pMethods->xClose(below(file));
}

static int read_file(sqlite3_file *file, void *bytes, int count, sqlite3_int64 at)
{
    return below(file)->pMethods->xRead(below(file), bytes, count, at);
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size)
{
    return below(file)->pMethods->xTruncate(below(file), size);
}

static int measure_file(sqlite3_file *file, sqlite3_int64 *ret)
{
    return below(file)->pMethods->xFileSize(below(file), ret);
}

static int lock_file(sqlite3_file *file, int level)
{
    return below(file)->pMethods->xLock(below(file), level);
}

static int unlock_file(sqlite3_file *file, int level)
{
    return below(file)->pMethods->xUnlock(below(file), level);
}

static int check_reserved(sqlite3_file *file, int *ret)
{
    return below(file)->pMethods->xCheckReservedLock(below(file), ret);
}

static int sector_size(sqlite3_file *file)
{
    return below(file)->pMethods->xSectorSize(below(file));
}

static int device_characteristics(sqlite3_file *file)
{
    return below(file)->pMethods->xDeviceCharacteristics(below(file));
}

static int map_shared(sqlite3_file *file, int region, int size, int extend, void volatile **ret)
{
    return below(file)->pMethods->xShmMap(below(file), region, size, extend, ret);
}

static int lock_shared(sqlite3_file *file, int first, int count, int flags)
{
    return below(file)->pMethods->xShmLock(below(file), first, count, flags);
}

static void barrier_shared(sqlite3_file *file)
{
    below(file)->pMethods->xShmBarrier(below(file));
}

static int unmap_shared(sqlite3_file *file, int remove)
{
    return below(file)->pMethods->xShmUnmap(below(file), remove);
}

/* Version 2: without memory mapping, which Muster does not use. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = measure_file,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_reserved,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = device_characteristics,
    .xShmMap = map_shared,
    .xShmLock = lock_shared,
    .xShmBarrier = barrier_shared,
    .xShmUnmap = unmap_shared,
};

/* --- the file system --- */

/* Only the database's file is paced; any other one is opened as the file system below does. */
static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *ret_flags)
{
    sqlite3_vfs *real = vfs->pAppData;
    if ((flags & SQLITE_OPEN_MAIN_DB) == 0)
        return real->xOpen(real, name, file, flags, ret_flags);
    struct paced_file *paced = (struct paced_file *)file;
    paced->base.pMethods = NULL;
    paced->written = 0;
    paced->emptied = 0;
    int result = real->xOpen(real, name, below(file), flags, ret_flags);
    if (below(file)->pMethods != NULL && below(file)->pMethods->iVersion >= 2) {
        paced->base.pMethods = &methods;
    } else if (result == SQLITE_OK) {
        below(file)->pMethods->xClose(below(file));
        result = SQLITE_CANTOPEN;
    }
    return result;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static sqlite3_vfs paced_vfs;

static void make(void)
{
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    if (real == NULL)
        return;
    paced_vfs = *real;
    paced_vfs.pNext = NULL;
    paced_vfs.szOsFile = real->szOsFile + (int)sizeof(struct paced_file);
    paced_vfs.zName = NAME;
    paced_vfs.pAppData = real;
    paced_vfs.xOpen = open_file;
    if (sqlite3_vfs_register(&paced_vfs, 0) != SQLITE_OK)
        paced_vfs.zName = NULL;
}

const char *paced_file_system(void)
{
    CHECK(pthread_once(&once, make) == 0);
    return paced_vfs.zName;
}
