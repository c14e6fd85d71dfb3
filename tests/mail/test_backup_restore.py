"""A mailbox comes back from the backup by one command, byte for byte and flag for flag (Đ10.2, Đ10.7)."""

import base64
import hashlib
import imaplib
import random
import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests import journal
from tests.lab import Lab, Sample, message, wait_for
from tests.people import People

pytestmark = [
    pytest.mark.dieu10,
    pytest.mark.usefixtures("no_timed_backup"),
    pytest.mark.provokes(journal.BACKUP_FAILS),
]

# "Công văn đến" as IMAP writes it (RFC 3501, 5.1.3).
FOLDER = '"C&APQ-ng v&AQM-n &AREevw-n"'

KEYWORDS = [f"viec{number}" for number in range(40)]

# No restore without one (Đ4.6).
DOCUMENT = "12/STTTT-VP"


@dataclass(frozen=True)
class Message:
    digest: str
    flags: frozenset[str]
    date: str


State = dict[str, list[Message]]


def folders(client: imaplib.IMAP4) -> list[str]:
    _, lines = client.list()
    return [
        re.sub(r'^\([^)]*\) "?/"? ', "", line.decode())
        for line in lines
        if isinstance(line, bytes) and b"\\Noselect" not in line
    ]


def state(lab: Lab, person: Sample) -> State:
    """Every folder that has messages, and each message's hash, flags and date of arrival."""
    found: State = {}
    with lab.imap(person.address, person.password) as client:
        for folder in folders(client):
            _, counted = client.select(folder, readonly=True)
            if counted == [b"0"]:
                continue
            _, parts = client.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")
            messages = []
            for part in parts:
                if isinstance(part, tuple):
                    head = part[0].decode()
                    # \Recent belongs to a session, not to a message.
                    flags = re.search(r"FLAGS \(([^)]*)\)", head)[1].split()  # type: ignore[index]
                    date = re.search(r'INTERNALDATE "([^"]*)"', head)[1]  # type: ignore[index]
                    known = frozenset(flags) - {"\\Recent"}
                    messages.append(Message(hashlib.sha256(part[1]).hexdigest(), known, date))
            found[folder] = sorted(messages, key=lambda entry: (entry.digest, entry.date))
    return found


def empty(lab: Lab, person: Sample) -> None:
    """Delete all mail as the person would."""
    with lab.imap(person.address, person.password) as client:
        for folder in folders(client):
            _, counted = client.select(folder)
            if counted != [b"0"]:
                client.store("1:*", "+FLAGS", "\\Deleted")
                client.expunge()
            client.close()


def restore(lab: Lab, person: Sample, *options: str) -> str:
    document = () if "--document" in options else ("--document", DOCUMENT)
    return lab.run("mailstore", " ".join(["hanam-mail-restore", person.address, *document, *options]))


def home(lab: Lab, person: Sample) -> str:
    return lab.run("mailstore", f"doveadm user -f home {person.address}").strip()


def uids(lab: Lab, person: Sample) -> str:
    shown = lab.run("mailstore", f"doveadm -f flow fetch -u {person.mailbox} 'uid guid' mailbox INBOX")
    validity = lab.run("mailstore", f"doveadm -f flow mailbox status -u {person.mailbox} uidvalidity INBOX")
    return shown + validity


@pytest.fixture(scope="module")
def person(people: People) -> Sample:
    """Somebody whose mailbox goes through all of these tests."""
    return people.take()


@pytest.fixture(scope="module")
def someone(people: People) -> Sample:
    """Somebody with many messages."""
    return people.take()


# As files that Dovecot makes again and no backup holds, and with an end of line of Unicode.
ODD_NAMES = (
    "Hop dong.lock",
    "x.newlock",
    "dovecot.index.cache",
    "dovecot.list.index",
    "cha/y.lock",
    "a\u2028b",
    "fts-flatcurve",
)


@pytest.fixture(scope="module")
def namer(people: People) -> Sample:
    """Somebody who calls folders as nobody else does."""
    return people.take()


@pytest.fixture(scope="module")
def author(people: People) -> Sample:
    """Who wrote what is in the backup."""
    return people.take()


