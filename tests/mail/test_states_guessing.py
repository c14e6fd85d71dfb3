"""Guessing against the running system (Đ4.6, Đ12.7): ten thousand tries from twenty machines."""

import imaplib
import json
import quopri
import random
import shlex
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median

import pytest

from tests import journal
from tests.lab import EFFECT, Lab, Sample, at_once, wait_for
from tests.mail.accounts import forget_failures, webmail_imap
from tests.mail.http_doors import Browser, messages

pytestmark = [pytest.mark.dieu4, pytest.mark.dieu12, pytest.mark.provokes(journal.REFUSED_SIGN_IN)]
GUESSES, MACHINES, AT_ONCE = 10_000, 20, 200
HEARD = 4 * MACHINES
"""Guesses that are looked at before the limits shut all machines out, at most."""
PROGRAM = Path(__file__).with_name("auth_client.py")


@pytest.fixture
def victim(lab: Lab, person: Sample) -> Iterator[Sample]:
    forget_failures(lab)
    yield person
    forget_failures(lab)


def sign_in(lab: Lab, tries: list[tuple[str, str, str, str]], at_once: int) -> dict[str, object]:
    """Over Dovecot's own socket, from any source address."""
    line = lab.driver.ssh_command(lab.host("mailstore"), shared=True)
    lab.run("mailstore", f"cat > /root/auth_client.py <<'PROGRAM'\n{PROGRAM.read_text()}\nPROGRAM")
    done = subprocess.run(
        [*line, "sudo", "python3", "/root/auth_client.py", str(at_once)],
        input="".join(json.dumps(one) + "\n" for one in tries),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def shut_out(lab: Lab, victim: Sample, source: str) -> None:
    """Twelve guesses from one address: one by one only near the limit of ten, since each refusal takes its time."""
    for numbers in (range(9), range(9, 10), range(10, 12)):
        sign_in(lab, [(victim.address, f"Sai-{n}#x", source, "imap") for n in numbers], len(numbers))


def seconds_of_hashes(lab: Lab, count: int) -> float:
    """What so many checks of a password take the database at present, over four connections as Dovecot has."""
    quarter = f"select count(mail.password_hash('x' || n)) from generate_series(1, {count // 4}) n"
    started = time.monotonic()
    at_once(*[partial(lab.sql, quarter)] * 4)
    return time.monotonic() - started


@pytest.fixture
def hashes_as_in_production(lab: Lab) -> Iterator[None]:
    with lab.hashes_as_in_production():
        yield


@pytest.mark.bound
@pytest.mark.neighbours
@pytest.mark.usefixtures("hashes_as_in_production")
def test_ten_thousand_guesses_from_twenty_machines_open_nothing(lab: Lab, victim: Sample) -> None:
    """The right password is among them, at each machine once after the threshold; its owner gets in from elsewhere."""
    machines = [f"198.51.100.{n}" for n in range(1, MACHINES + 1)]
    chance = random.Random(1)  # noqa: S311
    tries = []
    for number in range(GUESSES):
        right = number // MACHINES == GUESSES // MACHINES // 2
        password = victim.password if right else f"Doan-{chance.randrange(10**9)}#x"
        tries.append((victim.address, password, machines[number % MACHINES], "imap"))

    def owner() -> float:
        """Seconds that the owner's sign-in takes, remembered by nobody."""
        lab.run("mailstore", f"doveadm auth cache flush {victim.address}")
        started = time.monotonic()
        lab.imap(victim.address, victim.password).logout()
        return time.monotonic() - started

    # What a busy machine takes without any guesses is not theirs: next to nothing on a quiet one.
    before = max(owner() for _ in range(10))
    hashes = seconds_of_hashes(lab, HEARD)
    times: list[float] = []
    with ThreadPoolExecutor(1) as pool:
        attack = pool.submit(sign_in, lab, tries, AT_ONCE)
        while not attack.done():
            times.append(owner())
            time.sleep(1)
        answer = attack.result()
    print(
        f"{GUESSES} guesses in {answer['seconds']:.0f} s; owner in {len(times)} times, within {max(times):.2f} s;"
        f" {HEARD} hashes {hashes:.2f} s"
    )
    assert answer["accepted"] == answer["told"] == []
    assert answer["refused"] == GUESSES
    # At first the owner waits for the hashes of the guesses that are heard, on a quiet machine 2 seconds as well.
    assert max(times[:3]) < max(2, hashes) + before
    assert max(times[3:]) < 2 + before
    counted = int(lab.sql(f"select count(*) from mail.sign_in_failure where login = '{victim.mailbox}'"))
    # What was under way while a limit was reached is counted as well.
    assert counted < HEARD
    # Afterwards too the owner gets in from a place where he never was.
    elsewhere = sign_in(lab, [(victim.address, victim.password, "203.0.113.77", "imap")], 1)
    assert elsewhere["accepted"] == [0]
    assert isinstance(elsewhere["longest"], float)
    assert elsewhere["longest"] < 2


@pytest.mark.bound
def test_the_operator_hears_of_it(lab: Lab, victim: Sample) -> None:
    begin = lab.run("mailstore", "date +%s").strip()
    shut_out(lab, victim, "198.51.100.99")
    kinds = lab.sql(f"select kind, host(address) from mail.sign_in_lockout where login = '{victim.mailbox}'")
    assert kinds == "pair|198.51.100.99"

    def told() -> str:
        return lab.run(
            "mailstore",
            f"journalctl -u hanam-agent --since @{begin} -p warning -o cat | grep 'sign-in lockout'",
            check=False,
        )

    assert "198.51.100.99" in wait_for(told, "the warning in the agent's journal", EFFECT)


def letters(lab: Lab) -> list[str]:
    """The letters about lockouts in the operator's mailbox, read on the mail store."""
    operator = lab.sql(f"select mail.resolve('{lab.variables['operator_address'].partition('@')[0]}')")
    found = lab.run("mailstore", f"doveadm fetch -u {operator} body header Subject 'lần chặn đăng nhập'")
    return [quopri.decodestring(text).decode() for text in found.split("body:\n")[1:]]


def test_a_lockout_is_told_to_the_operator_by_mail_once_and_is_lifted_by_command(lab: Lab, victim: Sample) -> None:
    source = f"198.51.100.{random.randrange(100, 250)}"  # noqa: S311
    before = len(letters(lab))
    shut_out(lab, victim, source)
    for _ in range(2):
        lab.send_notices()
    (letter,) = wait_for(lambda: letters(lab)[before:], "the letter to the operator")
    assert f"{victim.address} bị chặn từ {source}: 10 lần sai" in " ".join(letter.split())
    assert f"{victim.address} bị chặn từ {source}" in lab.run("accounts", "hanam-mail-db lockouts")
    assert sign_in(lab, [(victim.address, victim.password, source, "imap")], 1)["accepted"] == []
    lift = f"hanam-mail-db lockouts --lift {victim.address} --from {source} --note 'gõ nhầm' --actor lan"
    assert "10 lần sai không còn được tính" in lab.run("accounts", lift)
    assert sign_in(lab, [(victim.address, victim.password, source, "imap")], 1)["accepted"] == [0]
    assert source not in lab.run("accounts", "hanam-mail-db lockouts")
    history = lab.run("accounts", f"hanam-mail-db history {victim.address}").splitlines()
    assert f"gỡ chặn đăng nhập từ {source}: gõ nhầm; người thực hiện: lan" in history[-1]
    assert "không bị chặn" in lab.run("accounts", lift)


def test_guesses_in_the_webmail_count_for_the_browser_not_for_the_webmail(lab: Lab, victim: Sample) -> None:
    """Its listener says for whom it signs in; a machine that guesses there shuts out neither others nor the webmail."""
    assert "Authentication failed" in webmail_imap(lab, victim.address, "Sai-o-web#1", "198.51.100.55")
    assert lab.sql("select host(address), protocol from mail.sign_in_failure") == "198.51.100.55|webmail"


def test_guesses_in_the_webmail_do_not_shut_its_owner_out(lab: Lab, victim: Sample) -> None:
    """Nor is there a second kind of counting: five wrong passwords in a minute are no guessing yet."""
    assert "_task=mail" in Browser(lab).log_in(victim.address, victim.password).location
    wrong = (partial(Browser(lab).log_in, victim.address, f"Sai-o-web#{number}") for number in range(5))
    for answer in at_once(*wrong):
        assert messages(answer.body).startswith("Không đăng nhập được"), answer.body
    assert "_task=mail" in Browser(lab).log_in(victim.address, victim.password).location


# --- The change page, met as nginx meets it, so that it can be told any source ---

_VISITOR = """
import http.client, json, socket, sys, time, urllib.parse
answers = []
for login, password, source in json.load(sys.stdin):
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect("/run/hanam-change-page.sock")
    fields = urllib.parse.urlencode({"dang-nhap": login, "cu": password, "moi": "yeu", "nhac-lai": "yeu"})
    headers = {"Accept": "application/json", "X-Real-IP": source, "Content-Type": "application/x-www-form-urlencoded"}
    began = time.monotonic()
    connection.request("POST", "/mat-khau/", fields, headers)
    answers.append([json.load(connection.getresponse())["result"], time.monotonic() - began])
print(json.dumps(answers))
"""


def ask_change_page(lab: Lab, tries: list[tuple[str, str, str]]) -> list[tuple[str, float]]:
    """What the page answers to each login, password and source, and after how many seconds."""
    line = lab.driver.ssh_command(lab.host("webmail"), shared=True)
    done = subprocess.run(
        [*line, "sudo", "python3", "-c", shlex.quote(_VISITOR)],
        input=json.dumps(tries),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return [(result, seconds) for result, seconds in json.loads(done.stdout)]


def guesses(victim: Sample, number: int, machines: int) -> list[tuple[str, str, str]]:
    """So many, by turns from each machine; each has the right password once, half-way."""
    half = number // machines // 2
    return [
        (
            victim.address,
            victim.password if place // machines == half else f"Doan-{place}#x",
            f"198.51.100.{place % machines + 1}",
        )
        for place in range(number)
    ]


def test_guesses_at_submission_open_nothing(lab: Lab, victim: Sample) -> None:
    """As Postfix asks; and what they cost a name holds at every door."""
    answer = sign_in(lab, [(*guess, "smtp") for guess in guesses(victim, 400, 4)], AT_ONCE)
    assert answer["accepted"] == answer["told"] == []
    barred = sign_in(
        lab, [(victim.address, victim.password, "198.51.100.1", protocol) for protocol in ("smtp", "imap")], 2
    )
    assert barred["refused"] == 2
    elsewhere = sign_in(lab, [(victim.address, victim.password, "203.0.113.78", "smtp")], 1)
    assert elsewhere["accepted"] == [0]


def test_guesses_at_the_change_page_open_nothing(lab: Lab, victim: Sample) -> None:
    answers = ask_change_page(lab, guesses(victim, 400, 4))
    results = {result: sum(found == result for found, _ in answers) for result, _ in answers}
    print(f"400 guesses at the change page in {sum(seconds for _, seconds in answers):.0f} s: {results}")
    assert set(results) == {"wrong", "throttled"}
    assert results["wrong"] <= 4 * 10  # as many as a source may fail, before it is not heard
    assert ask_change_page(lab, [(victim.address, victim.password, "203.0.113.79")])[0][0] == "rejected"


@pytest.mark.bound
@pytest.mark.usefixtures("hashes_as_in_production")
def test_a_name_that_does_not_exist_is_refused_in_the_same_time(lab: Lab, victim: Sample) -> None:
    """By turns and many times, each from another source, so that what else the machine does weighs on both alike."""
    tries = [
        (login, "Sai-nhu-nhau#1", f"198.51.100.{place}")
        for place in range(1, 25)
        for login in (victim.address, f"khong.co.ai.{place}@hanam.gov.vn")
    ]
    answers = ask_change_page(lab, tries)
    assert {result for result, _ in answers} == {"wrong"}
    known, unknown = (median(seconds for _, seconds in answers[offset::2]) for offset in (0, 1))
    print(f"a wrong password takes {known * 1000:.0f} ms, a name that does not exist {unknown * 1000:.0f} ms")
    assert 2 / 3 < known / unknown < 3 / 2


def test_a_name_that_does_not_exist_is_answered_alike(lab: Lab, victim: Sample) -> None:
    def refusal(address: str) -> str:
        with pytest.raises(imaplib.IMAP4.error) as refused:
            lab.imap(address, "Sai-nhu-nhau#1")
        return str(refused.value)

    assert refusal(victim.address) == refusal("khong.co.ai@hanam.gov.vn")
