"""A generated province as a git project, and changes of it such as a merge request brings."""

import shutil
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests import population

from bench.measuring import REPOSITORY
from hanam_mail.editing import WorkingCopy
from hanam_mail.registry import loading
from hanam_mail.registry.model import Mailbox, MailboxKind, Registry
from hanam_mail.registry.writing import store
from hanam_mail.regulation import provisions


@dataclass
class Province:
    """A project folder with a registry of `size` mailboxes, committed; `cache` is where its commands keep theirs."""

    folder: Path
    size: int

    @property
    def mailboxes(self) -> Path:
        """The registry."""
        return self.folder / "mailboxes"

    @property
    def cache(self) -> Path:
        """XDG_CACHE_HOME of the commands that are measured."""
        return self.folder / ".cache"

    @classmethod
    def make(cls, folder: Path, size: int, seed: int) -> "Province":
        """Generate it anew; the same seed gives the same one."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(REPOSITORY / "group_vars/hanam", folder / "group_vars/hanam")
        result = cls(folder, size)
        rules = provisions.load(loading.regulation_beside(result.mailboxes))
        population.write(population.province(size, seed, rules), result.mailboxes)
        (folder / ".gitignore").write_text(".cache/\nhandover/\n")
        result.git("init", "--quiet", "--initial-branch=main")
        result.commit("Begin")
        return result

    def git(self, *words: str) -> None:
        """Run git in the project, as nobody in particular."""
        nobody = ("-c", "user.name=bench", "-c", "user.email=bench@example")
        subprocess.run(["git", "-C", self.folder, *nobody, *words], check=True, capture_output=True)

    def commit(self, subject: str) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)

    def restore(self) -> None:
        """Throw away what is not committed, new files too."""
        self.git("checkout", "--quiet", "--", ".")
        self.git("clean", "--force", "-d", "--quiet")

    def forget(self) -> None:
        """Forget what commands have read before."""
        shutil.rmtree(self.cache, ignore_errors=True)

    def draft(self) -> "Edit":
        """A working copy of the registry as it stands."""
        return Edit(self, WorkingCopy(loading.load(self.mailboxes, cache=self.cache / "hanam-mail")))


class Edit:
    """A document of one agency, the one with most people, and what it asks for."""

    def __init__(self, province: Province, draft: WorkingCopy) -> None:
        self._province, self._draft = province, draft
        known = draft.registry()
        people = _unchanged(known)
        # Each is changed once: who has more events than the issue is left out.
        self._people = iter(people)
        self.agency = known.agencies[people[0].agency].code
        self.day = loading.today()
        number = len(known.requests) + 1
        self._request = draft.request(
            document=f"{number}/THU-VP",
            dated=self.day,
            received=self.day,
            agency=self.agency,
            asks=["issue", "change", "absence", "revoke"],
            ground=f"{number}/QĐ-THU",
        ).id
        draft.answer(self._request, "done", f"{number}/STTTT-CNTT", self.day)

    def quota(self) -> Mailbox:
        """More room for the next person."""
        return self._draft.quota(next(self._people).id, 7 * 2**30, request=self._request, done=self.day)

    def issue(self, name: str) -> Mailbox:
        """A new person's mailbox."""
        details = ("Phủ Lý", "01/01/1990")
        return self._draft.issue(
            kind="person", agency=self.agency, name=name, request=self._request, done=self.day, details=details
        )

    def ten(self) -> None:
        """Ten changes, of every everyday kind."""
        for given in ("Hạnh", "Khôi", "Mẫn"):
            self.issue(f"Tôn Nữ Thử {given}")
        for _ in range(4):
            self.quota()
        for _ in range(2):
            self._draft.revoke(next(self._people).id, request=self._request, done=self.day)
        end = self.day + timedelta(days=60)
        self._draft.absence(next(self._people).id, self.day, end, request=self._request, done=self.day)

    def write(self) -> None:
        """Write it to the registry's files."""
        store.write(self._province.mailboxes, self._draft.registry())


def _unchanged(known: Registry) -> list[Mailbox]:
    """The people of an agency whose mailbox was issued and nothing more; of the agency that has most of them."""
    found: defaultdict[str, list[Mailbox]] = defaultdict(list)
    clerks = {clerk for mailbox in known.mailboxes.values() for clerk in mailbox.clerks}
    for mailbox in known.mailboxes.values():
        if mailbox.kind is MailboxKind.PERSON and len(mailbox.history) == 1 and mailbox.id not in clerks:
            found[mailbox.agency].append(mailbox)
    return max(found.values(), key=len)