@pytest.fixture(scope="module")
def saved(lab: Lab, author: Sample, person: Sample, someone: Sample, namer: Sample) -> State:
    """The mailbox when it was backed up: mail in two folders, with flags and keywords of every kind."""
    subjects = [f"sao luu {number} {uuid.uuid4().hex[:8]}" for number in range(5)]
    with lab.submission(author.address, author.password) as client:
        for subject in subjects:
            client.send_message(message(author.address, person.address, subject=subject))
    for subject in subjects:
        lab.wait_for_message(person, subject)
    with lab.imap(person.address, person.password) as imap:
        imap.create(FOLDER)
        imap.subscribe(FOLDER)
        imap.select()
        imap.store("1", "+FLAGS", "(\\Seen \\Flagged $Khan)")
        imap.store("2", "+FLAGS", "(\\Answered \\Seen)")
        imap.store("3", "+FLAGS", "(\\Draft $Label1 $Khan)")
        imap.copy("3:4", FOLDER)
    saved = state(lab, person)
    assert {folder: len(messages) for folder, messages in saved.items()} == {"INBOX": 5, FOLDER: 2}
    lab.run(
        "mailstore",
        "for number in $(seq 25); do printf 'Subject: nhieu thu %s\\n\\nThu.\\n' $number"
        f" | doveadm save -u {someone.mailbox}; done;"
        # More than a Maildir's file names can bear.
        f" doveadm flags add -u {someone.mailbox} '{' '.join(KEYWORDS)}' mailbox INBOX subject 'nhieu thu 25'",
    )
    for name in ODD_NAMES:
        lab.run(
            "mailstore",
            f"doveadm mailbox create -u {namer.mailbox} '{name}';"
            f" printf 'Subject: x\\n\\nx\\n' | doveadm save -u {namer.mailbox} -m '{name}'",
        )
    lab.run("mailstore", "hanam-mail-backup")
    return saved


@pytest.fixture
def before(lab: Lab, person: Sample, saved: State) -> State:
    """The same, and the mailbox is so now, whatever another test made of it."""
    if state(lab, person) != saved:
        empty(lab, person)
        restore(lab, person)
        assert state(lab, person) == saved
    return saved


def test_a_restore_where_nothing_is_missing_changes_nothing(lab: Lab, person: Sample, before: State) -> None:
    assert "0 messages brought back, 7 already present" in restore(lab, person)
    assert state(lab, person) == before


@pytest.mark.neighbours
def test_deleted_mail_comes_back_with_its_bytes_flags_and_dates(lab: Lab, person: Sample, before: State) -> None:
    """Đ10.7."""
    empty(lab, person)
    assert state(lab, person) == {}
    assert "7 messages brought back" in restore(lab, person)
    assert state(lab, person) == before


def test_a_folder_comes_back_whatever_its_owner_calls_it(lab: Lab, namer: Sample, saved: State) -> None:
    def there() -> set[str]:
        rows = lab.run("mailstore", f"doveadm -f tab fetch -u {namer.mailbox} mailbox all")
        return set(rows.split("\n")[1:]) - {""}

    assert there() == set(ODD_NAMES)
    home = f"/srv/mail/{namer.mailbox[:2]}/{namer.mailbox}"
    lab.run("mailstore", f"rm -r {home}")
    restore(lab, namer)
    assert there() == set(ODD_NAMES)


def test_a_deleted_folder_comes_back_subscribed(lab: Lab, person: Sample, before: State) -> None:
    with lab.imap(person.address, person.password) as client:
        client.unsubscribe(FOLDER)
        client.delete(FOLDER)
    restore(lab, person)
    assert state(lab, person) == before
    with lab.imap(person.address, person.password) as client:
        _, subscribed = client.lsub()
    assert any(FOLDER.encode() in line for line in subscribed if isinstance(line, bytes))


