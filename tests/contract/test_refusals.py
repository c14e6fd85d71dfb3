"""Every refusal of the mail server, which is ASCII, has its sentence in Vietnamese in the webmail."""

import re
from collections.abc import Iterator

import yaml

from hanam_lab.paths import REPOSITORY
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
# Where the filter's and the mail store's words stand, and what the province says in their place.
SETTINGS = [f"{place}/{role}" for place in ("roles", "wiring") for role in ("rspamd", "dovecot")]
# Replies that are written where they are given.
WRITTEN = (
    "roles/dovecot/templates/parts/mail.conf.j2",
    "src/hanam_mail/sql/functions/70_postfix.sql",
    "src/hanam_mail/sql/functions/72_sending.sql",
)
_REPLY = re.compile(r"(?:[245]\d\d )?[245]\.\d\.\d ([^'\n]+ / [^'\n]+)|'(Da gui [^']+)'")


def sentences() -> set[str]:
    table = PLUGIN.read_text().partition("SENTENCES = [")[2].partition("];")[0]
    return {bare(sentence) for sentence in re.findall(r"^\s+'([^']+)',$", table, re.MULTILINE)}


def replies() -> Iterator[tuple[str, str]]:
    """(where, text) of what our people may be told; the sentence takes over a limit that stands in it."""
    for name in SETTINGS:
        place, role = name.split("/")
        file = f"roles/{role}/defaults/main.yml" if place == "roles" else f"group_vars/all/wiring/{role}.yml"
        for setting, value in yaml.safe_load((REPOSITORY / file).read_text()).items():
            if "_text" in setting and isinstance(value, str) and " / " in value and setting not in OUTSIDE | HELP:
                yield f"{file}: {setting}", value
    for file in WRITTEN:
        for reply, sent in _REPLY.findall((REPOSITORY / file).read_text()):
            yield file, reply or sent


def test_every_reply_of_ours_has_its_sentence_with_accents() -> None:
    known, told = sentences(), list(replies())
    assert len(told) >= 20
    assert {where.partition(":")[0] for where, _ in told} >= {*WRITTEN, "group_vars/all/wiring/rspamd.yml"}

    def is_known(text: str) -> bool:
        return any(bare(half.partition("{{")[0]) in known for half in text.split(" / "))

    assert [(where, text) for where, text in told if not is_known(text)] == []


def test_every_sentence_bears_its_accents() -> None:
    table = PLUGIN.read_text().partition("SENTENCES = [")[2].partition("];")[0]
    assert [line for line in table.splitlines() if line.strip() and line.isascii()] == []
