"""Where the benches find the built programs, and how they measure one."""
import os
import statistics
import subprocess
import sys
import time


def build_folder():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        sys.exit(f"usage: {sys.argv[0]} BUILD_FOLDER     (a release build: build/release)")
    return os.path.abspath(sys.argv[1])


def program(build):
    path = os.path.join(build, "heddle")
    if os.access(path, os.X_OK) and os.path.isfile(path):
        return path
    sys.exit(f"there is no heddle in {build}: build it first")


def measure(command, repetitions=5, stdout=subprocess.DEVNULL):
    """Median seconds of wall time, and the peak of memory in MiB."""
    seconds, peak = [], 0
    for _ in range(repetitions):
        began = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE)
        complaint = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(time.monotonic() - began)
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = max(peak, usage.ru_maxrss)
        if process.returncode != 0:
            sys.exit(f"{command} failed: {complaint.decode(errors='replace')}")
    return statistics.median(seconds), peak / 1024