def test_mail_that_came_after_the_backup_stays_as_it_is(
    lab: Lab, person: Sample, sender: Sample, before: State
) -> None:
    subject = f"den sau {uuid.uuid4().hex[:8]}"
    empty(lab, person)
    with lab.submission(sender.address, sender.password) as client:
        client.send_message(message(sender.address, person.address, subject=subject))
    lab.wait_for_message(person, subject)
    with lab.imap(person.address, person.password) as imap:
        imap.select()
        imap.store("1", "+FLAGS", "($Moi)")
    (late,) = state(lab, person)["INBOX"]
    restore(lab, person)
    after = state(lab, person)
    assert late in after["INBOX"]
    after["INBOX"].remove(late)
    assert after == before


@pytest.mark.neighbours
@pytest.mark.proof(
    "Sao lưu, xóa, khôi phục hộp thư: nội dung và cờ giữ nguyên / backed up, deleted, restored: bytes and flags equal"
)
def test_a_lost_home_comes_back_whole_and_clients_notice_nothing(lab: Lab, person: Sample, before: State) -> None:
    restore(lab, person, "--replace")
    known = uids(lab, person)
    lab.run("mailstore", "hanam-mail-backup")
    lab.run("mailstore", f"rm -rf {home(lab, person)}")
    assert "7 messages brought back" in restore(lab, person)
    assert state(lab, person) == before
    assert uids(lab, person) == known


def test_replace_goes_back_and_keeps_the_present_aside(lab: Lab, person: Sample, sender: Sample, before: State) -> None:
    subject = f"thay the {uuid.uuid4().hex[:8]}"
    with lab.submission(sender.address, sender.password) as client:
        client.send_message(message(sender.address, person.address, subject=subject))
    lab.wait_for_message(person, subject)
    said = restore(lab, person, "--replace")
    assert state(lab, person) == before
    aside = re.search(r"Former state: (\S+)", said)[1]  # type: ignore[index]
    kept = lab.run("mailstore", f"find {aside}/sdbox -path '*/dbox-Mails/u.*' | wc -l")
    assert int(kept) == 8
    lab.run("mailstore", f"rm -rf {aside}")


def test_to_folder_puts_everything_below_a_new_folder(lab: Lab, person: Sample, before: State) -> None:
    name = f"Khoi phuc {uuid.uuid4().hex[:6]}"
    restore(lab, person, "--to-folder", f"'{name}'", "--document", "12/STTTT-VP")
    after = state(lab, person)
    assert after.pop(f'"{name}"') == before["INBOX"]
    assert after.pop(f'"{name}/{FOLDER[1:]}') == before[FOLDER]
    assert after == before
    lab.run("mailstore", f"doveadm mailbox delete -r -s -u {person.mailbox} '{name}'")


def messages_in(state: State) -> int:
    return sum(len(found) for found in state.values())


def test_mail_that_was_filed_since_is_not_doubled(lab: Lab, person: Sample, before: State) -> None:
    with lab.imap(person.address, person.password) as imap:
        imap.select()
        # One filed, one filed and read, one thrown away: all three are still there, only elsewhere.
        imap.uid("MOVE", uid_of(imap, 0), FOLDER)
        imap.uid("MOVE", uid_of(imap, 0), "Archive")
        imap.uid("MOVE", uid_of(imap, 0), "Trash")
    filed = state(lab, person)
    assert messages_in(filed) == 7
    assert "0 messages brought back, 7 already present" in restore(lab, person)
    assert state(lab, person) == filed


def uid_of(imap: imaplib.IMAP4, place: int) -> str:
    _, found = imap.uid("SEARCH", "ALL")
    return found[0].split()[place].decode()


def test_a_dry_run_lists_what_comes_back_and_one_message_comes_alone(
    lab: Lab, person: Sample, author: Sample, before: State
) -> None:
    empty(lab, person)
    said = restore(lab, person, "--dry-run")
    assert len(re.findall(r"^INBOX .*sao luu \d", said, re.M)) == 5
    assert len(re.findall(r"^Công văn đến .*sao luu \d", said, re.M)) == 2
    assert "7 messages would be brought back" in said
    assert state(lab, person) == {}
    one = ["--message", "'subject=SAO luu 2'", "--message", f"sender={author.address}", "--folder", "INBOX"]
    assert "1 messages brought back" in restore(lab, person, *one)
    assert messages_in(state(lab, person)) == 1
    assert "6 messages brought back, 1 already present" in restore(lab, person)
    assert state(lab, person) == before


