"""A doubtful letter of a stranger comes a second time; who is known does not wait, nobody without Redis (Đ10.6)."""

import smtplib
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests import journal
from tests.containers import EICAR
from tests.foreign import AGENCY, UNSIGNED, Foreign
from tests.lab import Lab, Sample, message

pytestmark = [pytest.mark.dieu10, pytest.mark.provokes(journal.FILTER_AWAY)]

RULE = "/etc/rspamd/lua.local.d/lab_score.lua"
# Gives a letter the score that it asks for, before it is decided who waits.
SCORE = """
rspamd_config:register_symbol({ name = "LAB_SCORE", type = "postfilter", priority = 5, score = 1.0,
  callback = function(task)
  local wanted = tonumber(task:get_header("X-Lab-Score") or "")
  if wanted then
    task:insert_result("LAB_SCORE", wanted - task:get_metric_score()[1])
  end
end })
"""
DOUBTFUL = 5.0
KEYS = "redis-cli -s /run/redis/redis-server.sock"


def redis(lab: Lab, command: str) -> str:
    """What the filter's Redis answers; more may follow in a pipe."""
    return lab.run("filter", f"export REDISCLI_AUTH='{lab.variables['vault_redis_password']}'; {KEYS} {command}")


def forget(lab: Lab) -> None:
    """Nobody is known."""
    redis(lab, f"--scan --pattern 'hanam:[wd]*' | grep -E ':(waiting|written|delivered):' | xargs -r {KEYS} del")


def wait(lab: Lab) -> None:
    """Until who was put off may come again."""
    time.sleep(lab.variables["rspamd_greylist_seconds"] + 1)


def late(lab: Lab, began: float) -> bool:
    """Whether a busy machine took so long that the time to wait was over."""
    return time.monotonic() - began >= lab.variables["rspamd_greylist_seconds"]


def remember(lab: Lab, recipient: Sample) -> None:
    """Redis has shown that it remembers."""
    hand_in(lab, new(), recipient, 0)
    wait(lab)


@contextmanager
def full(lab: Lab) -> Iterator[None]:
    """Redis has no more memory and takes nothing. It drops nothing here: others need what the filter has learnt."""
    before = {name: redis(lab, f"config get {name}").split("\n")[1] for name in ("maxmemory", "maxmemory-policy")}
    redis(lab, "config set maxmemory-policy noeviction")
    redis(lab, "config set maxmemory 1")
    try:
        yield
    finally:
        for name, value in sorted(before.items()):
            redis(lab, f"config set {name} {value}")


@pytest.fixture(scope="module", autouse=True)
def score_as_asked(lab: Lab) -> Iterator[None]:
    def restart() -> None:
        lab.run("filter", "systemctl restart rspamd.service")
        lab.wait_for_filter()

    lab.run("filter", f"cat > {RULE} <<'RULE'\n{SCORE}\nRULE")
    try:
        restart()
        remember(lab, lab.samples[0])
        yield
    finally:
        lab.run("filter", f"rm -f {RULE}")
        restart()
        forget(lab)


@pytest.fixture(autouse=True)
def strangers(lab: Lab) -> None:
    forget(lab)


def new() -> str:
    return f"la.{uuid.uuid4().hex[:12]}@client.example"


def hand_in(
    lab: Lab,
    sender: str,
    recipient: Sample,
    score: float,
    subject: str = "thu",
    *,
    envelope: str = "",
    number: str = "",
    also: tuple[str, ...] = (),
) -> int:
    """What port 25 answers to a letter from the outer machine. `number`: its Message-ID; `also`: more receivers."""
    mail = message(sender, recipient.address)
    del mail["Subject"]
    mail["Subject"], mail["X-Lab-Score"] = subject, str(score)
    if number:
        mail.replace_header("Message-ID", number)
    with lab.smtp() as client:
        try:
            client.sendmail(envelope or sender, [recipient.address, *also], mail.as_bytes())
        except smtplib.SMTPDataError as refusal:
            assert b"Thu cua nguoi gui chua quen" in bytes(refusal.smtp_error), refusal
            return refusal.smtp_code
    return 250


