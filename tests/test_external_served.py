"""Networks that are served, by a real server on this machine: slow, cut off, too busy, broken, or saying something else than scores."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from mia_audit.cli.main import main
from mia_audit.errors import AuditError
from mia_audit.external import functions, served
from mia_audit.external.examples import given
from mia_audit.external.recipe import External
from mia_audit.record.scored import load

WEIGHTS = np.random.default_rng(0).normal(size=(64, 10))


class Server(ThreadingHTTPServer):
    """A server that answers by `say`, a function of the handler and the inputs; `seen` are the examples that it was asked about."""

    daemon_threads = True

    def __init__(self, say: Callable[[Any, Any], None]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.say, self.seen, self.headers = say, list[Any](), list[Any]()


class Handler(BaseHTTPRequestHandler):
    """Hand requests to the server's `say`."""

    server: Server

    def do_POST(self) -> None:
        """Read the inputs and answer."""
        inputs = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["inputs"]
        self.server.seen += inputs
        self.server.headers.append(self.headers)
        self.server.say(self, np.array(inputs))

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def send(handler: Any, content: bytes, status: int = 200, **headers: str) -> None:
    """Answer with a status and headers."""
    handler.send_response(status)
    for name, value in {"Content_Length": str(len(content)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(content)


def scores(handler: Any, inputs: Any) -> None:
    """Answer as the contract says."""
    send(handler, json.dumps({"outputs": (inputs.reshape(len(inputs), -1) @ WEIGHTS[: inputs[0].size]).tolist()}).encode())


@pytest.fixture(name="serve")
def _serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Server, served.Served]]]:
    """Return what starts a server, and a client that does not sleep; keep answers in the test's folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    started: list[Server] = []

    def serve(say: Callable[[Any, Any], None], **more: Any) -> tuple[Server, served.Served]:
        server = Server(say)
        started.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        external = External(endpoint=f"http://127.0.0.1:{server.server_port}/predict", **{"seconds": 5.0, **more})
        return server, replace(served.opened(external), sleep=lambda _: None)

    yield serve
    for server in started:
        server.shutdown()
        server.server_close()


X = torch.from_numpy(load_digits(return_X_y=True)[0][:40] / 16).float()


def test_answers_are_the_servers_and_none_is_asked_for_twice(serve: Any) -> None:
    """Another process that goes on finds what was answered; a repeated question is asked anew, and kept apart."""
    server, client = serve(scores)
    wanted = X.numpy().astype(np.float64) @ WEIGHTS
    np.testing.assert_allclose(client(X[:30]), wanted[:30], atol=1e-9)
    np.testing.assert_allclose(replace(client)(X.flip(0)), wanted[::-1], atol=1e-9)
    assert len(server.seen) == 40
    assert client.answers.count() == 40
    np.testing.assert_allclose(client.turned(1)(X[:5]), wanted[:5], atol=1e-9)
    assert len(server.seen) == 45
    assert "are not asked for again" in client.notes[1]


def test_a_network_that_answers_otherwise_the_second_time_is_named(serve: Any) -> None:
    """Kept answers do not hide it."""
    rng = np.random.default_rng(0)
    _, client = serve(lambda handler, inputs: send(handler, json.dumps({"outputs": rng.normal(size=(len(inputs), 3)).tolist()}).encode()))
    doubt = functions.doubts(functions.function(client, "the target"), given(X), np.arange(20))
    assert "answers differently" in doubt[0]
    first, again = client(X[:20]), client.turned(1)(X[:20])
    assert not np.array_equal(first, again)
    np.testing.assert_array_equal(client(X[:20]), first)


def one_after_the_other(ways: Iterator[Any]) -> Callable[[Any, Any], None]:
    """Return what answers otherwise every time."""

    def say(handler: Any, inputs: Any) -> None:
        next(ways)(handler, inputs)

    return say


def test_a_server_that_fails_for_a_while_is_asked_again(serve: Any) -> None:
    """Busy (it says for how long), broken, cut off, too slow, gone: then it answers."""
    paused: list[float] = []
    ways = iter((
        lambda handler, _: send(handler, b"", 429, Retry_After="7"),
        lambda handler, _: send(handler, b"oops", 500),
        lambda handler, _: send(handler, b"{", Content_Length="999"),
        lambda *_: time.sleep(0.6),
        lambda handler, _: handler.connection.shutdown(socket.SHUT_RDWR),
        scores,
    ))  # fmt: skip
    server, client = serve(one_after_the_other(ways), tries=6, seconds=0.3)
    client = replace(client, sleep=paused.append)
    np.testing.assert_allclose(client(X[:3]), X[:3].numpy().astype(np.float64) @ WEIGHTS, atol=1e-9)
    assert paused == [7.0, 1.0, 2.0, 4.0, 8.0]
    assert len(server.seen) == 18
    assert client.answers.count() == 18, "what was sent in vain counts"


def drip(handler: Any, _: Any) -> None:
    """Answer a byte at a time, for ever."""
    handler.send_response(200)
    handler.send_header("Content-Length", "999")
    handler.end_headers()
    for _each in range(40):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.02)


def says(content: str, status: int = 200, **headers: str) -> Callable[[Any, Any], None]:
    """Return what answers always so."""
    return lambda handler, _: send(handler, content.encode(), status, **headers)


@pytest.mark.parametrize(
    ("say", "message"),
    [
        (says("", 503), r"needs to answer, got status 503 \(2 tries\); what was answered is kept"),
        (drip, r"got no whole answer within 0.2 seconds \(2 tries\)"),
        (says("<html>\n<b>Sign in</b>"), "needs to answer in JSON, got '<html> <b>Sign in</b>'"),
        (says('{"outputs": [[1, NaN], [1, 2], [1, 2]]}'), r"as many finite numbers in every row, got \[1, NaN\] in row 0"),
        (says('{"outputs": [[1, 1e999], [1, 2], [1, 2]]}'), "finite numbers in every row"),
        (says('{"outputs": [[1, 2], [1], [1, 2]]}'), r"got \[1\] in row 1"),
        (says('{"outputs": ["cat", "dog", "cat"]}'), 'got "cat" in row 0'),
        (says('{"outputs": [[1, 2], [1, 2]]}'), "with a row for each of 3 examples, got 2 rows"),
        (says('{"predictions": [[1, 2], [1, 2]]}'), "with a row for each of 3 examples, got keys predictions"),
        (says("[" * 100_000), "needs to answer in JSON"),
        (says("not here", 404), r"status 200, got 404 \(not here\); correct the endpoint"),
        (says("", 302, Location="http://127.0.0.1:1/"), r"got 302 .*redirects are not followed"),
    ],
)
def test_what_is_no_answer_is_one_line(serve: Any, say: Any, message: str) -> None:
    """After so many tries, or at once."""
    _, client = serve(say, tries=2, seconds=0.2)
    with pytest.raises(AuditError, match=message) as caught:
        client(X[:3])
    assert str(caught.value).isprintable()


def test_nobody_there_is_one_line(serve: Any) -> None:
    """The address is told."""
    server, client = serve(scores, tries=2)
    server.shutdown()
    server.server_close()
    with pytest.raises(AuditError, match="got ConnectionRefusedError"):
        client(X[:3])


def test_a_budget_is_kept_over_runs(serve: Any) -> None:
    """Before anything is asked, and while asking; raising it goes on where it stood."""
    server, client = serve(scores, queries=25)
    with pytest.raises(AuditError, match=r"this audit needs answers about 40 examples, .* allows 25"):
        client.require_budget(40)
    client(X[:20])
    with pytest.raises(AuditError, match=r"may be asked about 25 examples in all \(\[external\] queries\), 20 were sent"):
        client(X[10:40])
    assert len(server.seen) == 20
    replace(client, external=client.external.model_copy(update={"queries": 40}))(X)
    assert len(server.seen) == 40


def test_requests_keep_their_distance(serve: Any) -> None:
    """So many a second at most, whatever a request takes."""
    now = [0.0]
    _, client = serve(scores, rate=0.5)
    client = replace(client, sleep=lambda seconds: now.__setitem__(0, now[0] + seconds), clock=lambda: now[0])
    client(X[:2])
    assert now == [0.0]
    now[0] += 0.5
    client(X[2:4])
    assert now == [2.0]


def test_a_token_comes_from_the_environment(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never from a recipe."""
    server, client = serve(scores, token="SECRET_OF_TEST")  # noqa: S106  the name of a variable
    with pytest.raises(AuditError, match="needs the environment variable SECRET_OF_TEST, which is not set"):
        client(X[:1])
    monkeypatch.setenv("SECRET_OF_TEST", "abc")
    client(X[:1])
    assert server.headers[-1]["Authorization"] == "Bearer abc"


