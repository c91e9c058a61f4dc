"""What it costs to begin: `python benchmarks/startup.py` prints medians, and multiples of a bare interpreter.

Goals: `flowalpr check` within 0.4 s; an engine without models ready within 0.5 s and 80 MB.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

ROUNDS = 15
FLOWS = Path(__file__).parents[1] / "flows"
IDLE = """flow: idle
nodes:
  beat: {uses: timer, with: {every: 1 h}}
  few:  {uses: sample, from: beat, with: {every: 10}}
  show: {uses: lines, from: few, with: {path: idle.jsonl}}
"""
READY = """
import resource, sys
from pathlib import Path
from flowalpr.engine.runner import Runner
from flowalpr.flow.load import load_flow
from flowalpr.plugins import load_plugins
catalogue = load_plugins()
runner = Runner(load_flow(Path(sys.argv[1]), catalogue), Path("dead.jsonl"), hook=catalogue.hook)
runner.start()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
runner.halt()
runner.stop()
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        idle = Path(folder, "idle.yaml")
        idle.write_text(IDLE)
        command = [sys.executable, "-m", "flowalpr"]
        tasks = {
            "a bare interpreter": [sys.executable, "-c", "pass"],
            "flowalpr --help": [*command, "--help"],
            "flowalpr nodes": [*command, "nodes"],
            "flowalpr check parking": [*command, "check", str(FLOWS / "parking.yaml")],
            "an engine started and stopped": [sys.executable, "-c", READY, str(idle)],
        }
        seconds: dict[str, list[float]] = {name: [] for name in tasks}
        for _ in range(ROUNDS):  # In turn, so that a busy machine is as busy for one as for the other.
            for name, task in tasks.items():
                seconds[name].append(_timed(task, folder))
        bare = median(seconds["a bare interpreter"])
        print(f"{'median of ' + str(ROUNDS):32} {'s':>7} {'times bare':>11}")
        for name, taken in seconds.items():
            print(f"{name:32} {median(taken):7.3f} {median(taken) / bare:11.1f}")
        ready = subprocess.run(
            [sys.executable, "-c", READY, str(idle)], cwd=folder, capture_output=True, check=True, timeout=60
        )
        print(f"{'memory of that engine, MB':32} {int(ready.stdout) / 1024:7.0f}")


def _timed(task: list[str], folder: str) -> float:
    started = perf_counter()
    subprocess.run(task, cwd=folder, capture_output=True, check=True, timeout=60)
    return perf_counter() - started


if __name__ == "__main__":
    main()
