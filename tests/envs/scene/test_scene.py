"""Compiled models are those that dm_control's MJCF gave before MjSpec, to the last bit, and so is the written text.

``models.npz`` holds arrays of models which dm_control assembled. ``mjcf_3_1.txt`` is what ``mujoco.mj_printSchema`` of
MuJoCo 3.1.0 says of the elements we use: ``parent/element: attributes``.
"""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import mujoco
import numpy as np
import pytest
import torch

from envs import scene
from envs.layouts import LayoutStream
from envs.scenarios import SCENARIOS, get
from tests.envs.worlds import build_scene

RECORDED = {
    "full": ("hide-and-seek/full", {}),
    "quickstart": ("hide-and-seek/quickstart", {}),
    "cylinders": ("hide-and-seek/cylinders", {}),
    "tilting": ("hide-and-seek/full", {"tilting_boxes": True}),
    "full start": ("hide-and-seek/full", {}),
    "shelter start": ("shelter", {}),
}


def at_start(scenario):
    return scene.build(scenario, LayoutStream(scenario, 0, 1).draw(torch.zeros(1, dtype=torch.int64)))


def value(model, name):
    value = model
    for part in name.split("."):
        value = getattr(value, part)
    return np.frombuffer(value, np.uint8) if isinstance(value, bytes) else np.array(value)


@pytest.mark.parametrize("case", RECORDED)
def test_models_are_the_recorded_ones(case):
    name, options = RECORDED[case]
    scenario = get(name, **options)
    model = (at_start(scenario) if case.endswith(" start") else build_scene(scenario)).model
    with np.load(Path(__file__).with_name("models.npz")) as recorded:
        expected = {key.split("/")[1]: recorded[key] for key in recorded.files if key.startswith(f"{case}/")}
    assert len(expected) > 40
    for key, array in expected.items():
        np.testing.assert_array_equal(value(model, key), array, err_msg=key)


def saved(model):
    buffer = np.zeros(mujoco.mj_sizeModel(model), np.uint8)
    mujoco.mj_saveModel(model, None, buffer)
    return buffer.tobytes()


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_text_is_the_model_in_words_of_mujoco_3_1(name):
    for built in (build_scene(SCENARIOS[name]), at_start(SCENARIOS[name])):
        assert saved(mujoco.MjModel.from_xml_string(built.xml)) == saved(built.model)
        check_words(built.xml)


def test_the_text_of_tilting_boxes():
    check_words(build_scene(get("hide-and-seek/full", tilting_boxes=True)).xml)


def check_words(xml):
    lines = Path(__file__).with_name("mjcf_3_1.txt").read_text().splitlines()
    known = {path: set(attributes.split()) for path, attributes in (line.split(":") for line in lines)}
    root = ElementTree.fromstring(xml)
    elements = [("mujoco", root)]
    elements += [(f"{parent.tag}/{child.tag}", child) for parent in root.iter() for child in parent]
    for path, element in elements:
        assert path in known, f"MuJoCo 3.1 knows no {path}"
        unknown = element.attrib.keys() - known[path]
        assert not unknown, f"MuJoCo 3.1 knows no {unknown} of {path}"
