"""Learners against a plain loop over encounters, agents and worlds, which is given the same draws."""

import itertools

import pytest
import torch

from envs.errors import UserError
from envs.social.donation_game import STERN_JUDGING
from train.social.reputation.memory import count_before
from train.social.reputation.options import TIE_CHANCE, Reading, Setting
from train.social.reputation.population import Population, reward_table
from train.social.reputation.q_tables import QTables, draw_thresholds

SETTINGS = [
    Setting(),
    Setting(benefit=2.0, norm=11, fixed=0.2),
    Setting(introspection=0.6, ties="random"),
    Setting(norm=3, benefit=10.0, ties="cooperate"),
]


class Loop:
    """The same learners, one encounter at a time, in double precision."""

    def __init__(self, settings, reading, population):
        self.settings, self.reading = settings, reading
        agents = range(len(settings) * reading.agents)
        self.values = {(agent, state, action): 0.0 for agent in agents for state in (0, 1) for action in (0, 1)}
        self.verdicts = {}  # (judge, its state, verdict) -> value
        self.last = {}  # judge -> its last two (state, verdict), by seat
        fixed = [reading.count_fixed(setting.fixed) for setting in settings]
        self.fixed = {agent for agent in agents if agent % reading.agents < fixed[agent // reading.agents]}
        self.reputations = population.game.reputations.tolist()
        self.waiting = {}
        self.memory = {agent: [] for agent in agents}

    def choose(self, agent, state, threshold):
        if agent in self.fixed:
            return state if self.reading.fixed_rule == 5 else 1 - state
        return int(self.values[agent, state, 1] - self.values[agent, state, 0] > threshold)

    def update(self, agent, encounter):
        state, action, reward, following = encounter
        if agent in self.fixed or state is None:
            return
        best = max(self.values[agent, following, 0], self.values[agent, following, 1])
        error = reward + self.reading.gamma * best - self.values[agent, state, action]
        self.values[agent, state, action] += self.reading.learning_rate * error

    def remember(self, agent, encounter, u):
        if self.reading.schedule == "immediate":
            self.update(agent, encounter)
            return
        self.memory[agent].append(encounter)
        if self.reading.schedule == "replay":
            self.update(agent, self.memory[agent][int(u * len(self.memory[agent]))])

    def reward(self, setting, gives, gets, inner):
        if self.reading.self_payoff == "expected":
            inner = self.reading.exploration / 2 + (1 - self.reading.exploration) * inner
        real, own = setting.benefit * gets - gives, (setting.benefit - 1) * inner
        return (1 - setting.introspection) * real + setting.introspection * own

    def episode(self, drawn, thresholds, inside, verdicts, draws):
        for t, (players, partners) in enumerate(zip(drawn.players.tolist(), drawn.partners.tolist(), strict=True)):
            before, seats = list(self.reputations), range(len(players))
            if self.reading.next_state == "next":
                for seat in seats:
                    waiting = self.waiting.get(players[seat], (None, 0, 0.0))
                    self.remember(players[seat], (*waiting, before[partners[seat]]), draws[t][seat])
            did = [self.choose(players[seat], before[partners[seat]], thresholds[t][seat]) for seat in seats]
            gets = [did[(seat + len(players) // 2) % len(players)] for seat in seats]
            rewards = []
            for seat in seats:
                setting = self.settings[players[seat] // self.reading.agents]
                inner = did[seat]
                if self.reading.self_payoff != "action":
                    inner = self.choose(players[seat], before[players[seat]], inside[t][seat])
                rewards.append(self.reward(setting, did[seat], gets[seat], inner))
            for seat in seats:
                self.reputations[players[seat]] = self.judged(drawn, t, seat, did, before, verdicts) ^ int(
                    drawn.errors[t, seat]
                )
            if self.reading.judges:
                for seat in seats:
                    setting = self.settings[players[seat] // self.reading.agents]
                    self.credit(players[seat], setting.benefit * gets[seat] - did[seat])
            for seat in seats:
                found = (before[partners[seat]], did[seat], rewards[seat])
                if self.reading.next_state == "next":
                    self.waiting[players[seat]] = found
                else:
                    self.remember(players[seat], (*found, self.reputations[partners[seat]]), draws[t][seat])
        for agent, encounters in self.memory.items():
            for _ in range(self.reading.replays):
                for encounter in encounters if self.reading.schedule == "episode" else []:
                    self.update(agent, encounter)
            encounters.clear()

    def judged(self, drawn, t, seat, did, before, verdicts):
        state = 2 * did[seat] + before[drawn.partners[t, seat].item()]
        if not self.reading.judges:
            norm = self.settings[drawn.players[t, seat].item() // self.reading.agents].norm
            return norm >> (3 - state) & 1
        half = len(did) // 2
        judge = drawn.judges[t, seat % half].item()
        difference = self.verdicts.get((judge, state, 1), 0.0) - self.verdicts.get((judge, state, 0), 0.0)
        verdict = int(difference > verdicts[t][seat])
        self.last.setdefault(judge, {})[seat // half] = state, verdict
        return verdict

    def credit(self, agent, payoff):
        for seat in sorted(self.last.get(agent, {})):
            key = agent, *self.last[agent][seat]
            value = self.verdicts.get(key, 0.0)
            gain = payoff - value if self.reading.credit == "mean" else payoff
            self.verdicts[key] = value + self.reading.learning_rate * gain


def compare(reading, episodes=3):
    """Play episodes by both, and compare all values and reputations; return the population."""
    population = Population(SETTINGS, reading, 7)
    loop = Loop(SETTINGS, reading, population)
    for _ in range(episodes):
        taken = {}

        def keep(name, function, taken=taken):
            def kept(*arguments):
                taken[name] = function(*arguments)
                return taken[name]

            return kept

        game, memory = population.game, population._memory
        game.draw_rounds = keep("drawn", type(game).draw_rounds.__get__(game))
        population._draw_inside = keep("inside", type(population)._draw_inside.__get__(population))
        population._draw_verdicts = keep("verdicts", type(population)._draw_verdicts.__get__(population))
        state = population.generator.get_state()
        given = population.episode()
        replayed = torch.Generator()
        replayed.set_state(state)
        again = Population(SETTINGS, reading, 7)
        again.game.generator = again.generator = replayed
        drawn = again.game.draw_rounds(again._rounds)
        explores = reading.exploration * again.learns.float()[drawn.players]
        thresholds = draw_thresholds(explores, again._tie_chance, replayed)
        again._draw_inside(explores), again._draw_verdicts(explores)
        draws = torch.rand(drawn.players.shape, generator=replayed)
        assert torch.equal(drawn.players, taken["drawn"].players)
        loop.episode(drawn, thresholds.tolist(), taken["inside"].tolist(), taken["verdicts"].tolist(), draws.tolist())
        assert population.game.reputations.tolist() == loop.reputations
        assert (given >= 0).all() and memory is population._memory
    learns = population.learns.nonzero().flatten().tolist()
    values = population.tables.values.view(2, -1)
    for agent, state, action in itertools.product(learns, (0, 1), (0, 1)):
        expected = loop.values[agent, state, action]
        assert values[action, 2 * agent + state].item() == pytest.approx(expected, abs=1e-3), (agent, state, action)
    if population.judges is not None:
        rows = population.judges.tables.values.view(2, -1)
        for (judge, state, verdict), expected in loop.verdicts.items():
            assert rows[verdict, 4 * judge + state].item() == pytest.approx(expected, abs=1e-3)
        assert loop.verdicts
    return population


@pytest.mark.parametrize("pairing", ["all", "one"])
@pytest.mark.parametrize("next_state", ["next", "same"])
@pytest.mark.parametrize("schedule", ["immediate", "episode", "replay"])
def test_learners_are_those_of_a_plain_loop(schedule, next_state, pairing):
    compare(Reading(schedule=schedule, next_state=next_state, pairing=pairing, rounds=25))


@pytest.mark.parametrize(
    "options",
    [
        {"self_payoff": "greedy"},
        {"self_payoff": "expected"},
        {"self_payoff": "action"},
        {"replays": 3},
        {"fixed_rule": 10},
        {"judges": True},
        {"judges": True, "credit": "mean", "pairing": "one", "schedule": "replay"},
        {"gamma": 0.5, "exploration": 0.3, "assignment_error": 0.2, "agents": 4},
    ],
)
def test_options_do_what_a_plain_loop_does(options):
    compare(Reading(rounds=15, **options))


def test_payoffs_of_an_encounter():
    table = reward_table([Setting(benefit=5.0), Setting(benefit=5.0, introspection=0.25)], Reading())
    assert table[0, :8].tolist() == [0, -1, 0, -1, 5, 4, 5, 4]  # By own action, the other's reputation, its action.
    assert table[1, 5].item() == pytest.approx(0.75 * 4.0)
    assert table[1, 13].item() == pytest.approx(0.75 * 4.0 + 0.25 * 4.0)


def test_chance_of_choices():
    generator = torch.Generator().manual_seed(0)
    shape = (100_000,)
    tables = QTables(3, torch.device("cpu"))
    tables.prefer(torch.tensor([1, 2]), torch.tensor([0, 1]))
    for ties, chance in TIE_CHANCE.items():
        thresholds = draw_thresholds(torch.full(shape, 0.2), torch.tensor(chance), generator)
        shares = [tables.act(torch.full(shape, row), thresholds).float().mean().item() for row in range(3)]
        assert shares == pytest.approx([0.1 + 0.8 * chance, 0.1, 0.9], abs=0.01), ties


def test_rounds_before():
    players = torch.tensor([[0, 3], [3, 1], [0, 3]])
    assert count_before(players, 4).tolist() == [[0, 0], [1, 0], [1, 2]]
    assert count_before(torch.tensor([[1, 0], [0, 1]]), 2).tolist() == [[0, 0], [1, 1]]


def test_rules_of_fixed_and_greedy_agents():
    population = Population([Setting(fixed=0.1)], Reading(fixed_rule=10), 0)
    assert population.rules()[0].tolist() == [10] + [0] * 9  # Ten gives to the bad; ties are told as defection.
    population.tables.prefer(torch.tensor([2 * 3 + 1, 2 * 4, 2 * 4 + 1]), torch.tensor([1, 1, 1]))
    assert population.rules()[0].tolist() == [10, 0, 0, 5, 15] + [0] * 5


def test_cooperation_is_the_share_of_gifts():
    outcome = Population([Setting(fixed=1.0)], Reading(fixed_rule=15), 0).run(3)
    assert outcome.cooperation.tolist() == [[1.0]] * 3 and outcome.rules.sum() == 0.0
    outcome = Population([Setting(fixed=0.5, benefit=2.0)], Reading(fixed_rule=0), 0).run(50)
    assert outcome.cooperation.mean().item() == pytest.approx(0.025, abs=0.005)  # Half of them explore, at 5 %.
    assert outcome.rules.sum().item() == pytest.approx(1.0)


def test_stern_judging_of_discriminators_makes_all_good():
    population = Population([Setting(fixed=1.0, norm=STERN_JUDGING)], Reading(assignment_error=0.0, initial="good"), 0)
    assert population.run(2).cooperation.tolist() == [[1.0]] * 2 and population.game.reputations.all()


def test_the_same_seed_learns_the_same():
    def learned(seed):
        return Population(SETTINGS, Reading(judges=True), seed).run(5).cooperation

    assert torch.equal(learned(1), learned(1)) and not torch.equal(learned(1), learned(2))


@pytest.mark.parametrize(
    "setting, reading, words",
    [
        ({"fixed": 1.1}, {}, "fixed is 1.1"),
        ({"norm": 16}, {}, "norm is 16"),
        ({}, {"gamma": 1.0}, "gamma is 1.0"),
        ({}, {"agents": 9}, "cannot all be paired"),
        ({}, {"agents": 2, "judges": True}, "too few for judges"),
    ],
)
def test_impossible_populations_are_refused(setting, reading, words):
    with pytest.raises(UserError, match=words):
        Population([Setting(**setting)], Reading(**reading), 0)


@pytest.mark.parametrize("share, agents, count", [(0.0, 10, 0), (0.05, 10, 1), (0.05, 20, 1), (0.5, 10, 5), (1, 4, 4)])
def test_a_share_of_fixed_agents_is_one_at_least(share, agents, count):
    assert Reading(agents=agents).count_fixed(share) == count


def test_rules_are_means_over_the_last_half(monkeypatch):
    population = Population([Setting(fixed=0.5)], Reading(), 0)
    played = iter([0, 0, 5, 5, 15])
    monkeypatch.setattr(population, "rules", lambda: torch.full((1, 10), next(played)))
    monkeypatch.setattr(population, "episode", lambda: torch.zeros(1))
    rules = population.run(9).rules[0]  # Five looks, at episodes 4 to 8.
    assert rules[[0, 5, 15]].tolist() == pytest.approx([0.4, 0.4, 0.2]) and rules.sum().item() == pytest.approx(1.0)
