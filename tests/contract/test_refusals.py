"""Every refusal of the mail server is ASCII and in two languages, and has its sentence with accents for officials."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hanam_lab.paths import REPOSITORY
from hanam_mail.alphabet import without_accents
from hanam_mail.host.scheduled import refusals

PLUGIN = REPOSITORY / "roles/roundcube/files/hanam/hanam_refusals.php"
# Told to servers outside only: our people's mail is not judged by these.
OUTSIDE = {
    "rspamd_text_ours",
    "rspamd_text_denied",
    "rspamd_text_dmarc",
    "rspamd_text_forwarded_in",
    "rspamd_text_private_service",
}
# Replies of Postfix for which the webmail has no sentence, by what stands before the other language, and why.
ELSEWHERE = {
    # To servers outside, on port 25, or to machines of private providers.
    "HELO name too long": "no program of ours greets there",
    "not yours: name of our domain": "no program of ours writes there",
    "cong nay chi nhan thu gui den": "the webmail sends by submission",
    "cong nay khong co dang nhap, xin dung cong": "the webmail sends by submission",
    "private provider may not send official mail, remove this account there": "the webmail's hosts are none",
    # To the sign-in, about which Roundcube has its own words.
    "dang nhap khong thanh cong, xin kiem tra dia chi va mat khau": "smtpautherror",
    "phai dang nhap truoc khi gui thu": "smtpautherror",
    "phai ma hoa bang STARTTLS truoc": "smtpconnerror",
    # Here the code says as much or more (the table's codes, LATER, NEVER).
    "khong co dia chi nguoi nhan nay, xin kiem tra lai tung chu": "5.1.1, with the address",
    "thu co qua nhieu nguoi nhan, xin chia thanh nhieu thu": "4.5.3",
    "thu qua lon": "5.3.4; submission says more",
    "may chu tam thoi chua thuc hien duoc, xin thu lai sau it phut": "any other 4xx",
    "may chu khong chap nhan": "any other 5xx",
}
# Settings that are replies, by their names, whatever they hold; and those that follow a reply: whom to ask.
_SETTING = re.compile(r"(?:rspamd_text_\w+|(?:rspamd|dovecot|postfix)_\w+_text)")
HELP = {"rspamd_help_text", "postfix_help_text"}
# Where replies are written that are no settings: all of these are searched, and in these some are.
SOURCES = ("roles/dovecot/templates/**/*.j2", "roles/postfix/templates/**/*.j2", "src/hanam_mail/sql/functions/*.sql")
WRITTEN = {
    "roles/dovecot/templates/parts/mail.conf.j2",
    "roles/postfix/templates/main.cf.j2",
    "roles/postfix/templates/parts/submission.cf.j2",
    "roles/postfix/templates/reject-footers.j2",
    "src/hanam_mail/sql/functions/70_postfix.sql",
    "src/hanam_mail/sql/functions/72_sending.sql",
}
# Takes over a setting's: dovecot_quota_full_text.
TAKEN_OVER = "%{error}"
_WRITTEN = re.compile(r"(?:\b[245]\d\d [245]\.\d\.\d+|\b(?:REJECT|DEFER\w*))(?:\s+(.*)|$)")
_IN_SQL = re.compile(r"'(?:[245]\d\d )?[245]\.\d\.\d+ ((?:[^']|'')*)'")
# Follows a reply of Postfix's own, which is English.
_FOLLOWING = re.compile(r"{{ say\((.*)\) }}")
# A limit follows its sentence, and is the policy's to say.
_LIMIT = re.compile(r"(?: 9 MB)?$")


def known() -> set[str]:
    return {without_accents(sentence).lower() for sentence in refusals.table()["sentences"]}


def fault(text: Any, *, following: bool = False) -> str:
    """What is wrong with the form of a reply, or of the half that follows one of Postfix's own; "" when it is well."""
    if not isinstance(text, str) or not text.strip():
        return "says nothing"
    if not text.isascii():
        return "not ASCII"
    halves = text.split(" / ")
    if len(halves) != (1 if following else 2):
        return "not in two languages"
    # Of templates' values none is a word.
    return "" if all(re.search(r"[A-Za-z]{2}", half) for half in halves) else "a language is empty"


