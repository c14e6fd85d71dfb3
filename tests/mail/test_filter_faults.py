"""A rule of the filter that fails lets nothing pass: the letter waits, and the log says why (Đ4.2, Đ4.6, Đ10.6)."""

import re
import smtplib
from collections.abc import Iterator

import pytest

from tests import journal
from tests.containers import encrypted_ooxml
from tests.lab import Lab, Sample, message, wait_for

pytestmark = [pytest.mark.dieu4, pytest.mark.dieu10, pytest.mark.provokes(journal.FILTER_AWAY)]

STRANGER = "nguoi.gui@client.example"
RULES = "/etc/rspamd/lua.local.d"


def restart(lab: Lab) -> None:
    lab.run("filter", "systemctl restart rspamd.service")
    lab.wait_for_filter()


@pytest.fixture
def rules_that_fail(lab: Lab) -> Iterator[list[str]]:
    """Each rule fails, just before its end, for a letter that asks for it."""
    lab.run("filter", f"cp -a {RULES} /root/rules")
    fail = 'if task:get_header("X-Fail") == name then error("made to fail") end'
    lab.run("filter", f"sed -i '/^local function finished(/a {fail}' {RULES}/*.lua")
    try:
        restart(lab)
        guard = lab.look_at("filter").file(f"{RULES}/guard.lua").content_string
        yield re.findall(r'"(\w+)"', guard.partition("local RULES = {")[2].partition("}")[0])
    finally:
        lab.run("filter", f"cp -a /root/rules/. {RULES} && rm -r /root/rules")
        restart(lab)


def answer(client: smtplib.SMTP, sender: str, recipient: str, content: bytes) -> tuple[int, str]:
    try:
        client.sendmail(sender, [recipient], content)
    except smtplib.SMTPResponseException as refusal:
        text = refusal.smtp_error
        return refusal.smtp_code, text.decode("ascii") if isinstance(text, bytes) else text
    return 250, ""


def test_letter_waits_whichever_rule_of_the_filter_fails(
    lab: Lab, sender: Sample, recipient: Sample, rules_that_fail: list[str]
) -> None:
    def letter(author: str, rule: str) -> bytes:
        mail = message(author, recipient.address)
        mail["X-Fail"] = rule
        return mail.as_bytes()

    assert len(rules_that_fail) >= 10
    answers = {}
    for rule in (*rules_that_fail, "none"):
        with lab.smtp() as outside, lab.submission(sender.address, sender.password) as inside:
            answers[rule] = (
                answer(outside, STRANGER, recipient.address, letter(STRANGER, rule)),
                answer(inside, sender.address, recipient.address, letter(sender.address, rule)),
            )
    assert answers.pop("none") == ((250, ""), (250, ""))
    scanner = answers.pop("VIRUS_SCAN")
    assert [(code, "Chua quet duoc virus" in text) for code, text in scanner] == [(451, True)] * 2
    passed = {
        rule: pair
        for rule, pair in answers.items()
        if any(code != 451 or "Bo loc thu dang co loi" not in text for code, text in pair)
    }
    assert passed == {}
    log = lab.run("filter", "journalctl --sync; journalctl -u rspamd.service --since=-5min -o cat")
    assert {rule for rule in rules_that_fail if f"guard: {rule} did not come to its end" not in log} == set()


def test_letter_waits_when_a_rule_is_not_there(lab: Lab, recipient: Sample) -> None:
    name = f"{RULES}/mime_structure.lua"
    lab.run("filter", f"mv {name} /root/rule")
    try:
        restart(lab)
        with lab.smtp() as client:
            mail = message(STRANGER, recipient.address).as_bytes()
            code, text = answer(client, STRANGER, recipient.address, mail)
    finally:
        lab.run("filter", f"mv /root/rule {name}")
        restart(lab)
    assert (code, "Bo loc thu dang co loi" in text) == (451, True)


@pytest.mark.parametrize("content", [b"", b"\r\n", b"\r\nKinh gui\r\n"], ids=["nothing", "blank", "no header"])
def test_message_without_a_header_is_judged_like_others(lab: Lab, recipient: Sample, content: bytes) -> None:
    with lab.smtp() as client:
        code, text = answer(client, STRANGER, recipient.address, content)
    assert (code, "Dong From" in text) == (554, True), text


def test_what_the_scanner_is_to_read_as_a_file_is_gone_afterwards_and_letters_wait_when_it_cannot_be_written(
    lab: Lab, recipient: Sample
) -> None:
    spool = lab.look_at("filter").file("/var/cache/rspamd/scan")
    mail = message(STRANGER, recipient.address)
    mail.add_attachment(encrypted_ooxml(), maintype="application", subtype="octet-stream", filename="a.docx")
    assert (spool.user, spool.group, spool.mode) == ("_rspamd", "clamav", 0o2750)

    def bring() -> tuple[int, str]:
        with lab.smtp() as client:
            return answer(client, STRANGER, recipient.address, mail.as_bytes())

    assert bring() == (250, "")
    assert spool.listdir() == []
    lab.run("filter", f"mv {spool.path} {spool.path}.away")
    try:
        code, text = bring()
    finally:
        lab.run("filter", f"mv {spool.path}.away {spool.path}")
    assert (code, "Chua quet duoc virus" in text) == (451, True)


def test_letter_that_a_process_left_behind_as_it_died_goes_and_none_that_is_being_read(lab: Lab) -> None:
    old, new = (f"/var/cache/rspamd/scan/{name}" for name in ("old", "new"))
    lab.run("filter", f"install -o _rspamd -g clamav -m 640 /dev/null {old} && cp -a {old} {new}")
    try:
        lab.run("filter", f"touch -d '-10 minutes' {old}; touch {new}")
        period = lab.variables["rspamd_scan_timeout"]
        wait_for(lambda: not lab.look_at("filter").file(old).exists, "its end", 2 * period + 5)
        assert lab.look_at("filter").file(new).exists
    finally:
        lab.run("filter", f"rm -f {old} {new}")
