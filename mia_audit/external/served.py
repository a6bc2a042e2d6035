"""A network that is served: asked over HTTP by one contract, within a budget, and never twice about one example.

The contract: POST with Content-Type application/json and {"inputs": [x, ...]}, an example a nested list of numbers in the form of the data;
answered by status 200 and {"outputs": [scores, ...]}, a row an example in the same order: a list of numbers, one a class, or one number.

What may pass is tried again, after longer and longer pauses (or as Retry-After says): no connection, an answer that is cut off or takes too
long, status 408, 429 and 5xx. Whatever else is said ends the audit in one line. Redirects are not followed.
"""

import hashlib
import http.client
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import torch

from mia_audit.errors import EvidenceError, RecipeError
from mia_audit.external.answers import Answers
from mia_audit.external.files import reason, told
from mia_audit.external.recipe import External
from mia_audit.paths import cache
from mia_audit.types import Floats

MOST_ANSWERED = 2**28
LONGEST = 60.0
"""Seconds that a server may ask to be left alone."""
_PASSING = frozenset((408, 425, 429, 500, 502, 503, 504))
_PIECE = 2**16


class Passing(Exception):  # noqa: N818  it is no error before all tries are through
    """What may be otherwise in a moment: what was got, and how long the server wants to be left alone."""

    def __init__(self, got: str, pause: float | None = None) -> None:
        super().__init__(got)
        self.pause = pause


@dataclass(frozen=True, kw_only=True)
class Served:
    """A network behind an address; `clock` and `sleep` are time's own."""

    external: External
    answers: Answers
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    last: list[float] = field(default_factory=list)

    def __call__(self, batch: torch.Tensor) -> Floats:
        """Return scores of a batch, [examples, classes]; what was answered before is not asked again."""
        return self.turned(0)(batch)

    def turned(self, turn: int) -> Callable[[torch.Tensor], Floats]:
        """Return what asks anew, and keeps that apart: a network may answer otherwise the second time."""
        return partial(self._asked, turn=turn)

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what was kept from before."""
        since = self.answers.since()
        kept = (
            f"Answers that were kept since {since} are not asked for again ({self.answers.path}; delete it where the network has changed)."
        )
        return (f"Served at {told(self.external.endpoint, 200)}.", *([kept] if since else []))

    def require_budget(self, examples: int) -> None:
        """Refuse, before anything is asked, an audit that needs more than may be asked."""
        most = self.external.queries
        if most is not None and examples > most:
            raise EvidenceError(
                f"this audit needs answers about {examples} examples, [external] queries allows {most}; raise it, or judge fewer examples"
            )

    def _asked(self, batch: torch.Tensor, turn: int) -> Floats:
        rows = batch.numpy()
        keys = [hashlib.blake2b(repr(row.shape).encode() + np.ascontiguousarray(row).tobytes(), digest_size=16).digest() for row in rows]
        known = self.answers.known(keys, turn)
        new = [place for place, key in enumerate(keys) if key not in known and keys.index(key) == place]
        if new:
            found = self._tried(rows[new])
            self.answers.keep(((keys[place], scores) for place, scores in zip(new, found, strict=True)), turn)
            known |= {keys[place]: scores for place, scores in zip(new, found, strict=True)}
        widths = {known[key].size for key in keys}
        if len(widths) > 1:
            raise EvidenceError(f"{self._name} needs answers of one width, got {sorted(widths)}; return all classes always")
        return np.stack([known[key] for key in keys])

    def _tried(self, rows: Any) -> Floats:
        """Ask until there is an answer, or all tries are through."""
        body = json.dumps({"inputs": rows.tolist()}).encode()
        got = Passing("nothing")
        for attempt in range(self.external.tries):
            if attempt:
                self.sleep(min(LONGEST, got.pause if got.pause is not None else 0.5 * 2 ** (attempt - 1)))
            self._wait_for_rate()
            self._spend(len(rows))
            try:
                return _read(self._sent(body), len(rows), self._name)
            except Passing as passing:
                got = passing
        raise EvidenceError(
            f"{self._name} needs to answer, got {got} ({self.external.tries} tries); what was answered is kept, run the same command again"
        )

    def _spend(self, examples: int) -> None:
        most, sent = self.external.queries, self.answers.count()
        if most is not None and sent + examples > most:
            raise EvidenceError(
                f"{self._name} may be asked about {most} examples in all ([external] queries), {sent} were sent; what was "
                "answered is kept, raise queries and run the same command again"
            )
        self.answers.count(examples)

    def _wait_for_rate(self) -> None:
        if self.external.rate is not None and self.last:
            self.sleep(max(0.0, self.last.pop() + 1 / self.external.rate - self.clock()))
        self.last[:] = [self.clock()]

    def _sent(self, body: bytes) -> bytes:
        """Send one request and return what came back with status 200."""
        place, limit = urlsplit(self.external.endpoint), self.external.seconds
        end = self.clock() + limit
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        connection = kind(place.hostname or "", place.port, timeout=limit)
        path = (place.path or "/") + (f"?{place.query}" if place.query else "")
        response: http.client.HTTPResponse | None = None
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json", "Accept": "application/json", **self._token()})
            response = connection.getresponse()
            content = bytearray()
            while piece := response.read1(_PIECE):
                content += piece
                if self.clock() > end:
                    raise Passing(f"no whole answer within {limit:g} seconds")
                if len(content) > MOST_ANSWERED:
                    raise EvidenceError(f"{self._name} answers more than {MOST_ANSWERED // 2**20} MiB; return scores alone")
            if response.length:
                raise Passing("an answer that is cut off")
        except TimeoutError:
            raise Passing(f"no whole answer within {limit:g} seconds") from None
        except (OSError, http.client.HTTPException) as error:
            raise Passing(reason(error)) from error
        finally:
            if response is not None:
                response.close()
            connection.close()
        if response is not None:
            self._require_ok(response, bytes(content))
        return bytes(content)

    def _require_ok(self, response: http.client.HTTPResponse, content: bytes) -> None:
        status = response.status
        if status in _PASSING:
            pause = response.headers.get("Retry-After", "")
            raise Passing(f"status {status}", float(pause) if pause.isdecimal() else None)
        if status != http.HTTPStatus.OK:
            said = told(" ".join(content[:400].decode("utf-8", "replace").split()), 80)
            hint = "redirects are not followed, give the address that answers" if 300 <= status < 400 else "correct the endpoint"
            raise EvidenceError(f"{self._name} needs to answer with status 200, got {status} ({said or 'nothing'}); {hint}")

    def _token(self) -> dict[str, str]:
        name = self.external.token
        if not name:
            return {}
        if not (value := os.environ.get(name, "")) or not value.isprintable():
            raise RecipeError(f"[external] token needs the environment variable {name}, which is not set; set it to what the server wants")
        return {"Authorization": f"Bearer {value}"}

    @property
    def _name(self) -> str:
        return f"the endpoint {told(self.external.endpoint)}"


def opened(external: External) -> Served:
    """Return the network behind a recipe's endpoint; RecipeError where that is no address."""
    try:
        place = urlsplit(external.endpoint)
        bad = not place.hostname or place.port == 0 or not external.endpoint.isascii()
    except ValueError:
        raise RecipeError(f"endpoint needs an address such as http://localhost:8000/predict, got {told(external.endpoint)!r}") from None
    if bad or place.username or place.password:
        what = "no password in it (give token, the name of an environment variable)" if place.username else "http://HOST:PORT/PATH"
        raise RecipeError(f"endpoint needs {what}, got {told(place.hostname or 'no host')!r}; correct it")
    name = hashlib.sha256(external.endpoint.encode()).hexdigest()[:16]
    return Served(external=external, answers=Answers(path=Path(cache()) / "answers" / f"{name}.sqlite"))


