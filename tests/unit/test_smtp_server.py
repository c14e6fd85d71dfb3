"""The tests' own mail server."""

import socket

from tests import smtp_server


def test_who_stays_connected_is_served_no_longer_than_the_test_lasts() -> None:
    """Postfix keeps a connection for the next message, and another test's server waited for that in vain."""
    with smtp_server.running() as server:
        client = socket.create_connection(server.address, 5)
        assert client.recv(100) == b"220 test\r\n"
        client.sendall(b"NOOP\r\n")
        assert client.recv(100) == b"250 ok\r\n"
    with client:
        assert client.recv(100) == b""
