"""Spam from outside is held for its receivers, who are told once a day and let go what is none, by a link (Đ10.6).

The rule that gives the score is the test's own: what is spam is the filter's affair.
"""

import email
import email.policy
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage

import pytest

from tests import journal, office_macros
from tests.foreign import AN, Foreign
from tests.lab import Lab, Sample, message, wait_for
from tests.mail.http_doors import Browser
from tests.mail.test_filter import with_attachment
from tests.mail.test_quarantine import ask, held, inbox, states

pytestmark = [pytest.mark.neighbours, pytest.mark.dieu10, pytest.mark.provokes(journal.FILTER_AWAY)]

WORD, JUNK = "RAC-DE-THU", "NGO-LA-RAC"
RULE = "/etc/rspamd/lua.local.d/test_spam.lua"
# The whole score, whatever the letter has besides: before our own rules look at it.
_RULE = """
for word, score in pairs({ SCORES }) do
  local name = "TEST_" .. word:gsub("%W", "_")
  rspamd_config:register_symbol({
    name = name, type = "postfilter", priority = 1, flags = "empty,nostat", score = 1.0,
    callback = function(task)
      if (task:get_subject() or ""):find(word, 1, true) then
        task:insert_result(name, score - (task:get_metric_score() or { 0 })[1])
      end
    end,
  })
end
"""


@contextmanager
def scored(lab: Lab, scores: Mapping[str, float]) -> Iterator[None]:
    """Messages whose subject has such a word get its score."""
    restart = "systemctl restart rspamd"
    text = _RULE.replace("SCORES", ", ".join(f'["{word}"] = {score}' for word, score in scores.items()))
    lab.run("filter", f"cat > {RULE} <<'LUA'\n{text}\nLUA\nchmod 644 {RULE} && {restart}")
    lab.wait_for_filter()
    try:
        yield
    finally:
        lab.run("filter", f"rm {RULE} && {restart}")
        lab.wait_for_filter()


@pytest.fixture(scope="module", autouse=True)
def rule(lab: Lab) -> Iterator[None]:
    """Messages with that word have a score at which spam is held, and the hour of the letter has come."""
    hour = lab.sql("select value from mail.setting where name = 'held_digest_at'")
    with scored(lab, {WORD: 10.5, JUNK: 6.2}):
        lab.sql("update mail.setting set value = '\"00:00\"' where name = 'held_digest_at'")
        yield
        lab.sql(f"update mail.setting set value = '{hour}' where name = 'held_digest_at'")


@pytest.fixture
def foreign(lab: Lab) -> Foreign:
    return Foreign(lab)


def links(lab: Lab, who: Sample, title: str) -> list[str]:
    """Of the letter that a receiver got today, those below the message with that subject."""
    letter = email.message_from_bytes(
        lab.wait_for_message(who, "thư nghi là thư rác gửi đến"), policy=email.policy.default
    )
    assert isinstance(letter, EmailMessage)
    text = letter.get_content()
    return re.findall(
        rf"Tiêu đề thư: {re.escape(title)}\s+Xem và quyết định: https://[^/]+(/thu-giu/\?ma=[0-9a-f-]+)", text
    )


