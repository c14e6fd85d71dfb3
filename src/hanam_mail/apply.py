"""The registry's desired state, brought into the accounts database in one transaction.

The document is that of desired.py. `plan` compares it with what the database holds and is pure; `apply`
runs it: COPY into temporary tables and MERGE, so that 20,000 mailboxes cost what 20 do. Passwords, locks by
running and activity are not its business: the one exception is a restoring document (Đ7.3), which lifts the
lock it was written for.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field, fields
from datetime import date
from typing import Any

# More revocations than this in one run need a word of the operator, besides git's (a slip in a merge looks
# the same).
REVOCATION_LIMIT = 20


class Refused(Exception):
    """The document cannot be applied; `errors` are all the reasons, in Vietnamese."""

    def __init__(self, errors: Sequence[str]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(errors))


@dataclass(frozen=True)
class Agency:
    id: str
    kind: str
    name: str
    code: str
    suffix: str


@dataclass(frozen=True)
class Mailbox:
    id: str
    kind: str
    agency: str
    name: str
    quota_bytes: int
    state: str
    shard: int
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Address:
    local_part: str
    mailbox: str
    kind: str
    until: date | None


@dataclass(frozen=True)
class Accounts:
    """One side of the comparison: what git wants, or what the database has."""

    agencies: Mapping[str, Agency]
    mailboxes: Mapping[str, Mailbox]
    addresses: Mapping[str, Address]
    clerks: frozenset[tuple[str, str]]
    # Mailboxes whose quota may become smaller.
    shrinking: frozenset[str] = frozenset()
    # Only of the database: the reason of a lock that running brought about.
    locks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One field of one object; `object` is agency or mailbox."""

    object: str
    id: str
    field: str
    before: Any
    after: Any


