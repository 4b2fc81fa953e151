/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_STANDARD_H
#define MUSTER_BASE_STANDARD_H

#include <stdbool.h>

/* The three standard descriptors of a program that may have been started without them.
 *
 * Whoever starts a program may have closed standard input, output or error (`>&-`, some
 * supervisors). The next file or socket that is opened then gets that number: a message for
 * people would be written into the store, and libuv ends the process when it is to close such a
 * descriptor. Attack considered: a set-id style caller who closes descriptors on purpose. */

/* Opens what is closed of descriptors 0, 1 and 2, so that nothing can be written there: who prints
 * is told by the failure of its write. Call first in main(), before any other thread. */
void standard_open(void);

/* Returns whether the reader of standard output has gone, as `head` does when it has enough. */
bool standard_reader_gone(void);

#endif
