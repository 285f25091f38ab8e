"""A client of the service that costs little: threads over plain sockets kept open, requests made of ready bytes."""

import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from bench.service_world import SERIAL

OK = (200, 201)


class Line:
    """One connection, kept open."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._left = b""

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; return status and body."""
        self._socket.sendall(request)
        received = self._left
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        head = received[:end].lower()
        at = head.index(b"content-length:") + 15
        length = int(head[at : at + 12].split(b"\r\n", 1)[0])
        body = received[end + 4 :]
        while len(body) < length:
            body += self._more()
        self._left = body[length:]
        return int(head[9:12]), body[:length]

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _more(self) -> bytes:
        part = self._socket.recv(1 << 18)
        if not part:
            raise ConnectionError("the service closed the connection")
        return part


class Requests:
    """Requests without end, each declaration under a number of its own."""

    def __init__(self, documents: list[dict[str, Any]], token: str, lodged_at: str, run: str) -> None:
        self._templates = [json.dumps({**one, "lodged_at": lodged_at}).encode() for one in documents]
        self._items = [len(one["items"]) for one in documents]
        self._head = f"Host: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        self._run = run
        self.declarations = 0

    def single(self) -> tuple[bytes, int]:
        """Return the next declaration's request, and its items."""
        body, items = self._next()
        return self._request("decisions", body), items

    def batch(self, size: int) -> tuple[bytes, int]:
        """Return a request with the next declarations, and their items."""
        found = [self._next() for _ in range(size)]
        body = b'{"declarations":[' + b",".join(body for body, _ in found) + b"]}"
        return self._request("decisions/batch", body), sum(items for _, items in found)

    def _next(self) -> tuple[bytes, int]:
        serial = self.declarations
        self.declarations += 1
        place = serial % len(self._templates)
        return self._templates[place].replace(SERIAL.encode(), f"{self._run}{serial}".encode()), self._items[place]

    def _request(self, address: str, body: bytes) -> bytes:
        line = f"POST /api/v1/{address} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n"
        return line.encode() + body


@dataclass(slots=True)
class Measured:
    """What a run of requests gave: when each was due (seconds since the start) and how long its answer took."""

    seconds: float
    due: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    items: int = 0
    refused: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Return answers a second."""
        return len(self.took) / self.seconds

    def at(self, share: float) -> float:
        """Return the latency that this share of answers did not exceed, in milliseconds."""
        ordered = sorted(self.took)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

    def between(self, start: float, end: float) -> "Measured":
        """Return the part that was due from one second to another."""
        kept = [(due, took) for due, took in zip(self.due, self.took, strict=True) if start <= due < end]
        return Measured(end - start, [due for due, _ in kept], [took for _, took in kept])


def at_rate(port: int, make: Callable[[], tuple[bytes, int]], rate: float, seconds: float, lines: int) -> Measured:
    """Send at a rate whatever the service does; latency counts from the moment a request was due."""
    places = count()
    start = time.perf_counter() + 0.2

    def due() -> float | None:
        at = next(places) / rate
        return at if at < seconds else None

    return _run(port, make, due, start, seconds, lines)


def as_fast_as_it_goes(port: int, make: Callable[[], tuple[bytes, int]], seconds: float, lines: int) -> Measured:
    """Send on each line as soon as it has its answer."""
    start = time.perf_counter() + 0.2

    def due() -> float | None:
        at = max(0.0, time.perf_counter() - start)
        return at if at < seconds else None

    return _run(port, make, due, start, seconds, lines)


def _run(
    port: int,
    make: Callable[[], tuple[bytes, int]],
    due: Callable[[], float | None],
    start: float,
    seconds: float,
    lines: int,
) -> Measured:
    measured = Measured(seconds)
    lock = threading.Lock()

    def send() -> None:
        line = Line(port)
        while True:
            with lock:
                at = due()
                if at is None:
                    break
                request, items = make()
            time.sleep(max(0.0, start + at - time.perf_counter()))
            status, body = line.ask(request)
            took = time.perf_counter() - start - at
            with lock:
                measured.due.append(at)
                measured.took.append(took)
                measured.items += items
                if status not in OK:
                    measured.refused.append(f"{status} {body[:200]!r}")
        line.close()

    senders = [threading.Thread(target=send) for _ in range(lines)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    measured.seconds = max(seconds, time.perf_counter() - start)
    return measured