def test_many_messages_come_back_only_when_somebody_says_so(lab: Lab, someone: Sample, saved: State) -> None:
    here = len(many(lab, someone))
    lab.run("mailstore", f"doveadm expunge -u {someone.mailbox} mailbox INBOX subject 'nhieu thu'")
    said = restore(lab, someone, "2>&1 </dev/null; echo exit $?")
    assert said.rstrip().endswith("exit 7")
    assert "25 thư sẽ được đưa về" in said and "--yes" in said
    assert not many(lab, someone)
    assert "25 messages brought back" in restore(lab, someone, "--yes")
    assert len(many(lab, someone)) == here == 25
    marked = f"doveadm -f tab fetch -u {someone.mailbox} flags mailbox INBOX subject 'nhieu thu 25'"
    assert set(KEYWORDS) <= set(lab.run("mailstore", marked).split())
    lab.run("mailstore", f"doveadm expunge -u {someone.mailbox} mailbox INBOX subject 'nhieu thu'")


def many(lab: Lab, someone: Sample) -> list[str]:
    return lab.run("mailstore", f"doveadm search -u {someone.mailbox} mailbox INBOX subject 'nhieu thu'").splitlines()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ("khong.co@hanam.gov.vn", 3, ("không có hộp thư nào", "unknown mailbox")),
        ("{id} --at 2001-01-01", 4, ("không có bản sao lưu nào", "there is no snapshot")),
        ("{id} --snapshot 00000000", 4, ("không có đúng một bản sao lưu", "0 snapshots match")),
        ("{id} --folder Khong-co", 3, ("không có thư mục Khong-co", "has no folder")),
        ("{id} --message chu-de=x", 2, ("cần id=", "is needed")),
        ("{id} --at hom-qua", 2, ("cần dạng", "not a time")),
        ("", 2, ("cần mã hoặc địa chỉ hộp thư", "a mailbox is needed")),
    ],
)
def test_mistakes_are_told_in_both_languages(
    lab: Lab, person: Sample, arguments: str, status: int, words: tuple[str, str]
) -> None:
    command = f"hanam-mail-restore {arguments.format(id=person.mailbox)} --document {DOCUMENT} 2>&1; echo exit $?"
    said = lab.run("mailstore", command)
    assert said.rstrip().endswith(f"exit {status}")
    assert all(word in said for word in words)


@pytest.mark.neighbours
def test_an_unreachable_repository_is_told_at_once(lab: Lab, person: Sample) -> None:
    with lab.stopped("backup_repository", "restic-rest-server"):
        said = lab.run(
            "mailstore", f"timeout 15 hanam-mail-restore {person.mailbox} --document {DOCUMENT} 2>&1; echo exit $?"
        )
    assert said.rstrip().endswith("exit 5")
    assert "không kết nối được kho sao lưu" in said


def test_two_restores_do_not_run_at_once(lab: Lab, person: Sample) -> None:
    said = lab.run(
        "mailstore",
        f"flock /run/lock/hanam-mail-restore.lock hanam-mail-restore {person.mailbox} --document {DOCUMENT} 2>&1;"
        " echo exit $?",
    )
    assert said.rstrip().endswith("exit 6")
    assert "khôi phục hộp thư khác đang chạy" in said


@pytest.mark.dieu4
def test_to_folder_needs_a_document(lab: Lab, person: Sample) -> None:
    command = f"hanam-mail-restore {person.mailbox} --to-folder Cu 2>&1; echo $?"
    shown = lab.run("mailstore", command)
    assert "cần --document" in shown
    assert shown.endswith("2\n")


@pytest.mark.neighbours
def test_a_restore_is_logged_with_operator_and_document(lab: Lab, person: Sample, before: State) -> None:
    restore(lab, person, "--document", "12/STTTT-VP")

    def logged() -> str | None:
        shown = lab.run("mailstore", "journalctl --sync; journalctl -t hanam-mail-restore -n 1 --no-pager")
        return shown if "12/STTTT-VP" in shown else None

    line = wait_for(logged, "log of the restore")
    assert "operator=ops" in line
    assert f"mailbox {person.mailbox}" in line
    told = lab.run("accounts", f"hanam-mail-db history {person.address}")
    assert re.search(r"khôi phục thư từ bản sao lưu [0-9a-f]{8}; người thực hiện: ops; văn bản: 12/STTTT-VP", told)