def test_a_stranger_comes_again_and_is_known_then(lab: Lab, recipient: Sample) -> None:
    stranger, subject = new(), f"thu {uuid.uuid4().hex}"
    began = time.monotonic()
    assert hand_in(lab, stranger, recipient, DOUBTFUL) == 451
    assert hand_in(lab, stranger, recipient, DOUBTFUL) == 451 or late(lab, began)
    wait(lab)
    assert hand_in(lab, stranger, recipient, DOUBTFUL, subject) == 250
    lab.wait_for_message(recipient, subject)
    assert hand_in(lab, stranger, recipient, DOUBTFUL) == 250
    assert hand_in(lab, new(), recipient, DOUBTFUL) == 451


def test_a_letter_is_known_again_by_its_number_or_its_receivers(lab: Lab, sender: Sample, recipient: Sample) -> None:
    """One receiver was put off for himself at first; a program numbers each try anew."""
    several, numbered = new(), new()
    number = f"<{uuid.uuid4().hex}@client.example>"
    assert hand_in(lab, several, recipient, DOUBTFUL, number=number) == 451
    assert hand_in(lab, numbered, recipient, DOUBTFUL) == 451
    wait(lab)
    assert hand_in(lab, several, recipient, DOUBTFUL, number=number, also=(sender.address,)) == 250
    assert hand_in(lab, numbered, recipient, DOUBTFUL) == 250


def test_another_letter_to_another_receiver_waits(lab: Lab, sender: Sample, recipient: Sample) -> None:
    """Else who never comes again would get through all the same, by his next letter."""
    stranger = new()
    assert hand_in(lab, stranger, recipient, DOUBTFUL) == 451
    wait(lab)
    assert hand_in(lab, stranger, sender, DOUBTFUL) == 451


def test_an_envelope_that_differs_each_time_is_no_other_sender(lab: Lab, recipient: Sample) -> None:
    """VERP, BATV, SRS."""
    author = new()
    assert hand_in(lab, author, recipient, DOUBTFUL, envelope=f"tra+1={new()}") == 451
    wait(lab)
    assert hand_in(lab, author, recipient, DOUBTFUL, envelope=f"tra+2={new()}") == 250
    assert hand_in(lab, author, recipient, DOUBTFUL, envelope=f"tra+3={new()}") == 250
    assert hand_in(lab, author, recipient, DOUBTFUL, envelope="tra@khongky.example") == 451


def test_nobody_waits_whom_a_full_redis_would_not_remember(lab: Lab, recipient: Sample) -> None:
    assert hand_in(lab, new(), recipient, DOUBTFUL) == 451
    with full(lab):
        assert hand_in(lab, new(), recipient, DOUBTFUL) == 250
        assert hand_in(lab, new(), recipient, DOUBTFUL) == 250
    assert hand_in(lab, new(), recipient, DOUBTFUL) == 451


def test_nobody_waits_until_redis_has_remembered_something(lab: Lab, recipient: Sample) -> None:
    """It was emptied, or is full and drops what ends soonest."""
    redis(lab, f"--scan --pattern 'hanam:remembers:*' | xargs -r {KEYS} del")
    try:
        began = time.monotonic()
        assert hand_in(lab, new(), recipient, DOUBTFUL) == 250
        assert hand_in(lab, new(), recipient, DOUBTFUL) == 250 or late(lab, began)
    finally:
        wait(lab)
    assert hand_in(lab, new(), recipient, DOUBTFUL) == 451


def test_who_was_seen_on_one_day_is_sooner_forgotten(lab: Lab, recipient: Sample) -> None:
    stranger = new()
    assert hand_in(lab, stranger, recipient, 0) == 250
    (name,) = redis(lab, "--scan --pattern 'hanam:delivered:*'").split()
    days = [lab.variables[f"rspamd_known_days{which}"] for which in ("_at_first", "")]
    assert days[0] - 1 < int(redis(lab, f"ttl {name}")) / 86400 <= days[0]
    redis(lab, f"set {name} 1 ex 60")
    assert hand_in(lab, stranger, recipient, DOUBTFUL) == 250
    assert days[1] - 1 < int(redis(lab, f"ttl {name}")) / 86400 <= days[1]
    assert redis(lab, f"get {name}").strip() == "1"


