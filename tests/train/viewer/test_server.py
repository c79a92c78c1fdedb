"""What strangers send to the viewer's port, byte by byte: what is refused, or hidden in a request, is not done."""

import contextlib
import json
import logging
import re
import socket
import time

import pytest

from train.viewer import server as server_module
from train.viewer.frames import Frame
from train.viewer.server import ViewerServer


class Listener:
    """Stands where the viewer is: notes the commands that get through."""

    def __init__(self):
        self.obeyed = []

    def command(self, name, arguments):
        self.obeyed.append((name, arguments))
        if name == "break":
            raise OSError("disk on fire\nreally")

    def frame(self, after, timeout):
        return Frame(7, b"picture", {"frame": 7})

    def episode(self):
        raise TimeoutError


@contextlib.contextmanager
def serving(host="127.0.0.1"):
    listener = Listener()
    with ViewerServer(listener, host, 0) as server:
        yield listener, server


@pytest.fixture(scope="module")
def everybodys():
    with serving() as made:
        yield made


@pytest.fixture
def local(everybodys):
    everybodys[0].obeyed.clear()
    return everybodys


def post(command="pause", body=b"{}", **headers):
    """Return a request as bytes. A header that is None is left out."""
    own = {"Content_Type": "application/json", "Content_Length": str(len(body))}
    return _request(f"POST /do/{command}", own | headers) + body


def get(path="/", **headers):
    return _request(f"GET {path}", headers)


def _request(start, headers):
    lines = [f"{start} HTTP/1.1"]
    lines += [f"{n.replace('_', '-')}: {v}" for n, v in ({"Host": "127.0.0.1"} | headers).items() if v is not None]
    return "\r\n".join([*lines, "", ""]).encode()


def connect(server):
    made = socket.create_connection(("127.0.0.1", server.server_port), timeout=30)
    made.settimeout(30)
    return made


def send(server, data, finished=True):
    """Send bytes over one connection, and return all that comes back until it is closed."""
    with connect(server) as connection:
        connection.sendall(data)
        if finished:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while more := connection.recv(65536):
                received += more
    return received.decode()


def statuses(answer):
    return [int(status) for status in re.findall(r"HTTP/1\.1 (\d{3}) ", answer)]


# --- one request is one request ------------------------------------------------------------------------------------

HIDDEN = post("hidden")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (post(body=HIDDEN, Content_Type="text/plain"), 415),
        (post(body=HIDDEN, Content_Type=None), 415),
        (post(body=HIDDEN, Host="example.com"), 403),
        (post(body=HIDDEN, Origin="http://example.com"), 403),
        (post(body=HIDDEN, Content_Length="0, 0"), 400),
        (post(body=HIDDEN, Content_Length="-1"), 400),
        (post(body=HIDDEN, Content_Length="+5"), 400),
        (post(body=HIDDEN, Content_Length="1_0"), 400),
        (post(body=HIDDEN, Content_Length="9" * 5000), 400),
        (post(body=HIDDEN, Content_Length="200000"), 413),
        (post(body=HIDDEN, Content_Length=None), 411),
        (post(body=b"5\r\n{}   \r\n0\r\n\r\n" + HIDDEN, Transfer_Encoding="chunked"), 411),
        (post(body=b"5\r\n{}   \r\n0\r\n\r\n" + HIDDEN, Content_Length=None, Transfer_Encoding="chunked"), 411),
        (post(body=HIDDEN).replace(b"Content-Length", b"Content-Length: 0\r\nContent-Length"), 411),
        (post(body=HIDDEN).replace(b"Content-Length", b"Content-Length : 1\r\nContent-Length"), 400),
        (post(body=HIDDEN).replace(b"/do/pause", b"/pause"), 404),
        (post(body=HIDDEN).replace(b"POST", b"PUT"), 501),
        (get("/nothing") + HIDDEN, 404),
        (get(Host="example.com") + HIDDEN, 403),
        (get(Content_Length=100_001) + HIDDEN, 413),
    ],
)
def test_after_a_refusal_nothing_more_is_read(local, request_, status):
    listener, server = local
    answer = send(server, request_ + HIDDEN, finished=False)
    assert statuses(answer) == [status] and "\r\nConnection: close\r\n" in answer
    assert listener.obeyed == []


def test_the_body_of_a_get_is_no_request(local):
    listener, server = local
    answer = send(server, get(Content_Length=len(HIDDEN)) + HIDDEN + get("/viewer.css"))
    assert statuses(answer) == [200, 200] and listener.obeyed == []


