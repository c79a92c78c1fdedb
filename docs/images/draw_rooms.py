"""Draw docs/images/rooms.svg: which room of the project imports from which. ``make docs-picture`` runs it.

Rooms and their order are the layers of the contract in pyproject.toml, arrows are the imports in the code. An arrow
that follows from others is left out: if A imports from B and B from C, A may import from C as well.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "images" / "rooms.svg"
COLOURS = {"train": "#cfe2f3", "envs": "#d9ead3", "policies": "#fce5cd", "assets": "#e8e8e8"}
WIDTH, ROW, BOX, HEIGHT = 1000, 66, 144, 26
SWEEPS = 12
"""Rounds in which the rooms of each row are sorted by where their neighbours stand."""


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(picture())


def picture() -> str:
    """Return the SVG."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = [layer.replace(" ", "").split("|") for layer in settings["contracts"][0]["layers"]]
    direct = imports(settings["root_packages"], [room for layer in layers for room in layer])
    arrows = without_detours(direct)
    rows = arrange(in_rows(layers, direct), arrows)
    place = {room: spot(rows, y, x) for y, row in enumerate(rows) for x, room in enumerate(row)}
    parts = [_arrow(place[upper], place[lower]) for upper, lower in sorted(arrows)]
    parts += [_box(room, *place[room]) for row in rows for room in row]
    height = len(rows) * ROW + 8
    style = "text{font:13px sans-serif;text-anchor:middle}path{fill:none;stroke:#777;stroke-width:1.1}rect{stroke:#999}"
    head = '<marker id="head" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto"><path d="M1,1L7,4L1,7"/>'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}">',
            f"<style>{style}</style><defs>{head}</marker></defs>",
            '<rect width="100%" height="100%" fill="white"/>',
            *parts,
            "</svg>\n",
        ]
    )


def imports(packages: list[str], rooms: list[str]) -> set[tuple[str, str]]:
    """Return (importing room, imported room) for all imports between two rooms."""
    graph = grimp.build_graph(*packages, cache_dir=None)

    def room_of(module: str) -> str:
        return max((room for room in rooms if f"{module}.".startswith(f"{room}.")), key=len, default=module)

    pairs = {(room_of(m), room_of(n)) for m in graph.modules for n in graph.find_modules_directly_imported_by(m)}
    return {(upper, lower) for upper, lower in pairs if upper != lower and {upper, lower} <= set(rooms)}


def without_detours(arrows: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the arrows (A, C) for which there is no way from A to C by way of another room."""
    reach: dict[str, set[str]] = {}

    def below(room: str) -> set[str]:
        if room not in reach:
            reach[room] = set().union(*({lower} | below(lower) for upper, lower in arrows if upper == room))
        return reach[room]

    return {(a, c) for a, c in arrows if not any(c in below(b) for first, b in arrows if first == a)}


def in_rows(layers: list[list[str]], arrows: set[tuple[str, str]]) -> list[list[str]]:
    """Join layers that follow each other where no room of the upper ones imports from the lower."""
    rows: list[list[str]] = []
    for layer in layers:
        if rows and not any((upper, lower) in arrows for upper in rows[-1] for lower in layer):
            rows[-1] += layer
        else:
            rows.append(list(layer))
    return rows


def arrange(rows: list[list[str]], arrows: set[tuple[str, str]]) -> list[list[str]]:
    """Sort the rooms of each row, so that arrows are short."""
    for _ in range(SWEEPS):
        for y in range(len(rows)):
            x_of = {room: spot(rows, v, x)[0] for v, row in enumerate(rows) for x, room in enumerate(row)}

            def pull(room: str, x_of: dict[str, float] = x_of) -> float:
                near = [x_of[b if a == room else a] for a, b in sorted(arrows) if room in (a, b)]
                return sum(near) / len(near) if near else x_of[room]

            rows[y] = sorted(rows[y], key=lambda room, pull=pull: (round(pull(room), 3), room))
    return rows


def spot(rows: list[list[str]], y: int, x: int) -> tuple[float, float]:
    """Return the centre of the x-th room of row y, in pixels; rows with one room alternate sides of the middle."""
    shift = 0.0 if len(rows[y]) > 1 else (y % 2 - 0.5) * 150
    return round((x + 0.5) * WIDTH / len(rows[y]) + shift, 1), y * ROW + ROW / 2


def _arrow(upper: tuple[float, float], lower: tuple[float, float]) -> str:
    (x, y), (u, v) = upper, lower
    rows = (v - y) / ROW
    bow = 0.0  # Keeps a long, steep arrow clear of the boxes that it passes.
    if rows > 1 and abs(u - x) < BOX / 2:
        bow = min(45 + 14 * rows, 200) * (-1 if x + u < WIDTH else 1)
    y, v = y + HEIGHT / 2, v - HEIGHT / 2
    bend = 30 if not bow else (v - y) / 3
    return (
        f'<path marker-end="url(#head)" d="M{x},{y}C{x + bow:.1f},{y + bend:.1f} '
        f'{u + bow:.1f},{v - bend:.1f} {u},{v - 1}"/>'
    )


def _box(room: str, x: float, y: float) -> str:
    package, _, name = room.rpartition(".")
    place = f'x="{x - BOX / 2:.1f}" y="{y - HEIGHT / 2}" width="{BOX}" height="{HEIGHT}" rx="4"'
    return f'<rect {place} fill="{COLOURS[package or name]}"/><text x="{x}" y="{y + 4.5}">{name}</text>'


if __name__ == "__main__":
    main()
