"""One engine on one workload, in a process and perhaps an environment of its own.

``python child.py MODULE WORKLOAD BARS SETTINGS FILE`` runs once and prints what came out; then each
line read asks for one more turn of calls, ``peak`` for one whose memory is looked at.
"""

import ctypes
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from workloads import WORKLOADS, Outcome, load

# A turn lasts at least this long and counts with the mean of its calls: after the other engines'
# turns a single call of a millisecond would measure how fast this machine's caches fill again.
TURN_S = 0.1
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def say(**found: Any) -> None:
    """Answer in one line."""
    print(json.dumps(found), flush=True)


def status_mb(field: str) -> float:
    """One line of this process's memory account."""
    for line in STATUS.read_text("ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return 0.0


def peak_mb(call: Callable[[], Outcome]) -> float:
    """Most memory that one call adds to what the process has, bars included."""
    ctypes.CDLL(None).malloc_trim(0)  # or memory freed by the calls before would serve this one
    CLEAR.write_text("5", "ascii")  # the peak begins anew
    before = status_mb("VmRSS")
    call()
    return status_mb("VmHWM") - before


def main() -> int:
    """Make the first call, then one for each line."""
    module, name, n_bars, n_settings, file = sys.argv[1:]
    begun = perf_counter()
    runners = importlib.import_module(module).RUNNERS
    if name not in runners:
        say(absent="cannot be said in it")
        return 0
    workload = WORKLOADS[name]._replace(n_settings=int(n_settings))
    call = runners[name](load(Path(file)).head(int(n_bars)), workload)
    outcome = call()
    say(first_call_seconds=perf_counter() - begun, **outcome._asdict())
    for line in sys.stdin:
        if line.strip() == "peak":
            say(peak_mb=peak_mb(call))
            continue
        begun, worked, n = perf_counter(), process_time(), 0
        while n == 0 or perf_counter() - begun < TURN_S:
            call()
            n += 1
        say(seconds=(perf_counter() - begun) / n, cpu_seconds=(process_time() - worked) / n)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
