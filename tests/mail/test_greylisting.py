"""A doubtful letter of a stranger comes a second time; who is known does not wait, nobody without Redis (Đ10.6)."""

import smtplib
import time
import uuid
from collections.abc import Iterator

import pytest

from tests import journal
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


def forget(lab: Lab) -> None:
    """Nobody is known."""
    secret = f"export REDISCLI_AUTH='{lab.variables['vault_redis_password']}'"
    lab.run(
        "filter",
        f"{secret}; {KEYS} --scan --pattern 'hanam:[wd]*' | grep -E ':(waiting|written|delivered):'"
        f" | xargs -r {KEYS} del",
    )


@pytest.fixture(scope="module", autouse=True)
def score_as_asked(lab: Lab) -> Iterator[None]:
    def restart() -> None:
        lab.run("filter", "systemctl restart rspamd.service")
        lab.wait_for_filter()

    lab.run("filter", f"cat > {RULE} <<'RULE'\n{SCORE}\nRULE")
    try:
        restart()
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


def hand_in(lab: Lab, sender: str, recipient: Sample, score: float, subject: str = "thu") -> int:
    """What port 25 answers to a letter from the outer machine."""
    mail = message(sender, recipient.address)
    del mail["Subject"]
    mail["Subject"], mail["X-Lab-Score"] = subject, str(score)
    with lab.smtp() as client:
        try:
            client.sendmail(sender, [recipient.address], mail.as_bytes())
        except smtplib.SMTPDataError as refusal:
            assert b"Thu den lan dau" in bytes(refusal.smtp_error), refusal
            return refusal.smtp_code
    return 250


def test_a_stranger_comes_again_and_is_known_then(lab: Lab, recipient: Sample) -> None:
    stranger, subject = new(), f"thu {uuid.uuid4().hex}"
    assert hand_in(lab, stranger, recipient, DOUBTFUL) == 451
    assert hand_in(lab, stranger, recipient, DOUBTFUL) == 451
    time.sleep(lab.variables["rspamd_greylist_seconds"] + 1)
    assert hand_in(lab, stranger, recipient, DOUBTFUL, subject) == 250
    lab.wait_for_message(recipient, subject)
    assert hand_in(lab, stranger, recipient, DOUBTFUL) == 250
    assert hand_in(lab, new(), recipient, DOUBTFUL) == 451


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
    log = lab.run("filter", f"journalctl -u rspamd.service -o cat --since=@{started}")
    (line,) = [line for line in log.splitlines() if f"from: <{AGENCY}>" in line and "LAB_SCORE" in line]
    assert "GREYLIST_SPARED" in line


def test_nobody_waits_without_redis(lab: Lab, recipient: Sample) -> None:
    # Role watch is not to tell of it.
    with lab.stopped("filter", "hanam-watch.timer", "redis-server.service"):
        start = time.monotonic()
        assert hand_in(lab, new(), recipient, DOUBTFUL) == 250
        assert time.monotonic() - start < 30


def test_what_is_known_ends_and_names_nobody(lab: Lab, recipient: Sample) -> None:
    stranger = new()
    hand_in(lab, stranger, recipient, 0)
    hand_in(lab, new(), recipient, DOUBTFUL)
    secret = f"export REDISCLI_AUTH='{lab.variables['vault_redis_password']}'"
    names = lab.run("filter", f"{secret}; {KEYS} --scan --pattern 'hanam:[wd]*'").split()
    names = [name for name in names if name.split(":")[1] in ("waiting", "written", "delivered")]
    assert {name.split(":")[1] for name in names} == {"waiting", "delivered"}
    assert not [name for name in names if stranger.split("@")[0] in name]
    for name in names:
        assert int(lab.run("filter", f"{secret}; {KEYS} ttl {name}")) > 0
