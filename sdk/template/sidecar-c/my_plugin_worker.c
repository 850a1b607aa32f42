#define _GNU_SOURCE /* ppoll, pthread_setname_np */
#include "my_plugin_worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { TRY_LATER = 75 }; /* EX_TEMPFAIL of sysexits.h */
static const uint64_t NEVER = UINT64_MAX, AGAIN_NS = 100000000, MOST_AGAIN_NS = 5000000000, GRACE_NS = 1000000000;

static uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Commands -------------------------------------------------------------------------------------------------------------------------------------- */

command *new_command(enum verb verb, heddle_id id) {
    command *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->verb = verb;
    c->id = id;
    return c;
}

void free_command(command *c) {
    free_order(&c->order);
    free(c->worker);
    free(c);
}

static void ring(const sidecar *s) {
    const uint64_t one = 1;
    if (write(s->bell, &one, sizeof one) < 0) return; /* it rings already */
}

void post(sidecar *s, command *c) {
    pthread_mutex_lock(&s->mutex);
    c->next = NULL;
    *s->last = c;
    s->last = &c->next;
    if (s->bell >= 0) ring(s);
    pthread_mutex_unlock(&s->mutex);
}

/* What is said to the host ---------------------------------------------------------------------------------------------------------------------- */

/* A MAP of these; null: out of memory. The values are consumed. */
static heddle_value *map_of(const heddle_host *h, const heddle_str *keys, heddle_value **values, size_t n) {
    bool          all = true;
    heddle_value *map = NULL;
    for (size_t i = 0; i < n; ++i) all = all && values[i];
    if (all) map = my_plugin_values->make_map(h, keys, values, n);
    for (size_t i = 0; !map && i < n; ++i)
        if (values[i]) my_plugin_values->release(values[i]);
    return map;
}

void fail_assignment(const sidecar *s, heddle_id assignment, heddle_status status, const char *code, const char *error_class, const char *why) {
    const heddle_str keys[] = {str("code"), str("class"), str("message")};
    heddle_value    *values[] = {my_plugin_values->make_string(s->host, str(code)), my_plugin_values->make_string(s->host, str(error_class)), my_plugin_values->make_string(s->host, str(why))};
    s->told->done(s->host, assignment, status, map_of(s->host, keys, values, 3)); /* without memory for the reason there is none */
}

static heddle_value *facts_of(const sidecar *s, const worker *w) {
    const heddle_str keys[] = {str("slots"), str("full")};
    heddle_value    *values[] = {my_plugin_values->make_int(s->host, (int64_t)w->slots), my_plugin_values->make_bool(s->host, false)};
    return map_of(s->host, keys, values, 2);
}

static heddle_value *bytes_value(const heddle_host *h, const bytes *b) {
    void          *room = NULL;
    heddle_buffer *buffer = my_plugin_values->alloc(h, b->len, 1, &room);
    if (!buffer) return NULL;
    if (b->len) memcpy(room, b->ptr, b->len);
    heddle_value *v = my_plugin_values->make_bytes(h, buffer, 0, b->len);
    if (!v) my_plugin_values->drop_buffer(buffer);
    return v;
}

static void say_result(const sidecar *s, const run *r) {
    const heddle_str keys[] = {str("status"), str("value")};
    const bool       says = r->program.out.len > 0; /* who has nothing to say has nothing to do */
    heddle_value    *values[] = {my_plugin_values->make_string(s->host, str(says ? "success" : "skipped")), says ? bytes_value(s->host, &r->program.out) : NULL};
    heddle_value    *result = map_of(s->host, keys, values, says ? 2 : 1);
    if (result) s->told->done(s->host, r->id, HEDDLE_OK, result);
    else fail_assignment(s, r->id, HEDDLE_EXHAUSTED, "lost", "retryable", "out of memory");
}

