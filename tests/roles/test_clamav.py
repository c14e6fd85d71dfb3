"""The scanner looks into all that a mail may hold, as far as a mail may be large, and is there again after a fall."""

import base64
import io
import os
import random
import re
import struct
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import openpyxl
import pytest
from fpdf import FPDF
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from tests import documents, journal, office_macros
from tests.containers import (
    KNOWN,
    PAYLOAD,
    UNKNOWN,
    closed_zip,
    encrypted_odf,
    encrypted_ooxml,
    tarred,
    together,
    zipped,
)
from tests.forged_zips import CONTRADICTIONS, HARMLESS, behind, honest
from tests.lab import Lab, wait_for
from tests.render.conftest import environments

SOCKET = "/run/clamav/clamd.ctl"

# Speaks clamd's protocol on the host: one line per file, name and verdict.
# As the filter asks: one answer for what is streamed, and where that is a name alone, all answers for a file.
SCAN = r"""
import socket, struct, sys
def answer(request):
    link = socket.socket(socket.AF_UNIX)
    link.connect("/run/clamav/clamd.ctl")
    link.sendall(request)
    return b"".join(iter(lambda: link.recv(4096), b"")).strip(b"\0").replace(b"\0", b" ").decode()
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        data = file.read()
    said = answer(b"zINSTREAM\0" + struct.pack(">I", len(data)) + data + struct.pack(">I", 0))
    if "Hanam.Program" in said:
        said = answer(b"zALLMATCHSCAN " + name.encode() + b"\0")
    print(name.rsplit("/", 1)[-1], said)
"""

# Kinds of container in clamav-testfiles that hold clam.exe as it is. The others change it (packers, installers), and
# its hash is all that the lab knows of it.
CONTAINERS = [
    "clam.exe", "clam.zip", "clam.cab", "clam.arj", "clam.chm", "clam.tar.gz", "clam.tnef", "clam.mail",
    "clam.pdf", "clam.bz2.zip", "clam.d64.zip", "clam.impl.zip", "clam.exe.bz2", "clam.exe.szdd", "clam.exe.html",
    "clam.exe.binhex", "clam.exe.mbox.base64", "clam.exe.mbox.uu", "clam.exe.rtf", "clam.ole.doc", "clam.ppt",
    "clam.odc.cpio", "clam.newc.cpio", "clam.bin-le.cpio", "clam.bin-be.cpio", "clam_cache_emax.tgz",
]  # fmt: skip


def settings(host: Host) -> dict[str, str]:
    lines = host.file("/etc/clamav/clamd.conf").content_string.splitlines()
    return dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))


def test_only_group_clamav_may_ask_the_scanner(filter_host: Host) -> None:
    socket = filter_host.file(SOCKET)
    assert (socket.group, socket.mode & 0o777) == ("clamav", 0o660)
    assert "clamd" not in filter_host.check_output("ss -Hlntup")


@pytest.mark.dieu4
@pytest.mark.dieu8
def test_scanner_takes_more_than_the_largest_message(lab: Lab, filter_host: Host) -> None:
    limit = lab.variables["regulation_incoming_message_limit_bytes"]
    values = settings(filter_host)
    assert int(values["StreamMaxLength"]) > limit
    assert int(values["MaxFileSize"]) > limit
    assert int(values["MaxScanSize"]) >= int(values["MaxFileSize"])


@pytest.mark.dieu4
def test_virus_is_found_in_every_kind_of_container(filter_host: Host) -> None:
    folder = "/var/cache/rspamd/scan/clamav-test"
    filter_host.check_output(
        f"rm -rf {folder}; mkdir {folder}; cd {folder};"
        " apt-get download -qq -o APT::Sandbox::User=root clamav-testfiles >/dev/null; dpkg -x clamav-testfiles_*.deb ."
    )
    filter_host.check_output(f"cat > {folder}/scan.py <<'END'\n{SCAN}\nEND")
    files = " ".join(f"{folder}/usr/share/clamav-testfiles/{name}" for name in CONTAINERS)
    verdicts = dict(
        line.split(maxsplit=1) for line in filter_host.check_output(f"python3 {folder}/scan.py {files}").splitlines()
    )
    filter_host.check_output(f"rm -r {folder}")
    missed = {name: verdict for name, verdict in verdicts.items() if "Clamav.Test.File" not in verdict}
    assert not missed
    assert len(verdicts) == len(CONTAINERS)


