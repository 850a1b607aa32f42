/* SPDX-License-Identifier: Apache-2.0
 *
 * heddle.inbox/1: where a transport delivers what peers send. What an exchange is stands in transport.h.
 */
#ifndef HEDDLE_INBOX_H
#define HEDDLE_INBOX_H

#include "host.h"
#include "transport.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEDDLE_INBOX "heddle.inbox/1"
typedef struct heddle_inbox_service {
    uint32_t struct_size;

    /* [any] A peer asks. Exactly one `over` follows for r->exchange, whatever the host does: it may answer before this returns. A host
     * that is full answers so. */
    void (*request)(const heddle_host *h, heddle_id listener, const heddle_request *r) HEDDLE_FN;

    /* [any] So many more parts may be sent in this exchange. */
    void (*grant)(const heddle_host *h, heddle_id exchange, uint32_t parts) HEDDLE_FN;

    /* [any] The exchange is over, and its id with it: this is the transport's last word on it. OK: all was handed to the network. CANCELLED:
     * the peer has gone, was cut off, or the host gave it up. DEADLINE: the deadline has passed; where an answer was owed, the transport gave
     * that one. Of a call of the host: the status of its answer, or of the end of its parts. `why` is copied. */
    void (*over)(const heddle_host *h, heddle_id exchange, heddle_status status, heddle_str why) HEDDLE_FN;

    /* [any] A listener or channel died by itself; close or disconnect is still owed. */
    void (*lost)(const heddle_host *h, heddle_id listener_or_channel, heddle_status status, heddle_str why) HEDDLE_FN;

    /* For the client's side, and for requests in parts; null: this host takes none. -------------------------------------------------- */

    /* [any] The answer to a call of the host. `more`: parts follow, and one `end`. To an operation that is answered with a stream every answer but a
     * failure has it: what the peer said as a whole is the only part. */
    void (*answer)(const heddle_host *h, heddle_id exchange, const heddle_answer *a) HEDDLE_FN;

    /* [any] The next part of what the peer sends, against credit; v is consumed. */
    void (*part)(const heddle_host *h, heddle_id exchange, heddle_value *v) HEDDLE_FN;

    /* [any] The peer's last part was delivered; status < 0: it broke off, `why` says the reason (copied). */
    void (*end)(const heddle_host *h, heddle_id exchange, heddle_status status, heddle_str why) HEDDLE_FN;
} heddle_inbox_service;

#ifdef __cplusplus
}
#endif
#endif
