"""The viewer as a user meets it: a real browser without a window opens the page, looks, clicks, drags and plays.

Screenshots are kept under tests/artefacts/viewer, or in the folder that HIDESEEK_ARTEFACTS names.
"""

import io
import json
import os
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from train.viewer.live_world import LiveGame
from train.viewer.player_choice import PlayerChoice
from train.viewer.viewer import ViewerOptions

from .conftest import WORLD, Served

pytestmark = pytest.mark.slow
PATIENCE = 90.0
"""Seconds to wait for the page; machines of continuous integration are slow and shared."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="module")
def artefacts():
    folder = Path(os.environ.get("HIDESEEK_ARTEFACTS", "tests/artefacts")) / "viewer"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def browser():
    selenium = pytest.importorskip("selenium", reason="needs selenium: pip install 'hideseek[browser]'")
    binary = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("needs a browser: apt-get install chromium chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    assert selenium
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for word in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1280,1000",
    ):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options=options, service=Service(driver))
    made.set_script_timeout(PATIENCE)
    yield made
    made.quit()


class Page:
    """The viewer's page in a browser."""

    def __init__(self, browser, served, artefacts, url=None):
        self.browser, self.served, self.artefacts = browser, served, artefacts
        browser.get(url or served.server.url)
        self.wait(lambda: self.script("return document.body.dataset.frame"))
        self.wait(lambda: self.script("return document.querySelectorAll('#toggles input').length"))

    def script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def wait(self, happens):
        end = time.monotonic() + PATIENCE
        while not happens():
            assert time.monotonic() < end, "nothing happened"
            time.sleep(0.1)

    def state(self):
        return self.script("return state")

    def choose(self, field, value):
        self.script(
            "const f = document.getElementById(arguments[0]); f.value = arguments[1]; f.dispatchEvent(new "
            "Event('change'))",
            field,
            value,
        )

    def click(self, name):
        self.browser.find_element("id", name).click()

    def picture(self, name):
        """Keep a screenshot; return what the canvas shows."""
        self.browser.save_screenshot(str(self.artefacts / f"{name}.png"))
        data = self.browser.find_element("id", "picture").screenshot_as_png
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)

    def spot(self, entity):
        """Where on the picture an entity is, from -0.5 to 0.5 of its width and height."""
        for y in range(6, 48):
            for x in range(8, 56):
                if self.served.viewer._renderer.pick(x / 64, y / 52)[2] == entity:  # the world is at rest
                    return x / 64 - 0.5, y / 52 - 0.5
        raise AssertionError(f"entity {entity} is not on the picture")

    def gesture(self, *places):
        """Move the mouse over places of the picture, with the button down."""
        from selenium.webdriver.common.action_chains import ActionChains

        canvas = self.browser.find_element("id", "picture")
        width, height = canvas.size["width"], canvas.size["height"]
        chain = ActionChains(self.browser, duration=300)
        for number, (x, y) in enumerate(places):
            chain.move_to_element_with_offset(canvas, round(x * width), round(y * height))
            if number == 0:
                chain.click_and_hold()
        chain.release().perform()