def test_only_doubtful_letters_wait(lab: Lab, recipient: Sample) -> None:
    least, junk = lab.variables["rspamd_score_greylist"], 6
    assert hand_in(lab, new(), recipient, least - 0.1) == 250
    assert hand_in(lab, new(), recipient, least + 0.1) == 451
    assert hand_in(lab, new(), recipient, junk - 0.1) == 451
    subject = f"rac {uuid.uuid4().hex}"
    assert hand_in(lab, new(), recipient, junk + 0.1, subject) == 250
    assert b"\nX-Spam: Yes" in lab.wait_for_message(recipient, subject, folder="Junk")


def test_a_letter_that_was_delivered_before_makes_its_sender_known(lab: Lab, recipient: Sample) -> None:
    stranger = new()
    assert hand_in(lab, stranger, recipient, 0) == 250
    assert hand_in(lab, stranger, recipient, DOUBTFUL) == 250
    # Junk makes nobody known.
    other = new()
    assert hand_in(lab, other, recipient, 7) == 250
    assert hand_in(lab, other, recipient, DOUBTFUL) == 451


def test_to_whom_our_people_have_written_does_not_wait(lab: Lab, sender: Sample, recipient: Sample) -> None:
    assert hand_in(lab, UNSIGNED, recipient, DOUBTFUL) == 451
    mail = message(sender.address, UNSIGNED)
    with lab.submission(sender.address, sender.password) as client:
        client.sendmail(sender.address, [UNSIGNED], mail.as_bytes())
    assert hand_in(lab, UNSIGNED, recipient, DOUBTFUL) == 250


def test_a_state_agency_does_not_wait(lab: Lab, recipient: Sample) -> None:
    mail = message(AGENCY, recipient.address)
    mail["X-Lab-Score"] = str(DOUBTFUL)
    started = lab.run("filter", "date +%s").strip()
    Foreign(lab).send(mail, AGENCY, recipient.address)
    lab.wait_for_message(recipient, str(mail["Subject"]))
    log = lab.run("filter", f"journalctl --sync; journalctl -u rspamd.service -o cat --since=@{started}")
    (line,) = [line for line in log.splitlines() if f"from: <{AGENCY}>" in line and "LAB_SCORE" in line]
    assert "GREYLIST_SPARED" in line


@pytest.mark.bound
def test_nobody_waits_without_redis(lab: Lab, recipient: Sample) -> None:
    # Role watch is not to tell of it.
    with lab.stopped("filter", "hanam-watch.timer", "redis-server.service"):
        start = time.monotonic()
        assert hand_in(lab, new(), recipient, DOUBTFUL) == 250
        assert time.monotonic() - start < 30
        # It is scanned all the same.
        virus = message(new(), recipient.address)
        virus.add_attachment(EICAR, maintype="application", subtype="octet-stream", filename="a.doc")
        with lab.smtp() as client, pytest.raises(smtplib.SMTPDataError) as refusal:
            client.send_message(virus)
        assert b"Thu co virus" in refusal.value.smtp_error


def test_what_is_known_ends_and_names_nobody(lab: Lab, recipient: Sample) -> None:
    stranger = new()
    hand_in(lab, stranger, recipient, 0)
    hand_in(lab, new(), recipient, DOUBTFUL)
    names = redis(lab, "--scan --pattern 'hanam:[wd]*'").split()
    names = [name for name in names if name.split(":")[1] in ("waiting", "written", "delivered")]
    assert {name.split(":")[1] for name in names} == {"waiting", "delivered"}
    assert not [name for name in names if stranger.split("@")[0] in name]
    for name in names:
        assert int(redis(lab, f"ttl {name}")) > 0
