"""python -m bench.address_book: what the webmail's address book costs while somebody types, without a lab.

A PostgreSQL of this project's form holds a province; the webmail's database role asks what each letter asks. Seconds
are those of the clock of one question. Figures go to build/bench/address_book-N.json; a median above its target makes
the run fail.
"""

import argparse
import os
import sys
import time

import psycopg
from tests.database import server

from bench import accounts
from bench.measuring import Measure, Run, machine, measured, write

TYPED = ("so tai chinh", "phamthi", "ngx v a", "Nguyễn Văn", "nguyen thi thu ha so y te", "ubnd xa", "zzz", "ha", "n")
LETTER, GROUPS, SENDER, FOLLOW = 0.1, 0.3, 0.005, 10.0
"""Seconds that are asked for: of a question at a letter, of all groups, of who wrote a message, of the whole book."""
SEARCH = "SELECT * FROM mail.book_search(%s, NULL, 0, 15)"
GROUP = "SELECT * FROM mail.book_groups(%s, %s)"
WHO = "SELECT * FROM mail.book_sender(%s)"


def timed(connection: psycopg.Connection, statement: str, words: list[object]) -> Run:
    """One question."""
    load, began = os.getloadavg()[0], time.perf_counter()
    connection.execute(statement, words).fetchall()
    seconds = time.perf_counter() - began
    return Run(seconds, seconds, load)


def measures(mailboxes: int, runs: int) -> list[Measure]:
    """All of them."""
    with accounts.filled(mailboxes) as given:
        return _measures(given.postgresql, runs)


def _measures(postgresql: server.Server, runs: int) -> list[Measure]:
    with psycopg.connect(postgresql.conninfo("mail"), autocommit=True) as database:
        whole = "SELECT mail.book_follow(array(SELECT id FROM mail.mailbox))"
        found = [measured("the book, written anew", [timed(database, whole, [])], FOLLOW)]
        database.execute("ANALYZE")
        whose = "SELECT local_part || '@' || mail.setting_text('mail_domain') FROM mail.address LIMIT 1"
        (sender,) = database.execute(whose).fetchone() or ("",)
        (login,) = database.execute("SELECT id FROM mail.mailbox WHERE kind = 'agency' LIMIT 1").fetchone() or ("",)
    with psycopg.connect(postgresql.conninfo("mail", "mail_webmail"), autocommit=True) as webmail:
        for typed in TYPED:
            asked = [timed(webmail, SEARCH, [typed]) for _ in range(runs)]
            found.append(measured(f"completion of “{typed}”", asked, LETTER))
        for what, writing, most in (("groups to write to", True, LETTER), ("all groups", False, GROUPS)):
            asked = [timed(webmail, GROUP, [login, writing]) for _ in range(runs)]
            found.append(measured(what, asked, most))
        found.append(measured("a sender", [timed(webmail, WHO, [sender]) for _ in range(runs)], SENDER))
    return found


def main() -> int:
    """Measure, write, and say what is dearer than asked."""
    parser = argparse.ArgumentParser(prog="python -m bench.address_book", description=__doc__)
    parser.add_argument("--mailboxes", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    found = measures(given.mailboxes, given.runs)
    write(f"address_book-{given.mailboxes}", found, {"machine": machine(), "mailboxes": given.mailboxes})
    for each in found:
        print(f"  {each.name}: {1000 * each.seconds:.1f} ms")
    dear = [each.name for each in found if each.met is False]
    print("\n".join(f"dearer than asked: {name}" for name in dear))
    return 1 if dear else 0


if __name__ == "__main__":
    sys.exit(main())
