#!/usr/bin/env python3
"""Transactions from one account on anvil with a block every 100 ms: chain_evm beside ethers, each on a new chain, in turns.

run.py CHAIN_BENCH [COUNT] [ROUNDS]: HEDDLE_CHAIN_TOOLS is where tests/chain/install has put the tools. Prints the medians and their ratio. After each the chain has as many transactions of the account as
were sent, no more and no fewer.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from chain import KEYS, TOOLS, Chain, why_not  # noqa: E402


def on_a_new_chain(command, count):
    with tempfile.TemporaryDirectory() as folder:
        chain = Chain.anvil(folder)
        try:
            key = os.path.join(folder, "account.key")
            with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(KEYS[0] + "\n")
            said = json.loads(subprocess.run(command(chain.url, key), stdout=subprocess.PIPE, check=True).stdout)
            mined = chain.nonce(chain.accounts()[0])
            assert mined == count and not said["failed"], (mined, said)
            return said
        finally:
            chain.leave()


def main():
    if why_not():
        sys.exit(why_not())
    bench, count, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10_000, int(sys.argv[3]) if len(sys.argv) > 3 else 3
    peer = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ethers_peer.js")
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(on_a_new_chain(lambda url, key: ["node", peer, TOOLS, url, str(max(1, count // 5))], max(1, count // 5)))
        ours.append(on_a_new_chain(lambda url, key: [bench, url, key, str(count)], count))
        print(json.dumps({"ethers": theirs[-1], "ours": ours[-1]}), file=sys.stderr, flush=True)
    of = lambda all_, key: statistics.median(one[key] for one in all_)  # noqa: E731
    print(f"ethers' NonceManager: {of(theirs, 'mined_per_s'):.0f} mined/s; chain_evm: {of(ours, 'stored_per_s'):.0f} stored/s, {of(ours, 'mined_per_s'):.0f} mined/s, "
          f"{of(ours, 'mined_per_s') / of(theirs, 'mined_per_s'):.1f} times as many; from submit until it is stored p50 {of(ours, 'p50_ms'):.1f} ms, p99 {of(ours, 'p99_ms'):.1f} ms")


if __name__ == "__main__":
    main()
