"""What leads from one state of the accounts to another: pure, between git and the database or two revisions of git.

`read` (of accounts.py) takes the desired state, `plan` compares. What running brings about (passwords,
automatic locks, activity) is nobody's wish and never compared; the one exception is a document that restores (Đ7.3),
which lifts the lock it was written for and asks for a new first password: once, whether apply does it or a command did,
and no lock that came after it. causes.py finds the documents behind a change, wording.py says a plan in Vietnamese,
host/database/rows.py carries it out.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from hanam_mail import vietnamese
from hanam_mail.alphabet import vietnamese as alphabetical
from hanam_mail.plan import restores, wording
from hanam_mail.plan.accounts import Accounts, ApplyRefused, MailboxAccount, RuntimeLock
from hanam_mail.plan.causes import Causes
from hanam_mail.plan.model import Allowed, Assessment, Change, Limit, Note, NoteKind, Plan, PlanEntry, PlanGroup


def plan(
    have: Accounts,
    want: Accounts,
    today: date,
    *,
    domain: str,
    limit: Limit,
    allowed: Allowed,
) -> Plan:
    """What leads from `have` to `want`; raises ApplyRefused with every reason against it."""
    found = _Comparison(have, want, today, domain, allowed).run(limit)
    if found.never or found.stops:
        raise ApplyRefused([*found.never, *found.stops])
    return found.plan


def assess(
    have: Accounts,
    want: Accounts,
    today: date,
    *,
    domain: str,
    limit: Limit | None,
    rewritten: Mapping[str, Sequence[Change]] | None = None,
) -> Assessment:
    """The whole plan with every reason against it, for whoever only looks; without `limit` no number is too large.

    `rewritten`: what else two revisions of git differ in, by agency and mailbox; no account shows it.
    """
    return _Comparison(have, want, today, domain, Allowed(), rewritten).run(limit)


class _Comparison:
    """One run of `plan`: the indexes that every part of it needs, and what was found."""

    def __init__(
        self,
        have: Accounts,
        want: Accounts,
        today: date,
        domain: str,
        allowed: Allowed,
        rewritten: Mapping[str, Sequence[Change]] | None = None,
    ) -> None:
        self.have, self.want, self.today, self.domain, self.allowed = have, want, today, domain, allowed
        self.rewritten = rewritten or {}
        former = (*have.shared, *have.addresses.values())
        self.former = {a.mailbox: a.local_part for a in former if a.kind == "primary"}
        wanted = {a.mailbox: a.local_part for a in want.addresses.values() if a.kind == "primary"}
        self.primaries = self.former | wanted
        past = {id_ for id_, changes in self.rewritten.items() if any(change.field == "history" for change in changes)}
        self.causes = Causes(have, want, past)
        self.result = Plan()
        self.never: list[str] = []
        self.errors: list[str] = []
        # What is closed in the database has nothing left to lose: the address stays there for ever (Đ5.2). Between two
        # revisions of git nothing but its entry keeps it.
        known = have.credentials is not None
        self.over = {id_ for id_, mailbox in have.mailboxes.items() if known and mailbox.state == "revoked"}
        # Small changes of a mailbox that come out of other tables, found first, told in its one entry.
        self.more: dict[str, list[Change]] = {}

    def run(self, limit: Limit | None) -> Assessment:
        self._stolen_addresses()
        self._agencies()
        self._addresses()
        self._clerks()
        self._absences()
        for id_, changes in self.rewritten.items():
            self.more.setdefault(id_, []).extend(changes)
        revoked = self._mailboxes() + self._vanished()
        standing = sum(mailbox.state != "revoked" for mailbox in self.have.mailboxes.values())
        if limit and not self.allowed.removals and limit.exceeded(revoked, standing):
            self.errors.append(
                f"{revoked} trong {standing} hộp thư sẽ bị thu hồi trong một lần, vượt ngưỡng "
                f"{limit.count} hộp thư hoặc {limit.percent:g} %: kiểm tra lại, nếu đúng thì cho phép rõ ràng "
                "(-e mailboxes_allow_removals=true)"
            )
        order = list(PlanGroup)
        self.result.entries.sort(
            key=lambda entry: (
                order.index(entry.group),
                alphabetical(entry.agency),
                alphabetical(entry.name),
                entry.id,
            )
        )
        return Assessment(self.result, tuple(self.never), tuple(self.errors))

    # --- words for things ---

    def address(self, mailbox: str) -> str:
        return f"{self.primaries[mailbox]}@{self.domain}" if mailbox in self.primaries else ""

    def who(self, mailbox: str) -> str:
        found = self.want.mailboxes.get(mailbox) or self.have.mailboxes.get(mailbox)
        return f"{found.name} <{self.address(mailbox)}>" if found else mailbox

    def agency(self, agency: str) -> str:
        found = self.want.agencies.get(agency) or self.have.agencies.get(agency)
        return found.name if found else agency

    # --- the parts ---

    def _stolen_addresses(self) -> None:
        for local_part, address in self.want.addresses.items():
            owner = self.have.addresses.get(local_part)
            if owner and owner.mailbox != address.mailbox:
                holder, other = (f"{self.who(each.mailbox)} ({each.mailbox})" for each in (owner, address))
                self.never.append(f"địa chỉ {local_part} thuộc hộp thư {holder}, không được cấp cho {other} (Đ5.2)")

    def _agencies(self) -> None:
        for agency in self.want.agencies.values():
            old = self.have.agencies.get(agency.id)
            changes = tuple(
                Change(name, getattr(old, name), getattr(agency, name))
                for name in ("name", "code", "suffix", "kind", "document_system", "withheld")
                if old and getattr(old, name) not in (None, getattr(agency, name))
            )
            changes += tuple(self.rewritten.get(agency.id, ()))
            if old and not changes:
                continue
            group = PlanGroup.AGENCY_CHANGED if old else PlanGroup.AGENCY_CREATED
            decided = self.causes.of_agency(agency.id, [change.field for change in changes])
            self.result.entries.append(
                PlanEntry(group, agency.id, agency.kind, agency.name, agency.code, "", changes, decided)
            )
        if not self.allowed.vanished:
            in_use = {mailbox.agency for id_, mailbox in self.have.mailboxes.items() if id_ not in self.over}
            self.errors += [
                f"cơ quan {old.name} ({id_}) không còn trong sổ đăng ký (cho phép rõ ràng: "
                "-e mailboxes_allow_vanished=true)"
                for id_, old in sorted(self.have.agencies.items())
                if id_ not in self.want.agencies and (id_ in in_use or self.have.credentials is None)
            ]

    def _addresses(self) -> None:
        """Aliases of mailboxes that exist already; what is not wanted any more ends with yesterday."""
        have, want = self.have, self.want
        for name, address in want.addresses.items():
            old = have.addresses.get(name)
            if address.mailbox not in have.mailboxes or (old and old.satisfies(address)):
                continue
            if address.kind == "primary":
                self._add(address.mailbox, Change("address", self.former.get(address.mailbox), name))
            else:
                before = old.as_shown() if old and old.kind == "alias" else None
                self._add(address.mailbox, Change("alias", before, address.as_shown()))
        for name, old in have.addresses.items():
            if name in want.addresses or old.mailbox not in want.mailboxes:
                continue
            if old.kind == "primary" or old.until is None or old.until >= self.today:
                self.result.closed.append(name)
                self._add(old.mailbox, Change("alias", old.as_shown(), None))
        for lost in have.shared:
            holder, box = want.addresses.get(lost.local_part), want.mailboxes.get(lost.mailbox)
            if box and not (holder and holder.mailbox == box.id):
                self._note(box, NoteKind.SHARED_ADDRESS, detail=lost.local_part)

    def _clerks(self) -> None:
        before, after = _clerks(self.have), _clerks(self.want)
        for mailbox in {mailbox for mailbox, _ in self.have.clerks ^ self.want.clerks}:
            if mailbox in self.have.mailboxes and mailbox in self.want.mailboxes:
                names = [sorted(map(self.who, side.get(mailbox, ())), key=alphabetical) for side in (before, after)]
                self._add(mailbox, Change("clerks", *names))
                left = self.want.mailboxes[mailbox]
                if not names[1] and left.state != "revoked":
                    self._note(left, NoteKind.NO_CLERK)

    def _absences(self) -> None:
        for before, after, difference in (
            (True, False, self.have.absences - self.want.absences),
            (False, True, self.want.absences - self.have.absences),
        ):
            for absence in sorted(difference, key=lambda a: (a.mailbox, a.begins)):
                if absence.mailbox in self.have.mailboxes and absence.mailbox in self.want.mailboxes:
                    told = {
                        "from": absence.begins.isoformat(),
                        "to": absence.ends.isoformat(),
                        "request": absence.request,
                    }
                    self._add(absence.mailbox, Change("absence", told if before else None, told if after else None))

    def _add(self, mailbox: str, change: Change) -> None:
        self.more.setdefault(mailbox, []).append(change)

    def _mailboxes(self) -> int:
        """The entries of all wanted mailboxes; how many of them become revoked."""
        revoked = 0
        have = self.have
        for mailbox in self.want.mailboxes.values():
            old = have.mailboxes.get(mailbox.id)
            lock = have.locks.get(mailbox.id)
            restored = old is not None and self._running(old, mailbox, lock)
            self._password(mailbox, restored, lock)
            if old is None:
                self._entry(PlanGroup.CREATED, mailbox, (Change("quota_bytes", None, mailbox.quota_bytes),))
            elif old != mailbox or mailbox.id in self.more:
                self._compare(old, mailbox, restored, lock)
                revoked += old.state != "revoked" and mailbox.state == "revoked"
        return revoked

    def _running(self, old: MailboxAccount, new: MailboxAccount, lock: RuntimeLock | None) -> bool:
        """What git's documents and what running brought about say to each other; whether a restore is to be done."""
        decided = restores.decides(old.document, new.document)
        restoring = decided and new.document["event"] == "restore"
        done = restoring and restores.by_command(self.have, new)
        restored = restoring and not done and restores.opens(self.have, old, new, lock)
        if lock and restored:
            self.result.lifted.append(new.id)
        elif lock and restoring:
            self._note(new, NoteKind.NEWER_LOCK, lock.reason, lock.since.isoformat())
        elif lock and new.state == "active":
            self._note(new, NoteKind.LOCKED, lock.reason)
        elif restoring and not restored and not done:
            self._note(new, NoteKind.NOT_LOCKED)
        self._follow(new, decided, old.state)
        return restored

    def _follow(self, mailbox: MailboxAccount, decided: bool, was: str) -> None:
        """A restore by command waits for its event; whatever the registry decides later, that time is over."""
        command = self.have.restored.get(mailbox.id)
        if command is None:
            return
        later = decided and date.fromisoformat(mailbox.document["done"]) >= command.day
        if later or mailbox.state == "revoked" or (decided and restores.by_command(self.have, mailbox)):
            self.result.followed.append(mailbox.id)
            return
        self._note(mailbox, NoteKind.RESTORED, detail=command.document)
        if decided and (was, mailbox.state) == ("active", "locked"):
            self.never.append(
                f"hộp thư {self.who(mailbox.id)}: sự kiện lock ngày {vietnamese.day(mailbox.document['done'])} sẽ khóa "
                f"lại hộp thư đã được khôi phục ngày {vietnamese.day(command.day)} theo văn bản {command.document}; "
                "ghi thêm sự kiện restore vào sổ đăng ký (Đ7.3)"
            )

    def _note(self, mailbox: MailboxAccount, kind: NoteKind, reason: str = "", detail: str = "") -> None:
        self.result.notes.append(Note(mailbox.id, mailbox.name, self.address(mailbox.id), reason, kind, detail))

    def _password(self, mailbox: MailboxAccount, restored: bool, lock: RuntimeLock | None) -> None:
        """Đ7.3: a restored mailbox gets a new default password, unless it got one in its lock; a new one its first."""
        known = self.have.credentials
        if known is None or mailbox.kind not in ("person", "guest") or mailbox.state != "active":
            return
        if mailbox.id not in known or (restored and not (lock and lock.renewed)):
            self.result.passwords[mailbox.id] = "restore" if restored else "issue"

    def _compare(self, old: MailboxAccount, new: MailboxAccount, restored: bool, lock: RuntimeLock | None) -> None:
        if old.kind != new.kind:
            self.never.append(f"hộp thư {self.who(new.id)}: loại cố định từ khi cấp, không đổi được")
        if new.quota_bytes < old.quota_bytes and not self.allowed.shrink and new.id not in self.want.shrinking:
            self.errors.append(
                f"hộp thư {self.who(new.id)}: dung lượng giảm từ {vietnamese.size(old.quota_bytes)} xuống "
                f"{vietnamese.size(new.quota_bytes)}; cần ghi shrink trong sự kiện quota hoặc cho phép rõ ràng "
                "(-e mailboxes_allow_shrink=true) (Đ8.1)"
            )
        changes = [
            Change(name, getattr(old, name), getattr(new, name))
            for name in ("name", "post", "phone", "withheld", "quota_bytes", "shard")
            if getattr(old, name) != getattr(new, name)
        ]
        if old.agency != new.agency:
            changes.append(Change("agency", self.agency(old.agency), self.agency(new.agency)))
        changes += self.more.get(new.id, ())
        if old.state != new.state:
            changes.append(Change("state", old.state, new.state))
        if restored and lock:
            changes.append(Change("lock", lock.reason, None))
        if not changes and old.document != new.document:
            changes.append(Change("document", dict(old.document), dict(new.document)))
        self._entry(self._group(old, new, restored, lock), new, tuple(changes))

    def _group(self, old: MailboxAccount, new: MailboxAccount, restored: bool, lock: RuntimeLock | None) -> PlanGroup:
        if old.state != new.state and new.state in ("revoked", "locked"):
            return PlanGroup(new.state)
        if restored or (old.state != new.state and old.state == "locked" and not lock):
            return PlanGroup.RESTORED
        if old.agency != new.agency:
            merged = self.want.decided.get(new.id, {}).get("event") == "merge"
            return PlanGroup.MERGED if merged else PlanGroup.TRANSFERRED
        return PlanGroup.CHANGED

    def _entry(self, group: PlanGroup, mailbox: MailboxAccount, changes: tuple[Change, ...]) -> None:
        documents = self.causes.of_mailbox(group, mailbox, [change.field for change in changes])
        self.result.entries.append(
            PlanEntry(
                group,
                mailbox.id,
                mailbox.kind,
                mailbox.name,
                self.address(mailbox.id),
                self.agency(mailbox.agency),
                changes,
                documents[0],
                tuple(documents[1:]),
            )
        )

    def _vanished(self) -> int:
        """An entry that is gone from git is an error, unless the database has closed its mailbox already."""
        gone = self.have.mailboxes.keys() - self.want.mailboxes.keys() - self.over
        vanished = [self.have.mailboxes[id_] for id_ in sorted(gone)]
        if vanished and not self.allowed.vanished:
            named = ", ".join(f"{self.who(mailbox.id)} ({mailbox.id})" for mailbox in vanished[: wording.NAMED])
            more = (
                f" và {vietnamese.number(len(vanished) - wording.NAMED)} hộp thư khác"
                if len(vanished) > wording.NAMED
                else ""
            )
            count = f"{vietnamese.number(len(vanished))} hộp thư:" if len(vanished) > 1 else "hộp thư"
            self.errors.append(
                f"{count} {named}{more} có trong cơ sở dữ liệu nhưng không còn trong sổ "
                "đăng ký: hộp thư chỉ được thu hồi bằng sự kiện revoke, không được xóa mục (cho phép rõ ràng: "
                "-e mailboxes_allow_vanished=true)"
            )
        open_ = [mailbox for mailbox in vanished if mailbox.state != "revoked"]
        for mailbox in open_:
            self._entry(PlanGroup.REVOKED, mailbox, (Change("state", mailbox.state, "revoked"),))
        return len(open_)


def _clerks(accounts: Accounts) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for mailbox, clerk in accounts.clerks:
        result.setdefault(mailbox, []).append(clerk)
    return result
