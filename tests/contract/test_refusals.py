"""Every refusal of the mail server, which is ASCII, has its sentence in Vietnamese in the webmail."""

import re
from pathlib import Path

import yaml

from hanam_lab.paths import REPOSITORY
from hanam_mail.registry.search import bare

PLUGIN = REPOSITORY / "roles/roundcube/files/hanam/hanam_refusals.php"
# Told to servers outside only: our people's mail is not judged by these.
OUTSIDE = {"rspamd_text_ours", "rspamd_text_dmarc", "rspamd_text_forwarded_in", "rspamd_text_private_service"}


def sentences() -> set[str]:
    table = PLUGIN.read_text().partition("SENTENCES = [")[2].partition("];")[0]
    return set(re.findall(r"^\s+'([^']+)',$", table, re.MULTILINE))


def vietnamese(reply: str) -> str:
    """The half without accents: the filter says it first, Dovecot last."""
    halves = reply.split(" / ")
    return halves[1] if halves[0] == "Mailbox is full" else halves[0]


def replies() -> dict[str, str]:
    """What our people may be told, by the name of its setting or its file."""
    found = {}
    for role in ("rspamd", "dovecot"):
        for name, value in yaml.safe_load((REPOSITORY / "roles" / role / "defaults/main.yml").read_text()).items():
            if "_text" in name and isinstance(value, str) and " / " in value and name not in OUTSIDE:
                found[name] = vietnamese(value)
    sql = REPOSITORY / "src/hanam_mail/sql/functions/72_sending.sql"
    for number, text in enumerate(re.findall(r"'(Da gui [^']+)'", Path(sql).read_text())):
        found[f"sending {number}"] = text
    return found


def test_every_reply_of_ours_has_its_sentence_with_accents() -> None:
    known = {bare(sentence) for sentence in sentences()}
    told = replies()
    assert len(told) >= 18
    assert {name: text for name, text in told.items() if bare(text) not in known} == {}


def test_every_sentence_bears_its_accents() -> None:
    assert {sentence for sentence in sentences() if sentence.isascii()} == set()
