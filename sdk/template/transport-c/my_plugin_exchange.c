#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "my_plugin_exchange.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WINDOW = 16, MOST_AT_ONCE = 1 << 20, MOST_WHY = 400 };

uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

bool offers(const place *p, heddle_str operation, bool *streams) {
    const heddle_value *all = my_plugin_values->find(p->said, str("operations"));
    for (size_t i = 0; all && i < my_plugin_values->length(all); ++i) {
        const heddle_value *one = my_plugin_values->at(all, i, NULL);
        const heddle_str    name = text_in(one, "name");
        if (name.len != operation.len || memcmp(name.ptr, operation.ptr, name.len) != 0) continue;
        *streams = same(text_in(one, "answer"), "stream");
        return true;
    }
    return false;
}

/* The connection -------------------------------------------------------------------------------------------------------------------------------- */

static bool has_unsent(const exchange *e) { return e->sent < e->out.len; }
static bool is_call(const exchange *e) { return e->phase >= DIALLING; }
/* What ends the parts needs no credit. */
static bool waits_for_credit(const exchange *e) { return e->phase == RECEIVING && e->credit == 0 && next_kind(&e->in) == FRAME_PART; }

static void hang_up(exchange *e) {
    if (e->fd >= 0) close(e->fd);
    e->fd = -1;
    e->phase = GONE;
    free_bytes(&e->in);
    free_bytes(&e->out);
    free_bytes(&e->type);
    free_bytes(&e->only);
}

