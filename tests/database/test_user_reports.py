"""What people report by the webmail's button: taken once, told, answered, counted, forgotten (Đ10.6, Đ12.8)."""

import email
import email.policy
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import yaml

from hanam_mail.host.backup import restore_database
from tests import smtp_server
from tests.database.databases import StatementError
from tests.database.scratch import Scratch, person, registry
from tests.database.world import quoted
from tests.unit.host.test_jobs import CONFIGURATION

pytestmark = [pytest.mark.dieu10, pytest.mark.dieu12]

HA1, AGENCY = "ha1@hanam.gov.vn", "syt@hanam.gov.vn"
MESSAGE = {
    "folder": "Hộp thư đến",
    "message_id": "<1@vay.example>",
    "author": "Vay <vay@vay.example>",
    "subject": "Vay nhanh",
    "digest": "a" * 64,
}
OLD = "update mail.user_report set at = at - interval '11 minutes' where attached = 'due'"
HOSTILE = "\x1b[2J<script>alert(1)</script> http://vay.example/\r\n\u202eHai dòng\x00".replace("\x00", "")


@pytest.fixture
def people(scratch: Scratch) -> Scratch:
    """Two people of an agency that has a mailbox, with the first as its clerk."""
    agency = {"kind": "agency", "id": "box00009", "name": "Sở Y tế", "address": "syt", "clerks": ["box00001"]}
    scratch.apply(registry(person(1), person(2), person(9, **agency)))
    return scratch


def take(number: int = 1, login: str = "box00001", kind: str = "spam", words: str = "", **message: Any) -> str:
    its = MESSAGE | message if kind != "fault" or message else None
    given = quoted(json.dumps(its)) if its else "null"
    return f"select * from mail.user_report_take('{login}', '{number:032x}', '{kind}', {quoted(words)}, {given})"


def hand_in(people: Scratch, statement: str) -> str:
    """A statement of the webmail's that writes."""
    return people.psql(f"begin read write; {statement}; commit", role="mail_webmail")


def report(people: Scratch, *words: Any, **more: Any) -> str:
    return hand_in(people, take(*words, **more))


def column(people: Scratch, name: str) -> str:
    return people.psql(f"select {name} from mail.user_report order by number")


# --- Taken ---


def test_dieu_12_8_a_report_is_kept_with_who_what_and_where_and_names_the_agencys_mailbox(people: Scratch) -> None:
    assert report(people, words="Thư lừa đảo") == f"1|new|{{{AGENCY}}}"
    row = people.psql(
        "select reporter_id, mailbox_id, agency_id, kind, words, folder, message_id, author, subject, attached, state"
        " from mail.user_report"
    )
    assert row == (
        "box00001|box00001|k7q2m4|spam|Thư lừa đảo|Hộp thư đến|<1@vay.example>|Vay <vay@vay.example>|Vay nhanh|due|new"
    )


def test_a_clerk_reports_mail_of_the_agency_as_himself(people: Scratch) -> None:
    assert report(people, login="box00009*box00001") == f"1|new|{{{AGENCY}}}"
    assert column(people, "reporter_id, mailbox_id") == "box00001|box00009"
    assert report(people, 2, login="box00009*box00002") == "|none|{}", "no clerk of it"
    assert report(people, 3, login="khong.co") == "|none|{}"


def test_a_double_click_and_the_same_message_once_more_are_one_report(people: Scratch) -> None:
    assert report(people).startswith("1|new|")
    assert report(people) == "1|known|{}"
    assert report(people, 2) == "1|known|{}", "the same message under the same kind, while it waits"
    moved = {"folder": "Junk", "author": "khác", "subject": "khác"}
    assert report(people, 6, **moved) == "1|known|{}", "the same where it lies now"
    assert report(people, 3, kind="unlawful").startswith("2|new|")
    assert report(people, 4, login="box00002").startswith("3|new|"), "somebody else's"
    people.psql("select mail.user_report_answer(1, 'Đã chặn')", role="mail_apply")
    assert report(people, 5).startswith("4|new|"), "it came again"
    assert people.psql("select count(*) from mail.notice where kind = 'user_report'") == "4"


def test_another_letter_with_the_same_message_id_is_a_report_of_its_own(people: Scratch) -> None:
    assert report(people).startswith("1|new|")
    assert report(people, 2, digest="b" * 64).startswith("2|new|")
    assert report(people, 3, digest="").startswith("3|new|"), "one that cannot be told apart"
    assert column(people, "message_id").splitlines() == ["<1@vay.example>"] * 3
    with pytest.raises(StatementError, match="digest"):
        report(people, 4, digest="c")


