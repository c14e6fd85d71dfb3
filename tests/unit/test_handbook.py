"""What the handbook tells operators to type exists and is typed right; test_cli_handbook.py runs clerks' examples."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from click import Command, Context, Group

from hanam_lab.paths import REPOSITORY
from hanam_mail.cli import main
from hanam_mail.host import command_line, convert
from hanam_mail.host.backup.restore_arguments import parse_arguments

BOOKS = sorted((REPOSITORY / "docs/handbook").glob("*.vi.md"))
TEXT = "\n".join(re.sub(r"\\\n\s+", "", book.read_text("utf-8")) for book in BOOKS)


def lines(program: str) -> list[list[str]]:
    """What stands behind the program's name, in blocks of commands and in the text; placeholders as they are."""
    blocks = re.findall(rf"^ +(?:# )?(?:[A-Z_]+=\S+ )*{program} (.+)$", TEXT, flags=re.MULTILINE)
    inline = re.findall(rf"`(?:# )?(?:[A-Z_]+=\S+ )*{program} ([^`]+)`", TEXT)
    return [shlex.split(line, comments=True) for line in (*blocks, *inline)]


def test_commands_of_the_accounts_host_are_typed_right(capsys: pytest.CaptureFixture[str]) -> None:
    found = lines("hanam-mail-db")
    assert len(found) > 15
    for words in found:
        if "..." in words or len(words) == 1:
            continue  # a command that is only named, or a part of one
        try:
            command_line.parser().parse_args(words)
        except SystemExit:
            pytest.fail(f"hanam-mail-db {shlex.join(words)}: {capsys.readouterr().err}")


def test_restores_are_typed_right(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = lines("hanam-mail-restore")
    assert len(found) > 10
    for words in found:
        monkeypatch.setattr("sys.argv", ["hanam-mail-restore", *words])
        try:
            parse_arguments()
        except SystemExit:
            pytest.fail(f"hanam-mail-restore {shlex.join(words)}: {capsys.readouterr().err}")


def test_conversions_are_typed_right(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = lines("hanam-mail-convert")
    assert len(found) > 4
    for words in found:
        monkeypatch.setattr("sys.argv", ["hanam-mail-convert", *words])
        try:
            convert.parse()
        except SystemExit:
            pytest.fail(f"hanam-mail-convert {shlex.join(words)}: {capsys.readouterr().err}")


def test_commands_of_the_registry_exist_with_their_options() -> None:
    for words in lines("hanam-mail"):
        command: Command = main
        rest = words
        while isinstance(command, Group):
            command, rest = command.commands[rest[0]], rest[1:]
        known = {option for parameter in command.get_params(Context(command)) for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known, words


def test_playbooks_exist_and_take_the_variables_they_are_given() -> None:
    found = lines("ansible-playbook")
    assert len(found) > 5
    for words in found:
        (book,) = (word for word in words if word.startswith("playbooks/"))
        assert (REPOSITORY / book).exists(), words
        text = (REPOSITORY / book).read_text("utf-8") + "".join(
            file.read_text("utf-8")
            for folder in ("all", "hanam")
            for file in (REPOSITORY / "group_vars" / folder).rglob("*.yml")
        )
        given = [word.partition("=")[0] for before, word in pairwise(words) if before == "-e"]
        assert all(re.search(rf"\b{name}\b", text) for name in given), words


def test_pyinfra_never_talks_to_a_host_it_does_not_know() -> None:
    found = lines("pyinfra")
    assert found
    for words in found:
        assert (REPOSITORY / words[2]).exists()
        assert words[1] == "deploys/inventory.py" or "ssh_strict_host_key_checking=yes" in words, words


def test_names_are_in_dns_before_a_certificate_is_asked_for() -> None:
    steps = re.findall(
        r"^\d\. .+?(?=^\d\. |^$)", TEXT[TEXT.index("## Cài đặt hệ thống thật") :], re.MULTILINE | re.DOTALL
    )
    dns = next(number for number, step in enumerate(steps) if "playbooks/dns.yml" in step)
    deploy = next(number for number, step in enumerate(steps) if "make deploy ENV=production`" in step)
    assert dns < deploy


def test_what_the_handbook_types_is_installed_by_set_up() -> None:
    """Programs at the beginning of a line for the operator's machine."""
    typed = set(re.findall(r"^ {4,7}(?!# )(?:[A-Z_]+=\S+ )*([a-z][a-z0-9-]*) ", TEXT, flags=re.MULTILINE))
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    packages = re.search(r"^CONTROLLER_PACKAGES := (.+)$", makefile, flags=re.MULTILINE)[1].split()  # type: ignore[index]
    of_packages = {
        "age": {"age", "age-keygen"},
        "fonts-liberation": set(),
        "openssh-client": {"ssh"},
        "python3-venv": {"python"},
    }
    installed = {program for package in packages for program in of_packages[package]}
    of_debian_itself = {"export", "ls", "make", "sha256sum"}  # the shell's, coreutils; make is what started all
    of_the_environment = {path.name for path in (REPOSITORY / ".venv/bin").iterdir()}
    assert typed <= installed | of_debian_itself | of_the_environment


def test_variables_that_the_handbook_names_exist() -> None:
    known = {
        name
        for file in REPOSITORY.glob("group_vars/*/[!v]*.yml")
        for name in yaml.safe_load(file.read_text("utf-8")) or {}
    }
    known |= {
        name
        for file in (REPOSITORY / "roles").glob("*/meta/argument_specs.yml")
        for name in yaml.safe_load(file.read_text("utf-8"))["argument_specs"]["main"].get("options", {})
    }
    roles = "|".join(path.name for path in Path(REPOSITORY / "roles").iterdir())
    named = set(
        re.findall(rf"`((?:{roles}|mailboxes|regulation|registry|password|guessing|life_cycle)_[a-z_]+)`", TEXT)
    )
    assert named
    assert named <= known
