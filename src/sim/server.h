/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SIM_SERVER_H
#define MUSTER_SIM_SERVER_H

#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "sim/agent.h"

/* Simulated agents on the loopback network: one thread, one loop, thousands of
 * agents.
 *
 * Each agent has an address of 127.0.0.0/8 and an unprivileged port. There is one
 * socket a port, whatever the number of agents: it is bound to the device `lo`,
 * and the destination address of a datagram (IP_PKTINFO) tells which agent is
 * meant and where the answer comes from. Datagrams for other addresses are
 * dropped, so nothing outside the machine is ever answered, even where binding to
 * the device is refused.
 *
 * Answers that a fault delays wait in a heap by time; at most
 * SIM_SERVER_DELAYED_MAX do, later ones are lost as a busy device would lose
 * them. A control socket (UNIX datagrams) takes one command a datagram and
 * answers with "ok ..." or "error ...":
 *
 *     fault AGENT|* WORD...      faults.h; * is every agent
 *     faults                     what is on, a line an agent
 *     stop                       ends sim_server_run()
 *     anything else              given to the hook that the caller set
 *
 * Its file's permissions say who may command: the owner only. */

struct sim_server;

enum { SIM_SERVER_DELAYED_MAX = 65536, SIM_SERVER_COMMAND_SIZE = 4096 };

/* Returns a server without agents; yours to free. */
struct sim_server *sim_server_new(void);

/* Frees the server and its agents, closes its sockets and removes the control
 * socket's file; NULL is allowed. */
void sim_server_free(struct sim_server *server);

/* Takes an agent over and serves it at `address` (host order, in 127.0.0.0/8) and
 * `port`, opening the port's socket when it is the first there. Returns 0,
 * ERR_RANGE (address outside 127.0.0.0/8, port 0, or both taken by another
 * agent), or ERR_SYSTEM with the reason; the agent is freed then. */
int sim_server_add(struct sim_server *server, struct sim_agent *take, uint32_t address,
                   uint16_t port, struct err *err) MUST_USE;

/* Returns the agent called `name`, NULL when there is none; borrowed. */
struct sim_agent *sim_server_find(struct sim_server *server, const char *name);

/* Opens the control socket at `path`; the file that a killed simulator left there is
 * replaced, another file is not. Returns 0, or ERR_SYSTEM / ERR_RANGE (path
 * too long) with the reason. */
int sim_server_control(struct sim_server *server, const char *path, struct err *err) MUST_USE;

/* Sets who answers commands that are not the server's own: `line` may be changed,
 * the answer is appended to `reply`; returns 0 or an error with `err` filled. */
void sim_server_hook(struct sim_server *server,
                     int (*command)(void *state, char *line, struct text *reply, struct err *err),
                     void *state);

/* Has `tick` called while the server runs: once in `period`, and after commands.
 * One tick a server; NULL takes it away. */
void sim_server_tick(struct sim_server *server, struct span period, void (*tick)(void *state),
                     void *state);

/* Carries out one command line as if it came by the control socket. */
int sim_server_command(struct sim_server *server, char *line, struct text *reply,
                       struct err *err) MUST_USE;

/* Serves until `stop_fd` becomes readable or its other end is closed (-1: none),
 * or "stop" is commanded. Returns 0, or ERR_SYSTEM when waiting itself failed. */
int sim_server_run(struct sim_server *server, int stop_fd, struct err *err) MUST_USE;

/* A process of its own that serves. */
struct sim_child {
    int pid;
    int life_line; /* the child ends when this is closed, also by the parent's death */
};

/* Forks a process that runs `server`. The caller's copy may be freed at once; the
 * control socket's file is the child's then. Returns 0 with *ret, or ERR_SYSTEM. */
int sim_child_start(struct sim_server *server, struct sim_child *ret, struct err *err) MUST_USE;

/* Ends the process and waits for it; nothing when it was not started or has been
 * stopped. */
void sim_child_stop(struct sim_child *child);

/* A client's side of the control socket: sends `line` to the server at `path` and
 * waits at most `patience` for the answer, which is appended to `reply` without
 * its "ok ". Returns 0, ERR_SYSTEM, ERR_TIMEOUT, or ERR_PROTOCOL with what the
 * server said was wrong. */
int sim_control_send(const char *path, const char *line, struct span patience, struct text *reply,
                     struct err *err) MUST_USE;

#endif