static void say_end(const sidecar *s, const run *r, const ending *how) {
    char        why[2 * MOST_LINE], what[100];
    const char *error_class = "permanent";
    if (r->stopped == HEDDLE_CANCELLED) {
        fail_assignment(s, r->id, HEDDLE_CANCELLED, "cancelled", "cancelled", r->reason);
        return;
    }
    if (r->stopped == HEDDLE_DEADLINE) {
        fail_assignment(s, r->id, HEDDLE_DEADLINE, "deadline", "retryable", r->reason);
        return;
    }
    if (!r->program.too_much && how->exit_code == 0) {
        say_result(s, r);
        return;
    }
    if (r->program.too_much) {
        snprintf(what, sizeof what, "wrote more than the %zu bytes that are taken", r->program.most);
    } else if (how->by_signal) {
        snprintf(what, sizeof what, "was ended by signal %d", how->by_signal);
        error_class = "retryable";
    } else {
        snprintf(what, sizeof what, "exited with %d", how->exit_code);
        if (how->exit_code == TRY_LATER) error_class = "retryable";
    }
    snprintf(why, sizeof why, "%.200s %s%s%s", s->command[0], what, how->complaint[0] ? ": " : "", how->complaint);
    fail_assignment(s, r->id, HEDDLE_INTERNAL, "failed", error_class, why);
}

/* Workers --------------------------------------------------------------------------------------------------------------------------------------- */

static worker *find_worker(const sidecar *s, heddle_id id) {
    worker *w = s->workers;
    while (w && w->id != id) w = w->next;
    return w;
}

/* Grants what is free and not granted yet. */
static void offer(const sidecar *s, worker *w) {
    const uint64_t taken = w->credit + w->runs;
    if (!w->here || w->draining || taken >= w->slots) return;
    w->credit = w->slots - w->runs;
    s->told->grant(s->host, w->id, (uint32_t)(w->slots - taken));
}

static void name_absent(const sidecar *s, char why[MOST_LINE]) { snprintf(why, MOST_LINE, "there is no program %.300s that can be run here", s->command[0]); }

/* Says once that it is here, and once that it is gone. As long as it is not, it is looked for again and again. */
static void look(const sidecar *s, worker *w) {
    char       file[4096], why[MOST_LINE];
    const bool was_here = w->here;
    w->here = find_program(s->command[0], file, sizeof file);
    w->look_ns = NEVER;
    if (w->here && !was_here) {
        heddle_value *facts = facts_of(s, w);
        w->told_gone = false;
        w->again_ns = AGAIN_NS;
        s->told->here(s->host, w->id, facts);
        if (facts) my_plugin_values->release(facts);
        offer(s, w);
    }
    if (w->here || w->draining) return;
    if (!w->told_gone) {
        name_absent(s, why);
        w->told_gone = true;
        w->credit = 0;
        s->told->gone(s->host, w->id, HEDDLE_UNAVAILABLE, str(why));
    }
    w->look_ns = clock_ns() + w->again_ns;
    w->again_ns = w->again_ns * 2 < MOST_AGAIN_NS ? w->again_ns * 2 : MOST_AGAIN_NS;
}

static void assign(sidecar *s, command *c) {
    worker *w = find_worker(s, c->id);
    if (!w || w->credit == 0 || w->leaving) {
        fail_assignment(s, c->assignment, HEDDLE_UNAVAILABLE, "unsent", "retryable", "there was no credit for it");
        return;
    }
    --w->credit;
    run      *r = calloc(1, sizeof *r);
    const int failed = r ? start_program(&r->program, s->command, &c->order, w->most_bytes) : ENOMEM;
    if (failed) {
        char why[MOST_LINE];
        free(r);
        snprintf(why, sizeof why, "cannot run %.200s: %s", s->command[0], strerror(failed));
        fail_assignment(s, c->assignment, failed == ENOENT || failed == EACCES ? HEDDLE_UNAVAILABLE : HEDDLE_EXHAUSTED, "unsent", "retryable", why);
        look(s, w); /* perhaps the program is gone */
        offer(s, w);
        return;
    }
    r->id = c->assignment;
    r->worker = w;
    r->due_ns = c->time_ns ? c->time_ns : NEVER;
    r->next = s->runs;
    s->runs = r;
    ++w->runs;
    heddle_value *nothing = my_plugin_values->make_map(s->host, NULL, NULL, 0);
    if (!nothing) return;
    s->told->progress(s->host, r->id, nothing); /* it was taken up */
    my_plugin_values->release(nothing);
}

