"""The MuJoCo model of a scenario, and where everything is in it. Who moves it is in envs/physics."""

from .scene import (
    AGENT_RADIUS,
    FREE_RANGE,
    RAMP_CENTRE_OF_MASS,
    RAMP_REACH_HALF_SIZE,
    RAY_GROUPS,
    Scene,
    build,
)

__all__ = [
    "AGENT_RADIUS",
    "FREE_RANGE",
    "RAMP_CENTRE_OF_MASS",
    "RAMP_REACH_HALF_SIZE",
    "RAY_GROUPS",
    "Scene",
    "build",
]
