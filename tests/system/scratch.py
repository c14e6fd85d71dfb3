"""A database of its own beside the lab's, of the same shape and settings, to apply registries to."""

import base64
import gzip
import json
import shlex
import subprocess
from dataclasses import dataclass, field
from typing import Any

import pyrage  # type: ignore[import-untyped]

from tests.lab import PSQL, Lab

DATABASE = "mail_scratch"
FOLDER = "/var/lib/hanam-mail/scratch"
DSN = f"host=/run/postgresql dbname={DATABASE} user=postgres options='-c role=mail_apply'"
# Room for what the tests revoke; one of them looks at the limit itself.
LIMITS = "--limit-percent 5 --limit-count 50"
PROGRAM = "python3 -I /usr/lib/hanam-mail/hanam-mail.pyz"
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
class Scratch:
    """The database, and the ways in."""

    lab: Lab
    key: str = field(repr=False)
    recipient: str

    def psql(self, statement: str) -> str:
        line = f"runuser -u postgres -- {PSQL} -d {DATABASE} -c {shlex.quote(statement)}"
        return self.lab.run("accounts", f"cd / && {line}").strip()

    def wait_until(self, condition: str) -> None:
        """Until the database says so, 20 seconds at most."""
        self.psql(
            f"do $$ begin for each in 1..200 loop if {condition} then return; end if; perform pg_sleep(0.1);"
            " perform pg_stat_clear_snapshot(); end loop; raise 'never: %', 'the condition'; end $$"
        )

    def apply_words(self, *words: str) -> list[str]:
        """The command `apply` as the tests call it, its registry on standard input."""
        sealed = [] if "--recipient" in words else ["--recipient", self.recipient]
        return ["apply", "-", "--dsn", DSN, "--handover-folder", FOLDER, *LIMITS.split(), *words, *sealed]

    def command(self, *words: str, program: str = PROGRAM) -> list[str]:
        script = shlex.quote(f"cd / && exec {program} {shlex.join(self.apply_words(*words))}")
        return self.lab.driver.ssh_command(self.lab.host("accounts"), f"sudo sh -c {script}", shared=True)

    def killed(self, document: bytes, program: str) -> bool:
        """Run a program that may die; whether it did."""
        line = self.command(program=program)
        return subprocess.run(line, input=document, capture_output=True, check=False, timeout=60).returncode != 0

    def apply(self, document: bytes, *words: str) -> dict[str, Any]:
        done = subprocess.run(self.command(*words), input=document, capture_output=True, check=False, timeout=180)
        assert done.stdout, done.stderr.decode()
        answer: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == ("errors" in answer), done.stderr
        return answer

    def files(self) -> list[str]:
        return self.lab.run("accounts", f"mkdir -p {FOLDER} && ls -A {FOLDER}").split()

    def open(self, file: str) -> dict[str, Any]:
        text = self.lab.run("accounts", f"base64 -w0 {FOLDER}/{file}")
        identity = pyrage.x25519.Identity.from_str(self.key)
        data: dict[str, Any] = json.loads(pyrage.decrypt(base64.b64decode(text), [identity]))
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


# The lab's schema and settings, none of its accounts.
_CREATE = f"""
dropdb --if-exists --force {DATABASE}
createdb -T template0 -O mail_owner {DATABASE}
pg_dump --schema-only mail | psql -qX -o /dev/null -d {DATABASE}
pg_dump --data-only -t mail.setting mail | psql -qX -o /dev/null -d {DATABASE}
psql -qX -d {DATABASE} -c "grant temporary on database {DATABASE} to mail_apply"
"""


def create(lab: Lab) -> None:
    lab.run("accounts", f"rm -rf {FOLDER}; cd / && runuser -u postgres -- sh -ec {shlex.quote(_CREATE)}")
