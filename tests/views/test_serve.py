"""The server: who may look, from where, how many, and what it tells of itself."""

import asyncio
import base64
import gc
import json
import re
import signal
from http.cookies import SimpleCookie
from urllib.parse import urlencode

import pandas as pd
import panel as pn
import pytest
from bokeh.util.token import generate_jwt_token
from prometheus_client.parser import text_string_to_metric_families
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

import workbench as wb
from workbench.errors import DescriptionError
from workbench.ops import passwords
from workbench.views.serve import places
from workbench.views.server import Serving, application
from workbench.views.service import Feed, Service

# Tornado's client says of websockets that were refused that they were not closed (2026-11).
pytestmark = pytest.mark.filterwarnings("ignore:Unclosed WebSocketClientConnection:ResourceWarning")


def pipeline():
    frame = pd.DataFrame({"t": pd.date_range("2026-01-05", periods=50_000, freq="s"), "v": 1})
    return {"n": wb.stream(frame, time="t", watermark="5s").window("1min").agg(n=("v", "size"))}


def page():
    return pn.pane.Str("everything is here")


class Client:
    """Somebody who looks, with their cookies."""

    def __init__(self, server):
        self.server, self.cookies = server, {}

    async def ask(self, path, data=None, **headers):
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        request = HTTPRequest(
            f"http://127.0.0.1:{self.server.port}{path}",
            method="GET" if data is None else "POST",
            body=None if data is None else urlencode(data),
            headers=headers,
            follow_redirects=False,
            request_timeout=60,
        )
        answer = await AsyncHTTPClient().fetch(request, raise_error=False)
        for line in answer.headers.get_list("Set-Cookie"):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return answer

    async def log_in(self, name, password, going_on="/"):
        form = (await self.ask("/login")).body.decode()
        token = re.search(r'name="_xsrf" value="([^"]+)"', form)[1]
        data = {"username": name, "password": password, "next": going_on, "_xsrf": token}
        return await self.ask("/login", data)

    async def socket(self, origin, token=None):
        headers = {"Origin": origin}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        request = HTTPRequest(f"ws://127.0.0.1:{self.server.port}/ws", headers=headers)
        token = token or generate_jwt_token("a-session-of-a-test")
        return await websocket_connect(request, subprotocols=["bokeh", token])


async def drained(socket):
    """Read to the end; gives why it has ended."""
    while await socket.read_message() is not None:
        pass
    return socket.close_code


async def greeting(socket):
    """What the server says first; then the connection is closed."""
    said = json.loads(await socket.read_message())["msgtype"]
    socket.close()
    await drained(socket)
    return said


def serving(act, pages=None, **options):
    """Serve a page while a function looks; gives what that gives."""

    async def go():
        service = Service([Feed("shop", pipeline, warm_up="1min")])
        server = application(pages or {"/": page}, service, Serving(port=0, **options))
        server.start()
        service.start()
        await service.started()
        try:
            return await act(Client(server), service)
        finally:
            service.stop()
            server.stop()

    before = signal.getsignal(signal.SIGINT)
    try:
        return asyncio.run(go())
    finally:
        signal.signal(signal.SIGINT, before)  # which Panel takes
        gc.collect()


# --- where, and for whom ---------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.7", "::", "example.org"])
def test_another_address_needs_a_word_on_who_may_look(address):
    with pytest.raises(DescriptionError) as refused:
        Serving(address=address)
    assert str(refused.value).startswith(f"at {address} everybody who reaches this machine could look")
    assert "--auth FILE" in str(refused.value)
    assert "--no-auth" in str(refused.value)
    assert Serving(address=address, open_to_all=True).address == address
    assert Serving(address=address, people=passwords.People({"ada": passwords.NOBODY})).address == address
    assert Serving(address=address, oauth={"oauth_provider": "github"}).address == address


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost", "127.0.0.2"])
def test_this_machine_needs_none(address):
    assert Serving(address=address).people is None


def test_open_and_closed_exclude_each_other():
    with pytest.raises(DescriptionError, match="exclude each other"):
        Serving(open_to_all=True, oauth={"oauth_provider": "github"})


@pytest.mark.parametrize("origin", ["*", "*.example.org", "https://example.org"])
def test_an_origin_is_a_host(origin):
    with pytest.raises(DescriptionError, match="an origin cannot be"):
        Serving(origins=[origin])


@pytest.fixture(scope="module")
def people():
    return passwords.People({"ada": passwords.hashed("correct horse", cost=10)})


