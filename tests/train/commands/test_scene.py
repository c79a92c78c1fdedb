import mujoco
import numpy as np
import pytest

from envs.batch_env import BatchEnv
from envs.scenarios import get
from train.cli import main


@pytest.mark.parametrize("name", ["hide-and-seek/full", "hide-and-seek/quickstart"])
def test_the_file_stands_alone_and_simulates(tmp_path, capsys, name):
    file = tmp_path / "scene.xml"
    assert main(["scene", name, "-o", str(file), "--seed", "4"]) == 0
    assert f"wrote {file}" in capsys.readouterr().out.replace("\n", "")
    model = mujoco.MjModel.from_xml_path(str(file))
    data = mujoco.MjData(model)
    for _ in range(100):
        mujoco.mj_step(model, data)
        assert np.abs(data.qvel).max() < 1.0  # everything rests
    assert data.warning.number.sum() == 0
    assert np.abs(data.qpos).max() < 0.01


def test_it_is_the_start_of_the_episode_of_that_seed(tmp_path):
    file = tmp_path / "scene.xml"
    main(["scene", "hide-and-seek/full", "-o", str(file), "--seed", "5"])
    model = mujoco.MjModel.from_xml_path(str(file))
    env = BatchEnv(get("hide-and-seek/full"), 1, seed=5, threads=1)
    env.reset()
    present = env.get_state([0]).pose[0, :, 2].numpy() < 10
    bodies = env.engine.scene.entity_body
    assert np.allclose(model.body_pos[bodies][present], env.engine.pose[0, :, :3].numpy()[present], atol=1e-5)
    assert (model.body_pos[bodies][~present][:, 2] < -5).all()  # out of sight, below the floor
    env.close()


def test_an_existing_file_needs_force(tmp_path, capsys):
    file = tmp_path / "scene.xml"
    file.write_text("mine")
    assert main(["scene", "hide-and-seek/quickstart", "-o", str(file)]) == 2
    assert "--force" in capsys.readouterr().err and file.read_text() == "mine"
    assert main(["scene", "hide-and-seek/quickstart", "-o", str(file), "--force"]) == 0
    assert file.read_text().startswith("<mujoco")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["hide-and-sick/full", "-o", "a.xml"], "did you mean 'hide-and-seek/full'"),
        (["hide-and-seek/full", "-o", "missing/a.xml"], "cannot write"),
        (["hide-and-seek/full", "-o", "."], "is a folder"),
        (["hide-and-seek/full", "-o", "a.xml", "--seed", "-1"], "seed"),
    ],
)
def test_bad_requests_are_one_line(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(["scene", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())
