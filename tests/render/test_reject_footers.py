"""What Postfix itself refuses is said in Vietnamese too, in one line of ASCII, with whom to ask (Đ10.8)."""

import re
from typing import Any

import pytest

pytestmark = pytest.mark.dieu10

# As Postfix writes them (smtpd.c, smtpd_check.c, smtpd_sasl_glue.c), and words of what is added.
REPLIES = {
    "550 5.1.1 <a@hanam.gov.vn>: Recipient address rejected: User unknown": "khong co dia chi nguoi nhan",
    "504 5.5.2 <a>: Recipient address rejected: need fully-qualified address": "co @ va ten mien",
    "504 5.5.2 <a>: Sender address rejected: need fully-qualified address": "co @ va ten mien",
    "501 5.1.3 Bad recipient address syntax": "dia chi thu viet sai",
    "501 5.1.7 Bad sender address syntax": "dia chi thu viet sai",
    "553 5.6.7 Must declare SMTPUTF8 to send unicode address": "phai dung SMTPUTF8",
    "553 5.7.1 <a@hanam.gov.vn>: Sender address rejected: not owned by user b1": "khong thuoc hop thu da dang nhap",
    "553 5.7.1 <a@hanam.gov.vn>: Sender address rejected: not logged in": "phai dang nhap",
    "554 5.7.1 <a@ngoai.example>: Recipient address rejected: Access denied": "phai dang nhap",
    "554 5.7.1 <a@ngoai.example>: Relay access denied": "o cong 465 hoac 587",
    "503 5.5.1 Error: authentication not enabled": "xin dung cong 465 hoac 587",
    "530 5.7.0 Must issue a STARTTLS command first": "STARTTLS truoc",
    "535 5.7.8 Error: authentication failed: (reason unavailable)": "xin kiem tra dia chi va mat khau",
    "454 4.7.0 Temporary authentication failure: Connection lost to authentication server": "tam thoi",
    "552 5.3.4 Message size exceeds fixed limit": "thu qua lon",
    "552 5.3.4 Error: message file too big": "thu qua lon",
    "452 4.5.3 Error: too many recipients": "qua nhieu nguoi nhan",
    "452 4.3.1 Insufficient system storage": "het cho chua thu",
    "450 4.7.1 Error: too much mail from 198.51.100.7": "qua nhieu lan",
    "450 4.7.1 Error: too many AUTH commands from 198.51.100.7": "qua nhieu lan",
    "421 4.7.0 mail.hanam.gov.vn Error: too many connections from 198.51.100.7": "qua nhieu lan",
    "421 4.4.2 mail.hanam.gov.vn Error: timeout exceeded": "xin thu lai sau",
    "451 4.3.0 <a@hanam.gov.vn>: Temporary lookup failure": "xin thu lai sau",
    "450 4.1.8 <a@khong.example>: Sender address rejected: Domain not found": "xin thu lai sau",
    "554 5.5.1 Error: no valid recipients": "khong chap nhan",
}
OURS = "550 5.2.1 <a@hanam.gov.vn>: Recipient address rejected: Hop thu da bi thu hoi / Mailbox has been closed"
HELP = r"\. Ho tro / help: \S+@\S+, [0-9 ]+"


def footer(table: str, reply: str) -> str | None:
    """What a table adds to a reply, as regexp_table(5) says."""
    passed = False
    for line in table.splitlines():
        if line == "endif":
            passed = False
        elif condition := re.fullmatch(r"if !/(.+)/", line):
            passed = re.search(condition[1], reply, re.I) is not None
        elif (row := re.fullmatch(r"/([^/]+)/\s+(.+)", line)) and not passed and re.search(row[1], reply, re.I):
            return row[2]
    return None


@pytest.fixture(scope="module")
def tables(environment: Any) -> dict[str, str]:
    """By the service of Postfix that answers."""
    here = environment("lab")
    host = here.hosts("submission")[0]
    main, master = (here.render("postfix", name, host) for name in ("main.cf.j2", "master.cf.j2"))
    names = {"smtp": re.findall(r"^smtpd_reject_footer_maps = regexp:\$config_directory/(\S+)$", main, re.M)}
    for service in ("submissions", "submission"):
        options = re.findall(rf"^{service} .*\n((?:    .*\n|#.*\n)+)", master, re.M)[0]
        names[service] = re.findall(r"-o smtpd_reject_footer_maps=regexp:\$config_directory/(\S+)", options)
    rows = {row["dest"].rpartition("/")[2]: row for row in here.items("postfix", "reject-footers.j2")}
    return {
        service: here.render("postfix", "reject-footers.j2", host, rows[name]) for service, (name,) in names.items()
    }


@pytest.mark.parametrize("service", ["smtp", "submissions", "submission"])
def test_each_reply_of_postfixs_own_has_a_sentence_in_vietnamese_and_whom_to_ask(
    tables: dict[str, str], service: str
) -> None:
    for reply, words in REPLIES.items():
        added = footer(tables[service], reply) or ""
        assert re.fullmatch(rf"\\c / [a-zA-Z0-9@,. ()]*{words}.*{HELP}", added), reply
        assert added.isascii()
        # RFC 5321, 4.5.3.1.5; the longest address there is would still fit.
        assert len(reply) + len(added) + 254 < 512


def test_who_sends_from_here_is_told_what_may_be_attached_and_who_writes_to_us_is_not(
    environment: Any, tables: dict[str, str]
) -> None:
    limit = environment("lab").value("postfix", "regulation_attachment_limit_bytes", "mail") // 2**20
    told = {service: footer(table, "552 5.3.4 Message size exceeds fixed limit") for service, table in tables.items()}
    assert [service for service, text in told.items() if f"toi da {limit} MB" in str(text)] == [
        "submissions",
        "submission",
    ]


def test_a_reply_in_both_languages_ends_with_whom_to_ask_alone(environment: Any, tables: dict[str, str]) -> None:
    assert {footer(table, OURS) for table in tables.values()} == {None}
    here = environment("lab")
    assert re.search(
        rf"^smtpd_reject_footer = \\c{HELP}$", here.render("postfix", "main.cf.j2", here.hosts("mx")[0]), re.M
    )
