/* SPDX-License-Identifier: Apache-2.0
 *
 * The host as a plugin sees it: one table, and services by id.
 *
 * A plugin gets a heddle_host at init, and one of its own for every object it creates (so that a log line or a failure is attributed to
 * the right node). Each lives until deinit, or until the object's destroy has returned.
 */
#ifndef HEDDLE_HOST_H
#define HEDDLE_HOST_H

#include "abi.h"
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

struct heddle_host {
    uint32_t struct_size;
    uint32_t abi_minor; /* the host's */
    void    *host_data; /* the host's own; do not touch */
    heddle_str name;    /* "heddle" */
    heddle_str version; /* semantic version of the host program */
    heddle_str owner;   /* whom this table was made for: the plugin's name, or the node's id */

    /* [any] A service table by id ("heddle.value/1"), or null. Lives as long as h. */
    const void *(*get_service)(const heddle_host *h, const char *id) HEDDLE_FN;

    /* The reason for the failure that the current call, on this thread, is about to return; the last one before the return counts.
     * `why` is copied; details_or_null is borrowed. [same thread] */
    void (*fail)(const heddle_host *h, heddle_status st, heddle_str why, const heddle_value *details_or_null) HEDDLE_FN;
};

#ifdef __cplusplus
}
#endif
#endif
