"""Makes thumbnails of PPM images: every n-th pixel of every n-th row. Usage: thumbnail_worker.py [ADDRESS]"""
import sys
import urllib.request

from heddle_worker import SKIPPED, Ref, Worker

worker = Worker(version="1.0.0")
SPEC = {"task_kind": "thumbnails/resize", "task_version": "1.0.0", "inputs": [{"name": "image", "type": "string"}, {"name": "every", "type": "int"}]}


@worker.handler("thumbnails/resize", spec=SPEC)
def resize(task):
    every = task.inputs["every"]
    if every < 2:
        return SKIPPED
    with urllib.request.urlopen(task.inputs["image"]) as image:
        kind, width, height, depth, pixels = image.read().split(maxsplit=4)
    width, rows = int(width), []
    for y in range(0, int(height), every):
        task.check()
        task.progress(100 * y // int(height), f"row {y}")
        row = pixels[3 * width * y:3 * width * (y + 1)]
        rows.append(b"".join(row[3 * x:3 * x + 3] for x in range(0, width, every)))
    small = b"%s %d %d %s\n" % (kind, len(rows[0]) // 3, len(rows), depth) + b"".join(rows)
    urllib.request.urlopen(urllib.request.Request(task.upload_prefix + "small.ppm", small, method="PUT")).close()
    return Ref(task.upload_prefix + "small.ppm")


worker.serve(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7070", slots=2)
