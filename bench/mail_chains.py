"""Two chains on the same host, from the door to the mailbox: the product's, and one of bare daemons (bench/mail.py).

The bare chain is one unit of systemd: when it is stopped systemd ends all its daemons and what they had on the disk is
taken away, whatever became of the program that started it; by itself it ends after some hours.
"""

import base64
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab import Sample, wait_for
from tests.people import People

from bench.host import Host
from bench.mail_stages import BARE, INDEX, UNITS
from bench.search import Store

STRANGER = "nguoi.gui@client.example"
STRANGERS_ADDRESS = "192.0.2.77"
"""Where the bare chain is told that its letters come from; a lab's own outside host reaches the product's."""
BARE_ADDRESS, BARE_PORT = "nguoidung@hanam.example", 2525
AT_ONCE = 4
_ARRIVAL = 120
"""Seconds after which a letter that is not there was put off, held or lost."""
_UNIT = "bench-mail.service"
_HERE = Path(__file__).parent
_STORE, _CLIENT, _SENDER = (_HERE / f"{name}.py" for name in ("store_client", "mail_bare_client", "mail_send"))
_PROPERTIES = (
    "Type=notify", "NotifyAccess=all", "RuntimeMaxSec=4h", "TimeoutStartSec=3min", "TimeoutStopSec=10min",
    # Nothing that they have is kept; Rspamd's milter ends by itself not at all (roles/rspamd/templates/unit.conf.j2).
    "KillSignal=SIGKILL", "SuccessExitStatus=SIGKILL",
    f"ExecStopPost=python3 /root/{_CLIENT.name} clear",
)  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """What so many letters took: seconds of processors a letter by part (mail_stages), letters a second."""

    cost: dict[str, float]
    rate: float


