"""What holds for every file of the webmail's plugin."""

import re
from pathlib import Path

import pytest

PLUGIN = Path(__file__).resolve().parents[2] / "roles/roundcube/files/hanam"
CALL = re.compile(r"(?:show_message\(|command\('display_message',\s*)(.*)")
SAFE = re.compile(r"""(?:'hanam\.\w+'|"hanam\.\$\w+"|rcube::Q\()""")


@pytest.mark.parametrize("file", sorted(PLUGIN.glob("*.php")), ids=lambda file: file.name)
def test_a_message_is_a_label_or_quoted(file: Path) -> None:
    """Roundcube writes one that is no label into the page as it is, and it may hold what somebody typed."""
    told = CALL.findall(file.read_text())
    assert [words for words in told if not SAFE.match(words)] == []


def test_messages_are_found() -> None:
    assert sum(len(CALL.findall(file.read_text())) for file in PLUGIN.glob("*.php")) > 5


@pytest.mark.parametrize("file", sorted(PLUGIN.glob("*.php")), ids=lambda file: file.name)
def test_one_file_alone_connects_to_the_accounts_database(file: Path) -> None:
    """A connection of its own costs twenty times a question; what is set for the session stays in a kept one."""
    source = file.read_text()
    words = ("rcube_db::factory", "virtuser_query_dsn", "READ WRITE", "read_only")
    assert [word for word in words if word in source and file.name != "hanam_accounts.php"] == []


@pytest.mark.parametrize("name", ["accounts", "letters"])
def test_who_uses_a_common_file_asks_for_it(name: str) -> None:
    users = [file.name for file in PLUGIN.glob("*.php") if f"hanam_{name}::" in file.read_text()]
    asking = [file.name for file in PLUGIN.glob("*.php") if f"/hanam_{name}.php';" in file.read_text()]
    assert sorted(users) == sorted(asking) != []


def test_vietnamese_letters_lose_their_marks_in_one_place() -> None:
    assert [file.name for file in PLUGIN.glob("*.php") if "Normalizer::" in file.read_text()] == ["hanam_letters.php"]


def test_what_the_plugin_says_it_says_in_both_languages() -> None:
    """The texts of Roundcube itself (core.*) are mended in Vietnamese, where Debian's are not of offices."""
    said = [
        set(re.findall(r"^\$(?:labels|messages)\['([^.']+)'\]", file.read_text(), re.MULTILINE))
        for file in sorted((PLUGIN / "localization").glob("*.inc"))
    ]
    assert len(said) == 2 and len(said[0]) > 200
    assert said[0] ^ said[1] == set()