def test_who_knows_a_password_gets_in_and_who_does_not_stays_out(people):
    async def look(client, _):
        outside = await client.ask("/")
        wrong = await client.log_in("ada", "battery staple")
        still_outside = await client.ask("/")
        right = await client.log_in("ada", "correct horse")
        inside = await client.ask("/")
        await client.ask("/logout")
        again = await client.ask("/")
        return outside, wrong, still_outside, right, inside, again

    outside, wrong, still_outside, right, inside, again = serving(look, people=people)
    assert (outside.code, outside.headers["Location"].split("?")[0]) == (302, "./login")
    assert b"everything" not in outside.body
    assert (wrong.code, "do not belong together" in wrong.body.decode()) == (403, True)
    assert still_outside.code == 302
    assert (right.code, right.headers["Location"]) == (302, "/")
    said = next(line for line in right.headers.get_list("Set-Cookie") if line.startswith("user="))
    assert {"HttpOnly", "SameSite=Lax"} <= set(said.split("; "))
    assert inside.code == 200
    assert again.code == 302


def test_nobody_becomes_another_by_writing_their_name_into_the_cookie(people):
    def of(name):
        return base64.b64encode(name.encode()).decode()

    async def look(client, _):
        await client.log_in("ada", "correct horse")
        client.cookies["user"] = client.cookies["user"].replace(f":{of('ada')}|", f":{of('eve')}|")
        return client.cookies["user"], await client.ask("/")

    forged, answer = serving(look, people=people)
    assert of("eve") in forged
    assert answer.code == 302


def test_the_login_page_asks_nobody_outside_and_sends_nobody_there(people):
    async def look(client, _):
        form = await client.ask("/login?next=%2F%2Felsewhere.org%2F")
        return form, await client.log_in("ada", "correct horse", "//elsewhere.org/")

    form, sent = serving(look, people=people)
    assert not re.search(rb"""(src|href)=["'](?!data:)""", form.body)
    assert b"elsewhere" not in form.body
    assert sent.headers["Location"] == "/"


def test_a_form_of_another_page_logs_nobody_in(people):
    async def look(client, _):
        return await client.ask("/login", {"username": "ada", "password": "correct horse"})

    assert serving(look, people=people).code == 403


def test_a_cookie_of_ones_own_making_is_none(people):
    async def look(client, _):
        client.cookies["user"] = "ada"
        plain = await client.ask("/")
        client.cookies["user"] = "2|1:0|10:1700000000|4:user|4:YWRh|" + "0" * 64
        return plain, await client.ask("/")

    assert [answer.code for answer in serving(look, people=people)] == [302, 302]


def test_a_websocket_needs_the_cookie_too(people):
    async def look(client, _):
        origin = f"http://127.0.0.1:{client.server.port}"
        with pytest.raises(HTTPClientError) as refused:
            await client.socket(origin)
        await client.log_in("ada", "correct horse")
        return refused.value.code, await greeting(await client.socket(origin))

    assert serving(look, people=people) == (403, "ACK")


# --- from where ------------------------------------------------------------------------------------------


def opening(some, **options):
    """The origins that may open a websocket, of some."""

    async def look(client, _):
        port, opened = client.server.port, []
        for origin in some:
            try:
                socket = await client.socket(origin.format(port=port))
            except HTTPClientError as refused:
                assert refused.code == 403
                continue
            assert await greeting(socket) == "ACK"
            opened.append(origin)
        return opened

    return serving(look, **options)


OWN = ["http://127.0.0.1:{port}", "http://localhost:{port}"]
FOREIGN = [
    "https://evil.org", "http://evil.org:{port}", "http://127.0.0.1:1", "http://127.0.0.1.evil.org:{port}",
    "null",
]  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"address": "0.0.0.0", "open_to_all": True}])
def test_pages_of_others_open_no_websocket(caplog, options):
    assert opening([*OWN, *FOREIGN], **options) == OWN
    assert caplog.text.count("Refusing websocket connection from Origin") == len(FOREIGN)


def test_a_proxy_is_let_through_by_name(caplog):
    proxy = ["https://board.example.org", "http://board.example.org"]
    others = ["https://board.example.org:8443", "https://other.example.org"]
    assert opening([*OWN, *proxy, *others], origins=["board.example.org"]) == [*OWN, *proxy]


# --- how many --------------------------------------------------------------------------------------------


def test_who_would_be_one_too_many_is_told_so_and_the_others_stay():
    async def look(client, _):
        answers = [await client.ask("/") for _ in range(3)]
        token = re.search(r'"token":"([^"]+)"', answers[0].body.decode())[1]
        origin = f"http://127.0.0.1:{client.server.port}"
        kind = await greeting(await client.socket(origin, token))  # of a session that there is
        with pytest.raises(HTTPClientError) as refused:  # and one that somebody has made up
            await client.socket(origin)
        told = await client.ask("/health")
        return answers, kind, refused.value.code, told.code, len(client.server.get_sessions("/"))

    answers, kind, made_up, told, sessions = serving(look, sessions=2)
    assert [answer.code for answer in answers] == [200, 200, 503]
    assert "No room at the moment" in answers[2].body.decode()
    assert answers[2].headers["Retry-After"] == "10"
    assert (kind, made_up, told, sessions) == ("ACK", 503, 200, 2)


