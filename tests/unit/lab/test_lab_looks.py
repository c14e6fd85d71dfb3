"""What testinfra sees of a host over the login that the lab keeps."""

import subprocess
from pathlib import Path
from typing import cast

import pytest
from testinfra.host import Host
from tests.looks import Backend

from hanam_lab.remote import LATE, Answer, Remote


class Here:
    """Stands for the login on a host: commands run on this machine."""

    def run(self, command: str) -> Answer:
        done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
        return Answer(done.returncode, done.stdout, done.stderr)


class Hanging:
    """A host that ends no command."""

    def run(self, command: str) -> Answer:
        return Answer(LATE, b"", b"ended")


def host(login: object) -> Host:
    return Host(Backend("mail1", lambda name: cast(Remote, {"mail1": login}[name])))


def test_a_file_is_seen_as_it_is_at_each_look(tmp_path: Path) -> None:
    folder, file = host(Here()).file(str(tmp_path)), host(Here()).file(f"{tmp_path}/a b")
    assert (file.exists, folder.listdir()) == (False, [])
    (tmp_path / "a b").write_text("Hà Nam\n", encoding="utf-8")
    (tmp_path / "a b").chmod(0o640)
    assert (file.exists, file.mode, folder.listdir()) == (True, 0o640, ["a b"])
    assert (file.content_string, file.content) == ("Hà Nam\n", "Hà Nam\n".encode())


def test_a_group_that_is_not_there_is_none_without_members() -> None:
    """Its members alone would say the same of it: tests ask for both."""
    group = host(Here()).group("khong-co-nhom-nay")
    assert (group.exists, group.members) == (False, [])


def test_a_command_that_never_ends_is_no_answer() -> None:
    with pytest.raises(RuntimeError, match="mail1"):
        host(Hanging()).run("sleep 1000")
