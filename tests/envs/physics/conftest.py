"""The engines that the contract's suite runs on. A new engine is one more line in ENGINES."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch

from envs.layouts import Layout
from envs.physics.cpu import CpuEngine
from envs.physics.engine import PhysicsEngine
from envs.scenarios import Scenario
from tests.envs.worlds import build_scene


@dataclass(frozen=True)
class EngineCase:
    """An engine under test and how exactly it keeps its promises."""

    name: str
    make: Callable[..., PhysicsEngine]
    device: str = "cpu"
    bit_exact: bool = True
    """Worlds do not influence each other in the last bit, and a restored state continues in the same bits."""
    speed_tolerance: float = 0.02
    """Relative, for speeds and travelled distances."""
    distance_tolerance: float = 2e-5
    """Metres, for rays."""

    def __call__(self, scenario: Scenario, layouts: list[Layout]) -> PhysicsEngine:
        """Build an engine with one world per layout and reset it."""
        engine = self.make(build_scene(scenario), len(layouts))
        engine.reset(torch.arange(len(layouts), device=engine.device), Layout.stack(layouts).to(engine.device))
        return engine

    def assert_same(self, ours: torch.Tensor, theirs: torch.Tensor) -> None:
        """Compare results that must not depend on each other."""
        if self.bit_exact:
            assert torch.equal(ours, theirs)
        else:
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


ENGINES = [EngineCase("cpu", lambda scene, worlds: CpuEngine(scene, worlds, threads=1))]


@pytest.fixture(params=ENGINES, ids=lambda case: case.name)
def engine_factory(request) -> EngineCase:
    return request.param
