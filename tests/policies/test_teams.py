"""A policy for each of two hiders and one seeker, behind the interface of one."""

import torch

from policies.teams import TeamPolicies, members
from tests.policies.helpers import mark, random_observation, small_policy


def small_teams():
    return TeamPolicies([small_policy(0), small_policy(1)], (2, 1))


def started(worlds):
    return torch.ones(worlds * 3, dtype=torch.bool)


def test_each_team_is_played_by_its_own():
    teams = TeamPolicies([mark(small_policy(), 3), mark(small_policy(), 8)], (2, 1))
    actions, *_ = teams.act(random_observation(15), teams.initial_state(15), started(5))
    assert actions[:, 0].tolist() == [3, 3, 8] * 5


def test_rows_are_those_of_the_members_alone():
    teams, obs = small_teams(), random_observation(15)
    state, resets = teams.initial_state(15), started(5)
    actions, log_probs, after = teams.act(obs, state, resets, deterministic=True)
    steps = {name: torch.stack([tensor, tensor.flip(0)]) for name, tensor in obs.items()}
    values, (hidden, cell) = teams.values(steps, state, torch.stack([resets, ~resets]))
    for policy, agents in members(teams):
        rows = torch.arange(15).view(5, 3)[:, agents].flatten()
        mine = policy.act({k: v[rows] for k, v in obs.items()}, policy.initial_state(len(rows)), resets[rows], True)
        assert torch.equal(actions[rows], mine[0])
        torch.testing.assert_close(log_probs[rows], mine[1])
        torch.testing.assert_close(after.actor_h[rows], mine[2].actor_h)
        begins = torch.stack([resets[rows], ~resets[rows]])
        seen = {name: tensor[:, rows] for name, tensor in steps.items()}
        own_values, own_memory = policy.values(seen, policy.initial_state(len(rows)), begins)
        torch.testing.assert_close(values[:, rows], own_values)
        torch.testing.assert_close((hidden[:, rows], cell[:, rows]), own_memory)
    torch.testing.assert_close(teams.value(obs, state, resets), values[0])


def test_a_part_of_the_worlds_acts_as_in_the_whole():
    teams, obs = small_teams(), random_observation(18)
    whole = teams.act(obs, teams.initial_state(18), started(6), generator=torch.Generator().manual_seed(1))[0]
    half = teams.act(
        {k: v[9:] for k, v in obs.items()},
        teams.initial_state(9),
        started(3),
        generator=torch.Generator().manual_seed(1),
        part=(9, 18),
    )[0]
    assert torch.equal(whole[9:], half)


def test_members_of_a_shared_policy():
    policy = small_policy()
    assert members(policy) == [(policy, slice(None))]
