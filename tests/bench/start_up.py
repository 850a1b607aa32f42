#!/usr/bin/env python3
"""Bench 6: from exec to the first output of a three-node manifest beside an empty C program; inspect with 500 plugins; a manifest of 10,000 nodes.

start_up.py BUILD_FOLDER     prints milliseconds and ratios; nothing is asserted.
"""
import json
import os
import subprocess
import tempfile

from bench_place import build_folder, measure, program

PLUGINS = 500
NODES = 10_000


def write_plugins(template, folder):
    """Copies of one plugin with names of their own: the notes hold plain text of fixed width."""
    with open(template, "rb") as file:
        image = file.read()
    assert image.count(b"node_bench_000") >= 1 and image.count(b"Bench000") >= 2
    for i in range(PLUGINS):
        with open(os.path.join(folder, f"node_bench_{i:03d}.so"), "wb") as file:
            file.write(image.replace(b"node_bench_000", b"node_bench_%03d" % i).replace(b"Bench000", b"Bench%03d" % i))


def main():
    build = build_folder()
    heddle, here = program(build), os.path.join(build, "tests/bench")
    with tempfile.TemporaryDirectory() as folder:
        manifest, big, item = (os.path.join(folder, n) for n in ("three.json", "big.json", "item"))
        with open(item, "w", encoding="utf-8") as file:
            file.write("1\n")
        for path, count in ((manifest, 3), (big, NODES)):
            nodes = [{"id": f"n{i}", "node_type": "PassThrough"} for i in range(count)]
            edges = [{"from": f"n{i}", "to": f"n{i + 1}"} for i in range(count - 1)]
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"version": "heddle/1", "metadata": {"name": "start"}, "nodes": nodes, "connections": edges}, file)

        def first_byte(*command):
            return float(subprocess.run([os.path.join(here, "first_byte"), "51", item, *command], capture_output=True, text=True, check=True).stdout) / 1000

        empty = first_byte(os.path.join(here, "empty"))
        ours = first_byte(heddle, "run", manifest)
        print(f"exec to first output, median of 51:\n  empty C program      {empty:7.2f} ms\n  heddle run, 3 nodes  {ours:7.2f} ms = {ours / empty:.1f} x (wanted: <= 5 ms)")

        plugins = os.path.join(folder, "plugins")
        os.mkdir(plugins)
        write_plugins(os.path.join(here, "node_bench.so"), plugins)
        environment = ["env", f"XDG_CACHE_HOME={folder}/cache", f"HOME={folder}", f"HEDDLE_PLUGIN_PATH={plugins}"]
        listing = subprocess.run([*environment, heddle, "inspect"], capture_output=True, text=True, check=True).stdout
        assert f"node_bench_{PLUGINS - 1:03d}" in listing, "inspect does not list the last plugin"
        seconds, _ = measure([*environment, heddle, "inspect"], 9)
        print(f"inspect with {PLUGINS} plugins, median of 9:\n  heddle inspect       {seconds * 1000:7.2f} ms = {seconds * 1000 / empty:.1f} x the empty program (wanted: <= 50 ms)")

        bare, _ = measure([heddle, "validate", manifest], 9)
        seconds, _ = measure([heddle, "validate", big], 9)
        print(f"validate and build of {NODES} nodes, median of 9:\n  heddle validate      {seconds * 1000:7.2f} ms, {(seconds - bare) * 1000:.2f} ms more than for 3 nodes (wanted: < 100 ms)")


if __name__ == "__main__":
    main()
