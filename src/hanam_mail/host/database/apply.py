"""One run of `apply`, whole: the plan, its rows, the first passwords and their sealed file, in one transaction.

In this order, so that it may be killed at any point: plan and hash (nothing is held but the lock of this run), write,
give the passwords, put the sealed file on the disk, COMMIT. What an operator's command changed after the plan was made
is noticed by the database (writers.py): then all of it is done once more, with the hashes that there are already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hanam_mail.host.database import migrate, rows, writers
from hanam_mail.host.database.session import Session, one
from hanam_mail.host.passwords import first_passwords, sealed_file
from hanam_mail.plan.accounts import Accounts, ApplyRefused
from hanam_mail.plan.model import Allowed, Limit, Plan


@dataclass(frozen=True)
class Options:
    """What the operator allows, and for whom passwords are sealed."""

    limit: Limit
    allowed: Allowed
    recipients: Sequence[str] = ()
    check: bool = False
    actor: str = ""
    commit: str = ""
    folder: Path = sealed_file.FOLDER


@dataclass(frozen=True)
class ApplyOutcome:
    """What was done (or would be): the plan, the sealed file if one was made, files of interrupted runs."""

    plan: Plan
    file: Path | None
    orphans: Sequence[Path]


def run(connection: Session, want: Accounts, options: Options) -> ApplyOutcome:
    """Bring `want` into the database; raises ApplyRefused or HandoverError and leaves all as it was."""
    made: dict[str, _Made] = {}
    with rows.alone(connection):
        return _once(connection, want, options, made)


@dataclass(frozen=True)
class _Made:
    """A first password and its hash, which another try need not make again."""

    password: str
    hash: str


@writers.repeated
def _once(connection: Session, want: Accounts, options: Options, made: dict[str, _Made]) -> ApplyOutcome:
    file: Path | None = None
    try:
        with connection.transaction(force_rollback=options.check):
            rows.begin(connection)
            migrate.sound_settings(connection)
            known = [row[0] for row in connection.execute("SELECT file FROM mail.handover")]
            orphans = sealed_file.orphans(known, options.folder)
            plan = rows.planned(connection, want, limit=options.limit, allowed=options.allowed)
            if plan.passwords:
                _check_recipients(options.recipients)
            if not options.check:
                _make(connection, plan, made)
            given = {} if options.check else {mailbox: made[mailbox] for mailbox in plan.passwords}
            if plan.entries:
                rows.write(connection, want, plan)
            # Deferred constraints speak at commit; a check must hear them too, and no file be made before.
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            if given:
                name = sealed_file.new_name()
                writers.confirmed(
                    connection,
                    "SELECT mail.first_passwords_give(%s, %s, %s) = %s",
                    [list(given), [each.hash for each in given.values()], name, len(given)],
                    "cơ sở dữ liệu không nhận đủ mật khẩu ban đầu; chưa thay đổi gì",
                )
                file = sealed_file.write(name, _sealed(want, plan, given, options, _domain(connection)), options.folder)
    except BaseException:
        if file is not None and _rolled_back(connection, file.name):
            file.unlink()
        raise
    return ApplyOutcome(plan, file, orphans)


def _check_recipients(recipients: Sequence[str]) -> None:
    try:
        sealed_file.check_recipients(recipients)
    except sealed_file.HandoverError as error:
        raise ApplyRefused([str(error)]) from error


def _make(connection: Session, plan: Plan, made: dict[str, _Made]) -> None:
    missing = [mailbox for mailbox in plan.passwords if mailbox not in made]
    if not missing:
        return
    rule = first_passwords.PasswordRule.of(dict(connection.execute("SELECT name, value FROM mail.setting").fetchall()))
    passwords = [first_passwords.new(rule) for _ in missing]
    for mailbox, password, hash_ in zip(missing, passwords, first_passwords.hashes(passwords), strict=True):
        made[mailbox] = _Made(password, hash_)


def _domain(connection: Session) -> str:
    return str(one(connection, "SELECT mail.setting_text('mail_domain')")[0])


def _sealed(want: Accounts, plan: Plan, given: dict[str, _Made], options: Options, domain: str) -> bytes:
    primaries = {a.mailbox: a.local_part for a in want.addresses.values() if a.kind == "primary"}
    slips = []
    for id_, each in given.items():
        mailbox = want.mailboxes[id_]
        agency = want.agencies[mailbox.agency]
        address = f"{primaries[id_]}@{domain}"
        slips.append(
            sealed_file.Slip(agency.code, agency.name, address, mailbox.name, each.password, plan.passwords[id_])
        )
    slips.sort(key=lambda slip: (slip.agency, slip.name, slip.address))
    text = sealed_file.text(slips, by=options.actor, commit=options.commit, domain=domain)
    return sealed_file.seal(text, options.recipients)


def _rolled_back(connection: Session, name: str) -> bool:
    """Whether the transaction is surely undone. After a connection lost in COMMIT nobody knows, and the file stays."""
    try:
        row = one(connection, "SELECT count(*) FROM mail.handover WHERE file = %s", [name])
        connection.rollback()
    except Exception as error:
        if type(error).__module__.startswith("psycopg"):
            return False
        raise
    return bool(row[0] == 0)
