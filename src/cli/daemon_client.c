/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/daemon_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "daemon/config.h"
#include "daemon/control_socket.h"

struct daemon_client {
    int fd;
    FILE *in;
    char *line;
    size_t capacity;
};

/* The socket's path out of the configuration. */
static char *find_path(const char *file, struct err *err)
{
    struct config *config = NULL;
    struct config_report report;
    char *path = NULL;
    if (config_load(file, &config, &report) == 0)
        path = alloc_text(config->daemon.socket);
    else
        err_set(err, ERR_SYNTAX, "%.*s; --socket PATH finds the daemon without it",
                (int)strcspn(text_get(&report.errors), "\n"), text_get(&report.errors));
    config_report_done(&report);
    config_free(config);
    return path;
}

int daemon_client_open(const char *file, const char *path, struct daemon_client **ret,
                       struct err *err)
{
    AUTO_FREE char *found = path != NULL ? alloc_text(path) : find_path(file, err);
    int fd = -1;
    if (found == NULL)
        return ERR_SYNTAX;
    int status = control_socket_connect(found, &fd, err);
    if (status != 0)
        return status;
    FILE *in = fdopen(fd, "r");
    if (in == NULL) {
        status = err_set_errno(err, errno, "reading from %s", found);
        close(fd);
        return status;
    }
    *ret = alloc_zeroed(1, sizeof **ret);
    (*ret)->fd = fd;
    (*ret)->in = in;
    return 0;
}

void daemon_client_close(struct daemon_client *client)
{
    if (client == NULL)
        return;
    fclose(client->in);
    free(client->line);
    free(client);
}

int daemon_client_ask(struct daemon_client *client, json_t *request, struct err *err)
{
    AUTO_FREE char *line = json_dumps(request, JSON_COMPACT);
    int status = 0;
    json_decref(request);
    if (line == NULL || send(client->fd, line, strlen(line), MSG_NOSIGNAL) < 0 ||
        send(client->fd, "\n", 1, MSG_NOSIGNAL) < 0)
        status = err_set_errno(err, errno, "asking the daemon");
    return status;
}

json_t *daemon_client_read(struct daemon_client *client, struct err *err)
{
    json_error_t problem;
    ssize_t length = getline(&client->line, &client->capacity, client->in);
    if (length <= 0) {
        err_set(err, ERR_PROTOCOL, "the daemon has closed the connection");
        return NULL;
    }
    json_t *object = json_loadb(client->line, (size_t)length, 0, &problem);
    if (json_is_object(object))
        return object;
    json_decref(object);
    err_set(err, ERR_PROTOCOL, "the daemon has sent what is no answer");
    return NULL;
}

const char *daemon_client_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

int daemon_client_end(struct daemon_client *client, struct text *message)
{
    for (;;) {
        struct err err;
        json_t *object = daemon_client_read(client, &err);
        if (object == NULL) {
            text_add(message, err.text);
            return ERR_PROTOCOL;
        }
        const char *type = daemon_client_text(object, "type");
        bool done = strcmp(type, "done") == 0, failed = strcmp(type, "error") == 0;
        const char *said = daemon_client_text(object, "message");
        size_t length = strlen(said);
        if (done || failed)
            text_add_bytes(message, said, length - (length > 0 && said[length - 1] == '\n'));
        json_decref(object);
        if (done || failed)
            return failed ? ERR_DENIED : 0;
    }
}
