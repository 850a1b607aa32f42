#define _GNU_SOURCE /* pipe2, environ */
#include "my_plugin_program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_COMPLAINT = 4096, MOST_PATH = 4096 };

const heddle_value_service *my_plugin_values;

heddle_str str(const char *text) { return (heddle_str){text, strlen(text)}; }

bool add_bytes(bytes *b, const void *more, size_t n) {
    if (n > b->room - b->len) {
        size_t room = b->room ? b->room : 256;
        while (room - b->len < n) room *= 2;
        char *grown = realloc(b->ptr, room);
        if (!grown) return false;
        b->ptr = grown;
        b->room = room;
    }
    if (n) memcpy(b->ptr + b->len, more, n);
    b->len += n;
    return true;
}

void free_bytes(bytes *b) {
    free(b->ptr);
    *b = (bytes){0};
}

/* How many bytes the character at `text` has, which ends with a NUL; 0: it is none of UTF-8, or one that no line has. */
static size_t character(const unsigned char *text) {
    const unsigned first = text[0], second = text[1];
    const size_t   size = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
    if (first < ' ' || first == 0x7f || (first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) || (first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90)) return 0;
    for (size_t i = 1; i < size; ++i)
        if ((text[i] & 0xc0) != 0x80) return 0;
    return size;
}

void make_readable(char *line) {
    while (*line) {
        const size_t size = character((const unsigned char *)line);
        if (size == 0) *line = '?';
        line += size ? size : 1;
    }
}

/* What it is given ------------------------------------------------------------------------------------------------------------------------------ */

static heddle_status add_variable(order *out, const char *name, heddle_str text) {
    bytes *b = &out->variables[out->variable_count];
    if (text.len == 0) return HEDDLE_OK;
    if (memchr(text.ptr, '\0', text.len)) return HEDDLE_INVALID; /* no environment can have that */
    ++out->variable_count;
    return add_bytes(b, name, strlen(name)) && add_bytes(b, "=", 1) && add_bytes(b, text.ptr, text.len) && add_bytes(b, "", 1) ? HEDDLE_OK : HEDDLE_EXHAUSTED;
}

/* What an input is, as a program reads it: a new reference; null: out of memory. */
static heddle_value *content_of(const heddle_host *h, const heddle_value *input) {
    const heddle_value *found = my_plugin_values->find(input, str("value"));
    if (!found) found = my_plugin_values->find(input, str("bytes"));
    if (found) {
        my_plugin_values->retain(found);
        return (heddle_value *)found;
    }
    const heddle_str key = str("ref");
    heddle_value    *ref = (heddle_value *)my_plugin_values->find(input, key);
    if (!ref) return my_plugin_values->make_null(h);
    my_plugin_values->retain(ref);
    heddle_value *map = my_plugin_values->make_map(h, &key, &ref, 1);
    if (!map) my_plugin_values->release(ref);
    return map;
}

static heddle_str name_of(const heddle_value *input) {
    heddle_str          name = {"", 0};
    const heddle_value *said = my_plugin_values->find(input, str("name"));
    if (said) my_plugin_values->get_text(said, &name);
    return name;
}

static heddle_value *object_of(const heddle_host *h, const heddle_value *inputs, size_t n) {
    heddle_str    *keys = calloc(n + 1, sizeof *keys);
    heddle_value **all = calloc(n + 1, sizeof *all), *map = NULL;
    bool           made = keys && all;
    for (size_t i = 0; made && i < n; ++i) {
        const heddle_value *input = my_plugin_values->at(inputs, i, NULL);
        keys[i] = name_of(input);
        all[i] = content_of(h, input);
        made = all[i] != NULL;
    }
    if (made) map = my_plugin_values->make_map(h, keys, all, n);
    for (size_t i = 0; !map && all && i < n; ++i)
        if (all[i]) my_plugin_values->release(all[i]);
    free(keys);
    free(all);
    return map;
}

