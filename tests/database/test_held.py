"""Held messages in a real PostgreSQL (Đ3.3, Đ4.6): one message, a copy for each receiver, decided once."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.database.databases import Database, StatementError
from tests.database.scratch import Scratch, person, registry
from tests.database.world import query, quoted, refused

pytestmark = [pytest.mark.dieu3, pytest.mark.dieu4]

MIGRATIONS = Path(__file__).parents[2] / "src" / "hanam_mail" / "sql" / "migrations"
FILE, OTHER = "a" * 32, "b" * 32
AN, BINH, CHI = "an@ngoai.example", "binh@ngoai.example", "chi@ngoai.example"


def message(**more: Any) -> dict[str, Any]:
    return {
        "file": FILE, "queue_id": "4hX", "sha256": "c" * 64, "sender": "ha1@hanam.gov.vn", "envelope": {"utf8": True},
        "kind": "secrecy", "reason": "MAT in a.docx", "login": "box00001", "subject": "Kế hoạch",
        "author": "Hà <ha1@x>", "message_id": "<1@x>", "octets": 1000, "arrived_at": "2026-11-29T08:00:00+07:00",
        **more,
    }  # fmt: skip


def take(*addresses: str, **more: Any) -> str:
    """The statement of the service."""
    recipients = json.dumps([{"address": address, "notify": "NEVER", "orcpt": ""} for address in addresses])
    return f"select * from mail.held_take({quoted(json.dumps(message(**more)))}, {quoted(recipients)})"


def decide(decision: str, *addresses: str, why: str = "đã xem", doubtful: bool = False, number: int = 1) -> str:
    """That of an operator."""
    named = "array[" + ", ".join(map(quoted, addresses)) + "]" if addresses else "null"
    return f"select mail.held_decide({number}, {named}, '{decision}', {quoted(why)}, {doubtful})"


STATES = "select string_agg(address || ' ' || state, ', ' order by address) from mail.held_recipient"


@pytest.fixture
def held(scratch: Scratch) -> Scratch:
    """A message of the first person that waits for three receivers."""
    scratch.apply(registry(person(1), person(2)))
    assert scratch.psql(take(AN, BINH, CHI)) == "1|t"
    return scratch


def states(scratch: Scratch) -> list[str]:
    """Of the receivers in their order."""
    return [copy.partition(" ")[2] for copy in scratch.psql(STATES).split(", ")]


def waiting(scratch: Scratch) -> list[str]:
    """Notices that wait, by their kinds."""
    return scratch.psql("select kind from mail.notice where kind like 'held%' order by created_at").split()


# --- Taken in ---


def test_a_message_comes_with_its_receivers_its_senders_notice_and_what_the_operator_does_not_know(
    held: Scratch,
) -> None:
    assert states(held) == ["held"] * 3
    payload = json.loads(held.psql("select payload from mail.notice where kind = 'held' and mailbox_id = 'box00001'"))
    assert payload["recipients"] == f"{AN}, {BINH}, {CHI}"
    assert payload["arrived"] == "08:00 ngày 29/11/2026"
    assert "bí mật nhà nước" in payload["why"]
    assert "Kế hoạch" not in json.dumps(payload, ensure_ascii=False), "the subject may be what must not be spread"
    assert held.psql("select id, news, held from mail.held_to_tell()") == "1|t|3"
    noted = json.loads(held.psql("select after from mail.audit where object = 'held' and key = '1'"))
    assert (noted["kind"], noted["recipients"], noted["mailbox"]) == ("secrecy", 3, "box00001")
    assert "Kế hoạch" not in json.dumps(noted, ensure_ascii=False)


def test_the_same_message_again_is_the_one_that_is_there_and_more_receivers_are_its_receivers(held: Scratch) -> None:
    """Postfix comes again when an answer was lost, perhaps for those whose answers it has not."""
    assert held.psql(take(AN, BINH, CHI)) == "1|t"
    assert held.psql(take(CHI, "dung@ngoai.example")) == "1|t"
    assert states(held) == ["held"] * 4
    assert waiting(held) == ["held"]
    assert held.psql(take(AN, file=OTHER, queue_id="4hY")) != "1|t"


def test_what_was_decided_is_not_held_anew_when_it_is_handed_over_again(held: Scratch) -> None:
    held.psql(decide("drop"))
    assert held.psql(take(AN, BINH)) == "1|f"
    assert states(held) == ["dropped"] * 3
    held.psql("select mail.held_erased(1)")
    assert held.psql(take("dung@ngoai.example")) == "1|t", "for another receiver it is there again"
    assert held.psql("select erased_at is null and decided_at is null from mail.held_message") == "t"


def test_two_that_hand_it_over_at_once_make_one_message(held: Scratch) -> None:
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda _: held.psql(take(AN, BINH, file=OTHER)), range(6)))
    assert len(set(answers)) == 1
    assert held.psql("select count(*) from mail.held_recipient where message_id <> 1") == "2"
    assert waiting(held) == ["held", "held"]


@pytest.mark.parametrize(
    ("more", "whose"),
    [
        ({"login": "nobody"}, "box00001"),
        ({"login": "nobody", "sender": "la@ngoai.example"}, ""),
        ({"login": None, "sender": ""}, ""),
        ({"login": None, "sender": "root"}, ""),
        ({"login": "box00002"}, "box00002"),
    ],
)
def test_a_message_is_his_who_signed_in_else_the_senders_else_nobodys(scratch: Scratch, more: Any, whose: str) -> None:
    scratch.apply(registry(person(1), person(2)))
    scratch.psql(take(AN, **more))
    assert scratch.psql("select mailbox_id from mail.held_message") == whose
    assert len(waiting(scratch)) == bool(whose)
    assert scratch.psql("select count(*) from mail.held_to_tell()") == "1", "the operator hears of it all the same"


def test_a_kind_that_no_policy_knows_is_held_until_somebody_decides(scratch: Scratch) -> None:
    scratch.apply(registry(person(1)))
    scratch.psql(take(AN, kind="moi-la", arrived_at="2020-01-01T00:00:00Z"))
    assert "moi-la" in scratch.psql("select title from mail.held_to_tell()")
    assert scratch.psql("select mail.held_expire()") == "0"


# --- Its receivers told ---

CLOSED = {"kind": "encrypted", "login": "", "sender": AN, "files": ["hồ sơ.zip"], "author": "An <an@ngoai.example>"}
TOLD = "select string_agg(mailbox_id, ',' order by mailbox_id) from mail.notice where kind = 'held_received'"


def said(people: Scratch, mailbox: str = "box00001", kind: str = "held_received", round_: str = "1") -> dict[str, Any]:
    """What a letter says, as the job is given it."""
    found: dict[str, Any] = json.loads(
        people.psql(f"select payload from mail.notice_take('{mailbox}', '{kind}', '{round_}')")
    )
    return found


@pytest.fixture
def people(scratch: Scratch) -> Scratch:
    scratch.apply(registry(person(1), person(2), person(3)))
    return scratch


def test_receivers_of_a_closed_archive_are_told_who_wrote_and_which_file_and_nobody_outside_is(people: Scratch) -> None:
    people.psql(take("ha1@hanam.gov.vn", "HA2@hanam.gov.vn", BINH, **CLOSED))
    assert people.psql(TOLD) == "box00001,box00002"
    assert waiting(people) == ["held_received"] * 2, "the sender's address may be forged"
    # What strangers wrote stands in their message alone, and is read when the letter goes.
    assert people.psql("select distinct payload from mail.notice") == '{"number": 1}'
    payload = said(people)
    assert payload["send"]
    assert (payload["author"], payload["files"]) == ("An <an@ngoai.example>", ["hồ sơ.zip"])
    assert payload["arrived"] == "08:00 ngày 29/11/2026"
    assert "mật khẩu" in payload["why"]
    assert "Kế hoạch" not in json.dumps(payload, ensure_ascii=False)
    # Handed over once more, for one receiver more: he alone hears of it.
    people.psql(take("ha1@hanam.gov.vn", "ha3@hanam.gov.vn", **CLOSED))
    assert people.psql(TOLD) == "box00001,box00002,box00003"
    assert people.psql("select count(*) from mail.held_to_tell()") == "1", "the operator decides"


def test_of_our_own_peoples_closed_archive_the_sender_is_told_too(people: Scratch) -> None:
    people.psql(take("ha1@hanam.gov.vn", "ha2@hanam.gov.vn", BINH, **CLOSED | {"login": "box00001"}))
    assert people.psql(TOLD) == "box00002", "who sends to himself hears it once"
    assert said(people, "box00002")["signed_in"]
    advice = people.psql("select payload ->> 'advice' from mail.notice where kind = 'held' and mailbox_id = 'box00001'")
    assert "không đặt mật khẩu" in advice


def test_receivers_of_what_bears_a_secrecy_mark_are_told_nothing(people: Scratch) -> None:
    people.psql(take("ha2@hanam.gov.vn"))
    assert waiting(people) == ["held"]


@pytest.mark.parametrize("decision", ["release", "drop"])
def test_a_letter_that_waits_says_nothing_of_what_was_decided_meanwhile(people: Scratch, decision: str) -> None:
    people.psql(take("ha1@hanam.gov.vn", "ha2@hanam.gov.vn", **CLOSED))
    people.psql(decide(decision, "ha1@hanam.gov.vn"))
    people.psql("update mail.held_recipient set state = 'released' where state = 'releasing'")
    assert not said(people)["send"]
    assert said(people, "box00002")["send"]
    people.psql(decide("drop") + "; select mail.held_erased(1); update mail.held_message set decided_at = '2020-01-01'")
    assert people.psql("select mail.held_prune()") == "1"
    assert said(people, "box00002") == {"number": 1, "send": False}


def test_a_notice_of_a_former_release_has_its_kinds_advice(held: Scratch) -> None:
    held.psql("update mail.notice set payload = payload - 'advice'")
    assert "bí mật nhà nước" in said(held, kind="held")["advice"]
    held.psql("update mail.held_message set kind = 'moi-la'")
    assert said(held, kind="held")["advice"] == ""


WORDS = "select subject || author || message_id || array_to_string(file_names, '') from mail.held_message"


def test_strangers_words_go_with_the_last_mailbox_that_they_were_written_to(people: Scratch) -> None:
    people.psql(take("ha1@hanam.gov.vn", "ha2@hanam.gov.vn", "khong-co@hanam.gov.vn", **CLOSED))
    people.psql("update mail.mailbox set state = 'revoked' where id in ('box00001', 'box00002')")
    words = people.psql(WORDS)
    assert "hồ sơ.zip" in words
    assert people.psql("select mail.mailbox_purge('box00001'), mail.mailbox_purge('box00002')") == "t|t"
    assert people.psql(WORDS) == words, "an operator is still to decide"
    people.psql(decide("drop"))
    assert people.psql("select mail.held_prune()") == "0"
    assert people.psql(WORDS) == ""


def test_strangers_words_stay_while_another_receiver_is_there(people: Scratch) -> None:
    people.psql(take("ha1@hanam.gov.vn", "ha2@hanam.gov.vn", **CLOSED))
    people.psql(decide("drop"))
    people.psql("update mail.mailbox set state = 'revoked' where id in ('box00001', 'box00002')")
    assert people.psql("select mail.mailbox_purge('box00001'), mail.held_prune()") == "t|0"
    assert "hồ sơ.zip" in people.psql(WORDS)
    assert people.psql("select mail.mailbox_purge('box00002')") == "t"
    assert people.psql(WORDS) == ""


def test_what_one_of_ours_wrote_goes_with_his_own_mailbox_alone(people: Scratch) -> None:
    people.psql(take("ha1@hanam.gov.vn", **CLOSED | {"login": "box00002"}))
    people.psql(decide("drop"))
    people.psql("update mail.mailbox set state = 'revoked' where id = 'box00001'")
    assert people.psql("select mail.mailbox_purge('box00001')") == "t"
    assert "hồ sơ.zip" in people.psql(WORDS)


def test_a_flood_of_closed_archives_is_no_flood_of_notices(people: Scratch) -> None:
    most = int(people.psql("select value from mail.setting where name = 'held_told_a_day'"))
    for number in range(most + 5):
        people.psql(take("ha1@hanam.gov.vn", **CLOSED | {"file": f"{number:032x}"}))
    people.psql(take("ha2@hanam.gov.vn", **CLOSED | {"file": "e" * 32}))
    assert waiting(people) == ["held_received"] * (most + 1)
    assert people.psql("select count(*) from mail.held_to_tell()") == str(most + 6)


def test_a_message_of_a_former_release_names_no_files(people: Scratch) -> None:
    """Its record was written before fields were added."""
    people.psql(take("ha1@hanam.gov.vn", kind="encrypted", login=""))
    assert people.psql("select file_names from mail.held_message") == "{}"


def test_a_closed_archive_is_dropped_after_its_days(people: Scratch) -> None:
    people.psql(take("ha1@hanam.gov.vn", **CLOSED))
    people.psql("update mail.held_message set arrived_at = now() - interval '29 days'")
    assert people.psql("select mail.held_expire()") == "0"
    people.psql("update mail.held_message set arrived_at = now() - interval '31 days'")
    assert people.psql("select mail.held_expire()") == "1"


DROPPED = TOLD.replace("held_received", "held_received_dropped")
HAVE = (
    "update mail.notice set sent_at = now(), payload = payload || '{\"given\": [\"x\"]}' where kind = 'held_received'"
)


@pytest.mark.parametrize("by", ["a person", "time"])
def test_whoever_was_told_of_a_closed_archive_is_told_when_it_is_dropped(people: Scratch, by: str) -> None:
    people.psql(take("ha1@hanam.gov.vn", "HA1@hanam.gov.vn", "ha2@hanam.gov.vn", **CLOSED))
    people.psql(take("ha3@hanam.gov.vn", file=OTHER) + "; " + decide("drop", number=2))
    people.psql(HAVE)
    people.psql(decide("release", "ha2@hanam.gov.vn"))
    people.psql("update mail.held_recipient set state = 'released' where state = 'releasing'")
    if by == "time":
        people.psql("update mail.held_message set arrived_at = now() - interval '31 days'")
        people.psql("select mail.held_expire()")
    else:
        people.psql(decide("drop", "ha1@hanam.gov.vn"))
        assert people.psql(DROPPED) == "", "it waits at another address of his"
        people.psql(decide("drop", "HA1@hanam.gov.vn"))
    assert people.psql(DROPPED) == "box00001"
    payload = said(people, kind="held_received_dropped")
    assert (payload["send"], payload["expired"]) == (True, by == "time")
    assert (payload["author"], payload["files"]) == ("An <an@ngoai.example>", ["hồ sơ.zip"])


def test_whoever_was_not_told_that_it_is_held_is_not_told_that_it_is_dropped(people: Scratch) -> None:
    most = int(people.psql("select value from mail.setting where name = 'held_told_a_day'"))
    for number in range(most + 5):
        people.psql(take("ha1@hanam.gov.vn", **CLOSED | {"file": f"{number:032x}"}))
    # Of a day before.
    people.psql(HAVE + " and round <> '1'; update mail.notice set due = due - 1")
    people.psql(take("ha1@hanam.gov.vn", **CLOSED | {"file": "e" * 32}) + "; " + HAVE + " and round <> '1'")
    people.psql("select mail.held_decide(id, null, 'drop', 'đã xem', false) from mail.held_message order by id desc")
    count = "select count(*) from mail.notice where kind = 'held_received_dropped'"
    assert people.psql(count) == str(most)
    assert people.psql(count + f" and round::bigint between {most + 1} and {most + 5}") == "0"
    people.psql("update mail.notice set round = '1' where kind = 'held_received_dropped' and round = '2'")
    assert not said(people, kind="held_received_dropped")["send"], "his letter never went"


def test_what_former_releases_wrote_into_notices_is_taken_out_and_what_waits_is_told_again(people: Scratch) -> None:
    people.psql(take("ha1@hanam.gov.vn", **CLOSED))
    people.psql(take("ha2@hanam.gov.vn", **CLOSED | {"file": OTHER, "kind": "spam"}))
    people.psql("update mail.held_recipient set digest = current_date - 1")
    people.psql("update mail.held_message set failure = 'lost', lesson = 'due' where id = 2")
    people.psql('update mail.notice set payload = payload || \'{"author": "An", "files": ["a"]}\'')
    people.psql((MIGRATIONS / "0023_held_words.sql").read_text("utf-8"), role="postgres")
    assert people.psql("select payload from mail.notice") == '{"number": 1}'
    assert people.psql("select count(*) from mail.held_recipient where digest is null") == "2"
    assert people.psql("select lesson from mail.held_message where id = 2") == "missed"


def test_a_message_for_nobody_is_refused(database: Database) -> None:
    assert "người nhận" in refused(database, take(), world="")


def test_the_owner_alone_is_told_and_not_his_agency(held: Scratch) -> None:
    held.psql(
        "insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state)"
        " select 'agencybox', 'agency', agency_id, 'Sở', 0, 1, 'active' from mail.mailbox where id = 'box00001';"
        " insert into mail.address (local_part, mailbox_id, kind) values ('so', 'agencybox', 'primary')"
    )
    told = "select mail.notice_recipients('box00001', '{}')"
    assert held.psql(told.format("held")) == "{ha1@hanam.gov.vn}"
    assert "so@" in held.psql(told.format("idle_lock"))
    # Of an agency's own message its clerks are told.
    held.psql("insert into mail.mailbox_clerk values ('agencybox', 'box00002')")
    assert "ha2@" in held.psql("select mail.notice_recipients('agencybox', 'held')")


# --- Decided ---


def test_a_decision_needs_a_reason_or_a_document_a_message_and_its_receivers(held: Scratch) -> None:
    for statement, words in (
        (decide("release", why=" "), "cần lý do"),
        (decide("release", number=7), "không có thư bị giữ nào mang số 7"),
        (decide("drop", AN, "la@ngoai.example"), "không gửi cho la@ngoai.example"),
        (decide("burn"), "quyết định"),
    ):
        with pytest.raises(StatementError, match=words):
            held.psql(statement)
    assert states(held) == ["held"] * 3
    assert held.psql("set hanam.document = '12/STTTT'; " + decide("release", AN, why="")) == f"{{{AN}}}"


def test_each_receivers_copy_is_decided_by_itself_and_once(held: Scratch) -> None:
    assert held.psql(decide("release", AN)) == f"{{{AN}}}"
    assert held.psql(decide("release", AN)) == "{}"
    assert held.psql(decide("drop", BINH)) == f"{{{BINH}}}"
    assert states(held) == ["releasing", "dropped", "held"]
    assert held.psql("select decided_at is null from mail.held_message") == "t"
    who = "set hanam.actor = 'lan'; set hanam.document = '12/STTTT'; "
    assert held.psql(who + decide("drop")) == f"{{{AN},{CHI}}}", "what is not on its way yet can be dropped"
    assert held.psql("select decided_at is not null from mail.held_message") == "t"
    last = held.psql(
        "select actor, document, after ->> 'decision' from mail.audit where object = 'held' order by seq desc limit 1"
    )
    assert last == "lan|12/STTTT|drop"
    assert waiting(held) == ["held", "held_dropped", "held_dropped"]


def test_two_decisions_at_once_are_one(held: Scratch) -> None:
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda _: held.psql(decide("release")), range(6)))
    assert sorted(answers) == [f"{{{AN},{BINH},{CHI}}}"] + ["{}"] * 5


# --- Let go ---


def result(delivered: str = "", refused: str = "{}", later: str = "{}", doubted: str = "") -> str:
    return f"select mail.held_result(1, '{{{delivered}}}', 'QID', '{refused}', '{later}', '{{{doubted}}}')"


def test_what_is_to_go_out_goes_once_and_its_sender_is_told(held: Scratch) -> None:
    due = "select id, recipients from mail.held_due()"
    assert held.psql(due) == ""
    held.psql(decide("release", AN))
    _, recipients = held.psql(due).split("|")
    assert json.loads(recipients) == [{"address": AN, "notify": "NEVER", "orcpt": ""}]
    assert held.psql(f"select mail.held_sending(1, '{{{AN}}}')") == "t"
    assert held.psql(f"select mail.held_sending(1, '{{{AN}}}')") == "f", "nobody else sends it"
    assert held.psql(decide("drop", AN)) == "{}", "it is too late"
    assert held.psql(due) == ""
    held.psql(result(AN))
    assert states(held) == ["released", "held", "held"]
    assert held.psql("select queued_as from mail.held_recipient where state = 'released'") == "QID"
    assert waiting(held) == ["held", "held_released"]
    held.psql(result(doubted=AN))
    assert states(held)[0] == "released", "what is over is over"


def test_a_decision_that_changed_meanwhile_stops_the_whole_delivery(held: Scratch) -> None:
    held.psql(decide("release"))
    held.psql(decide("drop", BINH))
    assert held.psql(f"select mail.held_sending(1, '{{{AN},{BINH}}}')") == "f"
    assert states(held) == ["releasing", "dropped", "releasing"]


def test_refused_is_held_again_later_is_tried_again_and_a_doubt_waits_for_a_person(held: Scratch) -> None:
    held.psql(decide("release"))
    held.psql("select mail.held_told('{1}')")
    held.psql(f"select mail.held_sending(1, '{{{AN},{CHI}}}')")
    later, gone = json.dumps({AN: "451 later"}), json.dumps({BINH: "550 no"})
    held.psql(result(refused=gone, later=later, doubted=CHI))
    assert states(held) == ["releasing", "held", "doubt"]
    assert held.psql("select news, held, releasing, doubt from mail.held_to_tell()") == "t|1|1|1"
    assert held.psql("select count(*) from mail.held_due()") == "0", "not before its time"
    held.psql("update mail.held_message set next_try = now()")
    assert held.psql("select jsonb_array_length(recipients) from mail.held_due()") == "1"
    assert held.psql(decide("release", CHI)) == "{}", "it might go out twice"
    assert held.psql(decide("release", CHI, doubtful=True)) == f"{{{CHI}}}"


def test_a_server_that_is_away_fills_no_audit_and_is_asked_ever_less_often(held: Scratch) -> None:
    held.psql(decide("release"))
    before = held.psql("select count(*) from mail.audit")
    pauses = []
    for _ in range(8):
        held.psql(result(later=json.dumps(dict.fromkeys((AN, BINH, CHI), "away"))))
        pauses.append(int(held.psql("select round(extract(epoch from next_try - now()) / 60) from mail.held_message")))
    assert held.psql("select count(*) from mail.audit") == before
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (1, 30)
    held.psql(decide("drop", AN))
    assert held.psql("select count(*) from mail.held_due()") == "1", "who decides anew does not wait"


def test_what_was_on_its_way_when_the_service_ended_is_a_doubt(held: Scratch) -> None:
    held.psql(decide("release", AN, BINH))
    held.psql(f"select mail.held_sending(1, '{{{AN},{BINH}}}')")
    assert held.psql("select mail.held_interrupted()") == "1"
    assert states(held) == ["doubt", "doubt", "held"]
    assert held.psql("select mail.held_interrupted()") == "0"


# --- Files ---


def test_a_file_goes_when_all_is_decided_and_a_lost_one_is_told_once(held: Scratch) -> None:
    assert held.psql("select * from mail.held_erasable()") == ""
    assert held.psql("select * from mail.held_files()") == f"1|{FILE}"
    assert held.psql(f"select mail.held_known(array['{FILE}', '{OTHER}'])") == FILE
    held.psql("select mail.held_erased(1)")
    assert held.psql("select erased_at is null from mail.held_message") == "t", "not while somebody's copy waits"
    held.psql("select mail.held_told('{1}'); select mail.held_lost(1)")
    assert held.psql("select lost, news from mail.held_to_tell()") == "t|t"
    assert held.psql("select * from mail.held_files()") == ""
    held.psql(decide("release"))
    assert held.psql("select lost from mail.held_to_tell()") == "f", "whoever decides anew has it looked for again"
    held.psql(decide("drop"))
    assert held.psql("select * from mail.held_erasable()") == f"1|{FILE}"
    held.psql("select mail.held_erased(1)")
    assert held.psql("select * from mail.held_erasable()") == ""


# --- Time ---


def test_the_operator_is_reminded_once_a_day_from_the_hour_on(held: Scratch) -> None:
    number = "select count(*) from mail.held_to_tell()"
    held.psql("select mail.held_told('{1}')")
    assert held.psql(number) == "0"
    then = "to_jsonb(to_char(now() + interval '{}', 'HH24:MI'))"
    hour = f"update mail.setting set value = {then} where name = 'held_reminder_at'"
    held.psql("update mail.held_message set told_at = now() - interval '23 hours'")
    held.psql(hour.format("-1 minute"))
    assert held.psql("select news from mail.held_to_tell()") == "f"
    held.psql("select mail.held_told('{1}')")
    assert held.psql(number) == "0"
    held.psql(decide("drop") + "; update mail.held_message set told_at = now() - interval '3 days'")
    assert held.psql(number) == "0", "what is decided is nobody's care"


def test_a_kind_that_ends_by_itself_is_dropped_after_its_days_and_facts_go_after_theirs(held: Scratch) -> None:
    held.psql("update mail.held_message set arrived_at = now() - interval '10 years'")
    assert held.psql("select mail.held_expire()") == "0", "secrecy waits until somebody decides"
    held.psql(
        "update mail.setting set value = jsonb_set(value, '{secrecy,drop_after_days}', '30') where name = 'held_kinds'"
    )
    assert held.psql("select mail.held_expire()") == "1"
    assert states(held) == ["dropped"] * 3
    assert held.psql("select reason from mail.held_recipient limit 1") == "quá 30 ngày không có quyết định"
    assert held.psql("select mail.held_expire(), mail.held_prune()") == "0|0"
    held.psql("update mail.held_message set decided_at = now() - interval '20 years'")
    assert held.psql("select mail.held_prune()") == "0", "its file is there"
    held.psql("select mail.held_erased(1)")
    assert held.psql("select mail.held_prune()") == "1"
    assert held.psql("select count(*) from mail.held_recipient") == "0"
    assert int(held.psql("select count(*) from mail.audit where object = 'held'")) == 2


# --- Mailboxes that end ---


def revoke(held: Scratch) -> None:
    held.apply(registry(person(1, state="revoked"), person(2)))


def test_a_closed_mailboxes_held_mail_waits_and_no_purge_decides_it_by_the_way(held: Scratch) -> None:
    revoke(held)
    assert states(held) == ["held"] * 3
    assert held.psql("select mail.held_of('box00001'), mail.held_of('box00002')") == "1|0"
    with pytest.raises(StatementError, match="còn 1 thư bị giữ"):
        held.psql("select mail.mailbox_purge('box00001')")
    assert held.psql("select purged_at is null from mail.mailbox where id = 'box00001'") == "t"
    held.psql(decide("drop"))
    assert held.psql("select mail.mailbox_purge('box00001')") == "t"
    assert held.psql("select subject || author || message_id from mail.held_message") == ""
    assert states(held) == ["dropped"] * 3


def test_the_mail_of_a_locked_mailbox_is_decided_as_any_other(held: Scratch) -> None:
    held.psql("select mail.mailbox_lock('box00001', 'forbidden_use', 'thử')")
    assert held.psql(decide("release", AN)) == f"{{{AN}}}"


# --- Reading one ---


def test_nobody_reads_one_without_a_document_and_its_owner_hears_of_it(held: Scratch) -> None:
    opening = "select * from mail.held_open(1, '{}')"
    for before, note in (("", "xem xét"), ("set hanam.document = '12/STTTT'; ", " ")):
        with pytest.raises(StatementError, match="văn bản"):
            held.psql(before + opening.format(note))
    number, file = held.psql("set hanam.document = '12/STTTT'; " + opening.format("xem xét")).split("|")
    assert file == FILE
    assert (
        held.psql(f"select object, key, document from mail.audit where seq = {number}") == "opening|box00001|12/STTTT"
    )
    assert waiting(held) == ["held", "held_opened"]
    held.psql(decide("drop"))
    with pytest.raises(StatementError, match="đã được quyết định xong"):
        held.psql("set hanam.document = '12/STTTT'; " + opening.format("xem xét"))


# --- Rights ---


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("mail_quarantine", "select * from mail.held_message"),
        ("mail_quarantine", decide("release")),
        ("mail_quarantine", "select * from mail.mailbox"),
        ("mail_quarantine", "select * from mail.credential"),
        ("mail_apply", "update mail.held_recipient set state = 'released'"),
        ("mail_apply", "delete from mail.held_message"),
        ("mail_apply", "select mail.held_result(1, '{}', '', '{}', '{}', '{}')"),
        ("mail_jobs", "select * from mail.held_recipient"),
        ("mail_postfix", "select * from mail.held_message"),
        ("mail_dovecot", "select * from mail.held_message"),
        ("mail_webmail", "select * from mail.held_message"),
        ("mail_agent", "select * from mail.held_message"),
    ],
)
def test_a_role_cannot(database: Database, role: str, statement: str) -> None:
    assert "permission denied" in refused(database, statement, world="", role=role)


def test_the_service_can_do_its_work_and_the_operator_look(database: Database) -> None:
    calls = (
        "select mail.held_known('{}'); select mail.held_files(); select mail.held_erasable(); select mail.held_due();"
        " select mail.held_sending(1, '{}'); select mail.held_interrupted()"
    )
    query(database, calls, world="", role="mail_quarantine")
    query(database, "select count(*) from mail.held_message, mail.held_recipient", world="", role="mail_apply")
    query(
        database, "select mail.held_to_tell(); select mail.held_expire(), mail.held_prune()", world="", role="mail_jobs"
    )
