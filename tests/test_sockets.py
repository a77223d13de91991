"""The guard that keeps tests off the network is there, and lets the machine talk to itself."""

import socket
from collections.abc import Callable
from typing import Any

import pytest


def _open() -> socket.socket:
    made = socket.socket()
    made.close()  # the guard looks before the socket is used
    return made


@pytest.mark.parametrize(
    "reach_out",
    [
        lambda: socket.create_connection(("192.0.2.1", 80), timeout=0.01),
        lambda: _open().connect(("192.0.2.1", 80)),
        lambda: _open().connect_ex(("192.0.2.1", 80)),
        lambda: socket.getaddrinfo("example.org", 80),
    ],
)
def test_nothing_connects_to_another_machine(reach_out: Callable[[], Any]) -> None:
    with pytest.raises(RuntimeError, match="tests do not use the network"):
        reach_out()


def test_this_machine_can_be_reached() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()[:2]) as client,
    ):
        assert client.getpeername() == server.getsockname()
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"x")
        assert other.recv(1) == b"x"
