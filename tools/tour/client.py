"""Calls to the service with the standard library alone, as any clearance system could make them."""

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from tools.tour.place import TourError
from tools.tour.told import Told

SECONDS = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, and the document (text where it is no JSON)."""

    status: int
    document: Any


@dataclass(slots=True)
class Client:
    """Whoever calls: tokens by name. Each call is told, unless it says `quiet`."""

    address: str
    told: Told
    tokens: dict[str, str] = field(default_factory=dict)

    def call(
        self,
        who: str,
        method: str,
        path: str,
        body: object = None,
        *,
        expect: int | Sequence[int] = (200, 201),
        quiet: bool = False,
        show: Sequence[str] = (),
    ) -> Any:
        """Call as `who` (empty: with no token) and return the document. Raises TourError on an unexpected status.

        `show` names the parts of the answer that are told; empty: all.
        """
        answer = self._send(who, method, path, body)
        if not quiet:
            phrase = HTTPStatus(answer.status).phrase
            asked = f"{method} {path}" + (f"          # {who}" if who else "")
            document = _parts(answer.document, show) if answer.status < HTTPStatus.BAD_REQUEST else answer.document
            self.told.exchange(asked, body, f"{answer.status} {phrase}", document)
        expected = (expect,) if isinstance(expect, int) else expect
        if answer.status not in expected:
            raise TourError(f"{method} {path} as {who or 'nobody'}: {answer.status}: {answer.document}")
        return answer.document

    def _send(self, who: str, method: str, path: str, body: object) -> Answer:
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        request = urllib.request.Request(f"{self.address}{path}", data=data, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if who:
            request.add_header("Authorization", f"Bearer {self.tokens[who]}")
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as response:
                return Answer(response.status, _document(response.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, _document(error.read()))

    def up(self) -> bool:
        """Tell whether the service can decide."""
        try:
            return self._send("", "GET", "/ready", None).status == HTTPStatus.OK
        except OSError:
            return False


def _document(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode()


def _parts(document: Any, show: Sequence[str]) -> Any:
    if not show or not isinstance(document, dict):
        return document
    left_out = len(document) - sum(name in document for name in show)
    rest = {"...": f"{left_out} more"} if left_out else {}
    return {name: document[name] for name in show if name in document} | rest