@pytest.mark.proof("Thư nghi là thư rác được giữ, người nhận tự giao lại / spam is held, its receiver lets it go")
def test_a_receiver_is_told_in_one_letter_and_lets_his_copy_go_by_its_link_once(
    lab: Lab, foreign: Foreign, recipient: Sample, colleague: Sample
) -> None:
    """Đ10.6."""
    title = f"{WORD} {uuid.uuid4().hex[:12]}"
    foreign.send(message(AN, recipient.address, subject=title), AN, recipient.address, colleague.address)
    found = held(lab, title)
    assert (found["kind"], found["sender"]) == ("spam", AN)
    assert states(lab, found["id"]) == dict.fromkeys((recipient.address, colleague.address), "held")
    assert [*inbox(lab, recipient, title), *inbox(lab, colleague, title)] == []

    lab.send_notices()
    lab.send_notices()
    lab.wait_for_message(recipient, "thư nghi là thư rác gửi đến")
    assert len(inbox(lab, recipient, "thư nghi là thư rác gửi đến")) == 1
    # Our own letter, which quotes it, is neither junk nor held.
    assert lab.run(
        "mailstore", f"doveadm search -u {recipient.mailbox} mailbox INBOX header Subject 'thư nghi là thư rác'"
    )
    (link,) = links(lab, recipient, title)

    # Programs that open links let nothing go.
    browser = Browser(lab)
    page = browser.ask(link)
    assert page.status == 200
    assert title in page.body
    assert states(lab, found["id"])[recipient.address] == "held"
    token = link.partition("=")[2]
    assert (
        browser.ask("/thu-giu/", {"ma": token[:-1] + ("0" if token[-1] != "0" else "1"), "viec": "giao"}).status == 404
    )

    for _ in range(2):
        page = browser.ask("/thu-giu/", {"ma": token, "viec": "giao"})
        assert page.status == 200, page.body
    # Into the INBOX, though its score is what it was.
    arrived = lab.wait_for_message(recipient, title)
    assert b"\nX-Spam:" not in arrived
    assert b"x-hanam-hold" not in arrived.lower()
    assert len(inbox(lab, recipient, title)) == 1
    assert states(lab, found["id"]) == {recipient.address: "released", colleague.address: "held"}
    assert inbox(lab, colleague, title) == []
    actor = "select actor from mail.audit where object = 'held' and after ->> 'decision' = 'release' and key = '{}'"
    assert lab.sql(actor.format(found["id"])) == recipient.address
    lesson = f"select lesson from mail.held_message where id = {found['id']}"
    wait_for(lambda: lab.sql(lesson) == "given", "the filter's lesson")

    (other,) = links(lab, colleague, title)
    assert "đã bị hủy" in browser.ask("/thu-giu/", {"ma": other.partition("=")[2], "viec": "huy"}).body
    gone = f"select erased_at is not null from mail.held_message where id = {found['id']}"
    wait_for(lambda: lab.sql(gone) == "t", "the file's end")


def test_spam_with_macros_is_its_receivers_to_drop_and_not_to_let_go(
    lab: Lab, foreign: Foreign, recipient: Sample
) -> None:
    title = f"{WORD} {uuid.uuid4().hex[:12]}"
    mail = with_attachment(message(AN, recipient.address, subject=title), "Báo cáo.docm", office_macros.docm())
    foreign.send(mail, AN, recipient.address)
    found = held(lab, title)
    assert found["kind"] == "spam"
    lab.send_notices()
    (link,) = links(lab, recipient, title)
    browser, token = Browser(lab), link.partition("=")[2]
    page = browser.ask(link)
    assert (page.status, "tệp đính kèm có macro" in page.body, 'value="giao"' in page.body) == (200, True, False)
    # Whoever makes the request by hand.
    assert "tệp đính kèm có macro" in browser.ask("/thu-giu/", {"ma": token, "viec": "giao"}).body
    assert states(lab, found["id"]) == {recipient.address: "held"}
    assert "đã bị hủy" in browser.ask("/thu-giu/", {"ma": token, "viec": "huy"}).body
    assert states(lab, found["id"]) == {recipient.address: "dropped"}
    assert inbox(lab, recipient, title) == []


FOLDER, ASIDE = "/var/lib/hanam-quarantine", "/run/held-aside"


@contextmanager
def little_room(lab: Lab, size: str) -> Iterator[None]:
    """The quarantine's folder, with all that is in it, on a disk of its own that is only so large."""
    unit = "hanam-quarantine.service"
    lab.run(
        "quarantine",
        f"systemctl stop {unit} && rm -rf {ASIDE} && cp -a {FOLDER} {ASIDE}"
        f" && mount -t tmpfs -o size={size} tmpfs {FOLDER} && cp -a {ASIDE}/. {FOLDER} && systemctl start {unit}",
    )
    try:
        yield
    finally:
        # Decided meanwhile or held meanwhile: what lies there now is what counts.
        lab.run(
            "quarantine",
            f"systemctl stop {unit} && rm -rf {ASIDE} && cp -a {FOLDER} {ASIDE} && umount {FOLDER}"
            f" && find {FOLDER} -mindepth 1 -delete && cp -a {ASIDE}/. {FOLDER} && rm -rf {ASIDE}"
            f" && systemctl start {unit}",
        )


