"""What it costs to begin: `python benchmarks/startup.py` prints medians, and multiples of a bare interpreter.

CPU time says what a command costs on a machine that is busy with other things, wall time what a person waits.
Goals: `flowalpr check` within 0.4 s; an engine without models ready within 0.5 s and 80 MB;
one picture read within 1.5 s, models and all.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from time import perf_counter

ROUNDS = 9
FLOWS = Path(__file__).parents[1] / "flows"
IDLE = """flow: idle
nodes:
  beat: {uses: timer, with: {every: 1 h}}
  few:  {uses: sample, from: beat, with: {every: 10}}
  show: {uses: lines, from: few, with: {path: idle.jsonl}}
"""
MONITOR = "import flowalpr.cli.main, flowalpr.cli.monitor, flowalpr.tui.app"
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
            "flowalpr status --help": [*command, "status", "--help"],
            "imports of flowalpr monitor": [sys.executable, "-c", MONITOR],
            "flowalpr check parking": [*command, "check", str(FLOWS / "parking.yaml")],
            "flowalpr read, one picture": [*command, "read", str(FLOWS / "sample" / "pictures" / "dusk.jpg")],
            "an engine started and stopped": [sys.executable, "-c", READY, str(idle)],
        }
        waited: dict[str, list[float]] = {name: [] for name in tasks}
        worked: dict[str, list[float]] = {name: [] for name in tasks}
        for _ in range(ROUNDS):  # In turn, so that a busy machine is as busy for one as for the other.
            for name, task in tasks.items():
                wall, cpu = _timed(task, folder)
                waited[name].append(wall)
                worked[name].append(cpu)
        bare = median(worked["a bare interpreter"])
        print(f"{'median of ' + str(ROUNDS):32} {'wall s':>7} {'CPU s':>7} {'times bare':>11}")
        for name, taken in worked.items():
            print(f"{name:32} {median(waited[name]):7.3f} {median(taken):7.3f} {median(taken) / bare:11.1f}")
        ready = subprocess.run(
            [sys.executable, "-c", READY, str(idle)], cwd=folder, capture_output=True, check=True, timeout=60
        )
        print(f"{'memory of that engine, MB':32} {int(ready.stdout.split()[-1]) / 1024:7.0f}")


def _timed(task: list[str], folder: str) -> tuple[float, float]:
    """Seconds that a command takes by the clock, and of CPU."""
    before, started = getrusage(RUSAGE_CHILDREN), perf_counter()
    subprocess.run(task, cwd=folder, capture_output=True, check=True, timeout=60)
    after = getrusage(RUSAGE_CHILDREN)
    return perf_counter() - started, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
