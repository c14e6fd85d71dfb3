"""Fresh officials for tests: each test has mailboxes that nobody used before, and leaves them as they are."""

import secrets
from collections.abc import Iterable, Sequence

from tests.delegation import Delegation
from tests.lab import Lab, Sample, wait_for

PERSONS, DELEGATIONS = 60, 6
"""What is made together: the agents have their work with it once."""
PASSWORD = "Tam-thoi-2026#"
"""How their passwords begin."""
NAME = "Nguyễn Thử Nghiệm"
REQUESTS = "/var/lib/hanam-first-folders"
"""Where the agent asks for the folders of a new mailbox."""
MARK = "tt"
"""How the ids of mailboxes begin that were made here; the registry knows none of them."""


class People:
    """Makes mailboxes in the accounts database, beside those of the registry, and hands each out once.

    They stay when their test is over. To the registry they must not exist: `retire` closes them before it is applied,
    since a mailbox that vanished from it is an error unless it is closed.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._persons = list[Sample]()
        self._delegations = list[Delegation]()

    def take(self) -> Sample:
        """An official with an empty mailbox, whose password need not be changed; he is in the first sample's agency."""
        if not self._persons:
            self._make()
        return self._persons.pop()

    def delegation(self) -> Delegation:
        """An agency's mailbox and its clerk, in an agency of their own."""
        if not self._delegations:
            self._make()
        return self._delegations.pop()

    def retire(self) -> None:
        """Close all that were made so far, by whichever run of tests."""
        self._persons, self._delegations = [], []
        self._lab.sql(f"update mail.mailbox set state = 'revoked' where id like '{MARK}%' and state <> 'revoked'")
        self._lab.settle()

    def forget(self) -> None:
        """Leave nothing of them, for a lab that people go on using."""
        self.retire()
        remove(self._lab, self._lab.sql(f"select id from mail.mailbox where id like '{MARK}%'").split())

    def _make(self) -> None:
        persons = [_new() for _ in range(PERSONS)]
        pairs = [(_new(), _new()) for _ in range(DELEGATIONS)]
        home = self._lab.sql(f"select agency_id from mail.mailbox where id = '{self._lab.samples[0].mailbox}'")
        boxes = [(agency, "agency", agency) for agency, _ in pairs]
        boxes += [(clerk, "person", agency) for agency, clerk in pairs]
        boxes += [(person, "person", home) for person in persons]
        given = self._lab.variables
        limits = {
            "person": given["regulation_quota_personal_default_bytes"],
            "agency": given["regulation_quota_agency_default_bytes"],
        }
        self._lab.sql(
            "begin; insert into mail.agency (id, kind, name, code) values"
            + _values((agency, "department", NAME, _letters(agency)) for agency, _ in pairs)
            + "; insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state) values"
            + _values((box, kind, agency, NAME, 0, limits[kind], "active") for box, kind, agency in boxes)
            + "; insert into mail.address (local_part, mailbox_id, kind) values"
            + _values((self._local_part(box), box, "primary") for box, _, _ in boxes)
            + f"; insert into mail.mailbox_clerk values {_values(pairs)};"
            + f" do $$ begin perform mail.password_set(id, '{PASSWORD}' || id, false, true) from mail.mailbox"
            + f" where kind = 'person' and id in ({_values((box,) for box, _, _ in boxes)}); end $$; commit"
        )
        # What is opened from now on is not cut for what their making changed.
        self._lab.outwait_cuts()
        wait_for(lambda: not self._lab.run("mailstore", f"ls {REQUESTS}").strip(), "the folders of new mailboxes")
        self._persons += [self._sample(person) for person in persons]
        self._delegations += [Delegation(self._address(agency), agency, self._sample(clerk)) for agency, clerk in pairs]

    def _sample(self, mailbox: str) -> Sample:
        return Sample(self._address(mailbox), PASSWORD + mailbox, mailbox, NAME)

    def _address(self, mailbox: str) -> str:
        return f"{self._local_part(mailbox)}@{self._lab.variables['mail_domain']}"

    @staticmethod
    def _local_part(mailbox: str) -> str:
        return f"thunghiem{_letters(mailbox)}.tn"


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
        # What was held for them alone.
        + " delete from mail.held_message h where not exists"
        " (select from mail.held_recipient r where r.message_id = h.id);"
        " delete from mail.held_recipient r where not exists"
        " (select from mail.held_message h where h.id = r.message_id)"
    )
    homes = " ".join(f"{lab.variables['mail_root']}/{mailbox[:2]}/{mailbox}" for mailbox in mailboxes)
    lab.run("mailstore", f"rm -rf {homes}; doveadm auth cache flush")


def _values(rows: Iterable[Sequence[object]]) -> str:
    """Rows of an SQL list; none of the texts here has a quote in it."""
    return ", ".join("(" + ", ".join(f"'{cell}'" for cell in row) + ")" for row in rows)


def _new() -> str:
    return MARK + secrets.token_hex(6)


def _letters(mailbox: str) -> str:
    """The id's own part in letters, which every rule of names takes."""
    return mailbox.removeprefix(MARK).translate(str.maketrans("0123456789abcdef", "bcdghklmnpqrstvx"))
