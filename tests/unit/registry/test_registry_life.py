"""The registry through years of edits, written and read back after each: addresses, people and comments stay."""

import shutil
from collections import Counter
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from tests.unit.registry_world import RULE_BOOK, TODAY, World

from hanam_mail.editing import EditError, WorkingCopy
from hanam_mail.plan import accounts, compare
from hanam_mail.registry import loading
from hanam_mail.registry.model import Registry
from hanam_mail.registry.writing import canonical, store
from hanam_mail.review import revisions

DONE = date(2026, 11, 20)
AGENCIES = st.sampled_from(["snv", "stp", "kb", "que.kb", "thptbienhoa", "snvld"])
PEOPLE = st.sampled_from(["Lê An", "Lê Ẩn", "Trần Bình", "Trần Bính", "H'Hen Niê"])


class Life(RuleBasedStateMachine):
    """Edits as the operator makes them; each is written to the folder, and the folder is what the next one reads."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.place = TemporaryDirectory()
        world = World(Path(self.place.name))
        for name, text in world.files.items():
            world.files[name] = text.replace("  - id: ", "  # about the next one\n  - id: ")
        self.comments = sum(text.count("# about") for text in world.files.values())
        self.folder = world.folder / "mailboxes"
        self.cache = world.folder / "cache"
        world.load()
        self.owners: dict[str, str] = {}
        self.histories: dict[str, int] = {}
        self.now = self.read()

    def teardown(self) -> None:
        self.place.cleanup()

    def read(self) -> Registry:
        return loading.load(self.folder, regulated_by=RULE_BOOK, day=TODAY, cache=self.cache)

    def edit(self, make: str, *arguments: object, **more: object) -> None:
        """Make an edit and write it; one that is refused leaves the files alone."""
        draft = WorkingCopy(self.now, today=TODAY)
        try:
            request = draft.request(
                document=f"{len(self.now.requests)}/VP",
                dated=DONE,
                received=DONE,
                agency=more.pop("asker", "kb"),  # type: ignore[arg-type]
                asks=["issue", "change", "revoke", "restore"],
                ground="quyết định",
            )
            draft.answer(request.id, "done", "1/STTTT", DONE)
            getattr(draft, make)(*arguments, request=request.id, done=DONE, **more)
        except EditError:
            return
        former = self.folder.with_name("former")
        shutil.rmtree(former, ignore_errors=True)
        shutil.copytree(self.folder, former)
        store.write(self.folder, draft.registry())
        read = self.read()
        shared = loading.load(former, regulated_by=RULE_BOOK, day=TODAY, former=True, former_of=read)
        assert shared == self.now
        assert loading.desired_state(read) == loading.desired_state(draft.registry())
        self.is_planned_as_if_nothing_were_shared(read)
        self.now = read

    def is_planned_as_if_nothing_were_shared(self, after: Registry) -> None:
        have, want = (accounts.wanted(loading.desired_state(side)) for side in (self.now, after))
        found = revisions.assess(self.now, after, TODAY, "hanam.gov.vn", None)
        assert found == compare.assess(have, want, TODAY, domain="hanam.gov.vn", limit=None)

    @initialize(target=ids)
    def people(self) -> object:
        return "v2b4n6"

    @rule(target=ids, agency=AGENCIES, name=PEOPLE)
    def issue(self, agency: str, name: str) -> object:
        before = set(self.now.mailboxes)
        self.edit("issue", kind="person", agency=agency, name=name)
        return next(iter(set(self.now.mailboxes) - before), "c2c2c2")

    @rule(who=ids, name=PEOPLE)
    def rename(self, who: str, name: str) -> None:
        self.edit("rename", who, name)

    @rule(who=ids, agency=AGENCIES, new_address=st.booleans())
    def transfer(self, who: str, agency: str, new_address: bool) -> None:
        self.edit("transfer", who, agency=agency, new_address=new_address)

    @rule(who=ids)
    def revoke(self, who: str) -> None:
        self.edit("revoke", who)

    @rule(who=ids)
    def restore(self, who: str) -> None:
        self.edit("restore", who, verified="Phạm Hải")

    @rule(code=AGENCIES, new_code=AGENCIES)
    def rename_agency(self, code: str, new_code: str) -> None:
        self.edit("rename_agency", code, name="Sở Nội vụ và Lao động", new_code=new_code)

    @rule(code=AGENCIES, into=AGENCIES)
    def merge_agency(self, code: str, into: str) -> None:
        self.edit("merge_agency", code, into=into)

    @invariant()
    def an_address_means_the_same_mailbox_for_ever(self) -> None:
        for mailbox in self.now.mailboxes.values():
            for address in mailbox.addresses:
                assert self.owners.setdefault(address.casefold(), mailbox.id) == mailbox.id
        assert self.owners.keys() == {each for box in self.now.mailboxes.values() for each in box.addresses}

    @invariant()
    def no_event_is_forgotten(self) -> None:
        for identity, length in self.histories.items():
            assert len(self.now.mailboxes[identity].history) >= length
        self.histories = {box.id: len(box.history) for box in self.now.mailboxes.values()}

    @invariant()
    def the_files_are_canonical_and_every_comment_is_there_once(self) -> None:
        assert canonical.problems(self.now, self.folder) == []
        texts = [file.read_text(encoding="utf-8") for file in self.folder.rglob("*.yml")]
        assert sum(text.count("# about") for text in texts) == self.comments
        assert max(Counter(line for text in texts for line in text.split("\n") if "- id:" in line).values()) == 1


Life.TestCase.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
TestLife = Life.TestCase