def test_a_message_that_is_too_long_ends_its_connection_and_nothing_else():
    async def look(client, _):
        origin = f"http://127.0.0.1:{client.server.port}"
        opened = await client.socket(origin)
        await opened.write_message("x" * 65 * 1024)
        return await drained(opened), (await client.ask("/")).code

    assert serving(look, message_kilobytes=64) == (1009, 200)


# --- until when ------------------------------------------------------------------------------------------


async def deaf(client, token):
    """A browser that opens a websocket and then does not answer; all that the server sends it, to the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.server.port)
    headers = {
        "Host": f"127.0.0.1:{client.server.port}",
        "Origin": f"http://127.0.0.1:{client.server.port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(b"sixteen letters!").decode(),
        "Sec-WebSocket-Protocol": f"bokeh, {token}",
    }
    lines = ["GET /ws HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
    try:
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


def test_who_does_not_answer_is_given_up_and_who_does_stays(monkeypatch, caplog):
    monkeypatch.setattr("workbench.views.server.PING", 1)

    async def look(client, service):
        service.feeds["shop"].run.pause()  # so that all have the time to answer
        answers = [await client.ask("/") for _ in range(2)]
        tokens = [re.search(r'"token":"([^"]+)"', answer.body.decode())[1] for answer in answers]
        stays = await client.socket(f"http://127.0.0.1:{client.server.port}", tokens[0])
        reading = asyncio.ensure_future(drained(stays))
        sent = await asyncio.wait_for(deaf(client, tokens[1]), 60)
        counts = sorted(session.connection_count for session in client.server.get_sessions("/"))
        stays.close()
        await reading
        return sent, counts

    sent, counts = serving(look)
    assert sent.startswith(b"HTTP/1.1 101 ")
    assert b"\x89" in sent  # it was asked
    assert counts == [0, 1]
    assert not [record for record in caplog.records if record.levelname != "INFO"]


# --- what it tells of itself -----------------------------------------------------------------------------


def test_health_follows_the_runs():
    async def look(client, service):
        answers = [await client.ask("/health")]
        service.feeds["shop"].run.pause()
        answers.append(await client.ask("/health"))
        service.feeds["shop"].run.resume()
        answers.append(await client.ask("/health"))
        return answers

    well, paused, again = serving(look)
    assert [answer.code for answer in (well, paused, again)] == [200, 503, 200]
    assert well.headers["Content-Type"].startswith("application/json")
    assert json.loads(paused.body)["pipelines"]["shop"]["reasons"] == ["paused"]
    assert json.loads(well.body) == json.loads(again.body)


def test_metrics_count_sessions_and_rows():
    async def look(client, service):
        await client.ask("/")
        service.feeds["shop"].run.pause()
        answer = await client.ask("/metrics")
        return answer, service.feeds["shop"].metrics()

    answer, metrics = serving(look)
    families = {family.name: family for family in text_string_to_metric_families(answer.body.decode())}
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert families["workbench_rows"].samples[0].value == metrics.rows > 0
    assert families["workbench_sessions"].samples[0].value == 1
    assert families["process_resident_memory_bytes"].samples[0].value > 1e7


def test_metrics_are_for_those_who_say_who_they_are_and_health_is_for_all(people):
    async def look(client, _):
        def basic(password):
            return "Basic " + base64.b64encode(f"ada:{password}".encode()).decode()

        return [
            (await client.ask("/health")).code,
            (await client.ask("/metrics")).code,
            (await client.ask("/metrics", Authorization=basic("battery staple"))).code,
            (await client.ask("/metrics", Authorization=basic("correct horse"))).code,
        ]

    assert serving(look, people=people) == [200, 401, 401, 200]


# --- what is served --------------------------------------------------------------------------------------


def test_files_have_their_names_for_addresses(tmp_path):
    shop, city = tmp_path / "shop.py", tmp_path / "city.ipynb"
    for file in (shop, city):
        file.touch()
    assert places([str(shop)]) == {"/": str(shop)}
    assert places([str(shop), str(city)]) == {"/shop": str(shop), "/city": str(city)}
    with pytest.raises(DescriptionError, match="two files have the same name"):
        places([str(shop), str(shop)])
    with pytest.raises(DescriptionError, match="nothing to serve"):
        places([str(tmp_path)])
