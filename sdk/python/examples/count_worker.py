"""Counts the words of texts. Usage: count_worker.py [ADDRESS] [rest]"""
import sys

from heddle_worker import Worker

worker = Worker(version="1.0.0")
SPEC = {"task_kind": "text/count", "task_version": "1.0.0", "inputs": [{"name": "text", "type": "string"}],
        "outputs": [{"name": "words", "type": "int"}, {"name": "longest", "type": "string"}]}


@worker.handler("text/count", spec=SPEC)
def count(task):
    words = task.inputs["text"].split()
    for n in range(len(words)):
        task.check()
        task.progress(100 * n // len(words))
    return {"words": len(words), "longest": max(words, key=len, default="")}


serve = worker.serve_rest if "rest" in sys.argv[2:] else worker.serve
address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7070"
serve(address if ":" in address else "127.0.0.1:" + address, slots=4)
