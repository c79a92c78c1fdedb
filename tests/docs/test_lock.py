"""The lock file has one version for every requirement, on every Python, and nothing of the machine that made it."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.lstrip().startswith("#")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]


def applies(requirement, python):
    """Whether a requirement is for this Python on Linux."""
    environment = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def test_every_line_is_an_exact_version():
    assert LOCK
    for line in LOCK:
        assert "://" not in line and line.lstrip()[0] != "-", line
        assert [specifier.operator for specifier in Requirement(line).specifier] == ["=="], line


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_every_requirement_has_one_locked_version_that_it_accepts(python):
    locked = {}
    for entry in map(Requirement, LOCK):
        if applies(entry, python):
            assert canonicalize_name(entry.name) not in locked, f"two versions of {entry.name} on {python}"
            locked[canonicalize_name(entry.name)] = next(iter(entry.specifier)).version
    for line in [*PROJECT["dependencies"], *EXTRAS]:
        wanted = Requirement(line)
        if wanted.name != "hideseek" and applies(wanted, python):
            version = locked.get(canonicalize_name(wanted.name))
            assert version is not None, f"{line} is not locked on {python}; run make lock"
            assert wanted.specifier.contains(version), f"{line} is locked at {version}; run make lock"