short wanted_events(const exchange *e) {
    if (e->phase == GONE) return 0;
    if (e->phase == DIALLING) return POLLOUT;
    return (short)((e->closed || waits_for_credit(e) ? 0 : POLLIN) | (has_unsent(e) ? POLLOUT : 0));
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

uint64_t due_ns(const exchange *e) {
    switch (e->phase) {
        case GONE: return NEVER;
        case READING: return e->began_ns + (has_head(&e->in) ? e->place->request_ns : e->place->header_ns);
        case LINGERING: return e->lingers_until_ns;
        case ASKED:
        case STREAMING:
        case LEAVING: return least(e->deadline_ns, has_unsent(e) ? e->taken_ns + e->place->stall_ns : NEVER);
        case DIALLING: return least(e->deadline_ns, e->began_ns + e->place->connect_ns);
        default: return e->probe ? e->began_ns + e->place->connect_ns : e->deadline_ns;
    }
}

static void take_in(exchange *e) {
    char block[65536];
    for (size_t all = 0; all < MOST_AT_ONCE;) {
        const ssize_t n = recv(e->fd, block, sizeof block, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (n <= 0 || !add_bytes(&e->in, block, (size_t)n)) {
            e->closed = true;
            return;
        }
        all += (size_t)n;
    }
}

static void send_out(exchange *e) {
    while (has_unsent(e)) {
        const ssize_t n = send(e->fd, e->out.ptr + e->sent, e->out.len - e->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (n < 0) {
            e->closed = true;
            return;
        }
        e->taken_ns = clock_ns();
        e->sent += (size_t)n;
        e->has_sent = true;
    }
    free_bytes(&e->out);
    e->sent = 0;
}

/* Sends what was written behind what was there. */
static void begin_sending(exchange *e, size_t before) {
    if (before == e->sent) e->taken_ns = clock_ns();
    e->owes_left = true;
    send_out(e);
}

/* A peer's request ------------------------------------------------------------------------------------------------------------------------------ */

static void say_over(exchange *e, heddle_status status, const char *why) {
    if (!e->is_open) return;
    e->is_open = false;
    e->inbox->over(e->host, e->id, status, str(why));
}

void cut_off(exchange *e, const char *why) {
    if (is_call(e)) return;
    say_over(e, HEDDLE_CANCELLED, why);
    hang_up(e);
}

/* From here on it is the peer that takes its time. */
static void leave(exchange *e, size_t before, heddle_status status) {
    e->phase = LEAVING;
    e->status = status;
    e->deadline_ns = NEVER;
    begin_sending(e, before);
}

static void refuse_request(exchange *e, heddle_status status, const char *code, const char *why, heddle_status over) {
    const size_t before = e->out.len;
    if (write_failure(e->host, status, code, status == HEDDLE_DEADLINE ? "retryable" : "permanent", why, &e->out)) leave(e, before, over);
    else cut_off(e, "out of memory");
}

static void ask(exchange *e, const frame *f) {
    heddle_request r;
    heddle_value  *parameters = NULL;
    bool           streams;
    if (f->kind != FRAME_REQUEST || !read_request(e->host, f, clock_ns(), &r)) {
        refuse_request(e, HEDDLE_UNSUPPORTED, "not-understood", "what comes is no request of this kind", HEDDLE_OK);
        return;
    }
    const heddle_str otherwise = text_in(e->place->said, "otherwise");
    if (!offers(e->place, r.operation, &streams)) {
        const heddle_str keys[] = {str("method"), str("path"), str("allow")};
        heddle_value    *texts[] = {my_plugin_values->make_string(e->host, str("")), my_plugin_values->make_string(e->host, r.operation), my_plugin_values->make_string(e->host, str(""))};
        const bool       made = texts[0] && texts[1] && texts[2];
        if (made && otherwise.len) parameters = my_plugin_values->make_map(e->host, keys, texts, 3);
        for (size_t i = 0; !parameters && i < 3; ++i)
            if (texts[i]) my_plugin_values->release(texts[i]);
        if (!parameters && r.body) my_plugin_values->release(r.body);
        if (!parameters) {
            refuse_request(e, HEDDLE_NOT_FOUND, "not-found", "there is no such operation", HEDDLE_OK);
            return;
        }
        r.parameters = parameters;
        r.operation = otherwise;
    } else if (!r.parameters) {
        r.parameters = parameters = my_plugin_values->make_map(e->host, NULL, NULL, 0);
    }
    r.exchange = e->id;
    r.peer = str(e->peer);
    r.credit = WINDOW;
    if (r.deadline_ns) e->deadline_ns = r.deadline_ns;
    e->phase = ASKED;
    e->is_open = true;
    e->inbox->request(e->host, e->place->id, &r);
    if (parameters) my_plugin_values->release(parameters);
}

static void read_peer(exchange *e) {
    frame     f;
    const int found = find_frame(e->host, &e->in, e->place->most_body, &f);
    if (found == HEDDLE_INVALID) {
        refuse_request(e, HEDDLE_INVALID, "too-large", "the body of the request is larger than is taken", HEDDLE_OK);
        return;
    }
    if (found < 0) {
        refuse_request(e, HEDDLE_UNSUPPORTED, "not-understood", "what comes is none of its messages", HEDDLE_OK);
        return;
    }
    if (found == 0) return;
    if (f.kind == FRAME_PROBE) {
        const heddle_answer well = {.struct_size = sizeof well};
        if (write_answer(e->host, &well, &e->out)) leave(e, 0, HEDDLE_OK);
        else cut_off(e, "out of memory");
    } else {
        ask(e, &f);
    }
    if (e->phase == GONE) my_plugin_values->release(f.head);
    else drop_frame(&e->in, &f);
}

void answer_request(exchange *e, const bytes *written, bool more, heddle_str type) {
    const size_t before = e->out.len;
    if (e->phase != ASKED) return;
    if (!add_bytes(&e->out, written->ptr, written->len) || !add_bytes(&e->type, type.ptr, type.len)) {
        cut_off(e, "out of memory");
        return;
    }
    if (!more) {
        leave(e, before, HEDDLE_OK);
        return;
    }
    e->phase = STREAMING;
    begin_sending(e, before);
}

void send_part(exchange *e, const heddle_value *v) {
    const size_t before = e->out.len;
    if (e->phase != STREAMING) return;
    if (!write_part(e->host, (heddle_str){e->type.ptr ? e->type.ptr : "", e->type.len}, v, &e->out)) {
        cut_off(e, "a part of the answer cannot be written");
        return;
    }
    ++e->unsent_parts;
    begin_sending(e, before);
}

void end_parts(exchange *e, const bytes *written, heddle_status status) {
    const size_t before = e->out.len;
    if (e->phase != STREAMING) return;
    if (!add_bytes(&e->out, written->ptr, written->len)) {
        cut_off(e, "out of memory");
        return;
    }
    leave(e, before, status < 0 ? status : HEDDLE_OK);
}

/* All is with the network. To close at once could take from the peer what it has not read yet: it closes first. */
static void left(exchange *e) {
    const uint32_t parts = e->unsent_parts;
    e->owes_left = false;
    e->unsent_parts = 0;
    if (e->phase == STREAMING && parts > 0) e->inbox->grant(e->host, e->id, parts);
    if (e->phase != LEAVING) return;
    e->phase = LINGERING;
    e->lingers_until_ns = clock_ns() + e->place->stall_ns;
    say_over(e, e->status, e->status == HEDDLE_DEADLINE ? "the deadline has passed" : "");
    if (e->place->leaving) hang_up(e);
}

static void late_request(exchange *e, uint64_t now) {
    const size_t before = e->out.len;
    if (e->phase == READING) {
        refuse_request(e, HEDDLE_DEADLINE, "deadline", "the request did not come in time", HEDDLE_OK);
        return;
    }
    if (e->phase == LINGERING) {
        hang_up(e);
        return;
    }
    if (now < e->deadline_ns) {
        cut_off(e, "the peer takes nothing of the answer");
        return;
    }
    if (e->phase == ASKED) {
        refuse_request(e, HEDDLE_DEADLINE, "deadline", "the deadline has passed", HEDDLE_DEADLINE);
        return;
    }
    if (write_end(e->host, HEDDLE_DEADLINE, str("the deadline has passed"), &e->out)) leave(e, before, HEDDLE_DEADLINE);
    else cut_off(e, "the deadline has passed");
}

/* A call ---------------------------------------------------------------------------------------------------------------------------------------- */

void refuse_call(const heddle_host *h, const heddle_inbox_service *inbox, heddle_id id, heddle_status status, const char *code, const char *error_class, const char *why) {
    heddle_answer a = {.struct_size = sizeof a, .status = status, .unsent = true, .body = failure_of(h, str(code), str(error_class), str(why))};
    if (a.body) inbox->answer(h, id, &a); /* else `over` has to do */
    inbox->over(h, id, status, str(why));
}

static void finish(exchange *e, heddle_status status, heddle_str why) {
    if (e->probe) e->ops->complete(e->probe, status < 0 ? status : HEDDLE_OK, NULL, why);
    else e->inbox->over(e->host, e->id, status, why);
    hang_up(e);
}

static void fail(exchange *e, heddle_status status, const char *code, const char *error_class, const char *what) {
    char why[MOST_WHY];
    char endpoint[MOST_ENDPOINT] = "";
    if (e->place->address_count > 0) name_address(&e->place->addresses[e->tried > 0 ? e->tried - 1 : 0], endpoint);
    snprintf(why, sizeof why, "%s: %s", endpoint, what);
    if (e->phase == RECEIVING) {
        e->inbox->end(e->host, e->id, status, str(why));
    } else if (!e->probe) {
        heddle_answer a = {.struct_size = sizeof a, .status = status, .unsent = !e->has_sent, .body = failure_of(e->host, str(code), str(error_class), str(why))};
        if (a.body) e->inbox->answer(e->host, e->id, &a);
    }
    finish(e, status, str(why));
}

void give_up(exchange *e, const char *why) {
    if (!is_call(e) || e->phase == GONE) return;
    if (e->phase == RECEIVING) e->inbox->end(e->host, e->id, HEDDLE_CANCELLED, str(why));
    finish(e, HEDDLE_CANCELLED, str(why));
}

/* The addresses of a name, one after the other. */
void dial(exchange *e) {
    while (e->tried < e->place->address_count) {
        if (e->fd >= 0) close(e->fd);
        e->fd = connect_to(&e->place->addresses[e->tried++]);
        if (e->fd >= 0) return;
    }
    fail(e, HEDDLE_UNAVAILABLE, "unreachable", "retryable", strerror(errno));
}

static void connected(exchange *e) {
    errno = fault_of(e->fd);
    if (errno != 0) {
        dial(e);
        return;
    }
    e->phase = CALLED;
    begin_sending(e, 0);
}

static void fail_not_understood(exchange *e) { fail(e, HEDDLE_UNSUPPORTED, "not-understood", "permanent", "what comes is no answer of this kind"); }

static void take_answer(exchange *e, const frame *f) {
    heddle_answer a;
    if (!read_answer(e->host, f, &a)) {
        fail_not_understood(e);
        return;
    }
    const heddle_status status = a.status;
    const bool          as_only_part = status >= 0 && e->streams && !a.more;
    if (!add_bytes(&e->type, a.content_type.ptr, a.content_type.len) || (as_only_part && !write_only_part(e->host, f->body, &e->only)))
        {
        if (a.body) my_plugin_values->release(a.body);
        fail(e, HEDDLE_EXHAUSTED, "full", "retryable", "out of memory");
        return;
    }
    if (e->probe) {
        if (a.body) my_plugin_values->release(a.body);
        finish(e, status, str(status < 0 ? "it says that it is not well" : ""));
        return;
    }
    if (as_only_part) {
        a.more = true;
        if (a.body) my_plugin_values->release(a.body);
        a.body = NULL;
    }
    const bool more = a.more;
    if (more) e->phase = RECEIVING;
    e->inbox->answer(e->host, e->id, &a);
    if (!more) finish(e, status, str(""));
}

static void take_frame(exchange *e, const frame *f) {
    if (e->phase == CALLED) {
        take_answer(e, f);
        return;
    }
    if (f->kind == FRAME_PART) {
        heddle_value *part = read_part(e->host, f, (heddle_str){e->type.ptr ? e->type.ptr : "", e->type.len});
        if (!part) {
            fail_not_understood(e);
            return;
        }
        --e->credit;
        e->inbox->part(e->host, e->id, part);
        return;
    }
    if (f->kind != FRAME_END) {
        fail_not_understood(e);
        return;
    }
    const int64_t       said = number_in(f->head, "status");
    const heddle_status status = said >= 0 ? HEDDLE_OK : said < INT32_MIN ? HEDDLE_INTERNAL : (heddle_status)said;
    e->inbox->end(e->host, e->id, status, text_in(f->head, "why"));
    finish(e, status, text_in(f->head, "why"));
}

static void read_answers(exchange *e) {
    while (e->phase != GONE && !waits_for_credit(e)) {
        frame     f;
        const int found = find_frame(e->host, &e->in, e->place->most_body, &f);
        if (found == HEDDLE_INVALID) {
            fail(e, HEDDLE_INVALID, "too-large", "permanent", "the answer, or a part of it, is larger than is taken");
            return;
        }
        if (found < 0) {
            fail_not_understood(e);
            return;
        }
        if (found == 0) {
            if (e->closed) fail(e, HEDDLE_UNAVAILABLE, "connection-lost", "retryable", "it has closed the connection before its answer had come to an end");
            return;
        }
        take_frame(e, &f);
        if (e->phase == GONE) {
            my_plugin_values->release(f.head);
            return;
        }
        drop_frame(&e->in, &f);
        if (e->only.len == 0) continue;
        free_bytes(&e->in); /* behind a whole answer comes nothing */
        e->in = e->only;
        e->only = (bytes){0};
    }
}

void grant_parts(exchange *e, uint32_t parts) { e->credit += parts; }

/* Both ------------------------------------------------------------------------------------------------------------------------------------------ */

void ready(exchange *e, short events) {
    if (e->phase == GONE || events == 0) return;
    if (e->phase == DIALLING) {
        connected(e);
        return;
    }
    if (has_unsent(e) && (events & (POLLOUT | POLLERR | POLLHUP))) send_out(e);
    if (events & (POLLIN | POLLERR | POLLHUP)) take_in(e);
}

void settle(exchange *e, uint64_t now) {
    if (e->phase == GONE || e->phase == DIALLING) {
        if (now >= due_ns(e)) {
            if (now >= e->deadline_ns) fail(e, HEDDLE_DEADLINE, "deadline", "retryable", "the deadline has passed");
            else fail(e, HEDDLE_UNAVAILABLE, "unreachable", "retryable", "it takes no connection in the time that there is for it");
        }
        return;
    }
    if (is_call(e)) {
        if (e->closed || count_bytes(&e->in)) read_answers(e);
        if (now < due_ns(e)) return;
        if (e->probe) fail(e, HEDDLE_UNAVAILABLE, "unreachable", "retryable", "it does not say in time that it is well");
        else fail(e, HEDDLE_DEADLINE, "deadline", "retryable", "the deadline has passed");
        return;
    }
    if (e->owes_left && !has_unsent(e)) left(e); /* first: a peer that has all of it may close */
    if (e->phase == GONE) return;
    if (e->phase == READING) read_peer(e);
    else if (e->in.len) free_bytes(&e->in); /* a peer has nothing more to say */
    if (e->owes_left && !has_unsent(e)) left(e);
    if (e->closed) cut_off(e, "the peer has gone");
    else if (now >= due_ns(e)) late_request(e, now);
}