@dataclass
class Plan:
    """What an apply does, in words and in rows."""

    created: list[dict[str, Any]] = field(default_factory=list)
    updated: list[Change] = field(default_factory=list)
    closed: list[Address] = field(default_factory=list)
    lifted: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether anything is to do."""
        return bool(self.created or self.updated)

    def lines(self) -> list[str]:
        """The difference for people: + new, ~ changed."""
        return [
            f"+ {item['object']} {item['id']}: {item['kind']} {item['name']}"
            + (f" <{item['address']}>" if "address" in item else "")
            for item in self.created
        ] + [
            f"~ {change.object} {change.id}: {change.field}: {_text(change.before)} -> {_text(change.after)}"
            for change in self.updated
        ]

    def as_dict(self, *, check: bool) -> dict[str, Any]:
        """What the action plugin and `hanam-mail plan` read."""
        return {
            "changed": self.changed,
            "check": check,
            "created": self.created,
            "updated": [asdict(change) for change in self.updated],
            "lines": self.lines(),
        }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)


def read(text: str) -> Accounts:
    """The desired state from its JSON text; it was checked when it was made, only its shape is not."""
    try:
        data = json.loads(text)
        agencies = {item["id"]: Agency(**item) for item in data["agencies"]}
        mailboxes: dict[str, Mailbox] = {}
        addresses: dict[str, Address] = {}
        clerks: set[tuple[str, str]] = set()
        shrinking: set[str] = set()
        twice: list[str] = []
        for item in data["mailboxes"]:
            mailbox = item["id"]
            if mailbox in mailboxes:
                twice.append(f"{mailbox}: mã hộp thư xuất hiện hai lần trong sổ đăng ký")
            mailboxes[mailbox] = Mailbox(
                mailbox,
                item["kind"],
                item["agency"],
                item["name"],
                item["quota_bytes"],
                item["state"],
                item["shard"],
                item["document"],
            )
            wanted = [Address(item["address"], mailbox, "primary", None)] + [
                Address(
                    alias["address"],
                    mailbox,
                    "alias",
                    date.fromisoformat(alias["until"]) if alias["until"] else None,
                )
                for alias in item["aliases"]
            ]
            for address in wanted:
                if address.local_part in addresses:
                    other = addresses[address.local_part].mailbox
                    twice.append(f"{mailbox}: địa chỉ {address.local_part} đã được ghi cho hộp thư {other}")
                addresses[address.local_part] = address
            clerks.update((mailbox, clerk) for clerk in item["clerks"])
            if item.get("shrink"):
                shrinking.add(mailbox)
    except (KeyError, TypeError, ValueError) as error:
        raise Refused([f"tài liệu trạng thái mong muốn sai cấu trúc: {error!r}"]) from error
    if twice:
        raise Refused(twice)
    return Accounts(agencies, mailboxes, addresses, frozenset(clerks), frozenset(shrinking))


def plan(
    have: Accounts,
    want: Accounts,
    today: date,
    *,
    domain: str,
    allow_removals: bool = False,
    allow_shrink: bool = False,
) -> Plan:
    """What leads from `have` to `want`; raises Refused with every reason against it."""
    errors: list[str] = []
    result = Plan()
    addresses_before, addresses_after = _primaries(have), _primaries(want)
    vanished = sorted(have.mailboxes.keys() - want.mailboxes.keys())
    if not allow_removals:
        # A revoked entry may not vanish either: its address must stay known (Đ5.2).
        errors += [
            f"hộp thư {id_} ({addresses_before.get(id_)}) có trong cơ sở dữ liệu "
            "nhưng không còn trong sổ đăng ký: "
            "hộp thư chỉ được thu hồi bằng sự kiện revoke, không được xóa mục"
            for id_ in vanished
        ]
        errors += [
            f"cơ quan {id_} ({have.agencies[id_].name}) không còn trong sổ đăng ký"
            for id_ in sorted(have.agencies.keys() - want.agencies.keys())
        ]
    for local_part, address in sorted(want.addresses.items()):
        owner = have.addresses.get(local_part)
        if owner and owner.mailbox != address.mailbox:
            errors.append(
                f"địa chỉ {local_part} thuộc hộp thư {owner.mailbox}, không được cấp cho {address.mailbox} (Đ5.2)"
            )

    for agency in want.agencies.values():
        if agency.id not in have.agencies:
            result.created.append({"object": "agency", "id": agency.id, "kind": agency.kind, "name": agency.name})
        else:
            result.updated += _fields("agency", have.agencies[agency.id], agency)

    revoked = len(vanished)
    for mailbox in want.mailboxes.values():
        old = have.mailboxes.get(mailbox.id)
        if old is None:
            result.created.append(
                {
                    "object": "mailbox",
                    "id": mailbox.id,
                    "kind": mailbox.kind,
                    "name": mailbox.name,
                    "address": f"{addresses_after[mailbox.id]}@{domain}",
                }
            )
            continue
        if old.kind != mailbox.kind:
            errors.append(
                f"hộp thư {mailbox.id}: loại {old.kind} cố định từ khi cấp, không đổi thành {mailbox.kind} được"
            )
        if mailbox.quota_bytes < old.quota_bytes and not allow_shrink and mailbox.id not in want.shrinking:
            errors.append(
                f"hộp thư {mailbox.id}: dung lượng giảm từ {old.quota_bytes} "
                f"xuống {mailbox.quota_bytes} byte; "
                "cần cho phép rõ ràng (Đ8.1)"
            )
        revoked += old.state != "revoked" and mailbox.state == "revoked"
        result.updated += _fields("mailbox", old, mailbox)
        if mailbox.document != old.document and mailbox.document.get("event") == "restore" and mailbox.id in have.locks:
            result.lifted.append(mailbox.id)
            result.updated.append(Change("mailbox", mailbox.id, "lock", have.locks[mailbox.id], None))
    if revoked > REVOCATION_LIMIT and not allow_removals:
        errors.append(
            f"{revoked} hộp thư sẽ bị thu hồi trong một lần, vượt ngưỡng {REVOCATION_LIMIT}: "
            "kiểm tra lại, nếu đúng thì chạy với --allow-removals"
        )
    for id_ in vanished:
        if have.mailboxes[id_].state != "revoked":
            result.updated.append(Change("mailbox", id_, "state", have.mailboxes[id_].state, "revoked"))

    _addresses(result, have, want, today)
    clerks_before, clerks_after = _clerks(have), _clerks(want)
    for id_ in sorted({mailbox for mailbox, _ in have.clerks ^ want.clerks}):
        if id_ in have.mailboxes and id_ in want.mailboxes:
            before, after = clerks_before.get(id_, []), clerks_after.get(id_, [])
            result.updated.append(Change("mailbox", id_, "clerks", before, after))
    if errors:
        raise Refused(errors)
    return result


def _primaries(accounts: Accounts) -> dict[str, str]:
    return {a.mailbox: a.local_part for a in accounts.addresses.values() if a.kind == "primary"}


def _clerks(accounts: Accounts) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for mailbox, clerk in sorted(accounts.clerks):
        result.setdefault(mailbox, []).append(clerk)
    return result


def _fields(kind: str, old: Agency | Mailbox, new: Agency | Mailbox) -> list[Change]:
    return [
        Change(kind, new.id, f.name, getattr(old, f.name), getattr(new, f.name))
        for f in fields(new)
        if getattr(old, f.name) != getattr(new, f.name)
    ]


def _addresses(result: Plan, have: Accounts, want: Accounts, today: date) -> None:
    """Address changes of mailboxes that exist already; what is not wanted any more ends with yesterday."""
    for address in sorted(want.addresses.values(), key=lambda a: a.local_part):
        old = have.addresses.get(address.local_part)
        if address.mailbox in have.mailboxes and old != address:
            result.updated.append(
                Change(
                    "mailbox",
                    address.mailbox,
                    f"address {address.local_part}",
                    _address(old),
                    _address(address),
                )
            )
    for old in sorted(have.addresses.values(), key=lambda a: a.local_part):
        if old.local_part in want.addresses or old.mailbox not in want.mailboxes:
            continue
        if old.kind == "primary" or old.until is None or old.until >= today:
            result.closed.append(old)
            result.updated.append(Change("mailbox", old.mailbox, f"address {old.local_part}", _address(old), "closed"))


def _address(address: Address | None) -> str | None:
    if address is None:
        return None
    return address.kind + (f" until {address.until.isoformat()}" if address.until else "")


# --- The database side
# -------------------------------------------------------------------------------------------


def current(connection: Any) -> Accounts:
    """What the database has, one JSON text per table: psycopg in pure Python takes seconds for the rows."""

    def rows(table: str, *columns: str) -> Any:
        row = f"json_build_array({', '.join(columns)})"
        query = f"SELECT coalesce(json_agg({row}), '[]')::text FROM {table}"  # noqa: S608
        return json.loads(connection.execute(query).fetchone()[0])

    return Accounts(
        agencies={row[0]: Agency(*row) for row in rows("mail.agency", "id", "kind", "name", "code", "suffix")},
        mailboxes={
            row[0]: Mailbox(*row)
            for row in rows(
                "mail.mailbox", "id", "kind", "agency_id", "name", "quota_bytes", "state", "shard", "document"
            )
        },
        addresses={
            name: Address(name, mailbox, kind, date.fromisoformat(until) if until else None)
            for name, mailbox, kind, until in rows("mail.address", "local_part", "mailbox_id", "kind", "valid_until")
        },
        clerks=frozenset(map(tuple, rows("mail.mailbox_clerk", "mailbox_id", "clerk_id"))),
        locks=dict(rows("mail.lock_state", "mailbox_id", "reason")),
    )


def apply(connection: Any, want: Accounts, *, allow_removals: bool = False, allow_shrink: bool = False) -> Plan:
    """Run in the caller's transaction; concurrent runs wait for one another. Returns what was done."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('mail.apply'))")
    today, domain = connection.execute("SELECT current_date, mail.setting_text('mail_domain')").fetchone()
    have = current(connection)
    result = plan(have, want, today, domain=domain, allow_removals=allow_removals, allow_shrink=allow_shrink)
    if result.changed:
        _write(connection, have, want, result)
    return result


