"""chain_endpoint.py URL RULE: an endpoint that does not always do as it should (tests/chain/endpoint.py), in front of the chain at URL. Says its port; ends with its caller."""
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "chain"))
import endpoint  # noqa: E402

RULES = {
    "honest": endpoint.honest,
    "reject": endpoint.reject_sends(one_in=20),
    "lose": endpoint.lose_answers(one_in=20),
    "swallow": endpoint.swallow_sends(one_in=20),
    "other-chain": endpoint.be_of_chain(1),
    "few-logs": endpoint.limit_logs(blocks=3),
    "silent": endpoint.be_silent,
    "far-ahead": endpoint.lie_about_nonces(1_000_000, "pending"),
    "late": endpoint.fail_first("eth_chainId"),
    "usurp": endpoint.usurp("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"),
}

between = endpoint.Endpoint(sys.argv[1], RULES[sys.argv[2]])
print(between.url.rsplit(":", 1)[1], flush=True)
threading.Event().wait()