def test_a_visitor_watches_drags_and_plays(opengl, run_folder, browser, artefacts):
    choice = PlayerChoice([run_folder])
    show = LiveGame(WORLD, 0, choice, ("mine 7", "mine 7"))
    with Served(show, choice, ViewerOptions(width=320, height=260)) as served:
        page = Page(browser, served, artefacts)

        # Agents move.
        first = page.picture("1-start")
        start = page.state()["step"]
        page.wait(lambda: page.state()["step"] >= start + 5)
        second = page.picture("2-later")
        assert (abs(first - second).max(-1) > 40).sum() > 50

        # Pause: the world rests.
        page.click("pause")
        page.wait(lambda: page.state()["paused"])
        step, rest = page.state()["step"], page.picture("3-paused")
        time.sleep(2.0)
        assert page.state()["step"] == step
        assert np.array_equal(rest, page.picture("3-paused"))
        page.click("step")
        page.wait(lambda: page.state()["step"] == step + 1)

        # Another checkpoint for the seekers.
        page.choose("player-1", "mine 3")
        page.wait(lambda: page.state()["teams"] == ["mine 7", "mine 3"])

        # Drag a box.
        page.choose("camera", "top")
        page.wait(lambda: page.state()["look"]["camera"] == "top")
        box = WORLD.num_agents
        before = served.viewer.episode().states["pose"][-1, box, :2]
        x, y = page.spot(box)
        page.gesture((x, y), (x / 2, y / 2), (0.0, 0.0))
        page.wait(lambda: served.viewer.episode().edited)
        page.wait(lambda: np.abs(served.viewer.episode().states["pose"][-1, box, :2] - 3.0).max() < 0.4)
        after = served.viewer.episode().states["pose"][-1, box, :2]
        assert np.linalg.norm(after - before) > 0.3
        page.picture("4-dragged")

        # Click an agent: what it sees and attends to.
        page.gesture(page.spot(0))
        page.wait(lambda: page.state()["mind"] and page.state()["mind"]["agent"] == "hider 0")
        page.script("document.querySelector('#toggles input[name=attention]').click()")
        page.wait(lambda: page.state()["look"]["attention"])
        assert page.state()["mind"]["attends"]
        page.picture("5-mind")

        # Play an agent for five seconds.
        page.choose("play", "0")
        page.wait(lambda: page.state()["played"] == 0 and not page.state()["paused"])
        left = served.viewer.episode()
        keys(browser, "w", 2.0)
        keys(browser, "d", 1.5)
        keys(browser, "q", 1.5)
        played = served.viewer.episode()
        assert played.steps > left.steps + 3
        actions = {tuple(row) for row in played.actions[left.steps :, 0].tolist()}
        assert {(5, 7, 5, 0, 0), (7, 5, 5, 0, 0), (5, 5, 6, 0, 0)} <= actions
        page.picture("6-played")
        page.click("pause")
        page.wait(lambda: page.state()["paused"])

        assert page.script("return document.getElementById('message').textContent") == ""
        assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def test_from_outside_the_printed_address_opens_the_page(opengl, browser, artefacts):
    choice = PlayerChoice([])
    show = LiveGame(WORLD, 0, choice, ("random", "random"))
    with Served(show, choice, ViewerOptions(width=320, height=260), "0.0.0.0") as served:
        _, _, token = served.server.url.partition("?token=")
        address = f"http://127.0.0.1:{served.server.server_port}/"
        browser.get(address)
        assert "token" in browser.find_element("tag name", "body").text
        page = Page(browser, served, artefacts, f"{address}?token={token}")
        assert browser.current_url == address
        page.click("pause")
        page.wait(lambda: page.state()["paused"])
        assert page.script("return document.getElementById('message').textContent") == ""


HOSTILE = """<!doctype html><title>prizes</title>
<iframe id="frame" src="{viewer}"></iframe><img src="{viewer}frame"><script>
const json = {{ method: "POST", headers: {{ "Content-Type": "application/json" }}, body: '{{"on": true}}' }};
Promise.allSettled([
  fetch("{viewer}do/pause", json),
  fetch("{viewer}do/pause", {{ ...json, mode: "no-cors" }}),
  fetch("{viewer}do/pause", {{ ...json, headers: {{}}, mode: "no-cors", body: {smuggled} }}),
  fetch("{viewer}frame"),
]).then((all) => {{ document.title = all.map((one) => one.status).join(); }});
</script>"""


class _Hostile(BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.server.page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_): ...


def test_a_page_of_another_origin_neither_commands_nor_shows_it(opengl, browser):
    choice = PlayerChoice([])
    show = LiveGame(WORLD, 0, choice, ("random", "random"))
    with Served(show, choice, ViewerOptions(width=320, height=260)) as served, HTTPServer(("", 0), _Hostile) as hostile:
        host = f"127.0.0.1:{served.server.server_port}"
        smuggled = (
            f"POST /do/pause HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"
            '{"on": true}'
        )
        hostile.page = HOSTILE.format(viewer=f"http://{host}/", smuggled=json.dumps(smuggled))
        threading.Thread(target=hostile.serve_forever, daemon=True).start()
        browser.get(f"http://localhost:{hostile.server_port}/")
        end = time.monotonic() + PATIENCE
        while browser.title == "prizes":
            assert time.monotonic() < end
        assert browser.title == "rejected,rejected,rejected,rejected"
        time.sleep(1.0)
        assert not served.state()["paused"]
        browser.switch_to.frame("frame")
        assert browser.find_elements("id", "picture") == []
        hostile.shutdown()


def keys(browser, key, seconds):
    """Hold a key."""
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).key_down(key).perform()
    time.sleep(seconds)
    ActionChains(browser).key_up(key).perform()