/* The one input "item" is all there is to read, and BYTES are read as they are; else it is an object with each input by its name. */
static bool add_input(const heddle_host *h, const heddle_value *inputs, bytes *out) {
    const size_t     n = inputs ? my_plugin_values->length(inputs) : 0;
    const heddle_str name = n == 1 ? name_of(my_plugin_values->at(inputs, 0, NULL)) : (heddle_str){"", 0};
    const bool       only = name.len == 4 && memcmp(name.ptr, "item", 4) == 0;
    heddle_value    *v = only ? content_of(h, my_plugin_values->at(inputs, 0, NULL)) : object_of(h, inputs, n);
    heddle_view      view = {.struct_size = sizeof view};
    heddle_str       json;
    if (!v) return false;
    const bool added = only && my_plugin_values->get_view(v, &view) ? add_bytes(out, view.data, (size_t)view.size)
                                                                    : my_plugin_values->json(v, &json) && add_bytes(out, json.ptr, json.len) && add_bytes(out, "\n", 1);
    my_plugin_values->release(v);
    return added;
}

heddle_status make_order(const heddle_host *h, const heddle_assignment *a, order *out) {
    heddle_status status = add_variable(out, "HEDDLE_ACTIVITY", a->activity);
    if (status == HEDDLE_OK) status = add_variable(out, "HEDDLE_RUN", a->run);
    if (status == HEDDLE_OK) status = add_variable(out, "HEDDLE_KIND", a->kind);
    if (status == HEDDLE_OK) status = add_variable(out, "HEDDLE_CHECKPOINT", a->checkpoint);
    if (status == HEDDLE_OK && !add_input(h, a->inputs, &out->input)) status = HEDDLE_EXHAUSTED;
    if (status != HEDDLE_OK) free_order(out);
    return status;
}

void free_order(order *o) {
    for (int i = 0; i < MOST_VARIABLES; ++i) free_bytes(&o->variables[i]);
    free_bytes(&o->input);
    o->variable_count = 0;
}

/* Starting it ----------------------------------------------------------------------------------------------------------------------------------- */

static bool can_run(const char *file) {
    struct stat facts;
    return stat(file, &facts) == 0 && S_ISREG(facts.st_mode) && access(file, X_OK) == 0;
}

bool find_program(const char *name, char *file, size_t room) {
    const char *path = getenv("PATH");
    if (strchr(name, '/')) return (size_t)snprintf(file, room, "%s", name) < room && can_run(file);
    for (const char *at = path ? path : "/usr/local/bin:/usr/bin:/bin"; *at;) {
        const int size = (int)strcspn(at, ":");
        if (size > 0 && (size_t)snprintf(file, room, "%.*s/%s", size, at, name) < room && can_run(file)) return true;
        at += size + (at[size] == ':');
    }
    return false;
}

static void close_one(int *fd) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static int open_pipe(int *ours, int *theirs, bool reads) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return errno;
    *ours = ends[reads ? 0 : 1];
    *theirs = ends[reads ? 1 : 0];
    return fcntl(*ours, F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}

/* The host's environment without what is its own, and what the order says. null: out of memory. */
static char **environment_with(order *o) {
    size_t n = 0, kept = 0;
    while (environ[n]) ++n;
    char **all = calloc(n + (size_t)o->variable_count + 1, sizeof *all);
    for (size_t i = 0; all && i < n; ++i)
        if (strncmp(environ[i], "HEDDLE_", 7) != 0) all[kept++] = environ[i];
    for (int i = 0; all && i < o->variable_count; ++i) all[kept++] = o->variables[i].ptr;
    return all;
}

