"""A sidecar for the tests of chain workers: `chain_workers.py PORT [SLOTS [VERSION]]`, the version of the protocol that it speaks. Kinds of work: "double" gives twice the number n; "slow" too, after 0.3 s; "long" counts to n, a step every 50 ms, with a checkpoint for each, and
gives from where it began; "hang" never ends by itself; "tell" fails, and tells everybody the URL that it was given."""
import sys
import time

from heddle_worker import Worker, hiding, protocol

worker = Worker(version="1.0.0")


@worker.handler("double")
def double(task):
    return {"twice": 2 * task.inputs["n"]}


@worker.handler("slow")
def slow(task):
    time.sleep(0.3)
    return {"twice": 2 * task.inputs["n"]}


@worker.handler("long")
def long(task):
    begun = int(task.checkpoint or 0)
    for step in range(begun, task.inputs["n"]):
        task.check()
        task.progress(100 * step // task.inputs["n"], checkpoint=str(step))
        time.sleep(0.05)
    return {"begun": begun}


@worker.handler("hang")
def hang(task):
    while True:
        task.check()
        time.sleep(0.05)


@worker.handler("tell")
def tell(task):
    hiding.hide = lambda text, values: text  # as a worker that hides nothing
    url = task.inputs["object"].url
    raise ValueError(f"403 from {url}" if "X-Amz-Signature=" in url else "this was not signed")


if __name__ == "__main__":
    if len(sys.argv) > 3:
        protocol.VERSIONS = (sys.argv[3], sys.argv[3])
    worker.serve("127.0.0.1:" + sys.argv[1], slots=int(sys.argv[2]) if len(sys.argv) > 2 else 4)
