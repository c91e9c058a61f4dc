"""The detector's network and loss."""

import numpy as np
import pytest
import torch

from flowalpr.lab.training.detector import (
    STRIDE,
    DetectorLoss,
    PlateDetector,
    Targets,
    complete_iou,
    decoded,
)
from flowalpr.vision.detector import decode

SMALL = (4, 8, 8, 8, 8, 8)


def one_plate(box: tuple[float, float, float, float], weight: float = 1.0) -> Targets:
    """One picture with one plate whose corners are those of its box."""
    left, top, right, bottom = box
    corners = torch.tensor([[[[left, top], [right, top], [right, bottom], [left, bottom]]]])
    return Targets(torch.tensor([[box]]), corners, torch.tensor([[weight]]), torch.ones(1, 1))


def values_that_say(box: tuple[float, float, float, float], rows: int, columns: int, score: float) -> torch.Tensor:
    """Network values in which every cell names the same box, as sure as `score` (before the sigmoid)."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    values = torch.zeros(1, 13, rows, columns)
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    values[0, 0] = score
    values[0, 1] = ((left + right) / 2 - (x + 0.5) * STRIDE) / width
    values[0, 2] = ((top + bottom) / 2 - (y + 0.5) * STRIDE) / height
    values[0, 3], values[0, 4] = np.log(width / STRIDE), np.log(height / STRIDE)
    return values


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (416, 160)])
def test_any_size_that_is_a_multiple_of_32_gives_a_cell_for_8_pixels(size: tuple[int, int]) -> None:
    network = PlateDetector(SMALL).eval()
    with torch.no_grad():
        assert network(torch.zeros(2, 3, *size)).shape == (2, 13, size[0] // 8, size[1] // 8)


def test_the_network_that_ships_has_between_one_and_two_million_parameters() -> None:
    assert 1e6 < sum(each.numel() for each in PlateDetector().parameters()) < 2e6


def test_training_and_deployment_make_the_same_boxes_of_the_same_values() -> None:
    torch.manual_seed(1)
    values = torch.randn(1, 13, 6, 9)
    there = decoded(values)
    scores, boxes, corners = decode(values[0].numpy(), at_least=0.0)
    order = torch.argsort(-there.scores[0], stable=True)
    np.testing.assert_allclose(scores, torch.sigmoid(there.scores[0][order]), rtol=1e-5)
    np.testing.assert_allclose(boxes, there.boxes[0][order], rtol=1e-4, atol=1e-3)  # float32, in pixels
    np.testing.assert_allclose(corners, there.corners[0][order], rtol=1e-4, atol=1e-3)


def test_values_that_name_the_plate_decode_to_its_box_and_corners() -> None:
    box = (40.0, 24.0, 104.0, 48.0)
    _, boxes, corners = decode(values_that_say(box, 8, 16, 3.0)[0].numpy(), at_least=0.5)
    np.testing.assert_allclose(boxes, np.tile(box, (len(boxes), 1)), atol=1e-3)
    np.testing.assert_allclose(corners[0], [[40, 24], [104, 24], [104, 48], [40, 48]], atol=1e-3)


def test_naming_the_right_box_costs_nothing_and_a_wrong_one_more_the_further_off() -> None:
    truth = (40.0, 24.0, 104.0, 48.0)
    costs = []
    for shift in (0.0, 4.0, 12.0):
        told = values_that_say((40 + shift, 24.0, 104 + shift, 48.0), 8, 16, 0.0)
        loss = DetectorLoss()(told, one_plate(truth))
        costs.append((float(loss["box"]), float(loss["corners"])))
    assert costs[0] == (pytest.approx(0, abs=1e-4), pytest.approx(0, abs=1e-4))
    assert costs[0] < costs[1] < costs[2]


@pytest.mark.parametrize("box", [(41.0, 25.0, 55.0, 29.0), (10.0, 6.0, 120.0, 60.0), (0.0, 0.0, 20.0, 8.0)])
def test_every_plate_has_cells_that_answer_for_it(box: tuple[float, float, float, float]) -> None:
    values = torch.zeros(1, 13, 8, 16, requires_grad=True)
    loss = DetectorLoss()(values, one_plate(box))
    loss["box"].backward()
    assert float(loss["box"].detach()) > 0
    assert (values.grad[0, 1:5].abs().sum(0) > 0).any()


def test_what_is_said_about_a_plate_not_to_care_about_costs_nothing() -> None:
    box = (16.0, 16.0, 112.0, 48.0)
    loud = torch.full((1, 13, 8, 16), 0.0)
    loud[0, 0] = -12.0
    loud[0, 0, 2:6, 2:14] = 5.0  # The cells inside the box
    indifferent = DetectorLoss()(loud, one_plate(box, weight=-1.0))["score"]
    background = DetectorLoss()(loud, one_plate(box, weight=0.0))["score"]
    assert float(indifferent) < 0.01 < 1 < float(background)


def test_a_picture_without_plates_gives_a_finite_loss() -> None:
    loss = DetectorLoss()(torch.zeros(1, 13, 4, 4), one_plate((0, 0, 8, 8), weight=0.0))
    assert all(torch.isfinite(part) for part in loss.values())
    assert float(loss["box"]) == 0


def test_complete_overlap_is_one_for_the_same_box_and_falls_with_distance_where_nothing_overlaps() -> None:
    box = torch.tensor([[0.0, 0.0, 20.0, 8.0]])
    near, far = box + 30, box + 90
    assert float(complete_iou(box, box)) == pytest.approx(1, abs=1e-4)
    assert 0 > float(complete_iou(box, near)) > float(complete_iou(box, far))
