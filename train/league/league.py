"""The league: in some episodes past versions of the policy play, against the newest one or beside it.

An episode of the league gives some *seats* of its world to one past version: a whole team, so that the newest policy
meets it as its opponent, or one agent of a team of several, so that it must get along with it. Seats are kept until the
episode ends. Nothing that happens on such a seat is learned from; what the newest policy does on the other seats is.

Draws depend on the seed and the iteration alone, and are made for the worlds of all processes at once. They are made
before a rollout, for the episodes that will begin in each world during it: which sequences a version may have to play
is then known beforehand, and no step has to wait for the device to say so.
Shapes: W worlds, A agents (hiders first), N = W * A sequences, K parts of an action, H size of a
memory.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from policies.teams import Policy, members

from ..config.league_config import LeagueConfig
from ..evaluation.ratings import Rating, chance_to_win
from ..play.random_play import random_actions
from ..support.ranks import Ranks
from .past_versions import VersionFolder, versions_at
from .scripted_seats import ScriptedSeats
from .seated_versions import Seated, SeatedVersions

TEAMS = ("hiders", "seekers")
NEWEST = 0
"""Number of the newest policy on a seat."""
RANDOM_PLAYER = -1
"""Number of the player of random actions; versions have the iteration from which they are."""
FROZEN = 2**31
"""Number of the policy that never changes (``LeagueConfig.frozen``); no version has as many iterations."""
Ratings = dict[int, dict[str, Rating]]
"""Version -> team -> rating."""


class League:
    """Seats of past versions, and their players.

    Args:
      config: the options.
      seed: seed of the draws.
      sizes: hiders and seekers; their sum is A.
      num_worlds: worlds of all processes.
      ranks: the processes.
      policy: the newest one; versions are copies of it with other weights.
      scripts: scripted players that stand in for past versions, or the one that is ``config.frozen``.
      frozen: weights of the policy that is; None if it is no policy.
    """

    def __init__(
        self,
        config: LeagueConfig,
        seed: int,
        sizes: tuple[int, int],
        num_worlds: int,
        ranks: Ranks,
        policy: Policy,
        scripts: ScriptedSeats | None = None,
        frozen: dict[str, Tensor] | None = None,
    ) -> None:
        self._scripts = scripts
        self.config, self._seed, self._ranks, self._newest = config, seed, ranks, policy
        self._frozen = {FROZEN: self.policy_from(frozen)} if frozen is not None else {}
        self._all_worlds = num_worlds
        self._first, self.num_worlds = ranks.share(num_worlds)
        self.num_agents = sum(sizes)
        device, memory = policy.device, policy.config.lstm_size
        self._whole, self._single = (rows.to(device) for rows in roles(sizes))
        self._action_bins = torch.tensor(policy.action_bins, device=device)
        self.seats = torch.full((self.num_worlds, self.num_agents), NEWEST, device=device)
        """(W, A): the version on each seat, NEWEST, RANDOM_PLAYER or a scripted player (``FIRST_SCRIPT``)."""
        self._memory = torch.zeros(2, self.num_worlds * self.num_agents, memory, device=device)
        self._returns = torch.zeros(self.num_worlds, len(TEAMS), device=device)
        """(W, teams): rewards so far of the episode, averaged over the members of each team that take part."""
        in_team = [[float(a < sizes[0]), float(a >= sizes[0])] for a in range(self.num_agents)]
        self._in_team = torch.tensor(in_team, device=device)
        """(A, teams): 1 where the agent is in the team."""
        self._draws = torch.Generator()
        self._noise = torch.Generator(device)
        self._noise_seed = 0
        self._next_seats = torch.zeros_like(self.seats)
        """(W, A): the version on each seat of episodes that begin in this rollout."""
        self._random_play = False
        """Whether the player of random actions has or may yet have a seat in this rollout."""
        self._policies: dict[int, Policy] = {}
        self._players = SeatedVersions([], (0, 0))
        """Who has or may yet have a seat in this rollout."""
        self.ratings: Ratings = {}
        """Versions that have been rated, in the same way in every process."""
        self.folder: VersionFolder | None = None
        """Where versions are kept; in the process that writes, while a run goes on."""
        self._opened = False
        self._clear_counts()

    # --- play --------------------------------------------------------------------------------------------------------

    def open(self, folder: VersionFolder | None) -> None:
        """Let versions be kept and drawn from now on. All processes call it, the first one with the folder."""
        self.folder, self._opened = folder, True

    def begin_rollout(self, iteration: int) -> None:
        """Draw the versions and seats for episodes that begin in the next rollout, and load what is needed.

        Args:
          iteration: iterations done.
        """
        number = self._seed * 1_000_003 + iteration
        self._draws.manual_seed(number % 2**64)
        self._noise_seed = number * 1_000_003 % 2**62
        offers = self._draw_offers(iteration) if self._opened else []
        in_play = {
            version
            for part in self._ranks.collect(self.seats.unique().tolist())
            for version in part
            if NEWEST < version < FROZEN
        }
        wanted = sorted(in_play | set(offers))
        missing = [version for version in wanted if version not in self._policies]
        if missing:
            self._load(missing)
        self._policies = {version: self._policies[version] for version in wanted if version in self._policies}
        lost = [version for version in in_play if version not in self._policies]
        for version in lost:  # Its file is gone: the newest policy, whose memory has followed all along, takes over.
            self.seats[self.seats == version] = NEWEST
        self._policies |= self._frozen
        self._next_seats = self._draw_seats([version for version in offers if version in self._policies])
        self._random_play = bool(((self.seats == RANDOM_PLAYER) | (self._next_seats == RANDOM_PLAYER)).any())
        self._list_players()
        if self._scripts:
            self._scripts.prepare(self.seats, self._next_seats)

    def act(self, obs: dict[str, Tensor], started: Tensor, actions: Tensor) -> Tensor:
        """Let past versions act on their seats.

        Args:
          obs: observations (N, ...).
          started: (N,) bool: the episode begins with this step; such worlds take the seats that were drawn for them.
          actions: what the newest policy would do on every seat, (N, K).

        Returns:
          Actions (N, K); those of the newest policy on its own seats.
        """
        self._noise_seed += 1
        scripted = self._scripts is not None and self._scripts.busy
        if not self._players and not self._random_play and not scripted:
            return actions
        begins = started.view(self.num_worlds, -1)[:, :1]
        self.seats = torch.where(begins, self._next_seats, self.seats)
        seats = self.seats.flatten()
        if self._players:
            self._noise.manual_seed(self._noise_seed)
            actions, self._memory = self._players.act(obs, started, seats, self._memory, actions, self._noise)
        if self._random_play:
            actions = torch.where((seats == RANDOM_PLAYER)[:, None], self._random_actions(), actions)
        return self._follow_scripts(actions) if scripted else actions

    def _follow_scripts(self, actions: Tensor) -> Tensor:
        """Let scripted players act on their seats, given the actions (N, K) of all others."""
        assert self._scripts is not None
        at_random, by_world = self._random_actions(), (self.num_worlds, self.num_agents)
        draws = torch.rand(self._all_worlds, self.num_agents, generator=self._noise, device=self.seats.device)
        here = draws.narrow(0, self._first, self.num_worlds)
        others, at_random = actions.unflatten(0, by_world), at_random.unflatten(0, by_world)
        return self._scripts.act(self.seats, others, at_random, here).flatten(0, 1)

    def _random_actions(self) -> Tensor:
        """Return actions (N, K), all equally likely, that depend on the step and the number of the sequence alone."""
        self._noise.manual_seed(self._noise_seed)
        part = (self._first, self.num_worlds)
        return random_actions(self._action_bins, self._all_worlds, self.num_agents, part, self._noise).flatten(0, 1)

    @property
    def own(self) -> Tensor:
        """(N,) bool: seats of the newest policy, whose steps are learned from."""
        return (self.seats == NEWEST).flatten()

    def add(self, rewards: Tensor, done: Tensor, present: Tensor, counted: Tensor) -> None:
        """Count a step.

        Args:
          rewards: (W, A); those of absent agents are 0.
          done: (W,) bool: the episode ended with this step.
          present: (W, A) bool: agents that took part in it.
          counted: (W,) bool: those of the ended episodes whose returns count, as for the curves of all episodes.
        """
        team, past = self._in_team, ((self.seats != NEWEST) & present).float()
        sizes = present.float() @ team
        self._returns += rewards @ team / sizes.clamp_min(1)
        whole = (past @ team == sizes) & (sizes > 0)
        # (W, teams): the team's opponents were all past versions
        against = whole.flip(1) & (sizes > 0) & counted[:, None]
        self._sums += (self._returns * against).sum(0)
        self._counts += against.sum(0)
        self._ended += torch.stack([(done & (past.sum(1) > 0)).sum(), done.sum()])
        self._returns *= ~done[:, None]

    def pop(self) -> dict[str, float]:
        """Return the metrics since the last call, and start again."""
        totals = self._ranks.add_up(torch.cat([self._sums, self._counts, self._ended]).double().cpu()).tolist()
        sums, counts, (league, ended) = totals[:2], totals[2:4], totals[4:]
        self._clear_counts()
        metrics = {"selfplay/league_fraction": league / ended} if ended and self.config.fraction else {}
        for team, total, count in zip(TEAMS, sums, counts, strict=True):
            if count:
                metrics[f"selfplay/return_against_past/{team}"] = total / count
        return metrics

    def _clear_counts(self) -> None:
        device = self.seats.device
        self._sums, self._counts, self._ended = (torch.zeros(2, device=device) for _ in range(3))

    # --- drawing -----------------------------------------------------------------------------------------------------

    def _draw_offers(self, iteration: int) -> list[int]:
        """Draw the versions of one iteration."""
        config = self.config
        versions = versions_at(iteration, config.interval, config.size)
        if not versions or config.fraction == 0 or not len(self._whole) + len(self._single):
            return []
        weights = torch.tensor(draw_weights(versions, config.draw, self.ratings), dtype=torch.float64)
        picks = torch.multinomial(weights, min(config.at_once, len(versions)), generator=self._draws)
        return [versions[pick] for pick in picks.tolist()]

    def _draw_seats(self, offers: list[int]) -> Tensor:
        """Give the seats (W, A) of every world's next episode to a version on offer, another player or NEWEST.

        Scripted players need no version, so they play from the first iteration on.
        """
        scripted = self._scripts is not None and self._scripts.any
        if self.config.frozen is not None:
            return self._seats_of_frozen()
        if not self._opened or not (offers or scripted):
            return torch.full_like(self.seats, NEWEST)
        draws = torch.rand(self._all_worlds, 5, generator=self._draws)[self._first : self._first + self.num_worlds]
        draws = draws.to(self.seats.device)
        whole, single = self._pick(self._whole, draws[:, 3]), self._pick(self._single, draws[:, 3])
        beside = (draws[:, 2] < self.config.beside) | (len(self._whole) == 0)
        beside &= len(self._single) > 0
        plays = torch.where(beside[:, None], single, whole) & (draws[:, 0] < self.config.fraction)[:, None]
        versions = self._pick(torch.tensor(offers or [NEWEST], device=self.seats.device), draws[:, 1])
        players = torch.where(draws[:, 4] < self.config.random_share, RANDOM_PLAYER, versions)
        seats = torch.where(plays, players[:, None], NEWEST)
        return self._scripts.draw(seats, draws[:, 0] < self.config.fraction, draws[:, 4]) if self._scripts else seats

    def _seats_of_frozen(self) -> Tensor:
        """Give the frozen player its team (W, A) in every episode."""
        nobody, everywhere = torch.full_like(self.seats, NEWEST), torch.ones_like(self.seats[:, 0], dtype=torch.bool)
        if self._scripts is not None and self._scripts.any:
            return self._scripts.draw(nobody, everywhere, torch.zeros_like(self._returns[:, 0]))
        team = self._whole[TEAMS.index(self.config.frozen_team)]
        return torch.where(team, FROZEN if self._frozen else RANDOM_PLAYER, nobody)

    def _pick(self, rows: Tensor, draw: Tensor) -> Tensor:
        """Return a row (W, ...) of a table for each draw (W,) from [0, 1); zeros if the table is empty."""
        if not len(rows):
            return rows.new_zeros(len(draw), *rows.shape[1:])
        return rows[(draw * len(rows)).long().clamp_max(len(rows) - 1)]

    def _list_players(self) -> None:
        """Find out which sequences each network of each version has now or may have before the rollout ends."""
        players = []
        for version, policy in self._policies.items():
            may_play = (self.seats == version) | (self._next_seats == version)
            for network, agents in members(policy):
                taken = torch.zeros_like(may_play)
                taken[:, agents] = may_play[:, agents]
                rows = taken.flatten().nonzero()[:, 0]
                if len(rows):
                    players.append(Seated(version, network, rows))
        part = (self._first * self.num_agents, self._all_worlds * self.num_agents)
        self._players = SeatedVersions(players, part)

    # --- versions
    # ------------------------------------------------------------------------------------------------------

    def keep(self, iteration: int, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
        """Write the newest policy to the pool if it is its turn; see ``VersionFolder.save``."""
        config = self.config
        if self.folder and iteration in versions_at(iteration, config.interval, config.size)[-1:]:
            self.folder.save(iteration, tensors, metadata)

    def prune(self, oldest: int, now: int) -> None:
        """Delete the files that are needed no more; see ``VersionFolder.prune``."""
        if self.folder:
            self.folder.prune(oldest, now)

    def _load(self, versions: list[int]) -> None:
        """Load some versions in every process; those that cannot be read are left out."""
        folder = self.folder
        found = self._ranks.from_first(lambda: {v: folder.load(v) if folder else None for v in versions})
        for version, tensors in found.items():
            if tensors is not None:
                self._policies[version] = self.policy_from(tensors)

    def policy_from(self, tensors: dict[str, Tensor]) -> Policy:
        """Return a policy with the given weights, for play."""
        policy = copy.deepcopy(self._newest)
        policy.load_state_dict(tensors)
        return policy.eval().requires_grad_(False)

    # --- state -------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Tensor]:
        """Return what goes on beyond an iteration, (W, ...) each: seats, memories, returns so far; {} if it is off."""
        if not self.config.seated:
            return {}
        memory = self._memory.unflatten(1, (self.num_worlds, self.num_agents))
        return {"seats": self.seats, "h": memory[0], "c": memory[1], "returns": self._returns}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what ``state_dict`` returned; nothing if the run had no league."""
        if not state:
            return
        device = self.seats.device
        self.seats, self._returns = state["seats"].to(device), state["returns"].to(device)
        self._memory = torch.stack([state["h"], state["c"]]).flatten(1, 2).to(device)

    def ratings_to_tensor(self) -> Tensor:
        """Return the ratings as rows (V, 5) of version, and mean and deviation of hiders and of seekers; float64."""
        rows = [[float(v), *r["hiders"], *r["seekers"]] for v, r in sorted(self.ratings.items())]
        return torch.tensor(rows, dtype=torch.float64).reshape(-1, 5)

    def ratings_from_tensor(self, table: Tensor) -> None:
        """Undo ``ratings_to_tensor``."""
        self.ratings = {
            int(row[0]): {"hiders": Rating(row[1], row[2]), "seekers": Rating(row[3], row[4])} for row in table.tolist()
        }