def test_what_ended_before_the_message_was_sent_on_is_sent_on_with_the_next_try(people: Scratch) -> None:
    report(people)
    assert report(people) == "1|known|{}", "the first may still be at it"
    people.psql(OLD)
    assert report(people) == f"1|again|{{{AGENCY}}}"
    assert report(people, 2) == f"1|again|{{{AGENCY}}}"
    hand_in(people, "select mail.user_report_attached('box00001', 1, true, '')")
    assert report(people) == "1|known|{}"


def test_clicks_at_the_same_moment_are_one_report(people: Scratch) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: report(people), range(8)))
    assert sorted(answers) == [*["1|known|{}"] * 7, f"1|new|{{{AGENCY}}}"]


def test_a_fault_needs_words_and_other_kinds_a_message(people: Scratch) -> None:
    assert report(people, kind="fault", words=" \n ") == "|none|{}"
    assert report(people, kind="fault", words="Không tải được tệp").startswith("1|new|")
    assert column(people, "attached, message") == "none|f"
    none = take(2, kind="spam").replace(quoted(json.dumps(MESSAGE)), "null")
    assert hand_in(people, none) == "|none|{}"
    with pytest.raises(StatementError, match="kind"):
        report(people, 3, kind="khac")


def test_a_person_reports_so_often_in_a_day(people: Scratch) -> None:
    people.psql("update mail.setting set value = '2' where name = 'user_reports_a_day'")
    for number in (1, 2):
        assert "|new|" in report(people, number, digest=f"{number:064x}")
    assert report(people, 3, digest="3" * 64) == "|limit|{}"
    assert report(people, 1, digest="1" * 64) == "1|known|{}", "a repeated click is no further report"
    assert "|new|" in report(people, 4, login="box00002")
    people.psql("update mail.user_report set at = at - interval '1 day'")
    assert "|new|" in report(people, 5, digest="5" * 64)


def test_what_is_written_is_bounded_and_has_no_signs_that_end_a_line(people: Scratch) -> None:
    report(people, words=HOSTILE + "a" * 9000, subject=HOSTILE + "b" * 9000, author="x\r\nBcc: ai@x")
    assert column(people, "length(words), length(subject)") == "2000|500"
    assert column(people, "words ~ '[\\u0001-\\u0009\\u000b-\\u001f]', subject ~ '[[:cntrl:]]'") == "f|f"
    assert column(people, "author") == "x Bcc: ai@x"
    assert "Hai dòng" in column(people, "words")


def test_a_virus_is_not_to_be_sent_on_and_what_became_of_others_is_noted_once(people: Scratch) -> None:
    report(people, kind="virus")
    assert column(people, "attached") == "kept"
    noted = "select mail.user_report_attached('{}', {}, {}, '554 5.7.1 Thư có virus')"
    hand_in(people, noted.format("box00001", 1, "true"))
    assert column(people, "attached") == "kept"
    report(people, 2)
    hand_in(people, noted.format("box00002", 2, "true"))
    assert column(people, "attached").splitlines()[1] == "due", "not his"
    hand_in(people, noted.format("box00001", 2, "false"))
    hand_in(people, noted.format("box00001", 2, "true"))
    assert column(people, "attached, fault").splitlines()[1] == "refused|554 5.7.1 Thư có virus"


def test_the_webmail_reads_no_report_and_nobody_else_takes_one(people: Scratch) -> None:
    report(people)
    for statement in ("select * from mail.user_report", "select mail.user_report_answer(1, 'x')"):
        with pytest.raises(StatementError, match="permission denied"):
            people.psql(statement, role="mail_webmail")
    with pytest.raises(StatementError, match="permission denied"):
        people.psql("select number from mail.user_report", role="mail_report")
    with pytest.raises(StatementError, match="permission denied"):
        people.psql(take(2), role="mail_change")
    assert people.psql("select count(*) from mail.user_report", role="mail_backup") == "1", "it is in the backup"


# --- Letters ---


@pytest.fixture
def letters(people: Scratch, tmp_path: Path) -> Iterator[Any]:
    """Runs the job; the letters by receiver that a server took in it."""
    with smtp_server.running() as mailbox:
        host, port = mailbox.address
        file = tmp_path / "jobs.yml"
        file.write_text(yaml.safe_dump({**asdict(CONFIGURATION), "smtp_host": host, "smtp_port": port}))

        def run() -> dict[str, EmailMessage]:
            done = people.command("notices", str(file), "--json", role="mail_jobs")
            assert done.status == 0, done.complaint
            found = {}
            for _, receivers, octets in mailbox.taken:
                for receiver in receivers:
                    letter = email.message_from_bytes(octets.replace(b"\r\n..", b"\r\n."), policy=email.policy.default)
                    assert isinstance(letter, EmailMessage)
                    found[receiver.partition("<")[2].partition(">")[0]] = letter
            mailbox.taken.clear()
            return found

        yield run


