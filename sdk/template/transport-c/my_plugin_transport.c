#define _GNU_SOURCE /* ppoll, pthread_setname_np */
#include "my_plugin_transport.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static const uint64_t REST_NS = 100 * NS_PER_MILLISECOND; /* so long nobody is let in where there is no room */

/* Commands -------------------------------------------------------------------------------------------------------------------------------------- */

command *new_command(enum verb verb, heddle_id id) {
    command *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->verb = verb;
    c->id = id;
    return c;
}

void free_command(command *c) {
    if (c->value) my_plugin_values->release(c->value);
    free_bytes(&c->written);
    free_bytes(&c->text);
    free(c);
}

static void ring(const transport *t) {
    const uint64_t one = 1;
    if (write(t->bell, &one, sizeof one) < 0) return; /* it rings already */
}

void post(transport *t, command *c) {
    pthread_mutex_lock(&t->mutex);
    if (c) {
        c->next = NULL;
        *t->last = c;
        t->last = &c->next;
    } else {
        t->starved = true;
    }
    if (t->bell >= 0) ring(t);
    pthread_mutex_unlock(&t->mutex);
}

/* Places and exchanges -------------------------------------------------------------------------------------------------------------------------- */

static place *find_place(transport *t, heddle_id id) {
    place *p = t->places;
    while (p && p->id != id) p = p->next;
    return p;
}

static exchange *find_exchange(transport *t, heddle_id id) {
    exchange *e = t->exchanges;
    while (e && (e->id != id || e->phase == GONE)) e = e->next;
    return e;
}

static exchange *add_exchange(transport *t, place *p, heddle_id id, enum phase phase) {
    exchange *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->host = t->host;
    e->inbox = t->inbox;
    e->ops = t->ops;
    e->place = p;
    e->id = id;
    e->phase = phase;
    e->fd = -1;
    e->began_ns = e->taken_ns = clock_ns();
    e->deadline_ns = e->lingers_until_ns = NEVER;
    e->next = t->exchanges;
    t->exchanges = e;
    ++p->open;
    return e;
}

static void accept_all(transport *t, place *p) {
    while (p->open < t->most_connections) {
        char      peer[MOST_ENDPOINT];
        const int fd = accept_from(p->fd, peer);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) p->rests_until_ns = clock_ns() + REST_NS;
        if (fd < 0) return;
        exchange *e = add_exchange(t, p, t->last_id += 2, READING);
        if (!e) {
            close(fd);
            return;
        }
        e->fd = fd;
        memcpy(e->peer, peer, sizeof peer);
    }
}

static void end_one(exchange *e, const char *why) {
    cut_off(e, why);
    give_up(e, why);
}

/* Those that the host knows nothing of, or all. */
static void end_those_of(transport *t, const place *p, bool all, const char *why) {
    for (exchange *e = t->exchanges; e; e = e->next)
        if (e->place == p && (all || !e->is_open)) end_one(e, why);
}

static void leave_place(transport *t, place *p, uint64_t until_ns, heddle_op *left) {
    const bool listens = p->fd >= 0;
    if (listens) close(p->fd);
    p->fd = -1;
    p->leaving = true;
    p->until_ns = until_ns;
    p->left = left;
    end_those_of(t, p, !listens, listens ? "the listener is closed" : "the channel is disconnected");
}

static void open_call(transport *t, command *c, const char *none) {
    place     *p = find_place(t, c->id);
    bool       streams = false;
    const bool found = p && !p->leaving;
    if (!c->op && !found) {
        refuse_call(t->host, t->inbox, c->call, HEDDLE_CANCELLED, "cancelled", "cancelled", none);
        return;
    }
    if (!c->op && !offers(p, (heddle_str){c->text.ptr, c->text.len}, &streams)) {
        refuse_call(t->host, t->inbox, c->call, HEDDLE_INVALID, "invalid", "permanent", "there is no such operation");
        return;
    }
    if (!c->op && p->open >= t->most_calls) {
        refuse_call(t->host, t->inbox, c->call, HEDDLE_EXHAUSTED, "full", "retryable", "there are as many calls already as \"calls\" says");
        return;
    }
    if (!found) {
        t->ops->complete(c->op, HEDDLE_NOT_FOUND, NULL, str(none));
        return;
    }
    exchange *e = add_exchange(t, p, c->op ? (t->last_id += 2) : c->call, DIALLING);
    if (!e && c->op) {
        t->ops->complete(c->op, HEDDLE_EXHAUSTED, NULL, str("out of memory"));
        return;
    }
    if (!e) {
        refuse_call(t->host, t->inbox, c->call, HEDDLE_EXHAUSTED, "full", "retryable", "out of memory");
        return;
    }
    e->probe = c->op;
    e->out = c->written;
    c->written = (bytes){0};
    e->credit = c->count;
    e->streams = streams;
    if (c->time_ns) e->deadline_ns = c->time_ns;
    dial(e);
}

static void carry_out(transport *t, command *c) {
    exchange *const e = c->verb >= ANSWER && c->verb <= CANCEL ? find_exchange(t, c->id) : NULL;
    place          *p;
    switch (c->verb) {
        case ADD_PLACE:
            c->place->next = t->places;
            t->places = c->place;
            t->ops->complete(c->op, HEDDLE_OK, c->value, str(""));
            c->value = NULL;
            break;
        case LEAVE_PLACE:
            p = find_place(t, c->id);
            if (p && !p->leaving) leave_place(t, p, c->time_ns, c->op);
            else t->ops->complete(c->op, HEDDLE_NOT_FOUND, NULL, str("there is no such listener or channel, or it is being left already"));
            break;
        case ANSWER:
            if (e) answer_request(e, &c->written, c->more, (heddle_str){c->text.ptr, c->text.len});
            break;
        case PART:
            if (e) send_part(e, c->value);
            break;
        case END:
            if (e) end_parts(e, &c->written, c->status);
            break;
        case GRANT:
            if (e) grant_parts(e, c->count);
            break;
        case CANCEL:
            if (e) end_one(e, "given up by the host");
            break;
        case CALL:
        case PROBE: open_call(t, c, "there is no such channel"); break;
    }
    free_command(c);
}