def has_sentence(text: str, *, following: bool = False) -> bool:
    """Whether one half, and no more, is what the table has with its accents."""
    halves = text.split(" / ")
    told = [half for half in halves if _LIMIT.sub("", half.strip()).lower() in known()]
    return len(told) == 1 and (following or len(halves) == 2)


def settings(content: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The replies of a file of settings. What a template puts in is a number here."""
    for name, value in content.items():
        if _SETTING.fullmatch(name) and name not in HELP:
            yield name, re.sub(r"{{.*?}}", "9", value) if isinstance(value, str) else value


def written(text: str, *, sql: bool = False) -> Iterator[tuple[str, bool]]:
    """The replies of a template, or of SQL; of each whether it follows one of Postfix's own."""
    if sql:
        # Literals that stand together are one.
        joined = re.sub(r"'\s*(?:\|\|)?\s*\n\s*(?:\|\|)?\s*'", "", re.sub(r"^\s*--.*$", "", text, flags=re.MULTILINE))
        yield from ((found.replace("''", "'"), False) for found in _IN_SQL.findall(joined))
        return
    for line in text.splitlines():
        if line.lstrip().startswith("#") or TAKEN_OVER in line:
            continue
        for said in _FOLLOWING.findall(line):
            yield re.sub(r"\s*~?\s*'([^']*)'|\s*~\s*[\w.]+", _literal, said), True
        # What Jinja writes to have a brace is one, its other values are numbers.
        plain = re.sub(r"{{ '([{}])' }}", r"\1", _FOLLOWING.sub("", line))
        plain = re.sub(r"{{.*?}}", "9", plain)
        if found := _WRITTEN.search(plain):
            yield re.split(r"\s*}(?:\s|$)", found[1] or "")[0], False


def _literal(piece: re.Match[str]) -> str:
    return "9" if piece[1] is None else piece[1]


def files_of_settings() -> Iterator[Path]:
    for role in ("dovecot", "postfix", "rspamd"):
        yield REPOSITORY / f"roles/{role}/defaults/main.yml"
    # What a province says in their place.
    for folder in ("group_vars", "inventory"):
        yield from (file for file in REPOSITORY.glob(f"{folder}/**/*.yml") if _SETTING.search(file.read_text()))


def replies() -> Iterator[tuple[str, Any, bool]]:
    """(where, what, whether it follows one of Postfix's own) of all that the mail system replies."""
    for file in files_of_settings():
        for name, value in settings(yaml.safe_load(file.read_text())):
            yield f"{file.relative_to(REPOSITORY)}: {name}", value, False
    for pattern in SOURCES:
        for file in sorted(REPOSITORY.glob(pattern)):
            for text, following in written(file.read_text(), sql=file.suffix == ".sql"):
                yield str(file.relative_to(REPOSITORY)), text, following


def test_every_reply_of_ours_is_ascii_and_in_two_languages() -> None:
    told = list(replies())
    assert len(told) >= 50
    assert {where for where, _, _ in told if ": " not in where} == WRITTEN
    assert {where.partition(":")[0] for where, _, _ in told if ": " in where} >= {
        "roles/rspamd/defaults/main.yml",
        "roles/dovecot/defaults/main.yml",
        "group_vars/all/refusals.yml",
    }
    faults = [(where, text, fault(text, following=following)) for where, text, following in told]
    assert [each for each in faults if each[2]] == []


def test_every_reply_to_our_people_has_its_sentence_with_accents() -> None:
    unknown = {
        re.split(r" / | 9", text)[0].strip(): where
        for where, text, following in replies()
        # What has a fault of form the test above tells.
        if where.rpartition(" ")[2] not in OUTSIDE
        and not fault(text, following=following)
        and not has_sentence(text, following=following)
    }
    assert unknown.keys() == ELSEWHERE.keys(), unknown


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Thu co virus, bi tu choi / Message refused, it carries a virus", ""),
        ("Thu co virus, bi tu choi", "not in two languages"),
        ("Message refused, it carries a virus", "not in two languages"),
        ("Thu co virus, bi tu choi /", "not in two languages"),
        ("Thu co virus, bi tu choi / ", "a language is empty"),
        (" / Message refused, it carries a virus", "a language is empty"),
        ("Thu co virus / bi tu choi / Message refused", "not in two languages"),
        ("Thư có virus, bị từ chối / Message refused, it carries a virus", "not ASCII"),
        ("Thu co virus, bi tu choi / Message refused \u2013 it carries a virus", "not ASCII"),
        ("", "says nothing"),
        (None, "says nothing"),
    ],
)
def test_each_fault_of_a_reply_is_found(text: str | None, wrong: str) -> None:
    assert fault(text) == wrong
    ((_, found),) = settings({"rspamd_text_virus": text, "rspamd_help_text": "x", "rspamd_textual": "x"})
    assert fault(found) == wrong


