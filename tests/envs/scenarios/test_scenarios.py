import pytest
import torch

from envs import observations
from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.layouts import LayoutStream
from envs.scenarios import FULL, QUADRANT, QUICKSTART, SCENARIOS, Scenario, get, register
from train.stages.rooms import in_room


class TestImpossibleScenarios:
    @pytest.mark.parametrize(
        "changes, words",
        [
            ({"hiders": 0}, ["hiders is 0", "at least 1"]),
            ({"seekers": -1}, ["seekers is -1"]),
            ({"hiders": 8, "seekers": 8}, ["16", "at most 10"]),
            ({"boxes": (40, 40), "elongated_boxes": (0, 0)}, ["40 boxes", "6 m floor", "larger floor_size"]),
            ({"boxes": (5, 3)}, ["boxes is (5, 3)"]),
            ({"boxes": (-1, 3)}, ["boxes is (-1, 3)"]),
            ({"elongated_boxes": (5, 9)}, ["elongated_boxes is (5, 9)"]),
            ({"ramps": -1}, ["ramps is -1"]),
            ({"horizon": 0}, ["horizon is 0"]),
            ({"preparation_fraction": 1.0}, ["preparation_fraction is 1.0"]),
            ({"lidar_rays": -1}, ["lidar_rays"]),
            ({"rooms": 0}, ["rooms is 0"]),
        ],
    )
    def test_are_refused_with_the_field_at_fault(self, changes, words):
        with pytest.raises(UserError) as error:
            get("hide-and-seek/full", **changes)
        message = str(error.value)
        assert all(word in message for word in ["hide-and-seek/full", *words]), message
        assert "\n" not in message

    def test_an_environment_refuses_them_too(self):
        with pytest.raises(UserError, match="hiders is 0"):
            BatchEnv(Scenario(name="mine", hiders=0), 2)

    def test_a_larger_floor_makes_room(self):
        assert get("hide-and-seek/full", boxes=(40, 40), elongated_boxes=(0, 0), floor_size=12.0).max_boxes == 40

    def test_object_counting_has_upright_boxes(self):
        with pytest.raises(UserError, match="object_counting has upright boxes only"):
            get("object-counting", tilting_boxes=True)


class TestRegistry:
    @pytest.mark.parametrize(
        "name, nearest",
        [("hide-and-seek/ful", "hide-and-seek/full"), ("quadrant", "hide-and-seek/quadrant")],
    )
    def test_unknown_names_get_the_nearest(self, name, nearest):
        with pytest.raises(UserError) as error:
            get(name)
        assert f"'{name}'" in str(error.value)
        assert f"did you mean '{nearest}'?" in str(error.value)

    def test_unknown_options_get_the_nearest(self):
        with pytest.raises(UserError, match="did you mean 'hiders'"):
            get("hide-and-seek/full", hidders=3)

    def test_overrides(self):
        assert get("hide-and-seek/full", hiders=3).num_agents == 5
        assert get("hide-and-seek/full") is not None
        assert SCENARIOS["hide-and-seek/full"] == FULL

    def test_register(self, monkeypatch):
        monkeypatch.setattr("envs.scenarios.registry.SCENARIOS", dict(SCENARIOS))
        mine = Scenario(name="mine/small", hiders=1)
        assert register(mine) == mine == get("mine/small")
        assert register(Scenario(name="mine/small", hiders=1)) == mine
        with pytest.raises(UserError, match="mine/small"):
            register(Scenario(name="mine/small", hiders=2))
        with pytest.raises(UserError, match="hiders is 0"):
            register(Scenario(name="mine/impossible", hiders=0))


def test_derived_numbers():
    assert (FULL.num_agents, FULL.max_boxes, FULL.num_objects, FULL.preparation_steps) == (4, 9, 11, 96)
    assert (QUADRANT.num_objects, QUADRANT.preparation_steps) == (3, 32)
    assert FULL.step_seconds == pytest.approx(0.075)
    assert FULL.cell_size == pytest.approx(0.2)


def test_door_has_one_door_a_hider_inside_and_the_quickstarts_observation():
    door = get("hide-and-seek/door")
    assert observations.spec(door) == observations.spec(QUICKSTART)
    assert (door.horizon * door.step_seconds, door.preparation_steps) == (pytest.approx(12.0), 32)
    starts = LayoutStream(door, 0, 100).draw(torch.arange(100))
    inner = starts.wall_present & ~starts.wall_is_outer
    vertical = starts.walls[..., 2] < starts.walls[..., 3]
    # The walls are 2.9 m and 2.7 m long; a door leaves 0.7 m free.
    length = 2 * starts.walls[..., 2:4].amax(-1)
    for along_y in (True, False):
        whole = (length * inner * (vertical == along_y)).sum(1) > 2.65
        assert 20 < int(whole.sum()) < 80
    assert ((length * inner).sum(1) < 5.05).all()
    assert in_room(starts, starts.agent_pose[..., :2]).tolist() == [[True, False]] * 100
    boxes = in_room(starts, starts.box_pose[..., :2])
    assert (boxes | ~starts.box_present).all()
    assert set(starts.box_present.sum(1).tolist()) == {1, 2}