def test_dieu_12_8_the_person_his_agency_and_the_operator_hear_of_it_once_by_number(
    people: Scratch, letters: Any
) -> None:
    report(people, words="Thư này\nmời chuyển tiền")
    hand_in(people, "select mail.user_report_attached('box00001', 1, true, '')")
    told = letters()
    assert told.keys() == {HA1, AGENCY, CONFIGURATION.operator}
    text = told[HA1].get_content()
    assert told[HA1]["Subject"] == f"Báo cáo số 1 của {HA1}: thư rác"
    assert "mang số 1." in text
    assert "Thư này\nmời chuyển tiền" in text.replace("\r\n", "\n")
    assert "Vay nhanh" in text
    assert f"hộp thư {HA1}, thư mục Hộp thư đến" in text
    assert "gửi kèm trong một thư riêng" in text
    assert letters() == {}


def test_a_letter_says_where_a_message_lies_that_was_not_sent_on(people: Scratch, letters: Any) -> None:
    report(people, kind="virus")
    assert "không được gửi kèm, để mã độc không đi tiếp" in letters()[AGENCY].get_content()
    report(people, 2)
    hand_in(people, "select mail.user_report_attached('box00001', 2, false, 'Thư quá lớn')")
    assert "không gửi kèm được (Thư quá lớn)" in letters()[AGENCY].get_content()
    report(people, 3, kind="unlawful")
    assert letters() == {}, "not known yet"
    people.psql(OLD)
    assert "chưa gửi kèm được" in letters()[AGENCY].get_content()
    report(people, 4, kind="fault", words="Hỏng")
    assert "Báo cáo này không kèm thư nào." in letters()[AGENCY].get_content()


def test_no_letter_makes_a_link_or_a_header_of_what_others_wrote_nor_is_held_for_it(
    people: Scratch, letters: Any
) -> None:
    report(people, kind="virus", words=HOSTILE + "\nXem vay.example", subject=HOSTILE, author="A\r\nBcc: x@y.example")
    letter = letters()[CONFIGURATION.operator]
    text = letter.get_content()
    assert "Bcc" not in letter
    for link in ("http://", "vay.example", "y.example"):
        assert link not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    report(people, 2, kind="virus", digest="b" * 64, words="Độ mật: TUYỆT MẬT\nTUYỆT MẬT", subject="TUYỆT MẬT")
    text = letters()[CONFIGURATION.operator].get_content()
    assert "TUYỆT MẬT" not in text
    assert "(không hiển thị)" in text


def test_notices_and_the_audit_keep_no_words(people: Scratch) -> None:
    report(people, words="Bí quyết", subject="Bí quyết")
    people.psql("select mail.user_report_answer(1, 'Bí quyết')", role="mail_apply")
    kept = people.psql("select payload from mail.notice") + people.psql("select before, after from mail.audit")
    assert "Bí quyết" not in kept
    assert people.psql("select count(*) from mail.audit where object = 'user_report'") == "2"


# --- The operator ---


def ask(people: Scratch, *words: str) -> dict[str, Any]:
    done = people.command("complaints", *words, "--actor", "lan", "--json")
    assert done.status == 0, done.complaint
    return done.json


def say(people: Scratch, *words: str) -> str:
    done = people.command("complaints", *words, "--actor", "lan")
    assert done.status == 0, done.complaint
    return done.output


def refusal(people: Scratch, *words: str, stdin: bytes = b"") -> str:
    done = people.command("complaints", *words, "--actor", "lan", stdin=stdin)
    assert done.status == 1, done.output
    return done.complaint


def test_the_list_shows_what_waits_and_no_words_of_anybody(people: Scratch) -> None:
    assert "không có báo cáo nào" in say(people, "list")
    report(people, words="Lời riêng")
    report(people, 2, kind="fault", words="Hỏng", login="box00002")
    text = say(people, "list")
    assert f"thư rác; mới; {HA1}; Sở Y tế" in text
    assert "Lời riêng" not in text
    assert "Vay" not in text
    assert [each["number"] for each in ask(people, "list", "--kind", "fault")["reports"]] == [2]
    say(people, "answer", "1", "--text", "Đã chặn")
    assert [each["number"] for each in ask(people, "list")["reports"]] == [2]
    assert len(ask(people, "list", "--all")["reports"]) == 2


def test_who_looks_at_a_report_has_seen_it_and_the_terminal_obeys_nothing(people: Scratch) -> None:
    people.psql(
        "insert into mail.user_report (reporter_id, mailbox_id, token, kind, words, message, subject, attached)"
        f" values ('box00001', 'box00001', '{1:032x}', 'spam', E'a\\x1b[2Jb', true, E'\\u202ex\\x1b]0;y\\x07', 'due')"
    )
    text = say(people, "show", "1")
    assert "a?[2Jb" in text
    assert not set("\x1b\x07\u202e") & set(text)
    assert column(people, "state, seen_by") == "seen|lan"
    assert ask(people, "show", "1")["changed"] is False
    assert "không có báo cáo nào mang số 9" in refusal(people, "show", "9")


