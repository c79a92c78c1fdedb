"""Blueprint construction (rule 7.4), with hand-computed numbers."""

import dataclasses
import math

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.games.blueprint import POINT_SIGNS, box_points, smooth_minimum
from envs.layouts.occupancy import Spot
from envs.layouts.sites import site_row
from envs.options.scenario_options import BlueprintOptions
from envs.scenarios import get
from tests.envs.worlds import NO_ACTION, body, small, world


def start(sites, boxes, **options):
    """Sites (x, y) or None for an absent one, and boxes (x, y, yaw)."""
    s = small(
        game="blueprint",
        seekers=0,
        boxes=(len(boxes), len(boxes)),
        blueprint=BlueprintOptions(sites=(1, len(sites)), **options),
    )
    env = BatchEnv(s, 1, threads=1)
    rows = [site_row(Spot(*(site or (0.0, 0.0)), (0, 0)), (0.5, 0.5)) for site in sites]
    layout = dataclasses.replace(
        world(s, [(1.0, 1.0)], [body(*box) for box in boxes]),
        sites=torch.tensor(rows).view(1, -1, 5, 3),
        site_present=torch.tensor([[site is not None for site in sites]]),
    )
    env.reset(layout)
    return env


def rest(env):
    return env.step(torch.tensor(NO_ACTION).expand(1, 1, 5).contiguous())


def test_completion_is_rewarded_and_ends_the_episode():
    env = start([(3.0, 3.0), (4.5, 3.0)], [(3.05, 3.0), (4.45, 3.0)])
    result = rest(env)
    assert result.done.item()
    assert 5.8 < result.reward.item() < 6.0  # Three per site, less the distances.
    assert result.statistics["completed"].tolist() == [1.0]
    assert result.statistics["length"].tolist() == [1.0]


@pytest.mark.parametrize(
    "boxes",
    [[(3.12, 3.0), (4.5, 3.0)], [(3.0, 3.0, math.pi / 8), (4.5, 3.0)], [(3.0, 3.0), (5.0, 5.0)]],
    ids=["off the centre", "turned", "one site left"],
)
def test_not_complete(boxes):
    result = rest(start([(3.0, 3.0), (4.5, 3.0)], boxes))
    assert not result.done.item() and result.reward.item() < 0


def test_a_quarter_turn_and_absent_sites_do_not_matter():
    assert rest(start([(3.0, 3.0), None], [(3.0, 3.0, math.pi / 2)])).done.item()


def test_centres_alone():
    assert rest(start([(3.0, 3.0)], [(3.0, 3.0, math.pi / 8)], corners=False)).done.item()


def test_completion_can_be_left_out():
    result = rest(start([(3.0, 3.0)], [(3.0, 3.0)], completed_scale=0.0))
    assert not result.done.item()


def test_dense_reward_of_centres():
    """Boxes at 1 and 2 m: (1 e^-1.5 + 2 e^-3) / (e^-1.5 + e^-3), times -0.05."""
    result = rest(start([(3.0, 3.0)], [(4.0, 3.0), (3.0, 5.0)], corners=False))
    expected = (math.exp(-1.5) + 2 * math.exp(-3)) / (math.exp(-1.5) + math.exp(-3))
    assert result.reward.item() == pytest.approx(-0.05 * expected, abs=1e-4)


def test_smooth_minimum():
    assert smooth_minimum(torch.tensor([1.0, torch.inf]), -1.5).item() == pytest.approx(1.0)
    assert smooth_minimum(torch.tensor([0.5, 3.0]), -20.0).item() == pytest.approx(0.5, abs=1e-4)
    assert smooth_minimum(torch.tensor([3.0, 4.0]), -30.0).item() == pytest.approx(3.0)
    assert smooth_minimum(torch.tensor([1.0, 2.0]), -1000.0).item() == pytest.approx(1.0)
    assert smooth_minimum(torch.tensor([torch.inf, torch.inf]), -5.0).item() == 0.0


def test_box_points():
    points = box_points(
        torch.tensor([[[1.0, 2.0, 0.3, math.pi / 2]]]), torch.tensor([[[0.8, 0.1, 0.25]]]), torch.tensor(POINT_SIGNS)
    )
    expected = [[1, 2, 0.3], [1.1, 1.2, 0.3], [0.9, 1.2, 0.3], [1.1, 2.8, 0.3], [0.9, 2.8, 0.3]]
    assert torch.allclose(points[0, 0], torch.tensor(expected), atol=1e-6)


def test_everyone_sees_every_site():
    obs = start([(3.0, 3.0), None], [(5.0, 5.0)]).observe()
    assert obs["sites"].shape == (1, 1, 2, 15)
    assert obs["sites_visible"].tolist() == obs["sites_present"].tolist() == [[[True, False]]]
    assert obs["sites"][0, 0, 0, :6].tolist() == pytest.approx([3.0, 3.0, 0.25, 2.75, 2.75, 0.25])
    assert not obs["sites"][0, 0, 1].any()


def test_needs_sites():
    with pytest.raises(UserError, match="sites"):
        get("blueprint", blueprint=BlueprintOptions())
