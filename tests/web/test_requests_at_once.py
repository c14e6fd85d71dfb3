"""Requests of one session at once: each keeps what it stored there, whichever ends last.

None of it hangs on the machine's speed: what a request has to wait for is held in the database until the others are
where the test wants them.
"""

import re
import shlex
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.lab import PSQL, Lab, Sample, wait_for
from tests.mail.http_doors import Browser, Reply

pytestmark = pytest.mark.neighbours

# The lock that `hold` takes; others of the server take locks of their own.
HELD = (
    "select count(*) from pg_locks where locktype = 'advisory' and granted and classid = 0 and objid = 1"
    " and database = (select oid from pg_database where datname = 'webmail')"
)
WAITING = "select count(*) from pg_stat_activity where datname = 'webmail' and wait_event_type = 'Lock'"


class Visit:
    """Somebody who is signed in, and the row in which Roundcube keeps his session."""

    def __init__(self, lab: Lab, person: Sample) -> None:
        self.lab, self.browser = lab, Browser(lab)
        self.browser.log_in(person.address, person.password)
        found = re.search(r'"request_token":"(\w+)"', self.browser.ask("/?_task=mail").body)
        assert found, "no inbox"
        self.token = found.group(1)
        self.row = f"sess_id = '{self.browser.cookies['roundcube_sessid']}'"

    # --- what the page asks ---

    def list(self, folder: str) -> Reply:
        answer = self.browser.ask(f"/?_task=mail&_action=list&_mbox={folder}&_remote=1&_token={self.token}")
        assert answer.status == 200, answer
        return answer

    def begin(self) -> str:
        """Begin a letter; returns its number, for which its page asks."""
        answer = self.browser.ask("/?_task=mail&_action=compose")
        found = re.search(r"_id=(\w+)", answer.location)
        assert found, answer
        return found.group(1)

    def letter(self, number: str) -> Reply:
        return self.browser.ask(f"/?_task=mail&_action=compose&_id={number}")

    def attach(self, number: str, name: str) -> None:
        query = f"_task=mail&_action=upload&_id={number}&_uploadid=upload1&_remote=1"
        answer = self.browser.upload(f"/?{query}", self.token, "_attachments[]", name, b"noi dung")
        assert name in answer.body, answer

    # --- what the database holds ---

    def sql(self, statements: str) -> str:
        """What the webmail's database answers its superuser."""
        shell = f"cd / && runuser -u postgres -- {PSQL} -d webmail"
        return self.lab.run("accounts", f"{shell} -c {shlex.quote(statements)}").strip()

    def stored(self) -> str:
        """What the session's row holds; nothing when there is none."""
        return self.sql(f"select convert_from(decode(vars, 'base64'), 'UTF8') from session where {self.row}")

    def signed_in(self) -> bool:
        return "username|" in self.stored()

    def hold(self, pool: ThreadPoolExecutor, what: str, requests: int, then: str = "null") -> Future[str]:
        """Hold something until so many requests wait for it, and do something before it is let go."""
        holding = pool.submit(
            self.sql,
            f"begin; {what}; select pg_advisory_xact_lock(1); do $$ begin for turn in 1..1000 loop"
            f" exit when ({WAITING}) >= {requests}; perform pg_sleep(0.02), pg_stat_clear_snapshot();"
            " if turn = 1000 then raise 'nobody waited'; end if;"
            f" end loop; {then}; end $$; commit",
        )
        wait_for(lambda: holding.done() or self.sql(HELD) == "1", "the lock")
        return holding

    def one_after_the_other[A, B](self, first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
        """Two requests that have read the session before either stored it, and store it in this order."""
        with ThreadPoolExecutor(3) as pool:
            holding = self.hold(pool, f"select from session where {self.row} for update", 2)
            one = pool.submit(first)
            wait_for(lambda: one.done() or self.sql(WAITING) == "1", "a request that stores its session")
            assert not one.done(), f"nothing held it: {one.result()}"
            two = pool.submit(second)
            holding.result()
            return one.result(), two.result()


@pytest.fixture
def visit(lab: Lab, person: Sample) -> Visit:
    return Visit(lab, person)


def test_a_letter_that_is_begun_while_the_list_still_loads_is_there(visit: Visit) -> None:
    for folder in ("Sent", "Drafts", "Trash"):
        number, _ = visit.one_after_the_other(visit.begin, lambda folder=folder: visit.list(folder))  # type: ignore[misc]
        page = visit.letter(number)
        assert 'id="composebody"' in page.body, f"{folder}: {page.status} {page.location}"
        # Nor is lost what the list stored.
        assert f'mbox|s:{len(folder)}:"{folder}"' in visit.stored()


def test_a_list_that_ends_first_is_not_forgotten_by_a_letter(visit: Visit) -> None:
    _, number = visit.one_after_the_other(lambda: visit.list("Sent"), visit.begin)
    assert 'mbox|s:4:"Sent"' in visit.stored()
    assert 'id="composebody"' in visit.letter(number).body


def test_two_letters_that_are_begun_at_once_are_both_there(visit: Visit) -> None:
    for number in visit.one_after_the_other(visit.begin, visit.begin):
        assert 'id="composebody"' in visit.letter(number).body


def test_two_files_that_come_into_one_letter_at_once_are_both_in_it(visit: Visit) -> None:
    number = visit.begin()
    visit.attach(number, "dau.txt")
    visit.one_after_the_other(lambda: visit.attach(number, "mot.txt"), lambda: visit.attach(number, "hai.txt"))
    page = visit.letter(number).body
    assert [name for name in ("dau.txt", "mot.txt", "hai.txt") if name not in page] == []


def test_what_one_request_took_out_another_does_not_put_back(visit: Visit) -> None:
    number = visit.begin()
    visit.attach(number, "mot.txt")
    (file,) = set(re.findall(r"rcmfile(\w+)", visit.letter(number).body))
    fields = {"_task": "mail", "_action": "remove-attachment", "_id": number, "_file": f"rcmfile{file}"}
    visit.one_after_the_other(
        lambda: visit.browser.ask("/", {**fields, "_remote": "1", "_token": visit.token}),
        lambda: visit.attach(number, "hai.txt"),
    )
    page = visit.letter(number).body
    assert [name for name in ("mot.txt", "hai.txt") if name in page] == ["hai.txt"]


# Signing out deletes the row, and leaves another under its name to who is nobody then.
LEFT = 'temp|b:1;language|s:5:"vi_VN";'


@pytest.mark.parametrize(
    "end",
    ["delete from session where {}", f"update session set vars = encode('{LEFT}', 'base64') where {{}}"],
    ids=["gone", "nobody's"],
)
@pytest.mark.parametrize("what", ["list", "upload"])
def test_a_session_that_ends_while_a_slow_request_runs_does_not_come_back(visit: Visit, what: str, end: str) -> None:
    number = visit.begin()
    assert visit.signed_in()
    with ThreadPoolExecutor(2) as pool:
        # Read after the session. Beyond half a second Roundcube looks at the stored session once more.
        users = "lock table users in access exclusive mode"
        holding = visit.hold(pool, users, 1, f"{end.format(visit.row)}; perform pg_sleep(0.7)")
        slow = {"list": (visit.list, "Sent"), "upload": (visit.attach, number, "mot.txt")}[what]
        request = pool.submit(*slow)
        holding.result()
        request.result()
    assert not visit.signed_in()


def test_old_sessions_are_still_tidied_up_and_open_ones_stay(visit: Visit) -> None:
    visit.sql("insert into session (sess_id, changed, ip, vars) values ('cu', now() - interval '1 day', '', '')")
    visit.lab.run("webmail", "systemctl start roundcube-gc.service")
    assert visit.sql("select count(*) from session where sess_id = 'cu'") == "0"
    assert visit.signed_in()
