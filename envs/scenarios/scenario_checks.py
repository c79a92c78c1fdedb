"""Which scenarios can be built, and what to say of those that cannot.

A check is a condition and the line that names the field to change if it fails.
"""

from __future__ import annotations

from ..errors import UserError, did_you_mean
from ..games import Requirement
from ..options.ranges import faults
from ..scenario import Scenario
from .catalogue import GAMES
from .kinds import plays


def validate(scenario: Scenario) -> Scenario:
    """Return the scenario if it can be built.

    Raises:
      UserError: names the field that makes it impossible.
    """
    s = scenario
    for field, text in faults(s):
        raise UserError(f"scenario '{s.name}': {field} {text}")
    checks = [
        (
            s.game in GAMES,
            f"unknown game '{s.game}'{did_you_mean(s.game, GAMES)}; there are {', '.join(GAMES)}; if it is yours, "
            "register it first: docs/custom_scenarios.md",
        ),
        (s.num_agents <= 10, f"hiders + seekers is {s.num_agents}; at most 10 agents are supported"),
        (
            s.boxes[0] <= s.boxes[1],
            f"boxes is {s.boxes}; it must be (smallest, largest)",
        ),
        (
            s.elongated_boxes[0] <= s.elongated_boxes[1] and s.elongated_boxes[0] <= s.boxes[0],
            f"elongated_boxes is {s.elongated_boxes}; it must be (smallest, largest), smallest not above boxes "
            f"{s.boxes}",
        ),
        *_arena_checks(s),
        *_padding_checks(s),
        *(_game_checks(s) if s.game in GAMES else []),
    ]
    for passed, message in checks:
        if not passed:
            raise UserError(f"scenario '{s.name}': {message}")
    _validate_space(s)
    return s


def _game_checks(s: Scenario) -> list[Requirement]:
    """Return what the game needs, each with what to say if it fails."""
    game = GAMES[s.game]
    choices = game.choices(s)
    return [
        (
            plays(s, "trade") == (s.layout == "market"),
            f"game {s.game} with layout {s.layout}: trade and market only go together",
        ),
        *game.requirements(s),
        (
            s.game_actions == choices,
            f"game_actions is {s.game_actions}; the game {s.game} has {choices or 'none'}",
        ),
    ]


def _padding_checks(s: Scenario) -> list[Requirement]:
    """Return conditions on stand-ins, each with what to say if it fails."""
    p = s.padding
    return [
        (p.agents == 0 or s.num_agents == 1, f"padding.agents is {p.agents}; it is for scenarios with one agent"),
        (p.ramps == 0 or s.ramps == 0, f"padding.ramps is {p.ramps}; it is for scenarios without ramps"),
    ]


def _arena_checks(s: Scenario) -> list[Requirement]:
    """Return conditions on walls, places, sites and cylinders, each with what to say if it fails."""
    b, c, low = s.blueprint, s.cylinders, s.min_floor_size
    starts = (s.agent_start, s.box_start, s.ramp_start)
    x0, y0, x1, y1 = s.bounds or (0.0, 0.0, 1.0, 1.0)
    return [
        (x0 < x1 and y0 < y1, f"bounds is {s.bounds}; it must be (x0, y0, x1, y1) with x0 < x1 and y0 < y1"),
        (low is None or low <= s.floor_size, f"min_floor_size is {low}; it must be in (0, floor_size]"),
        (
            "each_room" not in starts or s.layout == "three_rooms",
            f"a start is 'each_room' but layout is {s.layout}; only three_rooms tells its rooms",
        ),
        (
            s.layout != "three_rooms" or s.grid_cells >= 20,
            f"grid_cells is {s.grid_cells}; three_rooms needs at least 20",
        ),
        (b.sites[0] <= b.sites[1], f"blueprint.sites is {b.sites}; it must be (smallest, largest)"),
        (
            b.elongated_sites[0] <= b.elongated_sites[1] and b.elongated_sites[0] <= b.sites[0],
            f"blueprint.elongated_sites is {b.elongated_sites}; it must be (smallest, largest), smallest not above "
            "sites",
        ),
        (c.diameter[0] <= c.diameter[1], f"cylinders.diameter is {c.diameter}; it must be (smallest, largest)"),
        (c.height[0] <= c.height[1], f"cylinders.height is {c.height}; it must be (smallest, largest)"),
    ]


def _validate_space(s: Scenario) -> None:
    """Refuse scenarios whose objects cover more than 40 % of the floor (rejection would hardly find places)."""
    floor = s.floor_size if s.min_floor_size is None else s.min_floor_size
    cylinders = s.cylinders.fixed + s.cylinders.movable
    boxes = 0.01 if plays(s, "trade") else 0.36  # A piece of food.
    area = 0.16 * s.num_agents + boxes * s.max_boxes + 0.36 * (s.ramps + s.blueprint.sites[1])
    area += cylinders * s.cylinders.diameter[1] ** 2
    limit = 0.4 * floor**2
    others = f", {cylinders} cylinders" * (cylinders > 0) + f", {s.blueprint.sites[1]} sites" * (
        s.blueprint.sites[1] > 0
    )
    if area > limit:
        raise UserError(
            f"scenario '{s.name}': {s.num_agents} agents, {s.max_boxes} boxes{others} and {s.ramps} ramps need "
            f"{area:.1f} m^2 but a {floor:g} m floor offers {limit:.1f} m^2; use fewer objects or a larger floor_size"
        )
