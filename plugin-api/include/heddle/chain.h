/* SPDX-License-Identifier: Apache-2.0
 *
 * Kind "chain": transactions and events of a chain, and the work that its contracts offer.
 *
 * An object of a chain type is one account on one chain. Its keys never leave it. It writes what it is about to do into the journal of the host (draft/journal.h) before it does it,
 * so that the host may be killed at any moment: nothing that was taken is lost, and nothing is done twice.
 *
 * Transactions are named by the key that the caller gives. A key is taken once, for ever: whoever asks again with it, in this life of the process or a later one, gets the same
 * transaction, whatever the intent says now. So there is no other way to go on after a restart than to ask again.
 *
 * Times of a chain are Unix seconds, as its blocks have them. Amounts are DECIMAL or INT in the smallest unit. Ids, addresses and hashes are STRING, as the chain writes them.
 *
 * The descriptor (note.h) of a chain type: "chain" (its name, as in "chain": "evm") and "params" are required; "summary" and "aliases" as in node.h. What the schema marks as
 * "writeOnly" is a secret: it stands in no log and in no error, of the host or of the plugin.
 *
 * Could the two sides be two processes? Yes: values and keys go back and forth.
 */
#ifndef HEDDLE_CHAIN_H
#define HEDDLE_CHAIN_H

#include "host.h"
#include "object.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEDDLE_KIND_CHAIN "heddle.chain/1"

/* base.activate gets at the key and the journal, finds that the endpoints are of the chain that was configured, and goes on with what the journal has. It fails with the codes
 *   "no-key" (it cannot be read, or others can read it), "bad-password", "other-chain", "unavailable" (no endpoint answers), "no-journal" (it cannot be read), "in-use" (another object of this process has the account)
 * base.deactivate stops; what is open is answered as CANCELLED, and goes on when somebody asks with its key in a later life. */
typedef struct heddle_chain {
    uint32_t      struct_size;
    heddle_object base;

    /* [any] Looks something up. `question`, a MAP, borrowed until return, has "ask":
     *   "standing"     OK: MAP of "chain" (INT or STRING: its id), "account", "block" (INT, the newest), "block_unix", "balance", "pending" (INT: transactions that are not final), "gaps" (INT: numbers
     *                  of the account that are taken and that no transaction of ours has), "bumps", "sent", "final" (INT, counted since activate), "alarms" (LIST of STRING: what a person should look at),
     *                  "endpoints" (LIST of MAP: "address", "block", "well" BOOL, "error")
     *   "worker"       OK: MAP of "active" (BOOL: the account may take work), "version" (STRING: of the contracts)
     *   "offer"        "queue", "partition" (INT): OK: the activity that is to be claimed next, by its priority or however the chain orders them, or NULL
     *   "activity"     "activity": OK: the activity, or NULL: there is none
     *   "mine"         OK: LIST of ids: what is assigned to the account and not over
     *   "transaction"  "key": OK: as in `transactions`, or NULL
     *   "call"         "to", "function", "args" (LIST), and perhaps "block": OK: what the function of a contract gives; nothing on the chain changes
     * An activity is a MAP: "activity" (its id), "workflow", "kind", "queue" (may be absent), "state" ("offered", "assigned", "completed", "failed"), "worker" (absent: nobody), "input" (BYTES), "created_unix",
     * "expires_unix" (0: never), "lease_until_unix" (0: there is no lease), "progress" (INT, 0 to 100).
     * Failures have a "code": "unavailable", "reverted" (`why` says the contract's error with its arguments), "invalid". */
    void (*read)(void *self, const heddle_value *question, heddle_op *op) HEDDLE_FN;

    /* [any] One transaction, once for each key (1 to 200 bytes of UTF-8). `intent`, a MAP, borrowed until return, has "do":
     *   "claim"      "activity"
     *   "heartbeat"  "activity", "percent" (INT)
     *   "complete"   "activity", "result" (BYTES)
     *   "fail"       "activity", "reason" (STRING)
     *   "resume"     "workflow"
     *   "call"       "to", "function", "args" (LIST), and perhaps "value": any function of a contract; without "function", "value" is moved and nothing else
     * and may have
     *   "gas"             INT: the most work that it may cost; absent: as the chain estimates it
     *   "until"           op is complete when the transaction is "stored" (nothing can lose it any more), "included" (in a block) or "final" (as deep as configured); default "final"
     *   "not_after_unix"  what is not in a block by then is no longer wanted: its place is taken by one that does nothing
     * OK: MAP of "key", "stage" (as in "until"), "transaction" (its hash), "number" (of the account's), "attempts" (INT), and once it is included "block", "block_hash", "fee".
     * Failures have a "code":
     *   INVALID      "refused" (it would revert: nothing was sent), "reverted" (it did, for good), "invalid"; `why` says the contract's error with its arguments
     *   DEADLINE     "too-late" (not_after_unix has passed)
     *   UNAVAILABLE  "unavailable" (no endpoint takes it), "balance" (the account has not enough), "ceiling" (it costs more than is allowed); nothing was taken: ask again
     *   UNSUPPORTED  "no-key", "no-journal": the object has no key, or the host has no store
     *   EXHAUSTED    "full": too many are open; ask again
     * Of what was stored, only INVALID and DEADLINE are the end; whoever waits for it waits until then. */
    void (*submit)(void *self, heddle_str key, const heddle_value *intent, heddle_op *op) HEDDLE_FN;

    /* [any] What has happened since a cursor. `filter`, a MAP, borrowed until return:
     *   "events"  LIST of what is wanted; absent: all that the type knows
     *   "after"   a cursor, as an answer gave it; absent: from the newest block on
     *   "from_block" (INT) or "from_unix": where to begin without a cursor
     *   "final"   BOOL: only what cannot be undone any more; default false
     *   "wait_ms" so long it may wait for something to happen; default 0
     *   "most"    INT: about so many events at most; default 1000
     * OK: MAP of "events" (LIST of MAP: "event" (its name), "block", "block_hash", "block_unix" (may be absent), "transaction", "index" (INT: in its block), "contract", "args" (MAP), and of those that tell of work "work" ("offered", "claimed", "heartbeat", "completed", "failed"), "activity", and where the event says so "worker", "queue", "partition" (INT), "priority" (INT); or "event": "removed" with "block" and
     * "block_hash": everything of that block never was), "cursor" (any value: what the next question goes on from; to be kept together with what the events led to) and
     * "head" (INT: the newest block). It is complete when it has events, or after wait_ms: without events, the cursor is at the head. */
    void (*events)(void *self, const heddle_value *filter, heddle_op *op) HEDDLE_FN;

    /* [any] The transactions of the journal, the newest first. `filter`, a MAP, borrowed until return: "open" (BOOL: only those that are not over), "most" (INT, default 100), "before" (INT: a number).
     * OK: LIST of MAP: "key", "stage" ("stored", "sent", "included", "final", "reverted", "replaced" (it was too late: its number went to one that does nothing), "refused" (it would revert now, and was given up), "conflict" (somebody else has used its number: it stands again, under another one)), "number", "transaction" (hash of the attempt that counts, or of the last one), "do", "attempts" (LIST of MAP: "transaction",
     * "fee", "at_unix", "error"), "block", "stored_unix". */
    void (*transactions)(void *self, const heddle_value *filter, heddle_op *op) HEDDLE_FN;
} heddle_chain;

#ifdef __cplusplus
}
#endif
#endif
