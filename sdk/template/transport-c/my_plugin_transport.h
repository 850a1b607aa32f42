/* What is listened at, who may be called, and the exchanges of both sides, on one thread. What comes from the host comes on any: it waits here as a command. */
#ifndef MY_PLUGIN_TRANSPORT_H
#define MY_PLUGIN_TRANSPORT_H

#include <pthread.h>

#include "my_plugin_exchange.h"

enum verb { ADD_PLACE, LEAVE_PLACE, ANSWER, PART, END, GRANT, CANCEL, CALL, PROBE };

typedef struct command {
    struct command *next;
    enum verb       verb;
    heddle_id       id; /* of what it is about: a place, or an exchange */
    heddle_id       call;
    place          *place;
    heddle_op      *op;
    heddle_value   *value;
    bytes           written; /* a frame */
    bytes           text;    /* a content type, or the name of an operation */
    heddle_status   status;
    bool            more;
    uint64_t        time_ns;
    uint32_t        count;
} command;

typedef struct transport {
    const heddle_host          *host;
    const heddle_inbox_service *inbox;
    const heddle_op_service    *ops;
    uint64_t                    most_connections, most_calls;
    pthread_t                   thread;
    bool                        started;
    int                         bell;
    pthread_mutex_t             mutex;
    /* Guarded by mutex: */
    command *first, **last;
    bool     running, starved; /* starved: something could not be said, for there was no memory for it */
    /* The thread's own: */
    place     *places;
    exchange  *exchanges;
    heddle_id  last_id; /* even: what a peer asks, and probes */
} transport;

void open_transport(transport *t);
void close_transport(transport *t);
/* [start] 0, or an errno. */
int  start_thread(transport *t);
void stop_thread(transport *t);

/* [any] null: out of memory. */
command *new_command(enum verb verb, heddle_id id);
void     free_command(command *c);
/* [any] Hands it to the thread; null: what was to be said is lost, and so is every exchange. */
void post(transport *t, command *c);

#endif
