"""The mail filters that learn what people move to and from Junk, one after the other, over HTTP (see learn.py)."""

import http.client
import json
import socket
import ssl
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

# A filter that hangs is left after so many seconds.
TIMEOUT = 5.0
# Rspamd 3.12 says "learnt" of messages that it loses, for about a second after its start, before it has Redis.
STARTED_SECONDS = 3
# 208: learnt before. 204: too few words, or the filter has judged it the same way already.
_DONE = (200, 204, 208)


class _Controller(http.client.HTTPConnection):
    """By a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)


def learnt_by(socket_path: str) -> int:
    """How many messages the filter of that controller has learnt.

    OSError, HTTPException or ValueError when it does not say.
    """
    with closing(_Controller(socket_path)) as client:
        return sum(int(each.get("revision", 0)) for each in _told_by(client).get("statfiles", []))


def _told_by(client: http.client.HTTPConnection) -> dict[str, Any]:
    client.request("GET", "/stat")
    answer = client.getresponse()
    text = answer.read()
    found = json.loads(text) if answer.status == 200 else None
    if not isinstance(found, dict):
        raise ValueError(f"{answer.status} to /stat")
    return found


@dataclass(frozen=True)
class Filters:
    """Filters that learn, each at a socket's path or HOST:PORT; for the latter the files of CA, certificate and key."""

    places: Sequence[str]
    ca: str
    certificate: str
    key: str

    def teach(self, kind: str, message: bytes) -> str:
        """Let all learn a message: why some have not, or nothing.

        Each filter has a memory of its own; learning twice does no harm.
        """
        return "; ".join(filter(None, [self._teach(place, kind, message) for place in self.places]))

    def _teach(self, place: str, kind: str, message: bytes) -> str:
        try:
            with closing(self._client(place)) as client:
                if int(_told_by(client).get("uptime", 0)) < STARTED_SECONDS:
                    return "it has just started"
                client.request("POST", f"/learn{kind}", body=message)
                answer = client.getresponse()
                text = answer.read().decode("utf-8", "replace").strip()
        # Certificates too, that are just being renewed.
        except (OSError, http.client.HTTPException, ValueError) as error:
            return str(error) or type(error).__name__
        return "" if answer.status in _DONE else f"{answer.status} {text}"

    def _client(self, place: str) -> http.client.HTTPConnection:
        if place.startswith("/"):
            return _Controller(place)
        host, _, port = place.rpartition(":")
        # Read anew each time: certificates are renewed.
        context = ssl.create_default_context(cafile=self.ca)
        context.load_cert_chain(self.certificate, self.key)
        return http.client.HTTPSConnection(host, int(port), timeout=TIMEOUT, context=context)