def contents(lab: Lab, person: Sample) -> list[str]:
    """The subject of every message of the mailbox, in whatever folder."""
    shown = lab.run("mailstore", f"doveadm -f tab fetch -u {person.mailbox} hdr.subject all | tail -n +2")
    return sorted(shown.split())


@pytest.mark.neighbours
def test_no_message_is_missed_that_is_moved_while_the_backup_reads(lab: Lab, people: People) -> None:
    mover = people.take()
    with lab.imap(mover.address, mover.password) as imap:
        for number in range(600):
            imap.append("INBOX" if number % 2 else "Archive", "", "", f"Subject: {number}\r\n\r\n{number}\r\n".encode())
    wanted = contents(lab, mover)
    assert len(set(wanted)) == 600
    stop = threading.Event()
    moved = list[int]()

    def move() -> None:
        with lab.imap(mover.address, mover.password) as imap:
            while not stop.is_set():
                for folder, other in (("INBOX", "Archive"), ("Archive", "INBOX")):
                    imap.select(folder)
                    found = imap.uid("SEARCH", "ALL")[1][0].split()
                    some = b",".join(random.sample(found, min(50, len(found)))).decode()
                    if some:
                        imap.uid("STORE", some, "+FLAGS", "\\Seen")
                        assert imap.uid("MOVE", some, other)[0] == "OK"
                        moved.append(len(some.split(",")))

    with ThreadPoolExecutor(1) as beside:
        moving = beside.submit(move)
        try:
            lab.run("mailstore", "hanam-mail-backup")
        finally:
            stop.set()
        moving.result()
    # Half of them at least, however slow the machine is.
    assert sum(moved) >= 300
    lab.run("mailstore", f"doveadm kick {mover.address}; rm -r {home(lab, mover)}")
    restore(lab, mover)
    assert set(contents(lab, mover)) == set(wanted)


@pytest.fixture
def busy(lab: Lab, people: People) -> Sample:
    """Somebody with mail, a rule of his own and an empty folder, to whom mail comes before the restore does."""
    someone = people.take()
    lab.run(
        "mailstore",
        f"printf 'Subject: truoc khi mat\\n\\nThu.\\n' | doveadm save -u {someone.mailbox}"
        f" && echo 'keep;' | doveadm sieve put -u {someone.mailbox} -a loc"
        f" && doveadm mailbox create -u {someone.mailbox} -s 'Ho so trong'",
    )
    return someone


@pytest.mark.neighbours
def test_a_mailbox_that_was_issued_anew_comes_back_as_it_was_and_an_emptied_one_message_by_message(
    lab: Lab, colleague: Sample
) -> None:
    first = "printf 'Subject: moi\\n\\nThu.\\n' | doveadm save -u"
    lab.run("mailstore", f"{first} {colleague.mailbox}; {first} {colleague.mailbox}; hanam-mail-backup")
    kept = uids(lab, colleague)
    empty(lab, colleague)
    assert "cả hộp thư" not in restore(lab, colleague, "--dry-run")
    assert "2 messages brought back" in restore(lab, colleague)
    # They are new to every client, as what somebody deleted and gets back is.
    assert uids(lab, colleague) != kept
    # As on a new host, to which the registry was applied; somebody has the empty mailbox open.
    new = " ".join(["INBOX", *lab.variables["mail_folders"]])
    lab.run("mailstore", f"doveadm kick {colleague.address}; rm -r {home(lab, colleague)}")
    lab.run("mailstore", f"doveadm mailbox create -s -u {colleague.mailbox} {new}")
    session = lab.imap(colleague.address, colleague.password)
    assert session.select("INBOX")[1] == [b"0"]
    assert "cả hộp thư / whole, 2 thư" in restore(lab, colleague, "--dry-run")
    assert "2 messages brought back" in restore(lab, colleague)
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        session.noop()
    assert uids(lab, colleague) == kept
    lab.run("mailstore", f"{first} {colleague.mailbox}")
    # No number stands for two messages: mail of after the backup may have had the next ones.
    assert int(re.findall(r"\buid=(\d+)", uids(lab, colleague))[-1]) > 100_000