/* It is asked to end, and after the grace time it is not asked any more. */
static void stop(run *r, heddle_status status, const char *reason, uint64_t grace_ns) {
    if (r->stopped != HEDDLE_OK) return;
    r->stopped = status;
    snprintf(r->reason, sizeof r->reason, "%s", reason);
    r->due_ns = clock_ns() + grace_ns;
    signal_program(&r->program, SIGTERM);
}

static void come_due(run *r) {
    if (r->stopped == HEDDLE_OK) {
        stop(r, HEDDLE_DEADLINE, "the deadline has passed", 0);
    } else {
        r->due_ns = NEVER;
        signal_program(&r->program, SIGKILL);
    }
}

static void probe(sidecar *s, worker *w, heddle_op *op) {
    char why[MOST_LINE];
    look(s, w);
    name_absent(s, why);
    if (w->here) s->ops->complete(op, HEDDLE_OK, facts_of(s, w), str(""));
    else s->ops->complete(op, HEDDLE_UNAVAILABLE, NULL, str(why));
}

static void carry_out(sidecar *s, command *c) {
    worker *w = c->verb == CANCEL ? NULL : find_worker(s, c->id);
    switch (c->verb) {
        case CONNECT:
            w = c->worker;
            c->worker = NULL;
            w->next = s->workers;
            s->workers = w;
            s->ops->complete(c->op, HEDDLE_OK, NULL, str(""));
            look(s, w);
            break;
        case ASSIGN: assign(s, c); break;
        case CANCEL:
            for (run *r = s->runs; r; r = r->next)
                if (r->id == c->id && !r->done) stop(r, HEDDLE_CANCELLED, c->reason, c->time_ns);
            break;
        case DRAIN:
            if (w) w->draining = true;
            break;
        case PROBE:
            if (w) probe(s, w, c->op);
            else s->ops->complete(c->op, HEDDLE_NOT_FOUND, NULL, str("there is no such worker"));
            break;
        case DISCONNECT:
            if (!w || w->leaving) {
                s->ops->complete(c->op, HEDDLE_NOT_FOUND, NULL, str("there is no such worker"));
                break;
            }
            w->leaving = c->op;
            w->draining = true;
            w->look_ns = NEVER;
            for (run *r = s->runs; r; r = r->next)
                if (r->worker == w) stop(r, HEDDLE_CANCELLED, "the worker is being disconnected", GRACE_NS);
            break;
    }
    free_command(c);
}

/* What is over goes; who is left goes when nothing is left of him. */
static void sweep(sidecar *s) {
    for (run **at = &s->runs; *at;) {
        run *r = *at;
        if (!r->done) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        --r->worker->runs;
        offer(s, r->worker);
        free_program(&r->program);
        free(r);
    }
    for (worker **at = &s->workers; *at;) {
        worker *w = *at;
        if (!w->leaving || w->runs > 0) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        s->ops->complete(w->leaving, HEDDLE_OK, NULL, str(""));
        free(w);
    }
}

/* The thread ------------------------------------------------------------------------------------------------------------------------------------ */

/* False: it is to end. */
static bool carry_out_all(sidecar *s) {
    pthread_mutex_lock(&s->mutex);
    command   *c = s->first;
    const bool running = s->running;
    s->first = NULL;
    s->last = &s->first;
    pthread_mutex_unlock(&s->mutex);
    while (c) {
        command *next = c->next;
        carry_out(s, c);
        c = next;
    }
    return running;
}

static void tell_time(sidecar *s, uint64_t now) {
    for (run *r = s->runs; r; r = r->next)
        if (now >= r->due_ns) come_due(r);
    for (worker *w = s->workers; w; w = w->next)
        if (now >= w->look_ns) look(s, w);
}