def _read(content: bytes, rows: int, name: str) -> Floats:
    """Return the scores in an answer; EvidenceError where it breaks the contract."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        said = told(" ".join(content[:200].decode("utf-8", "replace").split()), 60)
        raise EvidenceError(f"{name} needs to answer in JSON, got {said!r}; correct the endpoint") from None
    outputs = found.get("outputs") if isinstance(found, dict) else None
    if not isinstance(outputs, list) or len(outputs) != rows:
        got = f"{len(outputs)} rows" if isinstance(outputs, list) else _kind(found)
        raise EvidenceError(
            f'{name} needs to answer {{"outputs": [...]}} with a row for each of {rows} examples, got {got}; correct the server'
        )
    return _scores(outputs, name)


def _scores(outputs: Sequence[Any], name: str) -> Floats:
    table = [row if isinstance(row, list) else [row] for row in outputs]
    odd = next((place for place, row in enumerate(table) if len(row) != len(table[0]) or not row or not all(map(_number, row))), None)
    if odd is not None:
        raise EvidenceError(
            f"{name} needs as many finite numbers in every row, got {told(json.dumps(outputs[odd]), 60)} in row {odd}; correct the server"
        )
    return np.array(table, dtype=np.float64)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _kind(found: Any) -> str:
    return f"keys {', '.join(told(str(key), 20) for key in list(found)[:4]) or 'none'}" if isinstance(found, dict) else type(found).__name__