def test_one_connection_serves_many_requests(local):
    """The connection is kept where it may be: the page asks for thirty pictures a second."""
    listener, server = local
    answer = send(server, post(body=b'{"on": true}') + get("/frame?after=0") + get("/frame?after=x") + post("step"))
    assert statuses(answer) == [200] * 4 and "Connection" not in answer
    assert listener.obeyed == [("pause", {"on": True}), ("step", {})]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", None),
        (b"null", "are an object"),
        (b"[]", "are an object"),
        (b"{", "JSON"),
        (b"\xff\xfe{\x00}\x00", "JSON in UTF-8"),
        (b'{"a": "\xc3\x28"}', "JSON in UTF-8"),
        (b"[" * 50_000, "JSON"),
        (b'{"a":' * 10_000, "JSON"),
        (b'{"a": ' + b"9" * 50_000 + b"}", "JSON"),
        (b" " * 100_000, "JSON"),
    ],
)
def test_what_is_no_command_is_one_line(local, caplog, body, told):
    listener, server = local
    answer = send(server, post(body=body) + post("next"))
    assert statuses(answer) == [200, 200]
    if told is not None:
        reply = json.loads(answer.split("\r\n\r\n")[1].splitlines()[0].split("HTTP/1.1")[0])
        assert told in reply["error"] and "\n" not in reply["error"]
    assert listener.obeyed == [("pause", {})] * (told is None) + [("next", {})]
    assert caplog.records == []


@pytest.mark.parametrize(
    "request_",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x00\xff\x80 nonsense \x16\x03\x01\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/x\r\n\r\n",
        b"GET / SPDY\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"GET /\r\n\r\n",
        get("http://[/"),
        get("http://127.0.0.1/"),
        get("//["),
        get("*"),
        get(Host="["),
        get(Host="[::1"),
        get(Host="[]"),
        get(Host="127.0.0.1:x"),
        get(Host="127.0.0.1@example.com"),
        get(Host="example.com@127.0.0.1"),
        get(Host="127.0.0.1/example.com"),
        get(Host=""),
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: example.com\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nnonsense\r\n\r\n",
        get("/../viewer.py"),
        get("/%2e%2e/viewer.py"),
        get("/page/index.html"),
        get("/viewer.css/../../server.py"),
        get("/episode.npz/../../x"),
        post("../pause").replace(b"/do/../", b"/../do/"),
    ],
)
def test_requests_that_make_no_sense_are_refused_in_one_line(local, caplog, capfd, request_):
    listener, server = local
    answer = send(server, request_ + HIDDEN)
    if request_.strip():
        (status,) = statuses(answer)
        head, _, body = answer.partition("\r\n\r\n")
        assert 400 <= status <= 505 and "Connection: close" in head and body.count("\n") <= 1
    else:
        assert answer == ""
    assert listener.obeyed == [] and caplog.records == []
    assert "Traceback" not in capfd.readouterr().err


# --- who asks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "example.com"},
        {"Host": "127.0.0.1.example.com"},
        {"Host": "localhost.example.com:80"},
        {"Host": "10.0.0.1"},
        {"Origin": "http://example.com"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1:81", "Host": "127.0.0.1:80"},
        {"Origin": "http://localhost", "Host": "127.0.0.1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"},
    ],
)
def test_pages_from_elsewhere_are_refused(local, headers):
    listener, server = local
    for request_ in (post(**headers), get("/frame?after=0", **headers), get("/episode.npz", **headers)):
        assert statuses(send(server, request_)) == [403]
    assert listener.obeyed == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost:8080", "Origin": "http://localhost:8080", "Sec_Fetch_Site": "same-origin"},
        {"Host": "LOCALHOST:9000", "Origin": "http://localhost:9000"},
        {"Host": "[::1]:8080", "Origin": "http://[::1]:8080"},
        {"Sec_Fetch_Site": "none"},
    ],
)
def test_the_own_page_is_obeyed(local, headers):
    listener, server = local
    assert statuses(send(server, post(**headers))) == [200]
    assert listener.obeyed == [("pause", {})]


def test_a_link_may_lead_to_the_page_but_not_into_a_frame(local):
    _, server = local
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    answer = send(server, get(**link, **{"Sec_Fetch_Dest": "document"}))
    assert statuses(answer) == [200] and "frame-ancestors 'none'" in answer
    assert statuses(send(server, get(**link, **{"Sec_Fetch_Dest": "iframe"}))) == [403]