static int spawn(program *p, char *const *command, order *o, const int theirs[3]) {
    char                       file[MOST_PATH];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t          how;
    sigset_t                   none, all;
    char                     **variables = environment_with(o);
    if (!variables) return ENOMEM;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&how);
    for (int i = 0; i < 3; ++i) posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    const int failed = find_program(command[0], file, sizeof file) ? posix_spawn(&p->pid, file, &actions, &how, command, variables) : ENOENT;
    if (failed) p->pid = -1;
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&actions);
    free(variables);
    return failed;
}

int start_program(program *p, char *const *command, order *o, size_t most) {
    int theirs[3] = {-1, -1, -1};
    *p = (program){.pid = -1, .process = -1, .input = -1, .output = -1, .complaint = -1, .most = most};
    int failed = open_pipe(&p->input, &theirs[0], false);
    if (!failed) failed = open_pipe(&p->output, &theirs[1], true);
    if (!failed) failed = open_pipe(&p->complaint, &theirs[2], true);
    if (!failed) failed = spawn(p, command, o, theirs);
    for (int i = 0; i < 3; ++i) close_one(&theirs[i]);
    if (!failed && (p->process = (int)syscall(SYS_pidfd_open, p->pid, 0)) < 0) failed = errno;
    if (failed) {
        free_program(p);
        return failed;
    }
    p->to_write = o->input;
    o->input = (bytes){0};
    return 0;
}

/* While it runs --------------------------------------------------------------------------------------------------------------------------------- */

void signal_program(const program *p, int number) {
    if (p->pid > 0) kill(-p->pid, number);
}

/* A program need not read all of it. */
void feed_program(program *p) {
    while (p->written < p->to_write.len) {
        const ssize_t n = write(p->input, p->to_write.ptr + p->written, p->to_write.len - p->written);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n < 0) break;
        p->written += (size_t)n;
    }
    close_one(&p->input);
}

/* False: there is nothing more at the moment; at the end the descriptor is closed. */
static bool hear(int *fd, bytes *into) {
    char    block[65536];
    ssize_t n;
    do n = read(*fd, block, sizeof block);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) return false;
    if (n <= 0 || !add_bytes(into, block, (size_t)n)) close_one(fd);
    return n > 0 && *fd >= 0;
}

void hear_output(program *p) {
    while (p->output >= 0 && p->out.len <= p->most && hear(&p->output, &p->out)) continue;
    if (p->out.len <= p->most || p->too_much) return;
    p->too_much = true;
    close_one(&p->output);
    signal_program(p, SIGKILL);
}

/* Its end is kept. */
void hear_complaint(program *p) {
    while (p->complaint >= 0 && hear(&p->complaint, &p->err)) {
        if (p->err.len <= 2 * MOST_COMPLAINT) continue;
        memmove(p->err.ptr, p->err.ptr + p->err.len - MOST_COMPLAINT, MOST_COMPLAINT);
        p->err.len = MOST_COMPLAINT;
    }
}

/* What it has started and left behind goes with it; until it is waited for, the group is certainly its own. */
void end_program(program *p, ending *out) {
    int status = 0;
    signal_program(p, SIGKILL);
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR) continue;
    p->pid = -1;
    hear_output(p);
    hear_complaint(p);
    out->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    out->by_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    size_t end = p->err.len, begin;
    while (end > 0 && (p->err.ptr[end - 1] == '\n' || p->err.ptr[end - 1] == '\r')) --end;
    for (begin = end; begin > 0 && p->err.ptr[begin - 1] != '\n';) --begin;
    snprintf(out->complaint, sizeof out->complaint, "%.*s", (int)(end - begin), end > begin ? p->err.ptr + begin : "");
    make_readable(out->complaint);
}

void free_program(program *p) {
    if (p->pid > 0) {
        signal_program(p, SIGKILL);
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR) continue;
        p->pid = -1;
    }
    close_one(&p->process);
    close_one(&p->input);
    close_one(&p->output);
    close_one(&p->complaint);
    free_bytes(&p->to_write);
    free_bytes(&p->out);
    free_bytes(&p->err);
}
