"""Any options of any scenario, in any combination: a world that works, or one line that says why there is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.batch_env import BatchEnv
from envs.env_checks import play_randomly
from envs.scenarios import SCENARIOS, Scenario
from tests.damage import examples, read_or_refuse
from tests.options import FEW, options_of, replaced, values

OPTIONS = {name: FEW.get(f"scenario.{name}", values(hint)) for name, hint in options_of(Scenario) if name != "name"}
SOME = st.lists(st.sampled_from(sorted(OPTIONS)), min_size=1, max_size=4, unique=True)


def check_some_options(data):
    scenario = SCENARIOS[data.draw(st.sampled_from(sorted(SCENARIOS)))]
    for name in data.draw(SOME):
        scenario = replaced(scenario, name, data.draw(OPTIONS[name]))
    env = read_or_refuse(BatchEnv, scenario, 1, 0, "cpu", 1)
    if env is not None:
        read_or_refuse(play_randomly, env, 2)  # Physics may lack room for contacts.
        env.close()


@examples(60)
@given(st.data())
def test_some_options(data):
    check_some_options(data)


@pytest.mark.slow
@examples(3000)
@given(st.data())
def test_many_options(data):
    check_some_options(data)
