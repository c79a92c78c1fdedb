"""The pages of the documentation: their text, code blocks, commands, links and headings."""

import re
import shlex
from contextlib import contextmanager
from pathlib import Path

from envs.scenarios import GAMES, SCENARIOS
from train.play.scripted import SCRIPTS

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "examples" / "README.md"]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
_BLOCK = re.compile(
    r"^(?P<mark><!-- not run: .*?-->\n)?```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def blocks(name, *languages, marked=False):
    """The blocks of a page in some languages, in order; those that are marked as not run only if asked for."""
    found = _BLOCK.finditer((ROOT / name).read_text())
    return [match["code"] for match in found if match["language"] in languages and (marked or not match["mark"])]


def commands(name, marked=False):
    """The words of every shell command of a page: no comments, no lines of loops and conditions, 0 for every
    variable."""
    text = re.sub(r"\$\w+", "0", "".join(blocks(name, "sh", "bash", marked=marked)).replace("\\\n", " "))
    split = [shlex.split(line, comments=True) for line in text.splitlines()]
    return [words for words in split if words and not re.match(r"(for|done|if|else|fi|\w+=.*)$", words[0])]


@contextmanager
def registers():
    """What pages register, scenarios, games and scripts, is gone afterwards."""
    known = (SCENARIOS, GAMES, SCRIPTS)
    before = [dict(one) for one in known]
    try:
        yield
    finally:
        for one, kept in zip(known, before, strict=True):
            one.clear()
            one.update(kept)


def prose(page):
    """A page's text without code blocks."""
    return _BLOCK.sub("", page.read_text())


def links(page):
    """Every link of a page to something in the repository: path, and anchor or ''."""
    found = []
    for target in _LINK.findall(prose(page)):
        if not re.match(r"\w+:", target):
            path, _, anchor = target.partition("#")
            found.append(((page.parent / path).resolve() if path else page, anchor))
    return found


def anchors(page):
    """The anchors that headings get: small letters, hyphens for spaces, nothing but letters, digits, _ and -."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
