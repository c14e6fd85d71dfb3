"""A database of its own for one test, to apply registries to and run the hosts' commands on."""

import gzip
import io
import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyrage

from hanam_mail.host import command_line
from tests.database.databases import Database, printed

# Room for what the tests revoke; one of them looks at the limit itself.
LIMITS = ("--limit-percent", "5", "--limit-count", "50")
AGENCY = {"id": "k7q2m4", "kind": "department", "name": "Sở Y tế", "code": "syt", "suffix": "yt"}


def person(number: int, **more: Any) -> dict[str, Any]:
    id_ = f"box{number:05}"
    return {
        "id": id_,
        "kind": "person",
        "agency": "k7q2m4",
        "name": f"Nguyễn Thị Hà {number}",
        "address": f"ha{number}",
        "aliases": [],
        "absences": [],
        "quota_bytes": 2 * 2**30,
        "shrink": False,
        "state": "active",
        "shard": 0,
        "clerks": [],
        "document": {"event": "issue", "done": "2023-06-27", "request": "2023-0004", "number": "12/SYT-VP"},
        **more,
    }


def registry(*people: dict[str, Any]) -> bytes:
    return gzip.compress(json.dumps({"agencies": [AGENCY], "mailboxes": people}, ensure_ascii=False).encode())


@dataclass(frozen=True)
class Answer:
    """What a command printed, and how it ended."""

    status: int
    output: str
    complaint: str

    @property
    def json(self) -> dict[str, Any]:
        assert self.output, self.complaint
        found: dict[str, Any] = json.loads(self.output)
        assert self.status == ("errors" in found), self.complaint
        return found


@dataclass(frozen=True)
class Scratch:
    """The database, the folder of its sealed files, and the program of the hosts."""

    database: Database
    place: Path
    key: str = field(repr=False)
    recipient: str

    @property
    def folder(self) -> Path:
        """Where sealed files go."""
        return self.place / "handover"

    @property
    def meanwhile(self) -> Path:
        """What a command printed that ran in the middle of another one."""
        return self.place / "meanwhile"

    def dsn(self, role: str = "mail_apply") -> str:
        return self.database.conninfo(role)

    def psql(self, statement: str, role: str = "postgres") -> str:
        """What the superuser's statements answer, or a role's, each call in a session of its own."""
        with self.database.connect(role) as connection:
            return printed(connection, statement).strip()

    def wait_until(self, condition: str) -> None:
        """Until the database says so, 20 seconds at most."""
        self.psql(
            f"do $$ begin for each in 1..400 loop if {condition} then return; end if; perform pg_sleep(0.05);"
            " perform pg_stat_clear_snapshot(); end loop; raise 'never: %', 'the condition'; end $$"
        )

    # --- commands ---

    def words(self, name: str, *words: str, role: str = "mail_apply") -> list[str]:
        """A command's words with what leads it to this database."""
        sealing = ["--handover-folder", str(self.folder)] if name in {"restore", "reset-password"} else []
        # Last: a group of commands takes it after the name of one of them.
        return [name, *sealing, *words, "--dsn", self.dsn(role)]

    def apply_words(self, *words: str) -> list[str]:
        """The command `apply` as the tests call it, its registry on standard input."""
        sealed = [] if "--recipient" in words else ["--recipient", self.recipient]
        return ["apply", "-", "--dsn", self.dsn(), "--handover-folder", str(self.folder), *LIMITS, *words, *sealed]

    def command(self, *words: str, role: str = "mail_apply", stdin: bytes = b"") -> Answer:
        """Run a command in this process; whoever needs a process of its own calls `started`."""
        return _in_process(self.words(*words, role=role), stdin)

    def apply(self, document: bytes, *words: str) -> dict[str, Any]:
        return _in_process(self.apply_words(*words), document).json

    def started(self, words: Sequence[str], program: Sequence[str] = ()) -> "subprocess.Popen[bytes]":
        """A process of the program, or of one in its place that takes the same words."""
        pipe = subprocess.PIPE
        return subprocess.Popen([*(program or PROGRAM), *words], stdin=pipe, stdout=pipe, stderr=pipe)

    def run(self, words: Sequence[str], program: Sequence[str] = (), document: bytes = b"") -> Answer:
        """The same to its end."""
        with self.started(words, program) as process:
            output, complaint = process.communicate(document, timeout=120)
        return Answer(process.returncode, output.decode(), complaint.decode())

    def killed(self, document: bytes, program: Sequence[str]) -> bool:
        """Run a program that may die; whether it did."""
        return self.run(self.apply_words(), program, document).status != 0

    # --- what there is ---

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.is_dir() else []

    def open(self, file: str) -> dict[str, Any]:
        identity = pyrage.x25519.Identity.from_str(self.key)
        data: dict[str, Any] = json.loads(pyrage.decrypt((self.folder / file).read_bytes(), [identity]))
        return data

    def state(self) -> str:
        """All that an apply writes, as one text to compare."""
        return self.psql(
            "select md5(string_agg(t, '' order by t)) from ("
            " select m::text || coalesce(c.hash, '') from mail.mailbox m"
            " left join mail.credential c on c.mailbox_id = m.id"
            " union all select a::text from mail.address a union all select k::text from mail.mailbox_clerk k"
            " union all select s::text from mail.absence s union all select g::text from mail.agency g"
            " union all select h::text from mail.handover h) x(t)"
        )


def python(text: str) -> list[str]:
    """A program of Python statements, in the project's own interpreter."""
    return [sys.executable, "-c", text]


PROGRAM = python("from hanam_mail.host import command_line; raise SystemExit(command_line.main())")


def shell(words: Sequence[str]) -> str:
    """The program with these words, as a line for a shell."""
    return shlex.join([*PROGRAM, *words])


def _in_process(words: Sequence[str], stdin: bytes) -> Answer:
    output, complaint = io.StringIO(), io.StringIO()
    given = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    with patch.object(sys, "stdin", given), redirect_stdout(output), redirect_stderr(complaint):
        try:
            status = command_line.main(words)
        except SystemExit as error:  # wrong usage
            status = int(error.code or 0)
    return Answer(status, output.getvalue(), complaint.getvalue())