_STAGING = (
    "CREATE TEMPORARY TABLE want_agency (id text, kind text, name text, code text, suffix text) ON COMMIT DROP",
    "CREATE TEMPORARY TABLE want_mailbox (id text, kind text, agency_id text, name text,"
    " quota_bytes bigint, state text, shard int, document jsonb) ON COMMIT DROP",
    "CREATE TEMPORARY TABLE want_address (local_part text, mailbox_id text, kind text, valid_until date)"
    " ON COMMIT DROP",
    "CREATE TEMPORARY TABLE want_clerk (mailbox_id text, clerk_id text) ON COMMIT DROP",
)

_MERGES = (
    """
    MERGE INTO mail.agency h USING want_agency w ON h.id = w.id
    WHEN NOT MATCHED THEN INSERT (id, kind, name, code, suffix)
        VALUES (w.id, w.kind, w.name, w.code, w.suffix)
    WHEN MATCHED AND (h.kind, h.name, h.code, h.suffix) IS DISTINCT FROM (w.kind, w.name, w.code, w.suffix)
        THEN UPDATE SET kind = w.kind, name = w.name, code = w.code, suffix = w.suffix
    """,
    """
    MERGE INTO mail.person h
    USING (SELECT id, name FROM want_mailbox WHERE kind IN ('person', 'guest')) w ON h.id = w.id
    WHEN NOT MATCHED THEN INSERT (id, name) VALUES (w.id, w.name)
    WHEN MATCHED AND h.name <> w.name THEN UPDATE SET name = w.name
    """,
    """
    MERGE INTO mail.mailbox h USING want_mailbox w ON h.id = w.id
    WHEN NOT MATCHED THEN INSERT (id, kind, agency_id, person_id, name, quota_bytes, state, shard, document)
        VALUES (w.id, w.kind, w.agency_id, CASE WHEN w.kind IN ('person', 'guest') THEN w.id END, w.name,
                w.quota_bytes, w.state, w.shard, w.document)
    WHEN MATCHED AND (h.agency_id, h.name, h.quota_bytes, h.state, h.shard, h.document)
            IS DISTINCT FROM (w.agency_id, w.name, w.quota_bytes, w.state, w.shard, w.document)
        THEN UPDATE SET agency_id = w.agency_id, name = w.name, quota_bytes = w.quota_bytes, state = w.state,
            shard = w.shard, document = w.document
    """,
    # Only one primary at a time: the old one steps down before the new one is written.
    """
    UPDATE mail.address h SET kind = 'alias' FROM want_address w
    WHERE h.local_part = w.local_part AND h.kind = 'primary' AND w.kind = 'alias'
    """,
    """
    MERGE INTO mail.address h USING want_address w ON h.local_part = w.local_part
    WHEN NOT MATCHED THEN INSERT (local_part, mailbox_id, kind, valid_until)
        VALUES (w.local_part, w.mailbox_id, w.kind, w.valid_until)
    WHEN MATCHED AND (h.kind, h.valid_until) IS DISTINCT FROM (w.kind, w.valid_until)
        THEN UPDATE SET kind = w.kind, valid_until = w.valid_until
    """,
    """
    DELETE FROM mail.mailbox_clerk h
    WHERE NOT EXISTS (SELECT FROM want_clerk w WHERE w.mailbox_id = h.mailbox_id AND w.clerk_id = h.clerk_id)
    """,
    """
    INSERT INTO mail.mailbox_clerk (mailbox_id, clerk_id)
    SELECT w.mailbox_id, w.clerk_id FROM want_clerk w
    WHERE NOT EXISTS (
        SELECT FROM mail.mailbox_clerk h WHERE h.mailbox_id = w.mailbox_id AND h.clerk_id = w.clerk_id
    )
    """,
)


