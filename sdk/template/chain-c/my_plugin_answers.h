/* What heddle/chain.h lets a host ask, and the answers out of a ledger whose every entry is final at once. Each gives a new value, or null and why there is none. */
#ifndef ANSWERS_H
#define ANSWERS_H

#include "my_plugin_ledger.h"

heddle_value *answer_read(ledger *l, const heddle_value *question, uint64_t submitted, failure *why);
heddle_value *answer_submit(ledger *l, heddle_str key, const heddle_value *intent, int64_t lease_s, failure *why);
heddle_value *answer_transactions(ledger *l, const heddle_value *filter, failure *why);

/* *from: the first block to be told of; UINT64_MAX: as the filter says, and then where it goes on. *found: how many there are. */
heddle_value *answer_events(ledger *l, const heddle_value *filter, uint64_t *from, size_t *found, failure *why);

#endif
