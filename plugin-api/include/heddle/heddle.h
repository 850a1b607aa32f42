/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything that a plugin of a promised kind needs, in the order in which to read it; the last six are for stores, transports, sidecars and chains.
 */
#ifndef HEDDLE_HEDDLE_H
#define HEDDLE_HEDDLE_H

#include "abi.h"
#include "value.h"
#include "host.h"
#include "item.h"
#include "op.h"
#include "call.h"
#include "object.h"
#include "node.h"
#include "note.h"
#include "plugin.h"
#include "log.h"
#include "sched.h"
#include "state.h"
#include "store.h"
#include "queue.h"
#include "transport.h"
#include "inbox.h"
#include "sidecar.h"
#include "chain.h"

#endif
