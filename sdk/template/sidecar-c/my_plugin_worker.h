/* The workers, what may be assigned to each, and the runs that are under way, on one thread. What comes from the host comes on any: it waits here as a command. */
#ifndef MY_PLUGIN_WORKER_H
#define MY_PLUGIN_WORKER_H

#include <pthread.h>

#include "my_plugin_program.h"

typedef struct worker {
    struct worker *next;
    heddle_id      id;
    uint64_t       slots, credit; /* credit: that the host has */
    size_t         most_bytes, runs;
    bool           here, told_gone, draining;
    uint64_t       look_ns, again_ns; /* when it is looked for again, as long as it is not here */
    heddle_op     *leaving;           /* to be completed when nothing is left; null: nobody waits */
} worker;

typedef struct run {
    struct run   *next;
    heddle_id     id;
    worker       *worker;
    program       program;
    uint64_t      due_ns;            /* of its deadline, then of its grace time */
    heddle_status stopped;           /* why it was told to end: CANCELLED, DEADLINE */
    char          reason[MOST_LINE];
    bool          done;
} run;

enum verb { CONNECT, ASSIGN, CANCEL, DRAIN, PROBE, DISCONNECT };

typedef struct command {
    struct command *next;
    enum verb       verb;
    heddle_id       id; /* of the worker; of CANCEL: of the assignment */
    heddle_id       assignment;
    worker         *worker;
    heddle_op      *op;
    order           order;
    uint64_t        time_ns;
    char            reason[MOST_LINE];
} command;

typedef struct sidecar {
    const heddle_host                *host;
    const heddle_assignments_service *told;
    const heddle_op_service          *ops;
    char                            **command; /* ends with null */
    pthread_t                         thread;
    bool                              started;
    int                               bell;
    pthread_mutex_t                   mutex;
    /* Guarded by mutex: */
    command *first, **last;
    bool     running;
    /* The thread's own: */
    worker *workers;
    run    *runs;
} sidecar;

void open_sidecar(sidecar *s);
void close_sidecar(sidecar *s);
/* [start] 0, or an errno. */
int  start_thread(sidecar *s);
void stop_thread(sidecar *s);

/* [any] null: out of memory. */
command *new_command(enum verb verb, heddle_id id);
void     free_command(command *c);
void     post(sidecar *s, command *c);

/* [any] That an assignment is done, and not well. */
void fail_assignment(const sidecar *s, heddle_id assignment, heddle_status status, const char *code, const char *error_class, const char *why);

#endif