@dataclass
class Chains:
    """The product's chain into `person`'s INBOX, and the bare one into its only mailbox, on the lab's mail host."""

    host: Host
    person: Sample
    people: People

    def __post_init__(self) -> None:
        self.store = Store(self.host, self.person)

    @contextmanager
    def bare(self) -> Iterator[None]:
        """The bare chain stands meanwhile, and nothing of it is left."""
        lab = self.host.lab
        self._ours("used", "dovecot.service")  # brings the program that the bare one needs
        # One that an earlier run was killed over.
        self._end()
        self.host.program("mailstore", _CLIENT, "clear")
        words = " ".join(f"'--property={each}'" for each in _PROPERTIES)
        try:
            start = f"systemd-run --quiet --collect --unit={_UNIT} {words}"
            lab.run("mailstore", f"{start} python3 /root/{_CLIENT.name} stand")
            yield
        finally:
            self._end()
            # Whatever kept systemd from it.
            self.host.program("mailstore", _CLIENT, "clear")
            lab.run("mailstore", f"rm -rf /root/{_CLIENT.name} /root/__pycache__")

    def _end(self) -> None:
        """End the bare chain, and wait until systemd has forgotten it."""
        run = self.host.lab.run
        state = f"systemctl show {_UNIT} --property=LoadState --value"
        run("mailstore", f"systemctl stop {_UNIT} 2>/dev/null; systemctl reset-failed {_UNIT} 2>/dev/null; true")
        wait_for(lambda: run("mailstore", state).strip() == "not-found", "the end of the bare chain")

    def fill(self, size: int) -> None:
        """So many messages in both INBOXes."""
        self._ours("fill", self.person.address, self.person.mailbox, str(size))
        self.host.program("mailstore", _CLIENT, "fill", str(size))

    def ours(self, mails: Sequence[bytes]) -> Turn:
        """Letters of a stranger, from outside."""
        given = {"address": self.host.lab.address("mx"), "port": 25, "sender": STRANGER}
        return self._product(mails, given)

    def peer(self, mails: Sequence[bytes]) -> Turn:
        """The same letters, as of a stranger, through the bare chain."""
        return self._bare(mails, {"client": STRANGERS_ADDRESS, "sender": STRANGER})

    def ours_submitted(self, mails: Sequence[bytes]) -> Turn:
        """Letters of one of our people, who has sent none yet, in one session; to the same mailbox."""
        lab, sender = self.host.lab, self.people.take()
        given = {
            "address": lab.address("submission"), "port": 465, "name": f"smtp.{lab.variables['mail_domain']}",
            "login": sender.address, "password": sender.password, "sender": sender.address,
        }  # fmt: skip
        own = [mail.replace(STRANGER.encode(), sender.address.encode()) for mail in mails]
        # Not from the lab's Internet, which plays a private provider: of such a one the product takes nothing (Đ4.5).
        return self._product(own, given, source="backup_repository", one_session=True)

    def peer_submitted(self, mails: Sequence[bytes]) -> Turn:
        """The same letters from the bare chain's own host, which it lets send as it likes."""
        return self._bare(mails, {"sender": f"can.bo@{BARE_ADDRESS.partition('@')[2]}"}, one_session=True)

    def _ours(self, *words: str) -> None:
        self.host.program("mailstore", _STORE, *words)

    def _product(
        self, mails: Sequence[bytes], given: dict[str, Any], *, source: str = "internet", one_session: bool = False
    ) -> Turn:
        wanted = self.store.messages() + len(mails)

        def done() -> None:
            wait_for(lambda: self.store.messages() >= wanted, f"{wanted} messages in the INBOX", seconds=_ARRIVAL)
            self.store.await_index()

        given = {"recipient": self.person.address} | given
        before = self._used()
        began = self._send(source, mails, given, one_session=one_session)
        done()
        after = self._used()
        # A unit that was started meanwhile had taken nothing before.
        spent = {
            name: after["ours"][unit] - (before["ours"][unit] if after["ours"][unit] >= before["ours"][unit] else 0)
            for name, unit in UNITS.items()
        }
        index = max(0.0, after["indexers"]["ours"] - before["indexers"]["ours"])
        spent |= {"Dovecot": spent["Dovecot"] - index, INDEX: index}
        return self._turn(spent, mails, began, "postfix/lmtp")

    def _bare(self, mails: Sequence[bytes], given: dict[str, Any], *, one_session: bool = False) -> Turn:
        wanted = self._bare_messages() + len(mails)
        given = {"recipient": BARE_ADDRESS, "address": "127.0.0.1", "port": BARE_PORT} | given
        before = self._used()
        began = self._send("mailstore", mails, given, one_session=one_session)
        wait_for(lambda: self._bare_messages() >= wanted, f"{wanted} messages in the bare chain", seconds=_ARRIVAL)
        after = self._used()
        spent = {name: after["bare"][name] - before["bare"][name] for name in BARE}
        resolver = UNITS["unbound"]  # is shared, and the chains take turns
        spent["unbound"] = after["ours"][resolver] - before["ours"][resolver]
        return self._turn(spent, mails, began, "bench-postfix/lmtp")

    def _turn(self, spent: dict[str, float], mails: Sequence[bytes], began: float, program: str) -> Turn:
        rate = len(mails) / (self._last_delivery(program) - began)
        return Turn({name: seconds / len(mails) for name, seconds in spent.items()}, rate)

    def _send(self, group: str, mails: Sequence[bytes], given: dict[str, Any], *, one_session: bool) -> float:
        """When the first letter was begun, in seconds since 1970; hosts and controller of a lab share one clock."""
        nothing = dict.fromkeys(("client", "name", "login", "password"), "")
        told = nothing | given | {"one_session": one_session, "at_once": 1 if one_session else AT_ONCE}
        told["mails"] = [base64.b64encode(mail).decode() for mail in mails]
        return float(self.host.program(group, _SENDER, given=json.dumps(told)))

    def _used(self) -> dict[str, dict[str, float]]:
        # Processes that end are counted when their parent has waited for them.
        time.sleep(0.5)
        found: dict[str, dict[str, float]] = json.loads(
            self.host.program("mailstore", _CLIENT, "used", *UNITS.values())
        )
        return found

    def _bare_messages(self) -> int:
        return int(self.host.program("mailstore", _CLIENT, "messages"))

    def _last_delivery(self, program: str) -> float:
        """When that program of Postfix last noted a delivery."""
        said = self.host.lab.run("mailstore", f"journalctl -q -t {program} -g status=sent -n 1 -o json")
        return int(json.loads(said)["__REALTIME_TIMESTAMP"]) / 1_000_000