/* What is over goes; what nobody is left of is left. */
static void sweep(transport *t, uint64_t now) {
    for (exchange **at = &t->exchanges; *at;) {
        exchange *e = *at;
        if (e->phase == GONE) {
            --e->place->open;
            *at = e->next;
            free(e);
        } else {
            at = &e->next;
        }
    }
    for (place **at = &t->places; *at;) {
        place *p = *at;
        if (p->leaving && p->open > 0 && now >= p->until_ns) end_those_of(t, p, true, "it took longer than there was time for it");
        if (p->leaving && p->open == 0) {
            *at = p->next;
            if (p->left) t->ops->complete(p->left, HEDDLE_OK, NULL, str(""));
            my_plugin_values->release(p->said);
            free(p);
        } else {
            at = &p->next;
        }
    }
}

/* The thread ------------------------------------------------------------------------------------------------------------------------------------ */

/* False: it is to end. */
static bool carry_out_all(transport *t) {
    pthread_mutex_lock(&t->mutex);
    command   *c = t->first;
    const bool running = t->running, starved = t->starved;
    t->first = NULL;
    t->last = &t->first;
    t->starved = false;
    pthread_mutex_unlock(&t->mutex);
    while (c) {
        command *next = c->next;
        carry_out(t, c);
        c = next;
    }
    for (exchange *e = t->exchanges; e && starved; e = e->next) end_one(e, "out of memory");
    for (place *p = t->places; p && !running; p = p->next) { /* the host has left them all by now */
        if (!p->leaving) leave_place(t, p, 0, NULL);
        end_those_of(t, p, true, "the transport ends");
    }
    return running;
}

static size_t count_polled(const transport *t) {
    size_t n = 1;
    for (const place *p = t->places; p; p = p->next) ++n;
    for (const exchange *e = t->exchanges; e; e = e->next) ++n;
    return n;
}

/* Whom it waits for, in the order of the lists, and until when. What is not asked of has the descriptor -1. */
static uint64_t list_polled(const transport *t, uint64_t now, struct pollfd *polled) {
    uint64_t due = NEVER;
    *polled++ = (struct pollfd){t->bell, POLLIN, 0};
    for (const place *p = t->places; p; p = p->next) {
        const bool rests = now < p->rests_until_ns;
        *polled++ = (struct pollfd){p->open < t->most_connections && !rests ? p->fd : -1, POLLIN, 0};
        if (rests && p->rests_until_ns < due) due = p->rests_until_ns;
        if (p->leaving && p->until_ns < due) due = p->until_ns;
    }
    for (const exchange *e = t->exchanges; e; e = e->next) {
        const short events = wanted_events(e);
        *polled++ = (struct pollfd){events ? e->fd : -1, events, 0};
        if (due_ns(e) < due) due = due_ns(e);
    }
    return due;
}

/* False: there was no memory to wait with. */
static bool wait_for_all(transport *t) {
    const uint64_t now = clock_ns();
    struct pollfd *polled = malloc(count_polled(t) * sizeof *polled), *at = polled;
    if (!polled) return false;
    const uint64_t  due = list_polled(t, now, polled), ns = due > now ? due - now : 0;
    struct timespec left = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    if (ppoll(polled, count_polled(t), due == NEVER ? NULL : &left, NULL) > 0) {
        uint64_t rings;
        if (at->revents && read(t->bell, &rings, sizeof rings) < 0) rings = 0; /* somebody else has heard it */
        ++at;
        exchange *first = t->exchanges; /* those that are let in now come before it */
        for (place *p = t->places; p; p = p->next, ++at)
            if (at->revents) accept_all(t, p);
        for (exchange *e = first; e; e = e->next, ++at) ready(e, at->revents);
    }
    free(polled);
    return true;
}

static void *run(void *context) {
    transport *t = context;
    while (carry_out_all(t)) {
        const uint64_t now = clock_ns();
        for (exchange *e = t->exchanges; e; e = e->next) settle(e, now);
        sweep(t, now);
        if (!wait_for_all(t))
            for (exchange *e = t->exchanges; e; e = e->next) end_one(e, "out of memory");
    }
    sweep(t, NEVER); /* ends those of the places that are left */
    sweep(t, NEVER);
    return NULL;
}

void open_transport(transport *t) {
    pthread_mutex_init(&t->mutex, NULL);
    t->last = &t->first;
    t->bell = -1;
}

void close_transport(transport *t) {
    stop_thread(t);
    pthread_mutex_destroy(&t->mutex);
}

int start_thread(transport *t) {
    sigset_t all, before;
    t->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (t->bell < 0) return errno;
    t->running = true;
    sigfillset(&all); /* signals are the host's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&t->thread, NULL, run, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    t->started = failed == 0;
    if (t->started) pthread_setname_np(t->thread, "my_plugin");
    else close(t->bell);
    if (failed) t->bell = -1;
    return failed;
}

void stop_thread(transport *t) {
    if (!t->started) return;
    pthread_mutex_lock(&t->mutex);
    t->running = false;
    ring(t);
    pthread_mutex_unlock(&t->mutex);
    pthread_join(t->thread, NULL);
    t->started = false;
    close(t->bell);
    t->bell = -1;
}