def test_a_lost_store_comes_back_by_one_command(
    lab: Lab, person: Sample, sender: Sample, colleague: Sample, before: State, busy: Sample
) -> None:
    other = colleague
    lab.run("mailstore", f"printf 'Subject: con day\\n\\nThu.\\n' | doveadm save -u {other.mailbox}")
    # What a purged mailbox was: a home that no account has. All is taken now, so that nothing comes back which other
    # tests have deleted.
    purged = "/srv/mail/zz/zz0purged"
    lab.run(
        "mailstore",
        f"install -d -o vmail -g vmail {purged}/sdbox/mailboxes && echo Thu > {purged}/sdbox/mailboxes/u.1"
        f" && hanam-mail-restore {person.address} --document {DOCUMENT} && hanam-mail-backup; rm -rf /srv/mail/zz",
    )
    kept = {someone.address: state(lab, someone) for someone in (person, other, busy)}
    assert kept[person.address] == before
    # Two homes are gone altogether, of the other one only the mail. To one of the two mail is delivered again; the
    # other has the folders that it gets when the registry is applied to new hosts.
    folders = " ".join(["INBOX", *lab.variables["mail_folders"]])
    lab.run("mailstore", f"doveadm kick {other.address}; rm -r {home(lab, other)}")
    lab.run("mailstore", f"doveadm mailbox create -s -u {other.mailbox} {folders}")
    lab.run("mailstore", f"doveadm kick {busy.address}; rm -r {home(lab, busy)}")
    empty(lab, person)
    subject = f"sau khi mat {uuid.uuid4().hex[:8]}"
    with lab.submission(sender.address, sender.password) as client:
        client.send_message(message(sender.address, busy.address, subject=subject))
    lab.wait_for_message(busy, subject)
    (late,) = state(lab, busy)["INBOX"]
    # How much mail of other tests there was is not known here.
    told = lab.run("mailstore", "hanam-mail-restore --all --yes --document 27/STTTT-CNTT")
    assert re.search(r"Restored \d+ mailboxes from snapshot", told)
    assert "1 left out" in told
    assert not lab.look_at("mailstore").file(purged).exists
    after = {someone.address: state(lab, someone) for someone in (person, other, busy)}
    after[busy.address]["INBOX"].remove(late)
    assert after == kept
    assert "loc ACTIVE" in lab.run("mailstore", f"doveadm sieve list -u {busy.mailbox}")
    assert "Ho so trong" in lab.run("mailstore", f"doveadm mailbox list -u {busy.mailbox} -s").splitlines()
    assert "document=27/STTTT-CNTT all " in lab.run(
        "mailstore", "journalctl --sync; journalctl -t hanam-mail-restore -o cat -n 5"
    )
    again = lab.run("mailstore", f"hanam-mail-restore --all --document {DOCUMENT}")
    assert ": 0 messages brought back" in again.replace("\n", " ")
    assert "empty folders made" not in again
    assert not lab.look_at("mailstore").file("/srv/mail/.restore").exists


# Flips one bit of the blob that holds a small file, told by the sum of what is in it, and says where: flipped again
# it is whole. The newest index names what came last.
FLIP = """
import json, pathlib, subprocess, sys
def flip(path, offset):
    octets = bytearray(path.read_bytes())
    octets[offset] ^= 1
    path.write_bytes(octets)
    print(path, offset)
def find(host, blob):
    (root,) = pathlib.Path("/srv/backup").glob(f"*/{host}")
    for index in sorted((root / "index").iterdir(), key=lambda path: -path.stat().st_mtime):
        found = subprocess.check_output(["hanam-backup-restic", host, "cat", "index", index.name])
        for pack in json.loads(found)["packs"]:
            for entry in pack["blobs"]:
                if entry["id"] == blob:
                    return root / "data" / pack["id"][:2] / pack["id"], entry["offset"] + entry["length"] // 2
flip(*find(*sys.argv[1:])) if len(sys.argv[2]) == 64 else flip(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
"""


