/* SPDX-License-Identifier: Apache-2.0
 *
 * heddle.log/1: lines for people. The host adds time, plugin and node, redacts secrets, and bounds the rate.
 */
#ifndef HEDDLE_LOG_H
#define HEDDLE_LOG_H

#include "abi.h"
#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An unknown level is taken as INFO. */
typedef int32_t heddle_level;
enum { HEDDLE_DEBUG = 0, HEDDLE_INFO = 1, HEDDLE_WARN = 2, HEDDLE_ERROR = 3 };

#define HEDDLE_LOG "heddle.log/1"
typedef struct heddle_log_service {
    uint32_t struct_size;
    /* [any] True if a line of this level would be kept: ask before making an expensive one. */
    bool (*enabled)(const heddle_host *h, heddle_level level) HEDDLE_FN;
    /* [any] One line, without a newline; copied. */
    void (*write)(const heddle_host *h, heddle_level level, heddle_str line) HEDDLE_FN;
} heddle_log_service;

#ifdef __cplusplus
}
#endif
#endif