def roles(sizes: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return the sets of agents that a past version may play, as rows (roles, A) bool.

    Args:
      sizes: hiders and seekers.

    Returns:
      Whole teams that have an opponent, and single agents of teams of several.
    """
    team = torch.tensor([0] * sizes[0] + [1] * sizes[1])
    whole = [team == k for k in range(2)] if min(sizes) > 0 else []
    single = [torch.arange(len(team)) == a for a in range(len(team)) if sizes[int(team[a])] > 1]
    empty = torch.zeros(0, len(team), dtype=torch.bool)
    return torch.stack(whole) if whole else empty, torch.stack(single) if single else empty


def draw_weights(versions: list[int], draw: str, ratings: Ratings) -> list[float]:
    """Return the weight with which each version is drawn; see ``LeagueConfig.draw``.

    By rating, the newest rated version stands for the newest policy, and a version without a rating has that of the
    rated one nearest in age.
    """
    if draw == "uniform":
        return [1.0] * len(versions)
    if draw == "age" or not ratings:
        return [1.0 / (len(versions) - index) for index in range(len(versions))]
    newest, played = ratings[max(ratings)], [ratings[nearest(ratings, version)] for version in versions]
    return [sum(chance_to_win(rating[team], newest[team]) for team in TEAMS) / len(TEAMS) for rating in played]


def nearest(ratings: Ratings, version: int) -> int:
    """Return the rated version nearest in age to one; the older of two, in whatever order they are."""
    return min(ratings, key=lambda rated: (abs(rated - version), rated))