def verdicts_of(lab: Lab, files: Mapping[str, bytes]) -> dict[str, str]:
    """What the scanner says of each, by one round trip."""
    buffer = io.BytesIO()
    numbers = {str(number): name for number, name in enumerate(files)}
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for number, name in numbers.items():
            entry = tarfile.TarInfo(number)
            entry.size = len(files[name])
            archive.addfile(entry, io.BytesIO(files[name]))
    packed = base64.encodebytes(buffer.getvalue()).decode()
    answer = lab.run(
        "filter",
        # Where the scanner may read files.
        "folder=$(mktemp -d -p /var/cache/rspamd/scan .test.XXXXXX) && trap 'rm -r $folder' EXIT && chmod 755 $folder"
        f" && cd $folder && base64 -d <<'END' | tar -xz\n{packed}END\n"
        f"cat > scan.py <<'END'\n{SCAN}\nEND\n"
        f"python3 scan.py $(seq -f $folder/%g 0 {len(files) - 1})",
    )
    pairs = (line.split(maxsplit=1) for line in answer.splitlines())
    verdicts = {numbers[number]: verdict for number, verdict in pairs}
    assert len(verdicts) == len(files)
    return verdicts


@pytest.mark.dieu4
def test_what_counts_as_scanned_is_unpacked_and_what_cannot_be_unpacked_is_named_at_every_depth(lab: Lab) -> None:
    within = {f"{name} in tar in zip": zipped(tarred(content, "a.doc"), "b.doc") for name, content in UNKNOWN.items()}
    verdicts = verdicts_of(lab, KNOWN | UNKNOWN | within)
    assert {name for name in KNOWN if "Eicar" not in verdicts[name]} == set()
    assert {name for name in UNKNOWN | within if "Hanam.Unscannable" not in verdicts[name]} == set()


@pytest.mark.dieu4
def test_zip_that_says_two_things_of_a_file_is_named_at_every_depth_and_an_honest_one_is_unpacked(lab: Lab) -> None:
    within = {f"{name} in tar in zip": zipped(tarred(zip_, "a.doc"), "b.doc") for name, zip_ in CONTRADICTIONS.items()}
    verdicts = verdicts_of(lab, CONTRADICTIONS | within)
    assert {name: verdict for name, verdict in verdicts.items() if "Hanam_Unscannable_Zip" not in verdict} == {}
    verdicts = verdicts_of(lab, honest(PAYLOAD))
    assert {name: verdict for name, verdict in verdicts.items() if "Eicar" not in verdict} == {}


def ordinary_files() -> dict[str, bytes]:
    """What offices send every day, and texts that start with the same letters as an archive."""
    sheet, pdf = io.BytesIO(), FPDF()
    book = openpyxl.Workbook()
    book.active["A1"] = "Kính gửi"
    book.save(sheet)
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    pdf.cell(text="Kinh gui")
    noise = os.urandom(200_000)
    files = {
        "sheet": sheet.getvalue(),
        "pdf": bytes(pdf.output()),
        "picture": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + noise,
        "bitmap": b"BM" + bytes(3000),
        "music": b"ID3" + noise,
        "noise": noise,
        "nothing": bytes(70_000),
        "ones": b"\xff" * 70_000,
        "icon": b"\x00\x00\x01\x00\x01\x00" + bytes(1000),
    }
    starts = (
        "7kSt", "!<arch> ", "ALZ la", "ArC la", "BEA01", "EGGA la", "LRZI", "LZIP la", "MSWIM", "PK la", "QFI",
        "RAR la", "RZIP", "Rar! la", "SIT!", "StuffIt-", "WARC", "begin", "bvx", "conectix", "hsqs la", "koly",
        "sqsh la", "zPQ la",
    )  # fmt: skip
    texts = {start: (start + " mot phan mem nen tep.\n" * 80).encode() for start in starts}
    files |= texts | {f"{start} in utf-16": text.decode().encode("utf-16") for start, text in texts.items()}
    return files | honest(HARMLESS) | {"all in zip": zipped(tarred(b"".join(texts.values())))}


