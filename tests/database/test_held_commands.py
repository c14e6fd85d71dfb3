"""The operator's commands on held messages (Đ3.3, Đ4.6), and the letter that tells him of them."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyrage
import pytest

from hanam_mail.host.backup import restore_database
from hanam_mail.host.jobs import held_messages
from tests.database.scratch import Scratch, person, registry, shell
from tests.database.test_held_spam import spam
from tests.database.world import quoted

pytestmark = [pytest.mark.dieu3, pytest.mark.dieu4]

FILE = "a" * 32
AN, BINH = "an@ngoai.example", "binh@ngoai.example"
MESSAGE = b"Subject: a\r\n\r\nKinh gui\r\n"


@pytest.fixture
def held(scratch: Scratch) -> Scratch:
    """A message that waits for two receivers."""
    scratch.apply(registry(person(1)))
    message = {
        "file": FILE, "queue_id": "4hX", "sha256": "c" * 64, "sender": "ha1@hanam.gov.vn", "envelope": {},
        "kind": "secrecy", "reason": "MAT in a.docx", "login": "box00001", "subject": "Kế hoạch\u200b phòng thủ",
        "author": "Hà", "message_id": "<1@x>", "octets": len(MESSAGE), "arrived_at": "2026-11-29T08:00:00+07:00",
    }  # fmt: skip
    recipients = [{"address": address} for address in (AN, BINH)]
    given = f"{quoted(json.dumps(message))}, {quoted(json.dumps(recipients))}"
    scratch.psql(f"select * from mail.held_take({given})")
    return scratch


def words(name: str, *more: str) -> list[str]:
    return ["quarantine", name, *more, "--actor", "lan"]


def ask(held: Scratch, name: str, *more: str) -> dict[str, Any]:
    """What the command says to programs."""
    done = held.command(*words(name, *more), "--json")
    assert done.status == 0, done.complaint
    return done.json


def say(held: Scratch, name: str, *more: str) -> str:
    done = held.command(*words(name, *more))
    assert done.status == 0, done.complaint
    return done.output


def refusal(held: Scratch, name: str, *more: str) -> str:
    done = held.command(*words(name, *more))
    assert done.status != 0, done.output
    return done.complaint


def test_the_list_says_whose_it_is_and_what_waits_and_never_the_subject(held: Scratch) -> None:
    text = say(held, "list")
    assert text.startswith("1  29/11/2026 08:00  ")
    assert "ha1@hanam.gov.vn; đang giữ 2" in text
    assert "Kế hoạch" not in text, "it stands on a screen that others see"
    (found,) = ask(held, "list")["messages"]
    assert (found["id"], found["kind"], found["login"]) == (1, "secrecy", "ha1@hanam.gov.vn")
    assert not {"subject", "author", "message_id", "file"} & found.keys()


def test_spam_is_counted_and_shown_by_its_kind_or_receiver(held: Scratch) -> None:
    assert "thư rác" not in say(held, "list")
    for number in range(2):
        held.psql(spam(number, "ha1@hanam.gov.vn"))
    text = say(held, "list")
    assert "ngoài ra 2 thư nghi là thư rác" in text
    assert text.count("\n") <= 2
    assert (len(ask(held, "list")["messages"]), ask(held, "list")["spam"]) == (1, 2)
    assert {each["kind"] for each in ask(held, "list", "--kind", "spam")["messages"]} == {"spam"}
    assert {each["kind"] for each in ask(held, "list", "--kind", "secrecy")["messages"]} == {"secrecy"}
    found = ask(held, "list", "--recipient", "HA1@hanam.gov.vn")["messages"]
    assert [each["kind"] for each in found] == ["spam", "spam"]
    assert ask(held, "list", "--recipient", "x' or true --")["messages"] == []
    assert len(ask(held, "list", "--all")["messages"]) == 3
    first = str(found[0]["id"])
    assert "Thư bị nghi là thư rác" in say(held, "show", first)
    assert ask(held, "drop", first, "--reason", "thư rác")["decided"] == ["ha1@hanam.gov.vn"]
    held.psql(f"update mail.held_message set lesson = 'given' where id = {first}")
    assert "Bộ lọc học rằng không phải thư rác: đã học" in say(held, "show", first)


def test_one_message_is_shown_with_all_that_is_known_and_none_of_its_text(held: Scratch) -> None:
    text = say(held, "show", "1")
    for part in ("MAT in a.docx", "Kế hoạch", f"{AN}: đang giữ", "<1@x>", "SHA-256 cccc"):
        assert part in text
    assert "không có thư bị giữ nào mang số 9" in refusal(held, "show", "9")


def test_a_decision_is_told_by_receiver_and_done_once(held: Scratch) -> None:
    assert "cần lý do" in refusal(held, "drop", "1")
    assert "không gửi cho la@x" in refusal(held, "release", "1", "--reason", "x", "--recipient", "la@x")
    answer = ask(held, "drop", "1", "--recipient", AN, "--reason", "mật thật", "--document", "5/STTTT")
    assert (answer["changed"], answer["decided"]) == (True, [AN])
    text = say(held, "show", "1")
    assert f"{AN}: đã hủy; lan quyết định" in text
    assert "văn bản 5/STTTT; lý do: mật thật" in text
    again = ask(held, "drop", "1", "--recipient", AN, "--reason", "mật thật")
    assert (again["changed"], again["decided"]) == (False, [])
    assert "không có gì đổi" in say(held, "drop", "1", "--recipient", AN, "--reason", "x")


def test_release_waits_a_moment_for_the_service_and_says_how_it_stands(held: Scratch) -> None:
    text = say(held, "release", "1", "--recipient", BINH, "--reason", "đã xem", "--wait", "0.1")
    assert f"{BINH}: chờ gửi đi" in text
    held.psql(f"select mail.held_sending(1, '{{{BINH}}}')")
    held.psql(f"select mail.held_result(1, '{{}}', '', '{{}}', '{{}}', '{{{BINH}}}')")
    text = say(held, "release", "1", "--recipient", BINH, "--reason", "x")
    assert "không rõ đã gửi chưa" in text
    assert "--not-delivered" in text
    assert ask(held, "release", "1", "--not-delivered", "--recipient", BINH, "--reason", "x", "--wait", "0")["decided"]


def test_two_commands_at_once_decide_once(held: Scratch) -> None:
    line = shell([*words("drop", "1", "--reason", "x"), "--json", "--dsn", held.dsn()])
    running = [subprocess.Popen(["bash", "-c", line], stdout=subprocess.PIPE) for _ in range(4)]
    answers = [json.loads(each.communicate(timeout=60)[0]) for each in running]
    assert sorted(answer["changed"] for answer in answers) == [False, False, False, True]


def test_a_decided_message_is_listed_when_all_are_asked_for(held: Scratch) -> None:
    say(held, "drop", "1", "--reason", "x")
    assert "không có thư nào bị giữ" in say(held, "list")
    assert "đã hủy 2" in say(held, "list", "--all")


def test_the_text_is_a_sealed_copy_by_document_alone(held: Scratch, tmp_path: Path) -> None:
    folder, copies = tmp_path / "held", tmp_path / "copies"
    folder.mkdir()
    (folder / f"{FILE}.eml").write_bytes(MESSAGE)
    places = ("--folder", str(folder), "--copies", str(copies))
    assert "cần có văn bản" in refusal(held, "show", "1", "--body", *places)
    assert "cần có văn bản" in refusal(held, "show", "1", "--body", "--document", "5/STTTT", *places)
    assert not copies.exists()
    by_document = ("--body", "--document", "5/STTTT", "--note", "xác minh", *places)
    copy = Path(ask(held, "show", "1", *by_document)["copy"])
    identity = pyrage.x25519.Identity.from_str(held.key)
    assert pyrage.decrypt(copy.read_bytes(), [identity]) == MESSAGE
    assert (copy.stat().st_mode & 0o777, copies.stat().st_mode & 0o777) == (0o600, 0o700)
    assert held.psql("select actor, document from mail.audit where object = 'opening'") == "lan|5/STTTT"
    assert held.psql("select mailbox_id from mail.notice where kind = 'held_opened'") == "box00001"
    # Once for each opening; nobody's copy is written over.
    assert Path(ask(held, "show", "1", *by_document)["copy"]) != copy
    (folder / f"{FILE}.eml").unlink()
    assert "không niêm phong được" in refusal(held, "show", "1", *by_document)
    assert int(held.psql("select count(*) from mail.audit where object = 'opening'")) == 3, "who tried stands there"


def test_history_tells_that_a_held_message_was_read(held: Scratch, tmp_path: Path) -> None:
    (tmp_path / f"{FILE}.eml").write_bytes(MESSAGE)
    say(held, "show", "1", "--body", "--document", "5/STTTT", "--note", "xác minh", "--folder", str(tmp_path),
        "--copies", str(tmp_path))  # fmt: skip
    assert "thư bị giữ số 1" in held.command("history", "ha1").output


def test_a_purge_is_refused_before_anything_is_sealed(held: Scratch) -> None:
    held.apply(registry(person(1, state="revoked")))
    from hanam_mail.host.purge import erase, purge_commands

    with held.database.connect("mail_apply") as connection:
        with pytest.raises(erase.PurgeRefused, match="còn 1 thư bị giữ"):
            purge_commands._candidate(connection, "ha1@hanam.gov.vn", 0)
        say(held, "drop", "1", "--reason", "x")
        assert purge_commands._candidate(connection, "ha1@hanam.gov.vn", 0) == "box00001"


def test_a_restored_database_tells_which_decisions_it_does_not_know(held: Scratch) -> None:
    say(held, "drop", "1", "--reason", "x", "--recipient", AN)
    rows = json.loads(held.psql(restore_database.SINCE.format(seq=0)))
    told = [restore_database.told(row) for row in rows if row["object"] == "held"]
    assert len(told) == 1
    assert "thư bị giữ số 1: quyết định hủy, người thực hiện lan" in told[0]


# --- the letter ---


def row(number: int, **more: Any) -> held_messages.HeldMessage:
    given = {
        "news": True, "kind": "secrecy", "title": "Dấu mật", "login": "ha1@hanam.gov.vn", "sender": "so@hanam.gov.vn",
        "arrived_at": datetime(2026, 11, 29, 1, tzinfo=UTC), "lost": False, "held": 2, "releasing": 0, "doubt": 0,
        "failure": None, **more,
    }  # fmt: skip
    return held_messages.HeldMessage(number, **given)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (row(1), "số 1: Dấu mật; của ha1@hanam.gov.vn; 2 người nhận chờ quyết định"),
        (row(2, news=False, login=""), "số 2: Dấu mật; của so@hanam.gov.vn; 2 người nhận chờ quyết định (nhắc lại)"),
        (row(3, held=0, doubt=1, failure="550 no"), "1 người nhận không rõ đã nhận chưa; chưa gửi được: 550 no"),
        (row(4, lost=True, login="", sender=""), "của (không có người gửi)"),
    ],
)
def test_the_operator_reads_what_to_do_with_each(one: held_messages.HeldMessage, words: str) -> None:
    assert words in one.text


def test_a_flood_of_held_messages_is_one_letter() -> None:
    from tests.unit.host.test_jobs import CONFIGURATION

    text = held_messages.letter([row(number) for number in range(1000)], CONFIGURATION)
    body = text.get_content()
    assert "Có 1000 thư bị giữ" in text["Subject"]
    assert "và 950 thư nữa" in body
    assert body.count("Dấu mật") == 50