static uint64_t next_time(const sidecar *s) {
    uint64_t due = NEVER;
    for (const run *r = s->runs; r; r = r->next)
        if (r->due_ns < due) due = r->due_ns;
    for (const worker *w = s->workers; w; w = w->next)
        if (w->look_ns < due) due = w->look_ns;
    return due;
}

/* The bell, and of each run: its input, output, complaint and process, in this order. What is closed has the descriptor -1. */
static struct pollfd *list_polled(const sidecar *s, nfds_t *n) {
    *n = 1;
    for (const run *r = s->runs; r; r = r->next) *n += 4;
    struct pollfd *all = malloc(*n * sizeof *all), *at = all;
    if (!all) return NULL;
    *at++ = (struct pollfd){s->bell, POLLIN, 0};
    for (const run *r = s->runs; r; r = r->next) {
        *at++ = (struct pollfd){r->program.input, POLLOUT, 0};
        *at++ = (struct pollfd){r->program.output, POLLIN, 0};
        *at++ = (struct pollfd){r->program.complaint, POLLIN, 0};
        *at++ = (struct pollfd){r->program.process, POLLIN, 0};
    }
    return all;
}

static void wait_for_all(sidecar *s) {
    nfds_t          n;
    const uint64_t  now = clock_ns(), due = next_time(s), ns = due > now ? due - now : 0;
    struct timespec left = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    struct pollfd  *polled = list_polled(s, &n), *at = polled;
    struct pollfd   bell = {s->bell, POLLIN, 0};
    if (!polled) { /* without memory to wait with, the bell has to do: a moment later there may be some */
        left = (struct timespec){0, 10000000};
        at = &bell;
        n = 1;
    }
    if (ppoll(at, n, due == NEVER && polled ? NULL : &left, NULL) > 0) {
        uint64_t rings;
        if (at->revents && read(s->bell, &rings, sizeof rings) < 0) rings = 0; /* somebody else has heard it */
        ++at;
        for (run *r = s->runs; r && polled; r = r->next, at += 4) {
            ending how;
            if (at[0].revents) feed_program(&r->program);
            if (at[1].revents) hear_output(&r->program);
            if (at[2].revents) hear_complaint(&r->program);
            if (!at[3].revents) continue;
            end_program(&r->program, &how);
            say_end(s, r, &how);
            r->done = true;
        }
    }
    free(polled);
}

static void *serve(void *context) {
    sidecar *s = context;
    while (carry_out_all(s)) {
        tell_time(s, clock_ns());
        sweep(s);
        wait_for_all(s);
    }
    /* The host has left every worker by now; what it has not is cut off. */
    for (run *r = s->runs; r; r = r->next) {
        if (!r->done) fail_assignment(s, r->id, HEDDLE_CANCELLED, "cancelled", "cancelled", "the sidecar ends");
        r->done = true;
    }
    for (worker *w = s->workers; w; w = w->next) w->draining = true;
    sweep(s);
    while (s->workers) {
        worker *w = s->workers;
        s->workers = w->next;
        free(w);
    }
    return NULL;
}

void open_sidecar(sidecar *s) {
    pthread_mutex_init(&s->mutex, NULL);
    s->last = &s->first;
    s->bell = -1;
}

void close_sidecar(sidecar *s) {
    stop_thread(s);
    pthread_mutex_destroy(&s->mutex);
}

int start_thread(sidecar *s) {
    sigset_t all, before;
    s->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->bell < 0) return errno;
    s->running = true;
    sigfillset(&all); /* signals are the host's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&s->thread, NULL, serve, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    s->started = failed == 0;
    if (s->started) pthread_setname_np(s->thread, "my_plugin");
    else close(s->bell);
    if (failed) s->bell = -1;
    return failed;
}

void stop_thread(sidecar *s) {
    if (!s->started) return;
    pthread_mutex_lock(&s->mutex);
    s->running = false;
    ring(s);
    pthread_mutex_unlock(&s->mutex);
    pthread_join(s->thread, NULL);
    s->started = false;
    close(s->bell);
    s->bell = -1;
}