def test_ordinary_files_are_not_taken_for_what_cannot_be_unpacked(lab: Lab) -> None:
    verdicts = verdicts_of(lab, ordinary_files())
    assert {name: verdict for name, verdict in verdicts.items() if verdict != "stream: OK"} == {}


def of_size(archive: bytes, size: int) -> bytes:
    """A zip whose entry says, in both places, that it is so large when it is unpacked."""
    data = bytearray(archive)
    for at in (22, data.index(b"PK\x01\x02") + 24):
        struct.pack_into("<I", data, at, size)
    return bytes(data)


def test_a_file_that_has_the_octets_of_a_closed_entry_by_chance_is_no_archive(lab: Lab) -> None:
    """As one of 200 files of 20 MB has them: `PK`, and an odd number where a password would be told."""
    chance = random.Random(5)  # noqa: S311 (no secret)
    entries = {str(number): b"PK\x03\x04\x14\x00" + bytes([chance.randrange(1, 256, 2)]) for number in range(30)}
    files = {
        name: b"".join((chance.randbytes(9_000), begin, chance.randbytes(9_000))) for name, begin in entries.items()
    }
    verdicts = verdicts_of(lab, files)
    assert {name: verdict for name, verdict in verdicts.items() if verdict != "stream: OK"} == {}


@pytest.mark.dieu4
def test_password_of_an_office_document_is_seen_and_hides_nothing_beside_it(lab: Lab) -> None:
    # Of several suspicions the scanner reports any: eight times, so that chance does not decide.
    closed = [closed_zip(PAYLOAD), of_size(closed_zip(PAYLOAD), 0xF0000000)]
    beside = {f"{number}.zip": together(closed[number % 2], encrypted_ooxml(), str(number)) for number in range(8)}
    beside |= {f"{number}.png": behind(b"\x89PNG\r\n\x1a\n" + bytes(300), each) for number, each in enumerate(closed)}
    verdicts = verdicts_of(lab, {"docx": encrypted_ooxml(), "odt": encrypted_odf()} | beside)
    assert "Heuristics.Encrypted.OOXML" in verdicts["docx"]
    assert "Heuristics.Encrypted.Document.ODF" in verdicts["odt"]
    assert {name for name in beside if "Hanam.Encrypted.Archive" not in verdicts[name]} == set()


@pytest.mark.dieu4
def test_macros_of_an_office_file_are_seen_alone_and_in_archives_and_none_are_where_none_are(lab: Lab) -> None:
    kinds = {"doc": office_macros.doc(), "docm": office_macros.docm()}
    kinds |= {f"odt {language}": office_macros.odt(language) for language in office_macros.LANGUAGES}
    kinds["fodt"] = office_macros.fodt()
    within = {f"{kind} in zip": zipped(content, f"a.{kind}") for kind, content in kinds.items()}
    within |= {f"{kind} in tar in zip": zipped(tarred(content, "a.doc"), "b.doc") for kind, content in kinds.items()}
    without = {"doc without": documents.doc(documents.TEXT), "docx": documents.docx(documents.TEXT)}
    without |= {
        "odt": documents.odt(documents.TEXT),
        "fodt": documents.fodt(documents.TEXT),
        "pages": zipped(b"var a = 1;" * 50, "Scripts/jquery.txt"),
    }
    verdicts = verdicts_of(lab, kinds | within | without)
    seen = re.compile(r"Heuristics\.(OLE2\.ContainsMacros|Macros\.ODF)")
    assert {name: each for name, each in verdicts.items() if not seen.search(each)} == dict.fromkeys(
        without, "stream: OK"
    )


