"""The training loop, on a network of one layer that learns a straight line."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from flowalpr.lab.training.checkpoint import TrainingError
from flowalpr.lab.training.loop import LoopRecipe, rate_at, train


class Line:
    """y = 3 x - 1, to be learnt by a layer of one weight."""

    def __init__(self, width: int = 1) -> None:
        torch.manual_seed(0)
        self.network: nn.Module = nn.Linear(width, 1)
        self.scored: list[float] = []

    def batch(self, rng: np.random.Generator, count: int) -> Tensor:
        return torch.from_numpy(rng.normal(size=(count, 1)).astype(np.float32))

    def loss(self, network: nn.Module, batch: Tensor, device: torch.device) -> dict[str, Tensor]:
        x = batch.to(device)
        return {"square": (network(x) - (3 * x - 1)).pow(2).mean()}

    def score(self, network: nn.Module) -> dict[str, float]:
        x = torch.linspace(-1, 1, 21)[:, None]
        with torch.no_grad():
            return {"fit": -float((network(x) - (3 * x - 1)).pow(2).mean())}

    def rate_factor(self, parameter: str) -> float:
        return 1.0


class Stubborn(Line):
    """A task whose score never gets better."""

    def score(self, network: nn.Module) -> dict[str, float]:
        return {"fit": 0.5}


def recipe(**changes: object) -> LoopRecipe:
    return LoopRecipe(
        **{
            "steps": 120,
            "batch": 8,
            "rate": 0.2,
            "warm_up": 5,
            "average": 0.9,
            "validate_every": 40,
            "precision": "fp32",
            **changes,
        }
    )


def test_a_line_is_learnt_and_written_down(tmp_path: Path) -> None:
    best = train(Line(), recipe(), tmp_path)
    assert best["fit"] > -0.01
    weights = torch.load(tmp_path / "best.pt", weights_only=True)["network"]
    assert float(weights["weight"]) == pytest.approx(3, abs=0.1)
    assert (tmp_path / "curves.csv").read_text().splitlines()[0] == "step,rate,square,fit"
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    results = []
    for name in ("a", "b"):
        train(Line(), recipe(), tmp_path / name)
        results.append(torch.load(tmp_path / name / "last.pt", weights_only=True)["network"]["weight"])
    assert torch.equal(*results)


def test_a_run_that_goes_on_ends_where_an_unbroken_one_ends(tmp_path: Path) -> None:
    train(Line(), recipe(), tmp_path / "whole")

    class Killed(Line):
        def score(self, network: nn.Module) -> dict[str, float]:
            if self.scored:
                raise KeyboardInterrupt
            self.scored.append(1.0)
            return super().score(network)

    with pytest.raises(KeyboardInterrupt):
        train(Killed(), recipe(), tmp_path / "broken")
    train(Line(), recipe(), tmp_path / "broken")
    whole, broken = (torch.load(tmp_path / name / "last.pt", weights_only=True) for name in ("whole", "broken"))
    assert torch.equal(whole["network"]["weight"], broken["network"]["weight"])
    assert torch.equal(whole["average"]["weight"], broken["average"]["weight"])
    assert (tmp_path / "whole/curves.csv").read_text() == (tmp_path / "broken/curves.csv").read_text()


def test_ctrl_c_loses_no_step(tmp_path: Path) -> None:
    train(Line(), recipe(), tmp_path / "whole")

    class Interrupted(Line):
        def loss(self, network: nn.Module, batch: Tensor, device: torch.device) -> dict[str, Tensor]:
            self.scored.append(0.0)
            if len(self.scored) == 57:
                signal.raise_signal(signal.SIGINT)
            return super().loss(network, batch, device)

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingError, match=r"stopped at step 57 of 120\n.*goes on from there"):
        train(Interrupted(), recipe(), tmp_path / "broken")
    assert signal.getsignal(signal.SIGINT) is handler
    train(Line(), recipe(), tmp_path / "broken")
    whole, broken = (torch.load(tmp_path / name / "last.pt", weights_only=True) for name in ("whole", "broken"))
    assert torch.equal(whole["average"]["weight"], broken["average"]["weight"])
    assert (tmp_path / "whole/curves.csv").read_text() == (tmp_path / "broken/curves.csv").read_text()


def test_a_run_that_is_done_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    best = train(Line(), recipe(steps=40), tmp_path)
    capsys.readouterr()
    assert train(Line(), recipe(steps=40), tmp_path) == best
    assert "all 40 steps are done; to train anew, give another --out" in " ".join(capsys.readouterr().out.split())


def test_a_cpu_learns_in_whole_precision_unless_told(tmp_path: Path) -> None:
    assert not recipe(precision=None).half
    assert recipe(precision=None, device="cuda").half
    assert recipe(precision="bf16").half


def test_training_stops_when_nothing_gets_better(tmp_path: Path) -> None:
    train(Stubborn(), recipe(steps=1000, validate_every=10, patience=2), tmp_path)
    assert torch.load(tmp_path / "last.pt", weights_only=True)["step"] == 30


def test_another_network_is_told_apart(tmp_path: Path) -> None:
    train(Line(), recipe(steps=40), tmp_path)
    with pytest.raises(TrainingError, match="another network"):
        train(Line(width=2), recipe(steps=40), tmp_path)


def test_a_changed_recipe_does_not_go_on(tmp_path: Path) -> None:
    train(Line(), recipe(steps=40), tmp_path)
    with pytest.raises(TrainingError, match="rate"):
        train(Line(), recipe(steps=40, rate=0.1), tmp_path)


def test_a_damaged_checkpoint_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "last.pt").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(TrainingError, match="damaged"):
        train(Line(), recipe(), tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a machine without CUDA is needed")
def test_cuda_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="CUDA"):
        train(Line(), recipe(device="cuda"), tmp_path)


def test_an_infinite_loss_stops_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="rate"):
        train(Line(), recipe(rate=1e30, warm_up=0, clip=1e30), tmp_path)


def test_the_rate_rises_then_falls_and_starts_again_lower() -> None:
    two = recipe(steps=100, cycles=2, warm_up=10)
    rates = [rate_at(step, two) for step in range(100)]
    assert rates[0] < rates[9]
    assert rates[49] < 0.03 * max(rates)
    assert 0.4 * max(rates) < rates[50] < 0.6 * max(rates)


@pytest.mark.slow
def test_a_run_killed_with_9_goes_on_to_the_same_end(tmp_path: Path) -> None:
    long = recipe(steps=1500, validate_every=500)
    script = f"""if True:
        import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
        from pathlib import Path
        from test_loop import Line, recipe
        from flowalpr.lab.training.loop import train
        train(Line(), recipe(steps=1500, validate_every=500), Path({str(tmp_path / "broken")!r}))
    """
    run = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert run.stdout is not None
    run.stdout.readline()  # The first validation: a checkpoint is there.
    os.kill(run.pid, signal.SIGKILL)
    run.communicate(timeout=30)
    assert torch.load(tmp_path / "broken/last.pt", weights_only=True)["step"] < 1500
    train(Line(), long, tmp_path / "broken")
    train(Line(), long, tmp_path / "whole")
    whole, broken = (torch.load(tmp_path / name / "last.pt", weights_only=True) for name in ("whole", "broken"))
    assert torch.equal(whole["average"]["weight"], broken["average"]["weight"])
