"""MJCF text of a scene that every MuJoCo from 3.1 to 4.0 reads."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import mujoco


def to_text(spec: mujoco.MjSpec) -> str:
    """Return the complete MJCF of a scene, as written in the spec and with every number exact."""
    spec.compiler.savecompiled = False  # Else numbers are rounded to six digits.
    root = ElementTree.fromstring(spec.to_xml())
    for light in root.iter("light"):
        if light.attrib.pop("type", "") == "directional":  # MuJoCo 3.1 knows no types of light.
            light.set("directional", "true")
    for body in root.iter("body"):
        for frame in body.findall("frame"):  # Attaching leaves them behind, all at their body's origin.
            body.remove(frame)
            body.extend(frame)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"
