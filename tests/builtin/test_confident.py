"""The node `confident`."""

from flowalpr.testing import feed, plate_read
from flowalpr_builtin.filters.confident import Confident


def test_sure_reads_go_on_and_the_others_end_here() -> None:
    sure, exact, unsure = plate_read("AB1", 0.95), plate_read("AB2", 0.8), plate_read("AB3", 0.79)
    assert feed(Confident(), sure, exact, unsure) == [sure, exact]
    assert feed(Confident(at_least=0.0), unsure) == [unsure]
