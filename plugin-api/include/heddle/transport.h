/* SPDX-License-Identifier: Apache-2.0
 *
 * Kind "transport": requests and their answers over a network, both sides.
 *
 * An exchange is one request and its answer. Each of the two is a head with a first value, mostly the only one; where the head says `more`,
 * parts follow until `end`. An exchange has an id, given by the side that opens it and never given again: even ids by the transport (a peer's
 * request), odd ids by the host (a call to a peer). Nothing else names it, and no call here answers anything at once: so both sides may be two
 * processes. What is said of an exchange that is over is ignored, for the two sides may have crossed.
 *
 * Flow control: a side sends a part only against credit, counted in parts, which the receiver grants. For the parts of an answer it begins with
 * what the request says, for those of a request with 0. What one side says of one exchange, it says one after the other.
 *
 * The transport neither authenticates nor authorises anybody: it hands over what the peer showed (inbox.h), never logs it, and the host decides.
 *
 * Metadata goes with a request from the one host to the other, as fields whose names begin with "heddle-" where the protocol has fields: a MAP
 * of STRING. A name is 1 to 64 of a-z, 0-9 and '-' and not "timeout-ms"; a text is printable ASCII without a space at either end. At most
 * HEDDLE_METADATA_MOST entries, and HEDDLE_METADATA_BYTES of names and texts together. Whoever hands it on checks that.
 *
 * The descriptor (note.h) of a transport type: "transport" (its name, as in "transport": "http") and "params" are required; "summary" and
 * "aliases" as in node.h.
 */
#ifndef HEDDLE_TRANSPORT_H
#define HEDDLE_TRANSPORT_H

#include "object.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEDDLE_METADATA_MOST 32u
#define HEDDLE_METADATA_BYTES 8192u

/* The head of a request. Texts and parameters are borrowed until the call that carries the struct returns. Set struct_size. */
typedef struct heddle_request {
    uint32_t            struct_size;
    bool                more;         /* parts of the request follow; a body of application/x-ndjson is then whole lines, or null */
    heddle_id           exchange;
    heddle_str          operation;    /* the name the host offered, or gave at connect: "jobs.submit" */
    heddle_str          peer;         /* whom the transport sees: "192.0.2.7:51234"; empty in a call of the host */
    heddle_str          identity;     /* what the connection itself proves: the subject of a verified certificate; empty: nothing, or a call */
    heddle_str          token;        /* the bearer token as it came; empty: none. A secret */
    heddle_str          content_type; /* of the body, in lower case, without parameters; empty: not said */
    heddle_str          trace;        /* W3C traceparent; of a peer's request as it came, if it came once: the host judges it. Empty: none */
    heddle_str          trace_state;  /* W3C tracestate; of a peer's request as it came, several fields joined by commas. Empty: none */
    uint64_t            deadline_ns;  /* CLOCK_MONOTONIC; 0: the caller said none */
    uint32_t            credit;       /* so many parts of the answer may be sent at once */
    const heddle_value *parameters;   /* MAP of STRING: those of the path and of the query */
    heddle_value       *body;         /* BYTES as they came, or a value where the transport has values; null: none. Consumed */
    const heddle_value *metadata;     /* MAP of STRING; null: none. Of a peer's request: what the peer says, and no more than that */
    heddle_str          accept;       /* of a peer's request: the content types that it takes, as it says them ("text/event-stream, application/json;q=0.5", RFC 9110); empty: not said, or any */
} heddle_request;

/* The head of an answer; ownership as above. */
typedef struct heddle_answer {
    uint32_t      struct_size;
    heddle_status status;         /* OK; or why not: then body is a MAP of "code", "class" and "message", all STRING */
    bool          more;           /* parts of the answer follow; never with a failure. Without it, the body is all there is, of a stream as its only part */
    bool          accepted;       /* of OK: what was asked for was taken on, and is not done yet */
    bool          unsent;         /* of a failure that a call of the host gets: nothing of the request has left: it may be repeated, whatever it is */
    heddle_str    content_type;   /* of body and parts; empty: application/json */
    uint32_t      retry_after_ms; /* of a failure: not to be tried again before; 0: not said */
    heddle_value *body;           /* null: none. Consumed */
} heddle_answer;

/* How values are written, by content type, in calls as in answers: application/json: the JSON text; application/x-ndjson: the same, a line each;
 * text/event-stream: one event each, a MAP of "event" and "id" (STRING, may be absent) and "data" (a STRING as it is, else its JSON text); any
 * other: STRING as it is. BYTES are written as they are under every type.
 * How parts are read: application/x-ndjson: a value each, or BYTES with its JSON text; text/event-stream: an event each, a MAP of "event" and
 * "id" (where they were said) and "data", all STRING; any other: BYTES as they came, the borders between them say nothing. */

