"""The fixed arenas."""

from dataclasses import replace

import torch

from envs.scenarios import QUADRANT


def solid_walls(layout):
    """(N, 2) bool: the vertical, the horizontal wall of the room has no door."""
    interior = layout.wall_present & ~layout.wall_is_outer
    on_line = ((layout.walls[..., :2] - 3.1).abs() < 1e-5) & interior[..., None]
    half_lengths = (layout.walls[..., [3, 2]] * on_line).sum(1)
    return half_lengths > torch.tensor([1.44, 1.34])  # without a door: 1.45 and 1.35 m


def test_walls_of_the_room_are_centred_at_310_cm(quadrant):
    interior = quadrant.wall_present & ~quadrant.wall_is_outer
    on_x = (quadrant.walls[..., 0] - 3.1).abs() < 1e-5
    on_y = (quadrant.walls[..., 1] - 3.1).abs() < 1e-5
    assert (on_x | on_y)[interior].all()
    assert not (on_x & on_y)[interior].any()
    low, high = quadrant.walls[..., :2] - quadrant.walls[..., 2:4], quadrant.walls[..., :2] + quadrant.walls[..., 2:4]
    assert low[interior & on_y][:, 0].min() > 3.15 - 1e-5
    assert high[interior & on_x][:, 1].max() < 3.05 + 1e-5


def test_one_or_two_doors_half_and_half(quadrant):
    solid = solid_walls(quadrant)
    assert not solid.all(1).any()
    margin = 3.3 * (0.25 / quadrant.num_worlds) ** 0.5
    assert abs(solid.any(1).float().mean() - 0.5) < margin
    assert abs(solid[:, 0].float().mean() - 0.25) < margin


def test_both_walls_have_doors_without_dropout(draw):
    assert not solid_walls(draw(replace(QUADRANT, door_dropout_probability=0.0), 100)).any()


def test_doors_between_pieces_are_70_cm_wide(quadrant):
    checked = 0
    for walls, present in zip(quadrant.walls, quadrant.wall_present & ~quadrant.wall_is_outer, strict=True):
        for axis in (0, 1):  # the wall at y = 3.1 runs along x, the other along y
            pieces = walls[present & ((walls[:, 1 - axis] - 3.1).abs() < 1e-5)]
            if len(pieces) == 2:
                low, high = (pieces[:, axis] - pieces[:, 2 + axis]), (pieces[:, axis] + pieces[:, 2 + axis])
                assert abs(float(low.max() - high.min()) - 0.7) < 1e-5
                checked += 1
    assert checked > 1000


def test_frame_always_stands(quadrant, draw):
    for layout in (quadrant, draw(replace(QUADRANT, layout="empty"), 50)):
        assert layout.wall_is_outer[:, :4].all()
        assert not layout.wall_is_outer[:, 4:].any()


def test_boxes_start_in_the_room_and_seekers_outside_it(quadrant):
    boxes, seekers = quadrant.box_pose[..., :2], quadrant.agent_pose[:, 2:, :2]
    assert (boxes[..., 0] > 3.15).all() and (boxes[..., 1] < 3.05).all()
    assert not ((seekers[..., 0] > 3.05) & (seekers[..., 1] < 3.15)).any()


def test_hiders_start_in_the_room_unless_they_may_be_anywhere(draw, quadrant):
    def inside(layout):
        hiders = layout.agent_pose[:, :2, :2]
        return (hiders[..., 0] > 3.05) & (hiders[..., 1] < 3.15)

    assert inside(draw(replace(QUADRANT, hiders_anywhere=False), 200)).all()
    assert 0.1 < inside(quadrant).float().mean() < 0.5


def test_the_door_stays_where_its_wall_and_place_are_named(draw):
    scenario = replace(QUADRANT, door_dropout_probability=1.0, door_spread=0.0)
    for wall, solid in (("left", (False, True)), ("upper", (True, False))):
        layout = draw(replace(scenario, door_wall=wall), 50)
        assert (solid_walls(layout) == torch.tensor(solid)).all()
        interior = layout.walls[:, 4:6]
        assert (interior == interior[:1]).all()


def test_the_doors_place_is_drawn_from_a_part_of_the_wall(draw):
    def doors(spread):
        layout = draw(replace(QUADRANT, door_dropout_probability=1.0, door_wall="left", door_spread=spread), 400)
        lower = [walls[(walls[:, 0] - 3.1).abs() < 1e-5] for walls in layout.walls]
        return {round(float((piece[:, 1] + piece[:, 3]).min()), 2) for piece in lower}

    everywhere, half = doors(1.0), doors(0.5)
    assert half < everywhere
    assert max(half) - min(half) <= 0.5 * (max(everywhere) - min(everywhere)) + 0.2
