"""`.ci/roles`: which roles a merge request has tried, here with a `make` that only says what it was asked."""

import os
import subprocess
from pathlib import Path

import pytest

from hanam_lab.paths import REPOSITORY

ASK = (REPOSITORY / ".ci/roles").read_text(encoding="utf-8")


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with three roles, all of which its last commit changes; the lab's plays have two."""
    program(tmp_path / ".ci/roles", ASK.partition("\n")[2])
    program(tmp_path / "bin/make", 'echo "make $*" >>"$PWD/asked"; [ "$*" != "role ROLE=$BROKEN" ]')
    program(tmp_path / ".venv/bin/python", "printf 'nginx\\npostfix\\n'")
    for role in ("lab_openid", "nginx", "postfix"):
        (tmp_path / "roles" / role / "tasks").mkdir(parents=True)
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "commit", "-qm", "1", "--allow-empty")
    (tmp_path / "roles/lab_openid/tasks/main.yml").write_text("---\n")
    (tmp_path / "roles/nginx/tasks/main.yml").write_text("---\n")
    (tmp_path / "tests/roles").mkdir(parents=True)
    (tmp_path / "tests/roles/test_postfix.py").write_text("")
    _git(tmp_path, "add", "roles", "tests")
    _git(tmp_path, "commit", "-qm", "2")
    return tmp_path


def _git(tree: Path, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", "-C", str(tree), *who, *words], check=True)


def run(tree: Path, **more: str) -> tuple[int, str, list[str]]:
    """Exit code, what was said, what make was asked."""
    environment = {"PATH": f"{tree}/bin:{os.environ['PATH']}", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "HEAD~1", "BROKEN": ""}
    done = subprocess.run(
        [tree / ".ci/roles"], env=environment | more, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout, (tree / "asked").read_text().splitlines()


def test_changed_roles_are_tried_and_one_that_the_lab_does_not_play_is_named(tree: Path) -> None:
    code, told, asked = run(tree)
    assert asked == ["make setup", "make role ROLE=nginx", "make role ROLE=postfix"]
    assert code == 0, told
    assert "role lab_openid is in no play of the lab: not tried" in told


def test_all_are_tried_before_those_that_failed_are_named(tree: Path) -> None:
    code, told, asked = run(tree, BROKEN="nginx")
    assert (code, asked[-1]) == (1, "make role ROLE=postfix")
    assert "roles that failed: nginx" in told


def test_runners_share_the_roles(tree: Path) -> None:
    shares = []
    for index in ("1", "2"):
        (tree / "asked").unlink(missing_ok=True)
        shares.append(run(tree, CI_NODE_INDEX=index, CI_NODE_TOTAL="2")[2][1:])
    assert sorted(each for share in shares for each in share) == ["make role ROLE=nginx", "make role ROLE=postfix"]
    assert all(len(share) == 1 for share in shares)
