/* One exchange and its connection: the request of a peer and the host's answer to it, or a call of the host. All of it on the transport's thread. */
#ifndef MY_PLUGIN_EXCHANGE_H
#define MY_PLUGIN_EXCHANGE_H

#include "my_plugin_wire.h"

#define NEVER UINT64_MAX
#define NS_PER_MILLISECOND 1000000ull

/* Where exchanges come from, or go to: a listener, or a channel. As heddle/transport.h has them. */
typedef struct place {
    struct place *next;
    heddle_id     id;
    heddle_value *said;               /* the offer, or the options */
    size_t        most_body;          /* of a request; of an answer, or a part */
    int           fd;                 /* of a listener; -1: a channel, or it is being closed */
    uint64_t      header_ns, request_ns, stall_ns;
    uint64_t      rests_until_ns;     /* there was no room for one more connection */
    address       addresses[MOST_ADDRESSES];
    int           address_count;
    uint64_t      connect_ns;
    size_t        open;               /* exchanges */
    bool          leaving;            /* nothing new begins */
    uint64_t      until_ns;           /* then what is left is cut off */
    heddle_op    *left;               /* to be completed when nothing is left; null: nobody waits */
} place;

enum phase {
    READING,   /* a peer's request */
    ASKED,     /* the host has it */
    STREAMING, /* parts of its answer follow */
    LEAVING,   /* all is said, and on its way */
    LINGERING, /* all is with the network: the peer closes, or the time does */
    DIALLING,  /* a call: the connection is under way */
    CALLED,    /* it waits for the answer */
    RECEIVING, /* parts of it follow */
    GONE
};

typedef struct exchange {
    struct exchange            *next;
    const heddle_host          *host;
    const heddle_inbox_service *inbox;
    const heddle_op_service    *ops;
    place                      *place;
    heddle_id                   id;
    heddle_op                  *probe; /* of what is no call, but the question whether the peer is well */
    enum phase                  phase;
    int                         fd;
    bytes                       in, out;
    size_t                      sent;     /* of out */
    bool                        has_sent; /* anything at all */
    bool                        closed;   /* by the peer */
    uint64_t                    began_ns, taken_ns, deadline_ns, lingers_until_ns;
    bytes                       type; /* the content type of the answer */
    /* Of a peer's request: */
    char          peer[MOST_ENDPOINT];
    bool          is_open; /* the host knows of it */
    bool          owes_left;
    uint32_t      unsent_parts;
    heddle_status status; /* why it is over, once all of the answer is with the network */
    /* Of a call: */
    uint64_t credit;
    bool     streams; /* the answer is handed on in parts */
    bytes    only;    /* what a whole answer is in parts, to be read after it */
    int      tried;   /* of the addresses */
} exchange;

uint64_t clock_ns(void); /* CLOCK_MONOTONIC */
bool     offers(const place *p, heddle_str operation, bool *streams);

short    wanted_events(const exchange *e);
uint64_t due_ns(const exchange *e);
void     ready(exchange *e, short events); /* poll() says so */
void     settle(exchange *e, uint64_t now);/* what follows from what has happened to it */

/* By the host. */
void answer_request(exchange *e, const bytes *written, bool more, heddle_str type);
void send_part(exchange *e, const heddle_value *v);
void end_parts(exchange *e, const bytes *written, heddle_status status);
void cut_off(exchange *e, const char *why); /* a peer's request */
void dial(exchange *e);
void grant_parts(exchange *e, uint32_t parts);
void give_up(exchange *e, const char *why); /* a call */

/* What `a` answers, and that it is over. */
void refuse_call(const heddle_host *h, const heddle_inbox_service *inbox, heddle_id id, heddle_status status, const char *code, const char *error_class, const char *why);

#endif