@pytest.mark.parametrize(
    "text",
    [
        # Its Vietnamese is lost, or no longer what the table has; its English is lost.
        "Message refused / It carries a virus",
        "Thu co vi rut, bi tu choi / Message refused, it carries a virus",
        "Thu co virus bi tu choi / Message refused, it carries a virus",
        "Thu co virus, bi tu choi / Thu co virus, bi tu choi",
    ],
)
def test_a_reply_without_its_sentence_is_found(text: str) -> None:
    assert has_sentence("Thu co virus, bi tu choi / Message refused") and not fault(text)
    assert not has_sentence(text)


@pytest.mark.parametrize(
    ("line", "text", "wrong"),
    [
        ("a = 450 4.7.1 Chi tieng Viet", "Chi tieng Viet", "not in two languages"),
        ("    { <> = REJECT English alone } }", "English alone", "not in two languages"),
        ("    regexp:{ {{ '{' }}/x/ 501 5.5.2 Too long / Qu\u00e1 d\u00e0i{{ '}' }} }", "Too long / Qu\u00e1 d\u00e0i",
         "not ASCII"),
        ("a = 550 5.7.1 At most {{ most }} MB / Toi da {{ most }} MB", "At most 9 MB / Toi da 9 MB", ""),
        ("a = 550 5.7.1 ", "", "says nothing"),
        ("a = REJECT", "", "says nothing"),
        (r"/^4/  {{ say('thử lại') }}", "th\u1eed l\u1ea1i", "not ASCII"),
        (r"/^4/  {{ say('toi da ' ~ most_mb ~ ' MB') }}", "toi da 9 MB", ""),
        (r"/^4/  {{ say('thu lai / try again') }}", "thu lai / try again", "not in two languages"),
        (r"/^4/  {{ say('') }}", "", "says nothing"),
    ],
)  # fmt: skip
def test_each_fault_of_a_reply_in_a_template_is_found(line: str, text: str, wrong: str) -> None:
    ((found, following),) = written(line)
    assert (found, fault(found, following=following)) == (text, wrong)


@pytest.mark.parametrize(
    ("sql", "text", "wrong"),
    [
        ("select '5.2.1 Hop thu / Mailbox'", "Hop thu / Mailbox", ""),
        ("select '450 4.7.1 Hop thu'\n    ' / It''s a mailbox'", "Hop thu / It's a mailbox", ""),
        ("select '450 4.7.1 Hop thu'\n    || ' / Mailbox'", "Hop thu / Mailbox", ""),
        ("select '5.2.1 Hop thu'", "Hop thu", "not in two languages"),
        ("select '5.2.1 Hộp thư / Mailbox'", "Hộp thư / Mailbox", "not ASCII"),
        ("select '450 4.7.1 ' || case x when 1 then 'Hop thu' end", "", "says nothing"),
    ],
)
def test_each_fault_of_a_reply_in_sql_is_found(sql: str, text: str, wrong: str) -> None:
    ((found, _),) = written(f"-- As '5.1.1 is' told.\n{sql};", sql=True)
    assert (found, fault(found)) == (text, wrong)


def test_every_sentence_bears_its_accents() -> None:
    table = refusals.table()
    told = [*table["sentences"], *(sentence for _, sentence in table["codes"])]
    assert len(told) >= 40 and [sentence for sentence in told if sentence.isascii()] == []


def test_the_webmail_reads_the_table_that_the_sender_of_scheduled_letters_has() -> None:
    assert "'/refusals.json'" in PLUGIN.read_text()
    rows = yaml.safe_load((REPOSITORY / "roles/roundcube/vars/main.yml").read_text())["_roundcube_files"]
    (source,) = (row["file"] for row in rows if row.get("dest", "").endswith("/refusals.json"))
    assert source == "{{ _roundcube_source }}/host/scheduled/refusals.json"
