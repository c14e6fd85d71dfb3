"""The service that reads the text of documents, on the hosts whose search and whose filter ask it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from testinfra.host import Host

from tests import documents, journal
from tests.documents import TEXT
from tests.lab import Lab, wait_for

UNIT = "hanam-extract.service"
# Each name of a file in the folder of its argument -> status, X-Extract, text and seconds, as JSON.
_ASK = """
import http.client, json, pathlib, sys, time
found = {}
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    began = time.monotonic()
    client = http.client.HTTPConnection("127.0.0.1", int(sys.argv[2]), timeout=90)
    client.request("PUT", "/text", path.read_bytes())
    answer = client.getresponse()
    found[path.name] = [answer.status, answer.getheader("X-Extract"), answer.read().decode(), time.monotonic() - began]
print(json.dumps(found))
"""

type Answers = dict[str, Any]


def port(host: Host) -> str:
    listens = host.service("hanam-extract.socket").systemd_properties["Listen"].split()[0]
    address, _, number = listens.rpartition(":")
    assert address == "127.0.0.1"
    return number


def ask(lab: Lab, name: str, number: str, files: dict[str, bytes]) -> Answers:
    """Each document's answer, asked on the host itself."""
    archive = documents.packed(files)
    unpacked = lab.remote(name).run(
        "rm -rf /tmp/documents && mkdir /tmp/documents && cd /tmp/documents && cat > ../documents.zip && "
        "python3 -m zipfile -e ../documents.zip . && rm ../documents.zip",
        archive,
    )
    assert unpacked.code == 0, unpacked.complaint
    try:
        done = lab.remote(name).run(f"python3 - /tmp/documents {number}", _ASK.encode(), seconds=600)
        assert done.code == 0, done.complaint
        return dict(json.loads(done.output))
    finally:
        lab.run(name, "rm -r /tmp/documents")


@pytest.fixture
def number(mailstore_host: Host) -> Iterator[str]:
    yield port(mailstore_host)


def test_it_listens_on_the_loopback_before_anybody_asks(mailstore_host: Host) -> None:
    socket = mailstore_host.service("hanam-extract.socket")
    assert socket.is_running
    assert socket.is_enabled
    assert port(mailstore_host)


def test_the_unit_runs_confined(mailstore_host: Host) -> None:
    mailstore_host.check_output(f"systemd-analyze security --threshold=15 --no-pager {UNIT}")


@pytest.mark.dieu3
def test_every_kind_of_document_is_read_by_the_service_as_it_is_confined(lab: Lab, number: str) -> None:
    files = {
        "docx": documents.docx(TEXT),
        "xlsx": documents.xlsx(TEXT),
        "pptx": documents.pptx(TEXT),
        "odt": documents.odt(TEXT),
        "pdf": documents.pdf(TEXT),
        "rtf": documents.rtf(TEXT),
        "html": documents.html(TEXT),
        "eml": documents.eml(TEXT, documents.pdf("Trong thư")),
        "doc": documents.doc(TEXT),
        "xls": documents.xls(TEXT),
        "ppt": documents.ppt(TEXT),
        "zip": documents.packed({"a.doc": documents.doc(TEXT)}),
    }
    found = ask(lab, "mailstore", number, files)
    assert {name: answer[:2] for name, answer in found.items()} == {name: [200, "whole"] for name in files}
    assert [name for name, answer in found.items() if TEXT not in answer[2]] == []
    assert "Trong thư" in found["eml"][2]


@pytest.mark.provokes(journal.BOMBS)
def test_hostile_documents_end_at_their_limits_and_the_service_lives_on(lab: Lab, number: str) -> None:
    files = {
        "1 zeros": documents.zeros(300 * 2**20),
        "2 xml": documents.endless_xml(500 * 2**20),
        "3 laughs": documents.docx(more={"word/document.xml": documents.LAUGHS}),
        "4 nested": documents.nested(9, b"a"),
        "5 pdf": documents.pdf_bomb(),
        "6 rtf": documents.deep_rtf(10**6),
        "7 encrypted": documents.doc("a", encrypted=True),
        "8 picture": b"\x89PNG\r\n\x1a\n",
        "9 good": documents.docx(TEXT),
        **{f"5 pdf {name}": data for name, data in documents.pdf_loops().items()},
    }
    before = lab.look_at("mailstore").service(UNIT).systemd_properties["NRestarts"]
    found = ask(lab, "mailstore", number, files)
    assert max(answer[3] for answer in found.values()) < 60, "as long as Dovecot waits"
    assert {name[0]: answer[0] for name, answer in found.items() if " pdf " not in name} == {
        "1": 422, "2": 422, "3": 422, "4": 422, "5": 422, "6": 422, "7": 422, "8": 415, "9": 200,
    }  # fmt: skip
    assert {answer[0] for name, answer in found.items() if " pdf " in name} <= {200, 204, 422}
    assert found["7 encrypted"][1] == "encrypted"
    assert TEXT in found["9 good"][2]
    assert lab.look_at("mailstore").service(UNIT).systemd_properties["NRestarts"] == before


def test_a_program_that_was_replaced_is_the_one_that_answers_next(lab: Lab, number: str) -> None:
    ask(lab, "mailstore", number, {"a": b"cong van"})
    first = lab.look_at("mailstore").service(UNIT).systemd_properties["MainPID"]
    lab.run("mailstore", "cd /usr/lib/hanam-extract && cp -p hanam-extract.pyz new && mv new hanam-extract.pyz")
    wait_for(
        lambda: lab.look_at("mailstore").service(UNIT).systemd_properties["MainPID"] not in (first, "0"),
        "another process",
    )
    assert ask(lab, "mailstore", number, {"a": b"cong van"})["a"][:2] == [200, "whole"]


def test_what_a_reader_could_reach_is_nothing(lab: Lab, mailstore_host: Host, number: str) -> None:
    """Looked at from inside, as a document that took over its reader would."""
    ask(lab, "mailstore", number, {"a": b"cong van"})
    process = lab.look_at("mailstore").service(UNIT).systemd_properties["MainPID"]
    assert mailstore_host.check_output(f"nsenter -t {process} -n ip -o link | wc -l") == "1", "its loopback alone"
    for place in ("/srv", "/etc/hanam-mail", "/var/lib", "/run/dovecot"):
        seen = lab.run("mailstore", f"ls -A /proc/{process}/root{place} 2>/dev/null | wc -l").strip()
        assert seen == "0", place
    status = mailstore_host.file(f"/proc/{process}/status").content_string
    assert "CapEff:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    assert "Uid:\t0" not in status


def test_a_reader_that_was_taken_over_cannot_look_into_the_service(lab: Lab, number: str) -> None:
    """It is of the same user: the documents of others are in the service's memory and open files."""
    ask(lab, "mailstore", number, {"a": b"cong van"})
    process = lab.look_at("mailstore").service(UNIT).systemd_properties["MainPID"]
    user = lab.run("mailstore", f"ps -o uid= -p {process}").strip()
    assert user != "0"
    inside = f"nsenter -t {process} -m setpriv --reuid {user} --regid {user} --clear-groups"
    assert lab.run("mailstore", f"{inside} ls /proc/self/fd").strip()
    for place in ("ls /proc/{}/fd", "head -c1 /proc/{}/mem", "cat /proc/{}/environ"):
        done = lab.remote("mailstore").run(f"{inside} {place.format(process)}")
        assert done.code != 0
        # The unit does not even see that the process is there (ProtectProc).
        assert b"Permission denied" in done.complaint or b"No such file" in done.complaint