#define HEDDLE_KIND_TRANSPORT "heddle.transport/1"
typedef struct heddle_transport {
    uint32_t      struct_size;
    heddle_object base;

    /* The server's side; null: the type has none. ------------------------------------------------------------------------------------ */

    /* [start] Serves what the host offers. `listener` names it from here on. `offer`, a MAP, borrowed until return:
     *   "endpoint"    "127.0.0.1:8080"; port 0: any free one
     *   "limits"      {"body_bytes", "requests" at a time, "header_ms" from a request's first byte to the end of its head, "request_ms" to its
     *                 end, "idle_ms" between two requests of a connection, "stall_ms" without a byte taken of an answer}; all are present
     *   "operations"  [{"name": "jobs.get", "answer": "value" or "stream", "method": "GET", "path": "/v1/jobs/{id}"}]: method and path are for
     *                 transports that have them; a path's segment in braces is a parameter. No two share method and path, but for the names
     *                 of parameters; a literal segment goes before a parameter
     *   "otherwise"   the name of one more operation, to which everything goes that fits none of them, so that the host decides who may know
     *                 what there is. Its parameters are "method", "path" and "allow": the methods of that path, none if there is no such path.
     *                 Absent: the transport says itself that there is nothing
     * Result: {"endpoint": …}, with the port in use. Requests may reach the inbox before op is complete. */
    void (*listen)(void *self, heddle_id listener, const heddle_value *offer, heddle_op *op) HEDDLE_FN;

    /* [any] The one answer to a peer's request. A failure, and an answer without `more`, needs no end. */
    void (*answer)(void *self, heddle_id exchange, const heddle_answer *a) HEDDLE_FN;

    /* [any] Takes no new requests, lets the running ones end until CLOCK_MONOTONIC `until_ns`, then cuts them off. Completes op when nothing of
     * the listener is left: no inbox call names it after that. */
    void (*close)(void *self, heddle_id listener, uint64_t until_ns, heddle_op *op) HEDDLE_FN;

    /* Both sides. -------------------------------------------------------------------------------------------------------------------- */

    /* [any] The next part of what the host sends in this exchange, against credit; v is consumed. */
    void (*part)(void *self, heddle_id exchange, heddle_value *v) HEDDLE_FN;

    /* [any] Its last part was sent. status < 0: it breaks off, `why` says the reason; the peer can tell that from a good end. */
    void (*end)(void *self, heddle_id exchange, heddle_status status, heddle_str why) HEDDLE_FN;

    /* [any] So many more parts may be delivered to the inbox. Null: this type delivers none. */
    void (*grant)(void *self, heddle_id exchange, uint32_t parts) HEDDLE_FN;

    /* [any] The host gives the exchange up: the peer is told, as far as the protocol can. inbox->over follows. */
    void (*cancel)(void *self, heddle_id exchange) HEDDLE_FN;

    /* The client's side; null: the type has none. ------------------------------------------------------------------------------------ */

    /* [start] Readies a channel to an endpoint; need not speak to the peer yet. `channel` names it from here on. `options`, a MAP, borrowed until
     * return:
     *   "endpoint"         "host:port"; or a URL, whose path, if it has one, goes before that of every operation
     *   "operations"       as in the offer of listen: what may be called; more than here may be offered there
     *   "tls"              {"ca", "certificate", "key", "server_name"}, each may be absent: the paths of PEM files, and the name that the peer's
     *                      certificate must have if not the host of the endpoint. The peer is always verified; without "ca", against the
     *                      authorities of the system. Absent: no TLS, but where the endpoint's URL asks for it
     *   "headers"          MAP of STRING: fields that go with every request, as they are, where the protocol has fields. Secrets
     *   "connect_ms"       the most that it takes to reach the peer, from the name to the end of the TLS handshake
     *   "most_body_bytes"  of an answer's body, or of one part; a larger one is a failure
     * "endpoint", "operations", "connect_ms" and "most_body_bytes" are present. No result. */
    void (*connect)(void *self, heddle_id channel, const heddle_value *options, heddle_op *op) HEDDLE_FN;

    /* [any] Sends a request to the peer of the channel, or lets it wait until it can be sent. Its deadline holds from here to the end of the
     * answer. The inbox hears exactly one answer, the peer's or why there is none, and `over` after it or after its parts; of a call that was
     * given up, or whose channel is disconnected, perhaps only `over`. What goes wrong on the way is an answer with a failure, whose code says:
     *   "unreachable"     there is no connection; the message says why      "cancelled"    given up
     *   "untrusted"       one side of TLS does not accept the other         "too-large"    the answer, or a part, is over the limit
     *   "connection-lost" it ended before the answer did                    "not-understood"  what the peer says is not the protocol
     *   "deadline"        the deadline has passed                           "full"         too many calls wait here
     *   "unsupported"     the transport cannot carry this call              "invalid"      there is no such operation, a parameter is missing */
    void (*call)(void *self, heddle_id channel, const heddle_request *r) HEDDLE_FN;

    /* [any] Asks whether the peer is well, in the manner of the protocol: at most for the time of connect_ms. OK, or the reason. */
    void (*probe)(void *self, heddle_id channel, heddle_op *op) HEDDLE_FN;

    /* [any] Gives up every call of the channel. Completes op when nothing of the channel is left: no inbox call for one of its exchanges comes
     * after that. */
    void (*disconnect)(void *self, heddle_id channel, heddle_op *op) HEDDLE_FN;
} heddle_transport;

#ifdef __cplusplus
}
#endif
#endif
