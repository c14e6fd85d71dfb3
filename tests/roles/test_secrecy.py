"""The service that looks for secrecy marks, with the host's own reader of documents (Đ3.3)."""

import json
from typing import Any

import pytest

from tests import documents, journal, secrecy_corpus
from tests.lab import Lab

pytestmark = pytest.mark.dieu3

UNITS = ("hanam-secrecy.socket", "hanam-secrecy.service")
SOCKET = "/run/hanam-secrecy/socket"
# Each file of the folder -> the service's answer to it as a message, as JSON.
_ASK = """
import json, pathlib, socket, sys
found = {}
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    letter = path.read_bytes()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(sys.argv[2])
        client.sendall(json.dumps({"kind": "letter", "size": len(letter)}).encode() + b"\\n" + letter)
        found[path.name] = json.loads(client.makefile().readline())
print(json.dumps(found))
"""

type Answers = dict[str, Any]


def ask(lab: Lab, letters: dict[str, bytes], user: str = "root") -> Answers:
    """The answer to each message by its name, asked on the host; AssertionError when the user may not ask."""
    filter_host = lab.remote("filter")
    unpacked = filter_host.run(
        "rm -rf /tmp/letters && mkdir /tmp/letters && cd /tmp/letters && cat > ../letters.zip && "
        "python3 -m zipfile -e ../letters.zip . && rm ../letters.zip && chmod -R a+rX .",
        documents.packed(letters),
    )
    assert unpacked.code == 0, unpacked.complaint
    try:
        command = f"cd / && runuser -u {user} -- python3 - /tmp/letters {SOCKET}"
        done = filter_host.run(command, _ASK.encode(), seconds=600)
        assert done.code == 0, done.complaint
        return dict(json.loads(done.output))
    finally:
        lab.run("filter", "rm -r /tmp/letters")


@pytest.mark.neighbours
@pytest.mark.proof("Dấu chỉ độ mật được tìm thấy / secrecy marks are found")
def test_every_letter_with_a_mark_is_found_and_no_other(lab: Lab) -> None:
    letters = [letter for file in secrecy_corpus.FILES for letter in secrecy_corpus.letters(file)]
    answers = ask(lab, {f"{number:03}": letter.content for number, letter in enumerate(letters)})
    wrong = {
        f"{letter.file}: {letter.name}": answers[f"{number:03}"]
        for number, letter in enumerate(letters)
        if bool(answers[f"{number:03}"].get("marks")) != letter.held or answers[f"{number:03}"].get("unread") != []
    }
    assert wrong == {}


def test_the_filter_alone_may_ask(lab: Lab) -> None:
    host = lab.look_at("filter")
    socket, clients = host.file(SOCKET), host.group("secrecy-clients")
    assert (socket.user, socket.group, socket.mode) == ("root", "secrecy-clients", 0o660)
    assert (clients.exists, clients.members) == (True, [])
    rspamd = host.service("rspamd.service").systemd_properties
    assert "secrecy-clients" in rspamd["SupplementaryGroups"].split()
    with pytest.raises(AssertionError, match="PermissionError"):
        ask(lab, {"a": b"Subject: a\r\n\r\na"}, "nobody")


@pytest.mark.provokes(journal.SECRECY_AWAY)
def test_one_that_is_killed_is_back_before_the_filter_gives_up(lab: Lab) -> None:
    lab.run("filter", f"systemctl kill -s KILL {UNITS[1]}")
    answers = ask(lab, {"a": b"Subject: TUYET MAT\r\n\r\na"})
    assert answers["a"]["marks"] == ["TUYET MAT in subject"]


def test_it_reaches_nothing_but_the_reader_of_documents_of_its_host(lab: Lab) -> None:
    shown = lab.look_at("filter").service(UNITS[1]).systemd_properties
    assert shown["IPAddressAllow"] == "127.0.0.1/32"
    assert set(shown["IPAddressDeny"].split()) == {"0.0.0.0/0", "::/0"}


def test_the_unit_runs_confined_and_starts_at_boot(lab: Lab) -> None:
    asked = f"systemctl is-active {' '.join(UNITS)}; systemctl is-enabled {' '.join(UNITS)}"
    assert lab.run("filter", asked, check=False).split() == ["active"] * 2 + ["enabled"] * 2
    lab.run("filter", f"systemd-analyze security --threshold=20 --no-pager {UNITS[1]}")
