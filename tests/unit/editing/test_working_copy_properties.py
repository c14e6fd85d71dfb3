"""Any sequence of edits: the rules accept what it leaves, and an address never means somebody else."""

import random
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.registry_world import RULE_BOOK, TODAY, World

from hanam_mail.editing import EditError, WorkingCopy
from hanam_mail.errors import InputError
from hanam_mail.registry import loading, rules
from hanam_mail.registry.entries import Found
from hanam_mail.registry.model import Registry
from hanam_mail.registry.writing import canonical

DONE = date(2026, 11, 20)
GIB = 1024**3
NAMES = ["Lê An", "Lê Ân", "Lê Ẩn", "Trần Bình", "Trần Bính", "Y Thông"]
OFFICES = ["Phòng Công chức", "Phòng Cán bộ Công", "Văn phòng", "Phòng Tư pháp"]
AGENCIES = ["snv", "stp", "kb", "que.kb", "thptbienhoa", "snvtg", "stph", "txkb", "que.txkb"]
KINDS = ["issue", "office", "quota", "lock", "restore", "revoke", "rename", "transfer", "clerks", "code", "merge"]

with TemporaryDirectory() as _folder:
    START = World(Path(_folder)).load()


def step(draft: WorkingCopy, kind: str, choose: random.Random, request: str) -> None:
    """One edit of that kind of something that is there, which may be impossible."""
    boxes = list(draft.registry().mailboxes.values())
    box, other = choose.choice(boxes), choose.choice(boxes)
    agency, target = choose.choice(AGENCIES), choose.choice(AGENCIES)
    edits: dict[str, Callable[[], object]] = {
        "issue": lambda: draft.issue(
            kind="person", agency=agency, name=choose.choice(NAMES), request=request, done=DONE
        ),
        "office": lambda: draft.issue(
            kind="office", agency=agency, name=choose.choice(OFFICES), request=request, done=DONE
        ),
        "quota": lambda: draft.quota(box.address, choose.randint(1, 20) * GIB, request=request, done=DONE),
        "lock": lambda: draft.lock(box.id, "idle", done=DONE),
        "restore": lambda: draft.restore(box.id, request=request, done=DONE, verified="Phạm Hải"),
        "revoke": lambda: draft.revoke(box.id, request=request, done=DONE),
        "rename": lambda: draft.rename(box.id, choose.choice([*NAMES, *OFFICES]), request=request, done=DONE),
        "transfer": lambda: draft.transfer(
            box.id, agency=agency, request=request, done=DONE, new_address=choose.random() < 0.5
        ),
        "clerks": lambda: draft.clerks(box.id, [other.id], request=request, done=DONE),
        "code": lambda: draft.rename_agency(agency, new_code=target, request=request, done=DONE),
        "merge": lambda: draft.merge_agency(agency, into=target, request=request, done=DONE),
    }
    edits[kind]()


def owners(registry: Registry) -> dict[str, str]:
    """Who has each address, and that it is one."""
    found: dict[str, str] = {}
    for mailbox in registry.mailboxes.values():
        for address in mailbox.addresses:
            assert found.setdefault(address, mailbox.id) == mailbox.id, address
    return found


@pytest.mark.dieu5
@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=25), st.randoms(use_true_random=False))
def test_no_sequence_of_edits_breaks_a_rule_or_takes_an_address_away(kinds: list[str], choose: random.Random) -> None:
    draft = WorkingCopy(START, today=TODAY)
    asks = ["issue", "change", "revoke", "restore"]
    request = draft.request(document="1/VP", dated=DONE, received=DONE, agency="snv", asks=asks, ground="x").id
    draft.answer(request, "done", "2/VP", DONE)
    for kind in kinds:
        before = draft.registry()
        try:
            step(draft, kind, choose, request)
        except EditError:
            assert draft.registry() == before
        after = draft.registry()
        assert after.mailboxes.keys() >= before.mailboxes.keys()
        assert owners(after).items() >= owners(before).items()
        found = Found(list(after.agencies.values()), list(after.mailboxes.values()), list(after.requests.values()))
        assert [str(problem) for problem in rules.check(found, RULE_BOOK, TODAY)] == []


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from([*NAMES, "H'Hen Niê", "K'Brếu"]) | st.text(max_size=40),
    ground=st.text(min_size=1, max_size=40),
    detail=st.text(max_size=12),
)
def test_whatever_is_typed_is_refused_in_a_sentence_or_written_and_read_back(
    name: str, ground: str, detail: str
) -> None:
    draft = WorkingCopy(START, today=TODAY)
    try:
        request = draft.request(document="1/VP", dated=DONE, received=DONE, agency="snv", asks=["issue"], ground=ground)
        draft.answer(request.id, "done", "2/VP", DONE)
        mailbox = draft.issue(
            kind="person", agency="snv", name=name, request=request.id, done=DONE, details=[detail, detail]
        )
    except EditError:
        return
    with TemporaryDirectory() as folder:
        place = Path(folder)
        after = draft.registry()
        for file, text in canonical.texts(after, place).items():
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        try:
            read = loading.load(place, regulated_by=RULE_BOOK, day=TODAY)
        except InputError as refused:
            assert "ground" in str(refused) or "name" in str(refused)
            return
        assert read.mailboxes[mailbox.id] == mailbox
        assert read.requests[request.id] == after.requests[request.id]
