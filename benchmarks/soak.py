"""Four cameras for half an hour: each minute one is killed, every two minutes the broker; what is lost, what grows?

    python benchmarks/soak.py [--minutes 30] [--fps 10] [--clips A.mp4 B.mp4 ...] [--json]

The flow runs in a process of its own: four 720p RTSP streams, detector, tracker, reader, vote, a SQLite file and an
MQTT broker (mosquitto). Killed cameras return after 20 s, the broker after 15. Goals: every read that the flow gave is
stored and has reached a subscriber; the slope of its memory is no larger than its error; a camera's pictures are there
within 2 s after it returned. What else runs on the machine counts too: `load` says how much that was.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from statistics import mean
from time import monotonic, sleep
from typing import Any, TextIO

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.broker import Broker, Listener  # Not a package: found by its path.
from support.looped import CLIP, Camera, units

CAMERAS = 4
AWAY_SECONDS = 20.0
BROKER_AWAY_SECONDS = 15.0
WARM_UP = 3
"""Minutes that do not count for the memory: caches and pools fill."""
FLOW = """
flow: soak
nodes:
{cameras}
  plates:  {{uses: detect, from: [{names}]}}
  follow:  {{uses: track, from: plates}}
  text:    {{uses: ocr, from: follow}}
  cars:    {{uses: vote, from: text, with: {{again: 1 s}}}}
  archive: {{uses: store, from: cars, with: {{path: "{folder}/plates.db"}}}}
  tell:    {{uses: mqtt, from: cars, with: {{host: 127.0.0.1, port: {port}, qos: 2, queue: "{folder}/queue"}}}}
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=30)
    options.add_argument("--fps", type=int, default=10)
    options.add_argument("--clips", type=Path, nargs="+", default=[CLIP])
    options.add_argument("--json", action="store_true", help="print one JSON object in place of the table")
    options.add_argument("--flow", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.flow:
        run_flow(given.flow)
        return
    with tempfile.TemporaryDirectory() as folder:
        result = Soak(Path(folder), given.clips, given.fps).run(given.minutes)
    print(json.dumps(result) if given.json else table(result))


def run_flow(path: Path) -> None:
    """Run a flow until standard input is closed, and tell of it ten times a second."""
    from flowalpr.cli.logs import set_up
    from flowalpr.engine.allocator import limit_arenas
    from flowalpr.engine.runner import Runner
    from flowalpr.flow.load import load_flow
    from flowalpr.plugins import load_plugins

    limit_arenas()
    set_up(0, as_json=False)
    runner = Runner(load_flow(path, load_plugins()), path.parent / "dead-letters.jsonl", drain_for=30)
    runner.start()
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    while not ended.wait(0.1):
        cameras = {each.name: (each.frames, each.state) for each in runner.snapshot().cameras}
        print(json.dumps({"at": monotonic(), "cameras": cameras}), flush=True)
    runner.stop()
    print(json.dumps({"left": runner.left_behind, **runner.snapshot().model_dump(mode="json")}), flush=True)


class Soak:
    """The machines around the flow, and what is seen of it."""

    def __init__(self, folder: Path, clips: list[Path], fps: int) -> None:
        self._folder = folder
        looped = [units(clip, folder / f"clip{number}", fps) for number, clip in enumerate(clips)]
        self._cameras = {f"cam{n}": Camera(looped[n % len(looped)], fps) for n in range(CAMERAS)}
        self._broker = Broker(folder).start()
        self._listener = Listener(self._broker.port, "flowalpr/cam0", "flowalpr/cam1", "flowalpr/cam2", "flowalpr/cam3")
        self._random = random.Random(0)  # No secret.
        self._returned: dict[str, tuple[float, int]] = {}
        """Cameras that are back, since when, and how many frames had come by then."""
        self._frames: dict[str, int] = {}
        self._back_after: list[float] = []
        self._memory: list[tuple[float, float]] = []
        """Seconds since the start, and MB of the flow's process."""
        self._final: dict[str, Any] = {}

    def run(self, minutes: float) -> dict[str, Any]:
        """Let it run; the figures."""
        for camera in self._cameras.values():
            camera.start()
        flow = self._folder / "soak.yaml"
        lines = [f'  {name}: {{uses: camera, with: {{url: "{each.url}"}}}}' for name, each in self._cameras.items()]
        names, port = ", ".join(self._cameras), self._broker.port
        flow.write_text(FLOW.format(cameras="\n".join(lines), names=names, port=port, folder=self._folder))
        process = subprocess.Popen(
            [sys.executable, __file__, "--flow", str(flow)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "FLOWALPR_STATE": str(self._folder / "state")},
        )
        assert process.stdin
        assert process.stdout
        reader = threading.Thread(target=self._listen, args=(process.stdout,))
        reader.start()
        kills = self._disturb(process.pid, minutes)
        sleep(5)  # For what is still on its way to the broker.
        process.stdin.close()
        reader.join(60)
        process.wait(60)
        sleep(2)
        result = self._result(minutes, *kills)
        self._listener.close()
        self._broker.kill()
        for camera in self._cameras.values():
            camera.kill()
        return result

    def _listen(self, lines: TextIO) -> None:
        for line in lines:
            said = json.loads(line)
            if "at" not in said:
                self._final = said
                continue
            for name, (frames, _) in said["cameras"].items():
                self._frames[name] = frames
                since, before = self._returned.get(name, (0.0, frames))
                if frames > before:
                    del self._returned[name]
                    self._back_after.append(said["at"] - since)

    def _disturb(self, pid: int, minutes: float) -> tuple[int, int]:
        """Kill a camera each minute and the broker every two; how often each was done."""
        begun = monotonic()
        cameras = brokers = 0
        away, back_at, broker_back_at = "", 0.0, 0.0
        while (now := monotonic() - begun) < minutes * 60:
            self._memory.append((now, resident(pid)))
            if not away and now >= 60 * cameras + 30 and now < minutes * 60 - AWAY_SECONDS - 15:
                away, back_at, cameras = self._random.choice(list(self._cameras)), now + AWAY_SECONDS, cameras + 1
                self._cameras[away].kill()
            elif away and now >= back_at:
                # Noted first: its frames may come before the server's word that it serves.
                frames = self._frames[away]
                self._returned[away] = (self._cameras[away].start(), frames)
                away = ""
            if not broker_back_at and now >= 120 * brokers + 60 and now < minutes * 60 - BROKER_AWAY_SECONDS - 15:
                self._broker.kill()
                broker_back_at, brokers = now + BROKER_AWAY_SECONDS, brokers + 1
            elif broker_back_at and now >= broker_back_at:
                self._broker.start()
                broker_back_at = 0.0
            sleep(0.2)
        return cameras, brokers

    def _result(self, minutes: float, cameras: int, brokers: int) -> dict[str, Any]:
        nodes = {node["name"]: node for node in self._final["nodes"]}
        with sqlite3.connect(self._folder / "plates.db") as database:
            stored = {row[0] for row in database.execute("select id from reads")}
        heard = [json.loads(payload) for _, payload in self._listener.heard]
        arrived, events = {each["id"] for each in heard}, [each["event"] for each in heard]
        slope, error = slope_of(self._memory)
        return {
            "minutes": minutes,
            "cameras_killed": cameras,
            "broker_killed": brokers,
            "reads_given": nodes["cars"]["given"],
            "reads_stored": len(stored),
            "reads_arrived": len(arrived),
            "reads_lost": nodes["cars"]["given"] - len(stored & arrived),
            "events_twice": len(events) - len(set(events)),
            "left_behind": self._final["left"],
            "errors_elsewhere": sum(node["errors"] for name, node in nodes.items() if name not in self._cameras),
            "frames": {name: nodes[name]["given"] for name in self._cameras},
            "frames_looked_at": nodes["plates"]["taken"],
            "memory_mb": [round(self._memory[0][1], 1), round(self._memory[-1][1], 1)],
            "slope_mb_an_hour": round(slope, 2),
            "slope_error": round(error, 2),
            "returns": len(self._back_after),
            "back_mean_s": round(mean(self._back_after), 2) if self._back_after else None,
            "back_worst_s": round(max(self._back_after), 2) if self._back_after else None,
            "load": [round(each, 1) for each in os.getloadavg()],
        }


def resident(pid: int) -> float:
    """MB of memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def slope_of(memory: list[tuple[float, float]]) -> tuple[float, float]:
    """Growth in MB an hour and its standard error, of the means of minutes, since samples in a row hang together."""
    minutes: dict[int, list[float]] = {}
    for at, megabytes in memory:
        minutes.setdefault(int(at // 60), []).append(megabytes)
    kept = {minute: mean(values) for minute, values in minutes.items() if minute >= WARM_UP}
    if len(kept) < 4:
        return float("nan"), float("nan")
    x, y = np.array(list(kept)) / 60, np.array(list(kept.values()))
    (slope, _), covariance = np.polyfit(x, y, 1, cov=True)
    return float(slope), float(np.sqrt(covariance[0, 0]))


def table(result: dict[str, Any]) -> str:
    """The figures, a line each."""
    return "\n".join(f"{name.replace('_', ' '):<20} {value}" for name, value in result.items())


if __name__ == "__main__":
    main()
