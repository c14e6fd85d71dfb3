"""What the webmail's plugin tells in the page's corner: Roundcube writes a message that is no label into the page as it is."""

import re
from pathlib import Path

import pytest

PLUGIN = Path(__file__).resolve().parents[2] / "roles/roundcube/files/hanam"
CALL = re.compile(r"(?:show_message\(|command\('display_message',\s*)(.*)")
SAFE = re.compile(r"""(?:'hanam\.\w+'|"hanam\.\$\w+"|rcube::Q\()""")


@pytest.mark.parametrize("file", sorted(PLUGIN.glob("*.php")), ids=lambda file: file.name)
def test_a_message_is_a_label_or_quoted(file: Path) -> None:
    """It may hold what somebody typed, as a folder's name."""
    told = CALL.findall(file.read_text())
    assert [words for words in told if not SAFE.match(words)] == []


def test_messages_are_found() -> None:
    assert sum(len(CALL.findall(file.read_text())) for file in PLUGIN.glob("*.php")) > 5
