/* What is peculiar to this sidecar: what a worker is, and how it does an assignment. Put what you have in its place.
 *
 * A worker is this machine; each assignment is a program that is run for it. The program reads the item from stdin and writes the result to stdout; that it exits with 0 says that all went
 * well. What it writes to stderr last is the reason where it did not. It is the leader of a process group, and has in its environment HEDDLE_ACTIVITY, HEDDLE_RUN, HEDDLE_KIND and HEDDLE_CHECKPOINT. */
#ifndef MY_PLUGIN_PROGRAM_H
#define MY_PLUGIN_PROGRAM_H

#include <heddle/heddle.h>
#include <sys/types.h>

/* The host's values; set once by init(). */
extern const heddle_value_service *my_plugin_values;

typedef struct bytes {
    char  *ptr;
    size_t len, room;
} bytes;
bool add_bytes(bytes *b, const void *more, size_t n); /* false: no memory */
void free_bytes(bytes *b);

heddle_str str(const char *text);
void       make_readable(char *line); /* what is no UTF-8, or no character of a line, becomes "?" */

enum { MOST_VARIABLES = 4, MOST_LINE = 400 };

/* What a program is given: all of it copied, so that it can wait. */
typedef struct order {
    bytes variables[MOST_VARIABLES]; /* "NAME=text", with a NUL */
    int   variable_count;
    bytes input;
} order;
heddle_status make_order(const heddle_host *h, const heddle_assignment *a, order *out); /* INVALID: a program cannot be given that; EXHAUSTED */
void          free_order(order *o);

/* The file that a command names, as a shell would find it; false: there is none that can be run. */
bool find_program(const char *name, char *file, size_t room);

/* One run. All of it on the thread. */
typedef struct program {
    pid_t  pid;
    int    process, input, output, complaint; /* descriptors; -1: closed */
    bytes  to_write, out, err;
    size_t written, most;
    bool   too_much; /* it was cut off for what it wrote */
} program;

/* Takes what the order has; 0, or an errno: then nothing of it is left. */
int  start_program(program *p, char *const *command, order *o, size_t most);
void signal_program(const program *p, int number); /* to it, and to what it has started */
void feed_program(program *p);
void hear_output(program *p);
void hear_complaint(program *p);

/* How it ended, once `process` is readable: nothing is left of it then but `out`. */
typedef struct ending {
    int  exit_code; /* -1: by a signal */
    int  by_signal;
    char complaint[MOST_LINE]; /* the last line of stderr */
} ending;
void end_program(program *p, ending *out);
void free_program(program *p); /* of one that runs: it is ended */

#endif
