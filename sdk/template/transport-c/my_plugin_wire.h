/* What is peculiar to this transport: where its bytes travel, and how requests and answers are written as bytes. Put what you have in its place.
 *
 * They travel over TCP, plain, one connection for each exchange: to end the connection is to give the exchange up, and what nobody reads holds back its own sender and nobody else.
 * They are written as frames: the kind (1 byte), the sizes of head and body (4 bytes each, the lowest first), the head (JSON), the body (any bytes).
 *   client → server   Request {"operation", "content_type", "accept", "token", "trace", "trace_state", "timeout_ms", "parameters": {}, "metadata": {}} and its body, or Probe
 *   server → client   Answer {"status", "more", "accepted", "content_type", "retry_after_ms"} and its body, or {"status", "retry_after_ms", "failure": {"code", "class", "message"}};
 *                     where it says "more", Part {} each with its body, and End {"status", "why"} */
#ifndef MY_PLUGIN_WIRE_H
#define MY_PLUGIN_WIRE_H

#include <heddle/heddle.h>
#include <sys/socket.h>

/* The host's values; set once by init(). */
extern const heddle_value_service *my_plugin_values;

typedef struct bytes {
    char  *ptr;
    size_t at, len, room; /* what is there lies from `at` to `len` */
} bytes;
size_t count_bytes(const bytes *b);
bool add_bytes(bytes *b, const void *more, size_t n); /* false: no memory */
void drop_front(bytes *b, size_t n);
void free_bytes(bytes *b);

heddle_str str(const char *text);
bool       same(heddle_str a, const char *b);

/* Members of a MAP; what is absent, or of another kind, is empty, or 0. */
heddle_str text_in(const heddle_value *map, const char *name);
int64_t    number_in(const heddle_value *map, const char *name);

/* Where bytes travel. Sockets never block. */
typedef struct address {
    struct sockaddr_storage bytes;
    socklen_t               size;
} address;
enum { MOST_ADDRESSES = 8, MOST_ENDPOINT = 280 };

/* Of "host:port"; may ask the system for a name, and block. How many; 0: `why` says why. */
int  find_addresses(heddle_str endpoint, address out[MOST_ADDRESSES], const char **why);
void name_address(const address *a, char text[MOST_ENDPOINT]); /* "127.0.0.1:8080" */
int  listen_at(const address *a, char endpoint[MOST_ENDPOINT]); /* -1: see errno */
int  accept_from(int listener, char peer[MOST_ENDPOINT]);       /* -1: see errno */
int  connect_to(const address *a);                              /* under way: writable as soon as fault_of() knows; -1: see errno */
int  fault_of(int socket);                                      /* an errno; 0: none */

enum { FRAME_REQUEST = 'Q', FRAME_PROBE = 'W', FRAME_ANSWER = 'A', FRAME_PART = 'P', FRAME_END = 'E' };
typedef struct frame {
    int           kind;
    heddle_value *head; /* a MAP; released by drop_frame() */
    heddle_str    body; /* lies in the bytes it was found in */
    size_t        size; /* in all */
} frame;

/* The first frame of `b`. 1: it is there; 0: more bytes are needed; HEDDLE_INVALID: its body is larger than that; HEDDLE_UNSUPPORTED: it is no frame. */
int  find_frame(const heddle_host *h, const bytes *b, size_t most_body, frame *out);
void drop_frame(bytes *b, frame *f);
bool has_head(const bytes *b);
int  next_kind(const bytes *b); /* of a frame that is there in whole; 0: none is */

/* How they are written, behind what is in `out`. False: out of memory, or it cannot be written; then `out` is as it was. */
bool write_request(const heddle_host *h, const heddle_request *r, uint64_t now_ns, bytes *out);
bool write_answer(const heddle_host *h, const heddle_answer *a, bytes *out); /* a->body stays the caller's */
bool write_failure(const heddle_host *h, heddle_status status, const char *code, const char *error_class, const char *message, bytes *out);
bool write_probe(const heddle_host *h, bytes *out);
bool write_part(const heddle_host *h, heddle_str content_type, const heddle_value *v, bytes *out); /* nothing, where there is nothing to say */
bool write_only_part(const heddle_host *h, heddle_str body, bytes *out); /* and the end, of a stream that was answered as a whole */
bool write_end(const heddle_host *h, heddle_status status, heddle_str why, bytes *out);

/* How they are read: texts and maps live as long as the frame, the body is a new reference. False: the peer does not keep to the above, or out of memory. */
bool          read_request(const heddle_host *h, const frame *f, uint64_t now_ns, heddle_request *out);
bool          read_answer(const heddle_host *h, const frame *f, heddle_answer *out);
heddle_value *read_part(const heddle_host *h, const frame *f, heddle_str content_type); /* null: as above */

/* A MAP of "code", "class" and "message"; null: out of memory. */
heddle_value *failure_of(const heddle_host *h, heddle_str code, heddle_str error_class, heddle_str message);
heddle_value *bytes_value(const heddle_host *h, heddle_str text); /* BYTES; null: out of memory */

#endif
