"""A port of this machine that is free by TCP and by UDP, as a name server needs it."""

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager

TRIES = 20


@contextmanager
def servers(
    datagram: type[socketserver.BaseRequestHandler], stream: type[socketserver.BaseRequestHandler]
) -> Iterator[tuple[socketserver.ThreadingUDPServer, socketserver.ThreadingTCPServer]]:
    """Both on one port of 127.0.0.1, not serving yet. By TCP first, whose ports others use by the hundred."""
    for _ in range(TRIES):
        tcp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), stream)
        try:
            udp = socketserver.ThreadingUDPServer(("127.0.0.1", tcp.server_address[1]), datagram)
        except OSError:
            tcp.server_close()
            continue
        with tcp, udp:
            yield udp, tcp
        return
    raise OSError(f"no port is free by TCP and UDP, {TRIES} times")