def test_from_outside_a_token_is_needed():
    with serving("0.0.0.0") as (listener, server):
        address, _, token = server.url.partition("/?token=")
        assert len(token) >= 32 and address == f"http://{socket.gethostname()}:{server.server_port}"
        host = f"my.machine:{server.server_port}"
        for request_ in (get(Host=host), get("/viewer.js", Host=host), get("/frame", Host=host), post(Host=host)):
            assert statuses(send(server, request_)) == [403]
        for wrong in ("", "x", token[:-1], token + "x", token.swapcase(), "%ff%00", "é"):
            assert statuses(send(server, get(f"/?token={wrong}", Host=host).decode().encode("latin-1"))) == [403]
            assert statuses(send(server, post(Host=host, Cookie=f"hideseek-{server.server_port}={wrong}"))) == [403]
        assert "open the whole address" in send(server, get(Host=host))

        answer = send(server, get(f"/?token={token}", Host=host))
        assert statuses(answer) == [303] and "\r\nLocation: /\r\n" in answer
        cookie = re.search(r"Set-Cookie: (\S+); Path=/; HttpOnly; SameSite=Lax\r\n", answer)[1]
        for others in ("", "a=b; ", "=; ;;; "):
            assert statuses(send(server, get(Host=host, Cookie=others + cookie))) == [200]
        own = {"Host": host, "Cookie": cookie}
        assert statuses(send(server, post(**own, Origin=f"http://{host}"))) == [200]
        assert statuses(send(server, post(**own, Origin="http://my.machine:80"))) == [403]
        assert listener.obeyed == [("pause", {})]


def test_tokens_differ_and_this_machine_alone_needs_none(local):
    assert local[1].access.token is None and local[1].url == f"http://127.0.0.1:{local[1].server_port}/"
    with serving("0.0.0.0") as (_, one), serving("0.0.0.0") as (_, two):
        assert one.access.token != two.access.token
    with serving("127.0.0.2") as (_, server):
        assert server.access.token is None
        assert re.match("http://127.0.0.2:", server.url)


def test_it_listens_on_the_loopback_address_of_ipv6():
    try:
        socket.socket(socket.AF_INET6).bind(("::1", 0))
    except OSError as error:
        pytest.skip(f"there is no IPv6 ({error})")
    with serving("::1") as (_, server):
        assert server.url == f"http://[::1]:{server.server_port}/" and server.access.token is None
        with socket.create_connection(("::1", server.server_port), timeout=30) as connection:
            connection.sendall(get(Host=f"[::1]:{server.server_port}"))
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")


# --- bad connections -----------------------------------------------------------------------------------------------


def test_slow_and_silent_connections_are_cut(monkeypatch):
    """Also one that sends a byte now and then, for which a limit on each read alone would wait for ever."""
    monkeypatch.setattr(server_module, "_REQUEST_SECONDS", 0.5)
    with serving() as (listener, server):
        start = time.monotonic()
        for opening in (b"", post()[:-1], get()[:-2]):
            with connect(server) as slow, contextlib.suppress(ConnectionError):
                slow.sendall(opening)
                slow.settimeout(0.1)
                while True:
                    with contextlib.suppress(TimeoutError):
                        if not slow.recv(1000):
                            break
                    slow.sendall(b"a" if b"POST" not in opening else b"")
                    assert time.monotonic() - start < 20
        assert listener.obeyed == [] and statuses(send(server, post())) == [200]


def test_the_number_of_connections_is_limited(monkeypatch):
    monkeypatch.setattr(server_module, "_MOST_CONNECTIONS", 8)
    with serving() as (listener, server):
        crowd = [connect(server) for _ in range(20)]
        refused = 0
        for one in crowd[8:]:
            refused += one.recv(1) == b""
        end = time.monotonic() + 20
        while len(server.awaited) < 8:
            assert time.monotonic() < end
        assert refused == 12 and len(server.awaited) == 8
        for one in crowd:
            one.close()
        while not (answer := send(server, post())):
            assert time.monotonic() < end
        assert statuses(answer) == [200] and listener.obeyed == [("pause", {})]


def test_browsers_that_go_away_leave_no_trace(local, monkeypatch, caplog, capfd):
    listener, server = local
    monkeypatch.setattr(listener, "frame", lambda after, timeout: Frame(7, b"x" * 10_000_000, {}))
    for data in (get("/frame?after=0"), post(), post()[:-1], b"GET"):
        with connect(server) as connection:
            connection.sendall(data)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # Closes by a reset.
    time.sleep(0.3)
    assert statuses(send(server, post("after"))) == [200] and ("after", {}) in listener.obeyed
    assert caplog.records == [] and capfd.readouterr().err == ""


def test_what_breaks_an_answer_is_logged_in_one_line(local, caplog, capfd):
    _, server = local
    assert send(server, post("break")) == ""
    (record,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert record.getMessage() == "a request failed (OSError: disk on fire really)"
    assert "Traceback" not in capfd.readouterr().err


def test_an_episode_that_cannot_be_saved_is_one_line(local):
    answer = send(local[1], get("/episode.npz"))
    assert statuses(answer) == [503] and answer.endswith("the viewer is busy\n")
