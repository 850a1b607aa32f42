/* What the deeds share. A deed is one way to break the contract, or to strain it; the param "deed" of a node chooses one. A deed that gets
 * an answer from the host which the headers do not promise says so: its call fails with what was wrong. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <heddle/heddle.h>
#include <stdatomic.h>

typedef struct deed deed;

/* One object. It is never freed: threads and functions of deeds may come back to it after destroy. */
typedef struct hostile {
    const heddle_host          *host;
    const heddle_op_service    *op;
    const heddle_call_service  *call;
    const heddle_value_service *value;
    const heddle_sched_service *sched;
    const heddle_log_service   *log;
    const deed                 *deed;
    const char                 *wrong; /* the first answer of the host that was not what it should be; null: none yet */
    heddle_call                *old;   /* a call that is complete */
    heddle_op                  *start; /* the op of activate */
    uint32_t                    calls; /* so far */
} hostile;

/* Each may be null: then the node does what a sound one does. */
struct deed {
    const char *name;
    void (*call)(hostile *h, heddle_call *c);                                  /* owes complete() */
    void (*resume)(hostile *h, heddle_call *c);
    heddle_status (*create)(hostile *h, void **self, const void **table);
    void (*activate)(hostile *h, heddle_op *op);                               /* owes complete() */
    void (*deactivate)(hostile *h, heddle_op *op);
    void (*destroy)(hostile *h);
};

/* Each ends with one whose name is null. */
extern const deed answer_deeds[], host_deeds[], late_deeds[], life_deeds[], value_deeds[], tensor_deeds[];

heddle_str text_of(const char *text);
/* Notes `what` unless the host has answered right. */
void expect(hostile *h, bool right, const char *what);
/* Passes the input on, and completes the call. */
void pass(hostile *h, heddle_call *c);
/* The same, unless an answer was wrong: then the call fails with it. */
void pass_if_right(hostile *h, heddle_call *c);
void complete(hostile *h, heddle_call *c, heddle_status status, const char *why);
void emit_or_release(hostile *h, heddle_call *c, uint32_t port, heddle_value *v);
/* To be posted: uses the host, which must be there whenever one of the object's functions runs. */
void use_host(void *self);
/* The number of the item, from 1. */
int64_t number_of(hostile *h, heddle_call *c);
/* `size` bytes of `byte`, to be freed. Ends the process where memory is short: then nothing can be tried. */
char *many(char byte, size_t size);

#endif
