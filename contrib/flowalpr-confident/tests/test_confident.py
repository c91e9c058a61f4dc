"""`feed` runs a node without an engine."""

from flowalpr.testing import feed, plate_read
from flowalpr_confident import Confident


def test_only_confident_reads_pass() -> None:
    sure, unsure = plate_read("AB123", 0.9), plate_read("CD456", 0.5)
    assert feed(Confident(at_least=0.8), sure, unsure) == [sure]
