/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_TESTS_EVENT_SUBJECTS_H
#define MUSTER_TESTS_EVENT_SUBJECTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/plugin.h"
#include "io/loop.h"

/* What the contract of event sources is tried on: each source with a configuration that is
 * right, some that are not, a way to make it tell of something, and a way to make its
 * start fail and cure that. A new event source adds one entry to `event_subjects`.
 *
 * Sources are driven from outside, as their peers do it: by datagrams, capture files, frames
 * on an interface, a program's output, a virtual switch that answers on a socket. What needs an
 * interface lives in a network of this process's own, where the machine allows one.
 * {dir} and {port} in an option stand for the stage's directory and a free UDP port. */

enum { SUBJECT_SETTINGS = 8, SUBJECT_BAD = 3, SUBJECT_REST = 6 };

/* Where a subject plays. */
struct stage {
    char directory[32];
    uint16_t port;
    int sender;  /* of datagrams, or of frames; -1: not open */
    int blocker; /* what makes start fail, where that is a descriptor */
    struct env env;
    struct loop_timer *tick;
    unsigned told; /* numbers of guests that were used */
    /* the virtual switch */
    int listener;
    pthread_t thread;
    pthread_mutex_t lock;
    unsigned guests;
    bool serving; /* the thread has a connection */
};

struct subject_setting {
    const char *key;
    const char *values[3];
};

struct subject_bad {
    struct subject_setting setting;
    const char *said; /* stands in the error, beside the option's key */
};

struct event_subject {
    const char *name;
    const struct event_source_class *class;
    bool wants_network;
    /* `count` events are wanted of what is prepared before a start, or provoked after. */
    void (*prepare)(struct stage *stage, unsigned count);
    void (*provoke)(struct stage *stage, unsigned count);
    void (*obstruct)(struct stage *stage); /* the next start fails; NULL: it cannot */
    void (*cure)(struct stage *stage);
    const char *cause; /* stands in the error of that start, or of the failure after it */
    bool comes_again;  /* what the feed refused is offered again */
    bool answers;      /* a datagram of the stage's sender is answered once it is kept */
    bool slow_to_fail; /* it takes seconds until it gives up */
    struct subject_setting settings[SUBJECT_SETTINGS];
    struct subject_bad bad[SUBJECT_BAD];
    const char *levels[SUBJECT_REST]; /* figures that may go down: no counters */
};

extern const struct event_subject event_subjects[];
extern const size_t event_subject_count;

/* Opens and closes a stage; its loop is the environment's. */
void stage_open(struct stage *stage);
void stage_close(struct stage *stage);

/* Lets the loop turn once, without waiting longer than a millisecond. */
void stage_turn(struct stage *stage);

/* Returns how many datagrams came back to the sender since the last call. */
unsigned stage_answers(struct stage *stage);

/* Returns whether the virtual switch has a connection, and with it a descriptor of the stage's. */
bool stage_is_serving(struct stage *stage);

/* Gives this process a network of its own with a mirror and a bridge. Returns whether it
 * has one; to be called before any thread begins. */
bool stage_network(void);

#endif
