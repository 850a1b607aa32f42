/* SPDX-License-Identifier: Apache-2.0
 *
 * DRAFT. Kind "transport": messages over channels, both sides. May change until it moves out of draft/.
 *
 * The plugin pushes what arrives through a host service (heddle.inbox/1: opened, deliver, closed), in the order of the channel, and only as
 * many messages as it was granted.
 */
#ifndef HEDDLE_DRAFT_TRANSPORT_H
#define HEDDLE_DRAFT_TRANSPORT_H

#include "../object.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEDDLE_KIND_TRANSPORT "heddle.transport/1"
typedef struct heddle_transport {
    uint32_t      struct_size;
    heddle_object base;
    /* [lane] Connects to an endpoint; `channel` names the channel from here on. */
    void (*open)(void *self, heddle_str endpoint, const heddle_value *options, heddle_id channel, heddle_op *op) HEDDLE_FN;
    /* [lane] Serves on an endpoint; each peer that connects is announced to the inbox. */
    void (*listen)(void *self, heddle_str endpoint, const heddle_value *options, heddle_id listener, heddle_op *op) HEDDLE_FN;
    /* [lane] Completed when the peer has the message. */
    void (*send)(void *self, heddle_id channel, const heddle_value *message, heddle_op *op) HEDDLE_FN;
    /* [any] Receive credit: so many more messages may be delivered. */
    void (*grant)(void *self, heddle_id channel, uint32_t messages) HEDDLE_FN;
    /* [any] The fate of a delivery: OK, AGAIN (deliver once more), or a failure. */
    void (*settle)(void *self, heddle_id channel, heddle_id delivery, heddle_status status) HEDDLE_FN;
    /* [lane] Completed when nothing of the channel or listener is left. */
    void (*close)(void *self, heddle_id channel, heddle_op *op) HEDDLE_FN;
} heddle_transport;

#ifdef __cplusplus
}
#endif
#endif
