"""Who can play a team: the checkpoints of some runs, random play, or nobody."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch

from envs.batch_env import BatchEnv
from envs.errors import UserError

from ..play.agents import agent_names, check_agent, is_agent, refuse_agent
from ..play.attention_shares import entity_attention
from ..play.play_session import make_player
from ..play.players import Observations, Player
from ..runs.run_folder import RunFolder
from ..runs.saved_policy import SavedPolicy, load_policy
from ..runs.shipped_policies import find_run


class PlayerChoice:
    """Names of players and where they are.

    Args:
      paths: run folders, checkpoint files and names of shipped policies; all checkpoints of a run are offered.
      device: where worlds and policies live.

    Raises:
      UserError: nothing at a path.
    """

    def __init__(self, paths: list[Path], device: torch.device | str = "cpu") -> None:
        self.device = device
        self._files: dict[str, Path] = {}
        for path in paths:
            self._add(path)
        self._load = lru_cache(maxsize=8)(load_policy)

    @property
    def names(self) -> list[str]:
        """Everybody who can play, the first path's newest checkpoint first."""
        return [*self._files, *agent_names()]

    def policy(self, name: str) -> SavedPolicy | None:
        """Return the policy behind a name, None for those that have none.

        Raises:
          UserError: no such player, or its file is damaged.
        """
        if name not in self._files and is_agent(name):
            check_agent(name)
            return None
        if name not in self.names:
            raise UserError(f"unknown player '{name}'; choose {', '.join(self.names)}")
        return self._load(self._files[name], self.device)

    def _add(self, path: Path) -> None:
        refuse_agent(path, f"let it play with --hiders {path} or --seekers {path}")
        path = find_run(path)
        if not path.is_dir():
            self._files[path.stem if path.stem not in self._files else str(path)] = path
            return
        run = RunFolder(path)
        run.read_config()
        newest_first = sorted(run.checkpoints.iterations(), reverse=True)
        if not newest_first:
            raise UserError(f"no checkpoint in {run.checkpoints.path}; the run stopped before it wrote one")
        for iteration in newest_first:
            self._files[f"{path.absolute().name} {iteration}"] = run.checkpoints.file(iteration)


class TeamPlayer:
    """One of a choice, ready to play in a scenario.

    Raises:
      UserError: the policy does not fit the scenario.
    """

    def __init__(self, choice: PlayerChoice, name: str, env: BatchEnv, seed: int) -> None:
        self.name = name
        self.saved = choice.policy(name)
        if self.saved is not None:
            self.saved.fit(env.scenario)
        self.player: Player = make_player(env, self.saved, name, seed)
        self.player.begin(env)

    def attention(self, obs: Observations) -> object:
        """Return what every agent would attend to (A, E), None without a policy."""
        return None if self.saved is None else entity_attention(self.saved.policy, obs)[0].numpy()