def _write(connection: Any, have: Accounts, want: Accounts, result: Plan) -> None:
    for statement in _STAGING:
        connection.execute(statement)
    _copy(connection, "want_agency", (astuple(agency) for agency in want.agencies.values()))
    _copy(
        connection,
        "want_mailbox",
        (
            (
                m.id,
                m.kind,
                m.agency,
                m.name,
                m.quota_bytes,
                m.state,
                m.shard,
                json.dumps(m.document, ensure_ascii=False),
            )
            for m in want.mailboxes.values()
        ),
    )
    _copy(
        connection,
        "want_address",
        ((a.local_part, a.mailbox, a.kind, a.until) for a in want.addresses.values()),
    )
    _copy(connection, "want_clerk", want.clerks)
    # An address that ended today is over at once: its last day was yesterday.
    connection.execute(
        "UPDATE mail.address SET kind = 'alias', valid_until = current_date - 1 WHERE local_part = ANY(%s)",
        [[address.local_part for address in result.closed]],
    )
    connection.execute(
        "UPDATE mail.mailbox SET state = 'revoked' WHERE state <> 'revoked' AND id = ANY(%s)",
        [sorted(have.mailboxes.keys() - want.mailboxes.keys())],
    )
    for statement in _MERGES:
        connection.execute(statement)
    for mailbox in result.lifted:
        connection.execute("SELECT mail.mailbox_unlock(%s)", [mailbox])


def _copy(connection: Any, table: str, rows: Iterable[Sequence[Any]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
