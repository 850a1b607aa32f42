// SPDX-License-Identifier: Apache-2.0
//
// Everything that a node plugin in C++ needs, in the order in which to read it.
#pragma once
#include "sdk/error.h"
#include "sdk/host.h"
#include "sdk/value.h"
#include "sdk/describe.h"
#include "sdk/call.h"
#include "sdk/config.h"
#include "sdk/async.h"
#include "sdk/thunk.h"
#include "sdk/plugin.h"