@pytest.mark.dieu4
def test_a_program_is_known_by_its_content_at_every_depth_whatever_it_is_called(lab: Lab) -> None:
    program = office_macros.PROGRAM
    kinds = {"alone": program, "in zip": zipped(program, "a.txt"), "in tar in zip": zipped(tarred(program, "a"), "b")}
    verdicts = verdicts_of(lab, kinds | {"text": b"MZ la mot phan mem.\nPE la gi?\n" * 80})
    assert verdicts.pop("text") == "stream: OK"
    assert {name: each for name, each in verdicts.items() if "Hanam.Program" not in each} == {}


@pytest.mark.provokes(journal.FILTER_AWAY)
def test_scanner_rises_again_after_a_fall(filter_host: Host) -> None:
    before = filter_host.service("clamav-daemon.service").systemd_properties["MainPID"]
    filter_host.check_output("systemctl kill --signal=KILL clamav-daemon.service")
    wait_for(
        lambda: filter_host.service("clamav-daemon.service").systemd_properties["MainPID"] not in (before, "0"),
        "a new clamd process",
    )


MIRROR = 18_099
"""Port of loopback where a test plays the data centre's mirror."""


@pytest.fixture
def mirror(filter_host: Host) -> Iterator[str]:
    """A folder of the filter's host that it serves as a mirror does, beside one for the updater's databases."""
    folder = "/var/lib/hanam-test-mirror"
    end = f"systemctl stop hanam-test-mirror.service; rm -rf {folder}"
    server = f"/usr/bin/python3 -m http.server --bind 127.0.0.1 --directory {folder}/served {MIRROR}"
    filter_host.run(end)  # that of a run that was killed
    try:
        filter_host.check_output(f"mkdir -p {folder}/served && install -d -o clamav {folder}/databases")
        filter_host.check_output(f"systemd-run --collect --unit=hanam-test-mirror {server}")
        wait_for(lambda: filter_host.socket(f"tcp://127.0.0.1:{MIRROR}").is_listening, "the mirror to listen")
        yield folder
    finally:
        filter_host.run(end)


@pytest.mark.dieu4
def test_the_updater_takes_new_signatures_and_keeps_those_in_use_where_new_ones_do_not_load(
    filter_host: Host, mirror: str, tmp_path: Path
) -> None:
    """As its configuration in production says; the signed databases of ClamAV themselves are none of the lab's."""
    here = f"http://127.0.0.1:{MIRROR}"
    there = environments(tmp_path)("lab").with_variables(clamav_freshclam=True, clamav_freshclam_private_mirrors=[here])
    written = there.render("clamav", "freshclam.conf.j2", there.hosts("filter")[0])
    assert "\nTestDatabases yes\n" in written
    own = [line for line in written.splitlines() if not line.startswith(("DatabaseDirectory", "NotifyClamd"))]
    own += [f"DatabaseDirectory {mirror}/databases", f"DatabaseCustomURL {here}/thu.ndb"]
    filter_host.check_output(f"cat > {mirror}/freshclam.conf <<'END'\n" + "\n".join(own) + "\nEND")

    def updated(signature: str, hour: int) -> CommandResult:
        """Since the mirror has this, which is younger than what it had."""
        filter_host.check_output(
            f"cd {mirror}/served && echo '{signature}' > thu.ndb && touch -d '+{hour} hours' thu.ndb"
        )
        return filter_host.run(f"freshclam --config-file={mirror}/freshclam.conf --update-db=custom")

    def kept() -> str:
        return str(filter_host.file(f"{mirror}/databases/thu.ndb").content_string).rstrip("\n")

    first, broken, later = "Thu.Mot:0:*:deadbeef01", "Thu.Hai:0:*:khong phai so", "Thu.Ba:0:*:deadbeef03"
    assert updated(first, 1).succeeded
    assert kept() == first
    refused = updated(broken, 2)
    assert "test" in (refused.stdout + refused.stderr).lower()
    assert kept() == first
    assert updated(later, 3).succeeded
    assert kept() == later


def test_no_updater_reaches_for_the_internet_in_the_lab(filter_host: Host) -> None:
    for unit in ("clamav-freshclam.service", "clamav-freshclam-once.service", "clamav-freshclam-once.timer"):
        assert filter_host.service(unit).is_masked
