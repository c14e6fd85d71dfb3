"""Every refusal of the mail server, which is ASCII, has its sentence in Vietnamese in the webmail."""

import re
from collections.abc import Iterator

import yaml

from hanam_lab.paths import REPOSITORY
from hanam_mail.host.scheduled import refusals
from hanam_mail.registry.search import bare

PLUGIN = REPOSITORY / "roles/roundcube/files/hanam/hanam_refusals.php"
# Told to servers outside only: our people's mail is not judged by these.
OUTSIDE = {
    "rspamd_text_ours",
    "rspamd_text_denied",
    "rspamd_text_dmarc",
    "rspamd_text_forwarded_in",
    "rspamd_text_private_service",
}
# Follows each of them.
HELP = {"rspamd_help_text"}
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
# Where the filter's and the mail store's words stand, and what the province says in their place.
SETTINGS = [f"{place}/{role}" for place in ("roles", "wiring") for role in ("rspamd", "dovecot")]
# Replies that are written where they are given.
WRITTEN = (
    "roles/dovecot/templates/parts/mail.conf.j2",
    "roles/postfix/templates/main.cf.j2",
    "roles/postfix/templates/parts/submission.cf.j2",
    "roles/postfix/templates/reject-footers.j2",
    "src/hanam_mail/sql/functions/70_postfix.sql",
    "src/hanam_mail/sql/functions/72_sending.sql",
)
_REPLY = re.compile(r"(?:(?:[245]\d\d )?[245]\.\d\.\d |REJECT )([^'\n]+ / [^'{}\n]+)|'(Da gui [^']+)'|say\('([^']+)'")


def sentences() -> set[str]:
    return {bare(sentence) for sentence in refusals.table()["sentences"]}


def replies() -> Iterator[tuple[str, str]]:
    """(where, text) of what our people may be told; the sentence takes over a limit that stands in it."""
    for name in SETTINGS:
        place, role = name.split("/")
        file = f"roles/{role}/defaults/main.yml" if place == "roles" else f"group_vars/all/wiring/{role}.yml"
        for setting, value in yaml.safe_load((REPOSITORY / file).read_text()).items():
            if "_text" in setting and isinstance(value, str) and " / " in value and setting not in OUTSIDE | HELP:
                yield f"{file}: {setting}", value
    for file in WRITTEN:
        for found in _REPLY.findall((REPOSITORY / file).read_text()):
            yield file, "".join(found)


def test_every_reply_of_ours_has_its_sentence_with_accents() -> None:
    known, told = sentences(), list(replies())
    assert len(told) >= 20
    assert {where.partition(":")[0] for where, _ in told} >= {*WRITTEN, "group_vars/all/wiring/rspamd.yml"}

    def is_known(text: str) -> bool:
        return any(bare(half.partition("{{")[0]) in known for half in text.split(" / "))

    unknown = {text.partition(" / ")[0].strip(): where for where, text in told if not is_known(text)}
    assert unknown.keys() == ELSEWHERE.keys(), unknown


def test_every_sentence_bears_its_accents() -> None:
    table = refusals.table()
    told = [*table["sentences"], *(sentence for _, sentence in table["codes"])]
    assert len(told) >= 40 and [sentence for sentence in told if sentence.isascii()] == []


def test_the_webmail_reads_the_table_that_the_sender_of_scheduled_letters_has() -> None:
    assert "'/refusals.json'" in PLUGIN.read_text()
    rows = yaml.safe_load((REPOSITORY / "roles/roundcube/vars/main.yml").read_text())["_roundcube_files"]
    (source,) = (row["file"] for row in rows if row.get("dest", "").endswith("/refusals.json"))
    assert source == "{{ _roundcube_source }}/host/scheduled/refusals.json"
