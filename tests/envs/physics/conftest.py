"""The engines that the contract's suite runs on. A new engine is one more line in ENGINES."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest
import torch

from envs.layouts import Layout
from envs.physics import make_engine
from envs.physics.cpu import CpuEngine
from envs.physics.engine import PhysicsEngine
from envs.scenarios import Scenario
from tests.envs.worlds import build_scene, needs_cuda, needs_warp


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


def make_warp(scene, worlds, device):
    return make_engine(scene, worlds, device, engine="warp")


ENGINES = [
    EngineCase("cpu", lambda scene, worlds: CpuEngine(scene, worlds, threads=1)),
    EngineCase("warp", partial(make_warp, device="cpu"), distance_tolerance=2e-5),
    EngineCase("warp-cuda", partial(make_warp, device="cuda"), device="cuda", bit_exact=False),
]
MARKS = {"warp": (needs_warp, pytest.mark.warp), "warp-cuda": (needs_warp, needs_cuda, pytest.mark.gpu)}


@pytest.fixture(params=[pytest.param(case, id=case.name, marks=MARKS.get(case.name, ())) for case in ENGINES])
def engine_factory(request) -> EngineCase:
    return request.param
