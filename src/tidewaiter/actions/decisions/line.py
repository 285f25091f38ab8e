"""A line between two processes of the service: what one tells, the other hears, whole or not at all."""

import pickle
import socket
import struct
from multiprocessing.connection import Connection
from typing import Any


class BrokenLineError(ConnectionError):
    """Nobody is at the other end of a line any more, or nobody says or takes anything.

    What the other process tells of itself may be an OSError too: that of a file that cannot be read breaks no line.
    """


class Line:
    """One end of a line.

    What is told goes as bytes of its own: `Connection.send` lends out a buffer, and Python 3.12 may crash where that is
    cleared away together with the exception that broke the line.
    """

    def __init__(self, connection: Connection) -> None:
        """Take the end of a connection; it is closed with the line."""
        self._connection = connection

    @classmethod
    def of(cls, end: socket.socket, patience: float) -> "Line":
        """Return the line of a socket, which it takes over; telling waits at most so many seconds for the other end."""
        seconds, rest = divmod(patience, 1)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(seconds), int(rest * 1_000_000)))
        return cls(Connection(end.detach()))

    def tell(self, what: object) -> None:
        """Tell it to the other end. Raises BrokenLineError, and what hinders its pickling."""
        told = pickle.dumps(what, protocol=pickle.HIGHEST_PROTOCOL)
        try:
            self._connection.send_bytes(told)
        except OSError as error:
            raise BrokenLineError(str(error)) from error

    def heard(self, patience: float | None = None) -> Any:
        """Return what is told next, waiting so many seconds (None: for ever).

        Raises BrokenLineError, also where nothing is told for so long.
        """
        try:
            told = self._connection.recv_bytes() if self._connection.poll(patience) else b""
        except (EOFError, OSError) as error:
            raise BrokenLineError(str(error)) from error
        if not told:
            raise BrokenLineError(f"the other process has said nothing for {patience:.0f} s")
        return pickle.loads(told)  # noqa: S301  # told by our own process

    def close(self) -> None:
        """End the line; the other end hears it."""
        self._connection.close()
