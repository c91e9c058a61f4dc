from __future__ import annotations

import numpy as np

from flowalpr_builtin.sources.freeze import Freeze


def test_only_the_very_same_pixels_count_as_frozen() -> None:
    now = [0]
    freeze = Freeze(lambda: float(now[0]))
    picture = np.random.default_rng(0).integers(0, 255, (90, 160, 3), np.uint8)
    for now[0] in range(11):
        freeze.see(picture.copy())
    assert freeze.seconds() == 10
    clock_ticks = picture.copy()
    clock_ticks[87, 33, 1] ^= 1
    now[0] = 10.5
    freeze.see(clock_ticks)
    assert freeze.seconds() == 10, "a look a second is enough"
    now[0] = 11
    freeze.see(clock_ticks)
    assert freeze.seconds() == 0
    now[0] = 16
    freeze.see(clock_ticks)
    assert freeze.seconds() == 5
    now[0] = 17
    freeze.see(clock_ticks[:45])
    assert freeze.seconds() == 0, "another size is another picture"