def test_an_answer_goes_to_the_person_once(people: Scratch, letters: Any) -> None:
    report(people, kind="virus")
    letters()
    assert "cần nội dung" in refusal(people, "answer", "1", "--text", " ")
    assert "cần nội dung" in refusal(people, "answer", "1", stdin=b"\n")
    assert "nhiều nhất 4000" in refusal(people, "answer", "1", "--text", "a" * 4001)
    assert "độ mật" in refusal(people, "answer", "1", "--text", "TUYỆT MẬT\nTUYỆT MẬT")
    assert ask(people, "answer", "1", "--text", "Đã chặn người gửi.")["changed"] is True
    assert ask(people, "answer", "1", "--text", "Đã chặn người gửi.")["changed"] is False
    assert "không trả lời lần nữa" in refusal(people, "answer", "1", "--text", "Khác")
    told = letters()
    assert told.keys() == {HA1, AGENCY}
    assert told[HA1]["Subject"] == f"Trả lời báo cáo số 1 của {HA1}: virus, mã độc"
    assert "Đã chặn người gửi." in told[HA1].get_content()
    assert letters() == {}
    assert column(people, "state, answered_by") == "answered|lan"


def test_a_report_is_closed_after_its_answer_or_for_a_reason(people: Scratch) -> None:
    report(people)
    report(people, 2, kind="unlawful")
    assert "nêu lý do" in refusal(people, "close", "1")
    say(people, "answer", "2", "--text", "Đã xử lý")
    assert ask(people, "close", "1", "--reason", "Gửi nhầm")["changed"] is True
    assert ask(people, "close", "2")["changed"] is True
    assert ask(people, "close", "2")["changed"] is False
    assert "kết thúc" in refusal(people, "answer", "1", "--text", "Muộn")
    assert "không có báo cáo" in refusal(people, "close", "9", "--reason", "x")
    assert "Lý do kết thúc: Gửi nhầm" in say(people, "show", "1")


def test_reports_are_counted_by_agency_and_kind(people: Scratch) -> None:
    report(people)
    report(people, 2, kind="virus")
    report(people, 3, login="box00002")
    say(people, "answer", "1", "--text", "Đã chặn")
    assert "Sở Y tế (syt): thư rác 2, chưa trả lời 1" in say(people, "count")
    assert f"{HA1}: thư rác 1\n" in say(people, "count", "--agency", "syt") + "\n"
    people.psql("update mail.user_report set at = at - interval '31 days'")
    assert "trong 30 ngày qua không có báo cáo nào của người dùng" in say(people, "count")
    assert "không có cơ quan nào mang mã khac" in refusal(people, "count", "--agency", "khac")


# --- Time ---


def test_a_number_that_letters_name_never_means_another_report_after_a_restore(people: Scratch) -> None:
    report(people)
    people.psql(restore_database.NUMBERS)
    assert report(people, 2, kind="unlawful").startswith("100002|new|")


def test_dieu_6_2_words_go_with_the_mailbox_and_counts_stay(people: Scratch) -> None:
    report(people, words="Lời riêng")
    report(people, 2, login="box00009*box00001", words="Của cơ quan")
    report(people, 3, login="box00002", words="Người khác")
    people.psql(
        "update mail.mailbox_clerk set clerk_id = 'box00002';"
        " update mail.mailbox set state = 'revoked' where id = 'box00001'"
    )
    people.psql("select mail.mailbox_purge('box00001')")
    left = people.psql("select words, author, subject, message_id from mail.user_report order by number").splitlines()
    assert left[:2] == ["|||", "|||"]
    assert left[2].startswith("Người khác|")
    assert column(people, "kind").splitlines() == ["spam"] * 3
    taken = "mail.notice_take('box00001', 'user_report', '1')"
    waiting = people.psql(f"select payload ->> 'words', payload ->> 'subject' from {taken}")
    assert waiting == "|", "a letter that waited has them no more"


def test_old_reports_are_forgotten_but_none_that_waits(people: Scratch) -> None:
    for number in (1, 2, 3):
        report(people, number, digest=f"{number:064x}")
    say(people, "answer", "1", "--text", "Đã chặn")
    say(people, "close", "2", "--reason", "Nhầm")
    days = int(people.psql("select mail.setting_int('user_reports_keep_days')"))
    assert people.psql("select mail.user_reports_prune()", role="mail_jobs") == "0"
    people.psql(f"update mail.user_report set at = now() - interval '{days + 1} days'")
    assert people.psql("select mail.user_reports_prune()", role="mail_jobs") == "2"
    assert column(people, "number") == "3"
