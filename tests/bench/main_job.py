#!/usr/bin/env python3
"""Bench 2: a million JSON lines of about 190 bytes through PassThrough → Echo → PassThrough, file to file, beside cat and a bare simdjson loop.

main_job.py BUILD_FOLDER     prints seconds, ratios and peak memory; nothing is asserted.
The files lie in TMPDIR: with TMPDIR=/dev/shm the disk is not part of it.
"""
import filecmp
import json
import os
import tempfile

from bench_place import build_folder, measure, program

COUNT = 1_000_000


def write_items(path):
    words = ["amber", "basalt", "cedar", "delta", "ember", "fjord", "glade", "harbor"]
    state = 12345
    with open(path, "w", encoding="utf-8") as file:
        for i in range(COUNT):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF  # the same items on every machine
            w = [words[(state >> shift) & 7] for shift in (3, 6, 9, 12, 15)]
            file.write(f'{{"id":{i},"account":"{w[0]}-{state % 100000:05d}","score":{state % 1000 / 1000},"region":"{w[1]}","tags":["{w[2]}","{w[3]}"],'
                       f'"note":"{w[4]} {w[0]} {w[2]} {w[1]} \\"quoted\\"","at":"2024-05-{state % 28 + 1:02d}T12:00:00Z","unit":"item","ok":true}}\n')


def chain(folder, name, types):
    path = os.path.join(folder, name)
    nodes = [{"id": f"n{i}", "node_type": t} for i, t in enumerate(types)]
    edges = [{"from": f"n{i}", "to": f"n{i + 1}"} for i in range(len(types) - 1)]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"version": "v1", "metadata": {"name": name}, "nodes": nodes, "connections": edges}, file)
    return path


def main():
    build = build_folder()
    heddle, splice = program(build), os.path.join(build, "tests/bench/splice")
    with tempfile.TemporaryDirectory() as folder:
        items, out, expected = (os.path.join(folder, n) for n in ("items.jsonl", "out.jsonl", "expected.jsonl"))
        write_items(items)
        size = os.path.getsize(items)
        print(f"{COUNT} items, {size / 1e6:.0f} MB, {size / COUNT:.0f} bytes each; median of 5")
        three = chain(folder, "three", ["PassThrough", "Echo", "PassThrough"])
        ten = chain(folder, "ten", ["PassThrough"] * 5 + ["Echo"] + ["PassThrough"] * 4)

        with open(out, "wb") as file:
            cat, _ = measure(["cat", items], stdout=file)
        limit, limit_peak = measure([splice, items, expected])
        print(f"  {'cat':34} {cat:6.3f} s")
        print(f"  {'simdjson-validated splice, bare':34} {limit:6.3f} s                    peak {limit_peak:5.0f} MiB")
        for name, manifest, threads, wanted in (("heddle, 3 nodes, 1 thread", three, 1, "0.45"), ("heddle, 3 nodes, 2 threads", three, 2, "0.30"),
                                                ("heddle, 10 nodes, 1 thread", ten, 1, ""), ("heddle, 10 nodes, 2 threads", ten, 2, "")):
            seconds, peak = measure([heddle, "run", manifest, "--input", items, "--output", out, "--threads", str(threads)])
            same = filecmp.cmp(out, expected, shallow=False)
            target = f"(wanted: <= {wanted} s, < 64 MiB)" if wanted else ""
            print(f"  {name:34} {seconds:6.3f} s = {seconds / limit:5.2f} x the splice, peak {peak:5.0f} MiB, output {'the same' if same else 'DIFFERENT'} {target}")


if __name__ == "__main__":
    main()
