"""Which strategies are told in the episodes of which script."""

from dataclasses import dataclass, replace

from envs.batch_env import BatchEnv
from train.stages.strategies import strategies_of
from train.stages.trace import play_trace


@dataclass
class Confusion:
    """How often each script was told to be each strategy."""

    detectors: list[str]
    rows: list[tuple[str, str, list[float]]]
    """Script, its strategy, share of episodes by detector."""

    def __str__(self) -> str:
        lines = [f"{'':<22}" + "".join(f"{name:>15}" for name in self.detectors)]
        lines += [f"{name:<22}" + "".join(f"{share:>15.0%}" for share in shares) for name, _, shares in self.rows]
        return "\n".join(lines)


def play(script, episodes, seed=0, **options):
    """Play a script from its starts, in its scenario with some fields replaced."""
    env = BatchEnv(replace(script.scenario, **options), episodes, seed=seed, threads=0)
    player = script(env)
    player.begin(env)
    trace = play_trace(env, player.layout(episodes, seed), player)
    env.close()
    return trace


def confusion(scripts, episodes, seed=0):
    """Play every script and tell its strategies."""
    rows = []
    for script in scripts:
        detectors = strategies_of(script.scenario)
        trace = play(script, episodes, seed)
        assert not trace.broken.any()
        rows.append((script.__name__, script.name, [float(d(trace).float().mean()) for d in detectors.values()]))
    return Confusion(list(detectors), rows)