@pytest.mark.provokes(journal.HELD_NO_ROOM)
# Below what spam leaves free, and below what everything does.
@pytest.mark.parametrize("size", ["3g", "64m"])
def test_spam_for_which_there_is_no_room_is_in_junk_once_and_waits_in_no_queue(
    lab: Lab, foreign: Foreign, recipient: Sample, colleague: Sample, size: str
) -> None:
    title = f"{WORD} {uuid.uuid4().hex[:12]}"
    with little_room(lab, size):
        foreign.send(message(AN, recipient.address, subject=title), AN, recipient.address, colleague.address)
        for who in (recipient, colleague):
            arrived = lab.wait_for_message(who, title, folder="Junk")
            assert b"\nX-Spam: Yes" in b"\n" + arrived
            assert b"x-hanam-hold" not in arrived.lower()
            assert len(inbox(lab, who, title)) == 1
        assert lab.sql(f"select count(*) from mail.held_message where subject = '{title}'") == "0"
        assert [each for each in foreign.queue("mx") if each["sender"] == AN] == []
    # With room again it is held again.
    title = f"{WORD} {uuid.uuid4().hex[:12]}"
    foreign.send(message(AN, recipient.address, subject=title), AN, recipient.address)
    ask(lab, "drop", str(held(lab, title)["id"]), "--reason", "thư rác")


def test_an_address_that_programs_read_opens_no_way_past_the_hold(
    lab: Lab, foreign: Foreign, recipient: Sample
) -> None:
    title = f"{WORD} {uuid.uuid4().hex[:12]}"
    program = f"dmarc@{recipient.address.partition('@')[2]}"
    foreign.send(message(AN, recipient.address, subject=title), AN, recipient.address, program)
    number = held(lab, title)["id"]
    assert states(lab, number) == dict.fromkeys((recipient.address, program), "held")
    assert inbox(lab, recipient, title) == []
    ask(lab, "drop", str(number), "--reason", "thư rác")


def test_likely_spam_is_marked_and_filed_as_junk_as_before(lab: Lab, foreign: Foreign, recipient: Sample) -> None:
    title = f"{JUNK} {uuid.uuid4().hex[:12]}"
    foreign.send(message(AN, recipient.address, subject=title), AN, recipient.address)
    assert b"\nX-Spam: Yes" in lab.wait_for_message(recipient, title, folder="Junk")
    assert lab.sql(f"select count(*) from mail.held_message where subject = '{title}'") == "0"


def test_what_a_signed_in_person_writes_is_not_held_for_its_score(lab: Lab, sender: Sample, recipient: Sample) -> None:
    title = f"{WORD} {uuid.uuid4().hex[:12]}"
    with lab.submission(sender.address, sender.password) as client:
        client.send_message(message(sender.address, recipient.address, subject=title))
    lab.wait_for_message(recipient, title, folder="Junk")


def test_an_operator_sees_and_decides_spam_by_its_kind_and_receiver(
    lab: Lab, foreign: Foreign, recipient: Sample
) -> None:
    title = f"{WORD} {uuid.uuid4().hex[:12]}"
    foreign.send(message(AN, recipient.address, subject=title), AN, recipient.address)
    number = held(lab, title)["id"]
    assert number not in [each["id"] for each in ask(lab, "list")["messages"]]
    assert number in [
        each["id"] for each in ask(lab, "list", "--kind", "spam", "--recipient", recipient.address)["messages"]
    ]
    assert ask(lab, "drop", str(number), "--reason", "thư rác")["decided"] == [recipient.address]
