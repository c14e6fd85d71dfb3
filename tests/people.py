"""Fresh officials for tests: each test has mailboxes that nobody used before, and leaves them as they are."""

import secrets
from collections.abc import Iterator

from tests.delegation import Delegation
from tests.lab import Lab, Sample

AT_ONCE = 60
"""Mailboxes that are made together: the agents have their work with them once."""
PASSWORD = "Tam-thoi-2026#Kx"
MARK = "tt"
"""How the ids of mailboxes begin that were made here; the registry knows none of them."""


class People:
    """Makes mailboxes in the accounts database, beside those of the registry, and hands each out once.

    They stay when their test is over. To the registry they must not exist: `retire` closes them before it is applied,
    since a mailbox that vanished from it is an error unless it is closed.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._ready = list[Sample]()

    def take(self) -> Sample:
        """An official with an empty mailbox, whose password need not be changed."""
        if not self._ready:
            self._ready = list(self._made(AT_ONCE))
        return self._ready.pop()

    def delegation(self) -> Delegation:
        """An agency's mailbox, in an agency of its own, and its clerk."""
        clerk, mailbox = self.take(), _new()
        local_part = f"coquan{_letters(mailbox)}.tn"
        self._lab.sql(
            f"insert into mail.agency (id, kind, name, code)"
            f" values ('{mailbox}', 'department', 'Cơ quan Thử nghiệm', '{_letters(mailbox)}.tn');"
            "insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state)"
            f" select '{mailbox}', 'agency', '{mailbox}', 'Cơ quan Thử nghiệm', shard, quota_bytes, 'active'"
            "  from mail.mailbox where kind = 'agency' limit 1;"
            f"insert into mail.address (local_part, mailbox_id, kind) values ('{local_part}', '{mailbox}', 'primary');"
            f"update mail.mailbox set agency_id = '{mailbox}' where id = '{clerk.mailbox}';"
            f"insert into mail.mailbox_clerk values ('{mailbox}', '{clerk.mailbox}')"
        )
        self._lab.outwait_cuts()
        return Delegation(f"{local_part}@{self._lab.variables['mail_domain']}", mailbox, clerk)

    def retire(self) -> None:
        """Close all that were made so far, by whichever run of tests."""
        self._ready = []
        self._lab.sql(f"update mail.mailbox set state = 'revoked' where id like '{MARK}%' and state <> 'revoked'")
        self._lab.settle()

    def forget(self) -> None:
        """Leave nothing of them, for a lab that people go on using."""
        self.retire()
        remove(self._lab, self._lab.sql(f"select id from mail.mailbox where id like '{MARK}%'").split())

    def _made(self, number: int) -> Iterator[Sample]:
        like = self._lab.samples[0].mailbox
        ids = [_new() for _ in range(number)]
        places = {mailbox: f"thunghiem{_letters(mailbox)}.tn" for mailbox in ids}
        boxes = ", ".join(f"('{mailbox}', '{local_part}')" for mailbox, local_part in places.items())
        self._lab.sql(
            f"create temporary table made (id text, local_part text); insert into made values {boxes};"
            "insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state)"
            " select made.id, m.kind, m.agency_id, 'Nguyễn Thử Nghiệm', m.shard, m.quota_bytes, 'active'"
            f" from made, mail.mailbox m where m.id = '{like}';"
            "insert into mail.address (local_part, mailbox_id, kind) select local_part, id, 'primary' from made;"
            f"do $$ begin perform mail.password_set(id, '{PASSWORD}', false, true) from made; end $$;"
            "delete from mail.password_history where mailbox_id in (select id from made)"
        )
        # What is opened from now on is not cut for what their making changed.
        self._lab.outwait_cuts()
        for mailbox, local_part in places.items():
            address = f"{local_part}@{self._lab.variables['mail_domain']}"
            yield Sample(address, PASSWORD, mailbox, "Nguyễn Thử Nghiệm")


def remove(lab: Lab, mailboxes: list[str]) -> None:
    """Take mailboxes, and agencies of the same ids, out of accounts and mail store, as no role of the database may."""
    known = ", ".join(f"'{mailbox}'" for mailbox in mailboxes)
    if not known:
        return
    # Every column that names a mailbox.
    columns = lab.sql(
        "select conrelid::regclass, a.attname from pg_constraint c"
        " join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]"
        " where c.contype = 'f' and c.confrelid = 'mail.mailbox'::regclass"
    )
    gone = [(*row.split("|"),) for row in columns.splitlines()]
    gone += [("mail.mailbox", "id"), ("mail.agency", "id")]
    lab.sql(
        "set session_replication_role = replica;"
        + "".join(f" delete from {table} where {column} in ({known});" for table, column in gone)
    )
    homes = " ".join(f"{lab.variables['mail_root']}/{mailbox[:2]}/{mailbox}" for mailbox in mailboxes)
    lab.run("mailstore", f"rm -rf {homes}; doveadm auth cache flush")


def _new() -> str:
    return MARK + secrets.token_hex(6)


def _letters(mailbox: str) -> str:
    """The id's own part in letters, which every rule of names takes."""
    return mailbox.removeprefix(MARK).translate(str.maketrans("0123456789abcdef", "bcdghklmnpqrstvx"))