@pytest.mark.parametrize(
    "address",
    ["http://user:pass@localhost/x", "http://[::1/x", "http://localhost:99999/x", "http://localhost:x/", "http://\u0131/x"],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """And a password in it."""
    with pytest.raises(AuditError, match="endpoint needs"):
        served.opened(External(endpoint=address))


def test_a_served_network_is_audited_in_two_commands(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked twice by the second run, and labels alone serve one attack."""
    server, client = serve(scores)
    monkeypatch.chdir(tmp_path)
    Path("members.txt").write_text("\n".join(map(str, range(60))))
    Path("others.txt").write_text("\n".join(map(str, range(60, 120))))
    sides = ("--dataset", "digits", "--members", "members.txt", "--nonmembers", "others.txt")
    for arguments in (
        ("init", client.external.endpoint, *sides, "-o", "served.toml", "--output", "logits"),
        ("run", "--target", "served.toml", "--attacks", "loss", "--out", "first"),
        ("run", "--target", "served.toml", "--attacks", "loss", "--out", "second"),
    ):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert not end.value.code
    assert len(server.seen) == 120 + 2 * 120, "every example once, and a batch of all of them twice more"
    record = load("first")
    assert record.summary.attacks == load("second").summary.attacks
    data, labels = load_digits(return_X_y=True)
    z = (data[:120] / 16).astype(np.float32).astype(np.float64) @ WEIGHTS
    loss = np.log(np.exp(z).sum(axis=1)) - z[np.arange(120), labels[:120]]
    assert record.summary.tested_auc.value == pytest.approx((loss[:60, None] < loss[60:]).mean(), abs=1e-3)