def flip_bit(lab: Lab, *where: str) -> list[str]:
    program = base64.b64encode(FLIP.encode()).decode()
    return lab.run("backup_repository", f"echo {program} | base64 -d | python3 - {' '.join(where)}").split()


@pytest.mark.neighbours
def test_one_flipped_bit_costs_one_message_which_is_named(lab: Lab, person: Sample, before: State) -> None:
    whole = state(lab, person)
    subject = f"hong mot bit {uuid.uuid4().hex}"
    lab.run(
        "mailstore",
        f"printf 'Subject: {subject}\\n\\nThu.\\n' | doveadm save -u {person.mailbox} && hanam-mail-backup",
    )
    place = home(lab, person)
    path, blob = lab.run(
        "mailstore",
        f"cd {place}/sdbox/mailboxes && file=$(ls -t INBOX/*/u.* | head -n 1) && echo $file $(sha256sum < $file)",
    ).split()[:2]
    broken = flip_bit(lab, lab.host("mailstore"), blob)
    try:
        lab.run("mailstore", f"doveadm kick {person.address}; rm -r {place}")
        said = lab.run("mailstore", f"hanam-mail-restore --all --document {DOCUMENT} 2>&1; echo exit $?")
    finally:
        flip_bit(lab, *broken)
    assert f"Không đọc được / unreadable: {place}/sdbox/mailboxes/{path}" in said
    assert "1 tệp hoặc thư mục" in said and said.rstrip().endswith("exit 8")
    assert state(lab, person) == whole


# Damages files that restic reads before all others: one bit of the newest index, of the key, of the configuration;
# another index cut to nothing; a lock that nobody can read, from long ago.
DAMAGE = """
import hashlib, os, pathlib, sys
(root,) = pathlib.Path("/srv/backup").glob(f"*/{sys.argv[1]}")
def flip(path):
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2] ^= 1
    with path.open("r+b") as file:
        file.write(octets)
index = sorted((root / "index").iterdir(), key=lambda path: -path.stat().st_mtime)
for what in sys.argv[2:]:
    if what == "index":
        flip(index[0])
    elif what == "emptied":
        os.truncate(index[-1], 0)
    elif what == "lock":
        octets = os.urandom(200)
        lock = root / "locks" / hashlib.sha256(octets).hexdigest()
        lock.write_bytes(octets)
        os.utime(lock, (0, 0))
    else:
        flip(root / "config" if what == "config" else next((root / "keys").iterdir()))
"""


@pytest.mark.parametrize(
    ("what", "everybody"), [(("index",), False), (("emptied", "key", "config"), True), (("lock",), False)]
)
def test_a_restore_goes_on_whatever_file_of_the_repository_itself_is_damaged(
    lab: Lab, person: Sample, before: State, what: tuple[str, ...], everybody: bool
) -> None:
    whole = state(lab, person)
    lab.run("mailstore", "hanam-mail-backup")
    program = base64.b64encode(DAMAGE.encode()).decode()
    lab.run(
        "backup_repository",
        f"echo {program} | base64 -d | python3 - {lab.host('mailstore')} {' '.join(what)}",
    )
    # As on a host that was made anew, which has no copy of an index.
    lab.run("mailstore", f"doveadm kick {person.address}; rm -r {home(lab, person)} /var/cache/hanam-mail-restore")
    whom = "--all" if everybody else person.mailbox
    said = lab.run("mailstore", f"hanam-mail-restore {whom} --document {DOCUMENT} 2>&1; echo exit $?")
    # Whether it had to wait depends on who opened the repository last: a backup that ends has it mended too.
    assert said.rstrip().endswith("exit 0"), said
    assert state(lab, person) == whole
    # Nothing is left to mend, and the operator has heard of it.
    assert "no errors were found" in lab.run("backup_repository", f"hanam-backup-restic {lab.host('mailstore')} check")
    wait_for(
        lambda: lab.run("backup_repository", "hanam-mail-watch --list | grep 'Tệp quản lý của kho sao lưu' | cat"),
        "the word of the operator's watch",
    )
