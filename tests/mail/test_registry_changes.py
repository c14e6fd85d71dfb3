"""Rename, transfer and merger by the registry: the mailbox stays the same one, under old and new address (Đ5.2, Đ6.1).

And its end: a revoked mailbox is refused with a clear text, kept, then exported and purged. A registry of the test's
own, beside the lab's, goes through the real playbooks.
"""

import base64
import imaplib
import io
import json
import shlex
import smtplib
import subprocess
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyrage  # type: ignore[import-untyped]
import pytest
import yaml

from hanam_lab.paths import REPOSITORY
from tests import journal
from tests.lab import EFFECT, Lab, Sample, message, wait_for
from tests.mail.http_doors import Browser
from tests.people import People, remove

pytestmark = pytest.mark.provokes(journal.REFUSED_SIGN_IN)

PASSWORD = "Thu-nghiem-7@Hanam"
PERSON = "x9x9p1"
GONE = "x9x9p2"
SUFFIXED = "x9x9p3"
OFFICE = "x9x9f1"
IDS = ("x9x9c1", "x9x9c2", "x9x9b1", "x9x9b2", PERSON, GONE, SUFFIXED, OFFICE)
RULE = 'require "fileinto"; if header :contains "subject" "vao thu muc" { fileinto "Thu"; }'


def _day(ago: int) -> str:
    return (date.today() - timedelta(days=ago)).isoformat()


def _year(days_ago: int) -> str:
    return _day(days_ago)[:4]


@dataclass
class Registry:
    """The lab's registry and two agencies of the test's own, in a folder of its own."""

    folder: Path
    entries: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    agencies: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self) -> None:
        """Write the files as they should be now."""
        for code, agency in self.agencies.items():
            document = {"agency": agency, "mailboxes": self.entries[code]}
            text = "---\n" + yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
            if agency["code"] != code:
                (self.folder / f"{code}.yml").unlink(missing_ok=True)
            (self.folder / f"{agency['code']}.yml").write_text(text, encoding="utf-8")

    def person(self, identity: str = PERSON) -> dict[str, Any]:
        return next(box for boxes in self.entries.values() for box in boxes if box["id"] == identity)


def _event(kind: str, ago: int, **more: Any) -> dict[str, Any]:
    number = {"issue": 1, "revoke": 3}.get(kind, 2)
    return {"event": kind, "request": f"{_year(ago + 1)}-99{number:02}", "done": _day(ago), **more}


def _box(identity: str, kind: str, address: str, **more: Any) -> dict[str, Any]:
    box = {"id": identity, "kind": kind, **more, "address": address, "history": [_event("issue", 400)]}
    return box


def _requests(folder: Path) -> None:
    """The documents that ask for all that happens here, from the operator's own agency."""
    asked = {(400, 1): "issue", (300, 3): "revoke", (0, 2): "change"}
    for (ago, number), what in asked.items():
        path = folder / "requests" / f"{_year(ago + 1)}.yml"
        entry = {
            f"{_year(ago + 1)}-99{number:02}": {
                "document": f"99{number}/TEST",
                "dated": _day(ago + 1),
                "received": _day(ago + 1),
                "agency": "v4x8n1",
                "asks": [what],
                "ground": "thử nghiệm",
                "result": "done",
                "reply": {"document": f"98{number}/TEST", "date": _day(ago)},
            }
        }
        text = path.read_text(encoding="utf-8") if path.exists() else "---\n"
        path.write_text(text + yaml.safe_dump(entry, allow_unicode=True, sort_keys=False), encoding="utf-8")


@dataclass
class World:
    lab: Lab
    registry: Registry
    handover: Path

    def apply(self) -> float:
        """Apply the registry as it stands; when it was done."""
        self.registry.write()
        words = (f"mailboxes_registry={self.registry.folder}", f"mailboxes_handover_folder={self.handover}")
        done = self.lab.play("mailboxes.yml", *(part for word in words for part in ("-e", word)))
        assert done.returncode == 0, done.stdout
        return time.monotonic()

    def sample(self, address: str, identity: str = PERSON) -> Sample:
        return Sample(f"{address}@{self.lab.variables['mail_domain']}", PASSWORD, identity, "")

    def send(self, address: str, subject: str) -> None:
        # Whom the registry knows.
        sender = self.lab.samples[0]
        recipient = f"{address}@{self.lab.variables['mail_domain']}"
        with self.lab.submission(sender.address, sender.password) as client:
            client.send_message(message(sender.address, recipient, subject=subject))

    def doveadm(self, *words: str) -> str:
        return self.lab.run("mailstore", f"doveadm {' '.join(words)}")

    def kept(self) -> dict[str, str]:
        """All that must not change with name, address or agency."""
        of = f"-u {PERSON}"
        return {
            "mail": self.doveadm("-f tab fetch", of, "'mailbox uid guid flags date.received' mailbox Thu all"),
            "folders": self.doveadm("mailbox list", of),
            "quota": self.doveadm("-f tab quota get", of),
            "sieve": self.doveadm("sieve list", of) + self.doveadm("sieve get", of, "nghi"),
            "activity": self.lab.sql(f"select protocol, last_access from mail.activity where mailbox_id = '{PERSON}'"),
            "hash": self.lab.sql(f"select md5(hash), changed_at from mail.credential where mailbox_id = '{PERSON}'"),
        }


@pytest.fixture(scope="module")
def world(lab: Lab, people: People, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    people.retire()
    project = tmp_path_factory.mktemp("project")
    folder = project / "mailboxes"
    (folder / "requests").mkdir(parents=True)
    (project / "group_vars").symlink_to(REPOSITORY / "group_vars")
    for path in (REPOSITORY / "mailboxes").glob("**/*.yml"):
        (folder / path.relative_to(REPOSITORY / "mailboxes")).write_bytes(path.read_bytes())
    _requests(folder)
    registry = Registry(folder)
    registry.agencies = {
        "thumot": {"id": "x9x9c1", "name": "Sở Thử Một", "kind": "department", "code": "thumot", "suffix": "tm"},
        "thuhai": {"id": "x9x9c2", "name": "Sở Thử Hai", "kind": "department", "code": "thuhai", "suffix": "th"},
    }
    registry.entries = {
        "thumot": [
            _box("x9x9b1", "agency", "thumot"),
            _box(PERSON, "person", "nguyenthunghiem", name="Nguyễn Thử Nghiệm"),
            _box(GONE, "person", "lethunghiem", name="Lê Thử Nghiệm"),
            _box(SUFFIXED, "person", "tranthunghiem.tm", name="Trần Thử Nghiệm"),
        ],
        "thuhai": [_box("x9x9b2", "agency", "thuhai"), _box(OFFICE, "office", "pt.thuhai", name="Phòng Thử")],
    }
    result = World(lab, registry, project / "handover")
    try:
        result.apply()
        yield result
    finally:
        # The agencies too.
        remove(lab, list(IDS))


# --- The first password ---


@pytest.mark.neighbours
@pytest.mark.dieu8
@pytest.mark.dieu12
def test_a_handed_over_password_opens_nothing_but_the_change_of_itself(world: World) -> None:
    lab = world.lab
    (file,) = world.handover.glob("*.age")
    identity = pyrage.x25519.Identity.from_str(lab.variables["vault_lab_operator_key"])
    slips = json.loads(pyrage.decrypt(file.read_bytes(), [identity]))["slips"]
    slip = next(slip for slip in slips if slip["address"].startswith("lethunghiem@"))
    assert slip["agency_name"] == "Sở Thử Một"
    lab.settle()
    with pytest.raises(imaplib.IMAP4.error, match="Phai doi mat khau"):
        lab.imap(slip["address"], slip["password"])
    with pytest.raises(smtplib.SMTPAuthenticationError):
        lab.submission(slip["address"], slip["password"])
    # The reason is told to the right password only.
    with pytest.raises(imaplib.IMAP4.error) as wrong:
        lab.imap(slip["address"], slip["password"] + "x")
    assert "mat khau" not in str(wrong.value)


# --- Changes ---


@pytest.fixture(scope="module")
def furnished(world: World) -> World:
    """The person's mailbox with mail, flags, a folder and a rule; his own password."""
    lab = world.lab
    lab.give_password(f"nguyenthunghiem@{lab.variables['mail_domain']}", PASSWORD, must_change=False)
    for number in (1, 2):
        world.send("nguyenthunghiem", f"thu {number}")
        lab.wait_for_message(world.sample("nguyenthunghiem"), f"thu {number}")
    with lab.imap(f"nguyenthunghiem@{lab.variables['mail_domain']}", PASSWORD) as client:
        client.create("Thu")
        client.select("INBOX")
        client.copy("1:2", "Thu")
        client.select("Thu")
        client.store("1", "+FLAGS", r"(\Flagged \Seen)")
    lab.run("mailstore", f"echo '{RULE}' | doveadm sieve put -u {PERSON} -a nghi")
    return world


def _delivered_under(world: World, *addresses: str) -> None:
    """Mail to each address arrives, and each opens the same mailbox; the webmail writes under the first."""
    for address in addresses:
        subject = f"den {address} {time.monotonic_ns()}"
        world.send(address, subject)
        world.lab.wait_for_message(world.sample(address), subject)
    shown = world.lab.sql(f"select address from mail.webmail_addresses('{PERSON}') limit 1")
    assert shown == f"{addresses[0]}@{world.lab.variables['mail_domain']}"


def _stored_under(world: World, mailbox: str, *addresses: str) -> None:
    """Mail to each address reaches the mailbox, whoever may open it."""
    for address in addresses:
        subject = f"den {address} {time.monotonic_ns()}"
        world.send(address, subject)

        def arrived(subject: str = subject) -> bool:
            found = world.doveadm("-f tab fetch -u", mailbox, f"uid mailbox INBOX subject '{subject}'")
            return len(found.split()) == 2

        wait_for(arrived, f"mail to {address}")


def _sorted_by_the_rule(world: World, address: str) -> None:
    """The person's own rule works under this address as before."""
    subject = f"vao thu muc {time.monotonic_ns()}"
    world.send(address, subject)

    def filed() -> bool:
        return len(world.doveadm("-f tab fetch -u", PERSON, f"uid mailbox Thu subject '{subject}'").split()) == 2

    wait_for(filed, f"the rule to file mail to {address}")


def _readdress(box: dict[str, Any], address: str) -> str:
    """Another primary address; the former becomes an alias and is returned."""
    was: str = box["address"]
    box["address"] = address
    box["aliases"] = [*box.get("aliases", ()), {"address": was, "from": _day(0)}]
    return was


def _all_know(world: World, address: str) -> None:
    """Postfix, Dovecot and the webmail know an address."""
    whole = f"{address}@{world.lab.variables['mail_domain']}"
    query = f"doveadm -f tab user -f user {whole}"

    def dovecot() -> bool:
        return world.lab.run("mailstore", query, check=False).strip() == PERSON

    def postfix() -> bool:
        with world.lab.smtp() as client:
            client.mail("an@ngoai.example")
            return client.rcpt(whole)[0] == 250

    def webmail() -> bool:
        return world.lab.sql(f"select mail.webmail_login('{whole}')") == PERSON

    for name, look in (("Dovecot", dovecot), ("Postfix", postfix), ("the webmail", webmail)):
        wait_for(look, f"{name} to know {whole}")


def _identities(world: World) -> list[str]:
    """Under what the person writes in the webmail, the default first."""
    asked = (
        "select email, name, signature from identities join users using (user_id)"
        f" where username = '{PERSON}' and del = 0 order by standard desc, email"
    )
    return world.lab.run("accounts", f'runuser -u postgres -- psql -At webmail -c "{asked}"').splitlines()


@pytest.mark.neighbours
@pytest.mark.dieu5
def test_a_rename_keeps_the_mailbox_and_both_addresses(furnished: World) -> None:
    domain = furnished.lab.variables["mail_domain"]
    browser = Browser(furnished.lab)
    browser.log_in(f"nguyenthunghiem@{domain}", PASSWORD)
    signature = f"update identities set signature = 'Ký tên' where email = 'nguyenthunghiem@{domain}'"
    furnished.lab.run("accounts", f'runuser -u postgres -- psql -q webmail -c "{signature}"')
    before = furnished.kept()
    # Asked for before it exists: the daemons remember that it does not.
    furnished.lab.run("mailstore", "doveadm user nguyendoiten@hanam.gov.vn", check=False)
    person = furnished.registry.person()
    person["history"].append(_event("rename", 0, was="nguyenthunghiem", was_name=person["name"]))
    person.update(name="Nguyễn Đổi Tên", address="nguyendoiten")
    person["aliases"] = [{"address": "nguyenthunghiem", "from": _day(0), "until": _day(-365)}]
    furnished.apply()
    _all_know(furnished, "nguyendoiten")
    assert furnished.kept() == before
    # The webmail that was open all the time.
    browser.ask("/?_task=mail&_action=compose")
    name = "Nguyễn Đổi Tên|Ký tên"
    assert _identities(furnished) == [f"nguyendoiten@{domain}|{name}", f"nguyenthunghiem@{domain}|{name}"]
    _delivered_under(furnished, "nguyendoiten", "nguyenthunghiem")
    _sorted_by_the_rule(furnished, "nguyendoiten")
    _sorted_by_the_rule(furnished, "nguyenthunghiem")


@pytest.mark.neighbours
@pytest.mark.dieu6
def test_a_transfer_keeps_the_mailbox_and_its_plain_address(furnished: World) -> None:
    before = furnished.kept()
    person = furnished.registry.person()
    person["history"].append(_event("transfer", 0, **{"from": "x9x9c1"}))
    furnished.registry.entries["thumot"].remove(person)
    furnished.registry.entries["thuhai"].append(person)
    furnished.apply()
    assert furnished.lab.sql(f"select agency_id from mail.mailbox where id = '{PERSON}'") == "x9x9c2"
    assert furnished.kept() == before
    _delivered_under(furnished, person["address"], *(alias["address"] for alias in person.get("aliases", ())))
    _sorted_by_the_rule(furnished, person["address"])


@pytest.mark.neighbours
@pytest.mark.dieu5
@pytest.mark.dieu6
def test_a_transfer_may_replace_the_former_agencys_suffix_and_both_are_delivered(furnished: World) -> None:
    registry = furnished.registry
    person = registry.person(SUFFIXED)
    was = _readdress(person, "tranthunghiem.th")
    person["history"].append(_event("transfer", 0, **{"from": "x9x9c1", "was": was}))
    registry.entries["thumot"].remove(person)
    registry.entries["thuhai"].append(person)
    furnished.apply()
    _stored_under(furnished, SUFFIXED, "tranthunghiem.th", "tranthunghiem.tm")


@pytest.mark.neighbours
@pytest.mark.dieu5
@pytest.mark.dieu6
def test_a_renamed_agency_and_its_office_are_reached_under_old_and_new_code(furnished: World) -> None:
    registry = furnished.registry
    registry.agencies["thuhai"] |= {"name": "Sở Thử Ba", "code": "thuba"}
    registry.agencies["thuhai"]["history"] = [_event("rename", 0, was_name="Sở Thử Hai", was_code="thuhai")]
    for identity, address in (("x9x9b2", "thuba"), (OFFICE, "pt.thuba")):
        box = registry.person(identity)
        box["history"].append(_event("rename", 0, was=_readdress(box, address)))
    furnished.apply()
    _stored_under(furnished, "x9x9b2", "thuba", "thuhai")
    _stored_under(furnished, OFFICE, "pt.thuba", "pt.thuhai")


@pytest.mark.neighbours
@pytest.mark.dieu6
def test_a_merger_moves_all_mailboxes_of_the_agency_and_loses_none(furnished: World) -> None:
    before = furnished.kept()
    registry = furnished.registry
    registry.agencies["thuhai"]["history"].append(_event("merge", 0, into="x9x9c1"))
    for box in registry.entries["thuhai"]:
        was = {"was": _readdress(box, "pt.thumot")} if box["id"] == OFFICE else {}
        box["history"].append(_event("merge", 0, **{"from": "x9x9c2"}, **was))
    registry.entries["thumot"] += registry.entries["thuhai"]
    registry.entries["thuhai"] = []
    furnished.apply()
    assert furnished.kept() == before
    person = registry.person()
    _delivered_under(furnished, person["address"], *(alias["address"] for alias in person.get("aliases", ())))
    with furnished.lab.smtp() as client:
        client.mail("an@ngoai.example")
        assert client.rcpt("thuhai@hanam.gov.vn")[0] == 250
    _sorted_by_the_rule(furnished, person["address"])
    _stored_under(furnished, OFFICE, "pt.thumot", "pt.thuba", "pt.thuhai")
    _stored_under(furnished, SUFFIXED, "tranthunghiem.th", "tranthunghiem.tm")


@pytest.mark.bound
@pytest.mark.neighbours
@pytest.mark.dieu8
def test_a_raised_quota_is_felt_at_once(furnished: World) -> None:
    person = furnished.registry.person()
    address = f"{person['address']}@hanam.gov.vn"

    def limit() -> int:
        with furnished.lab.imap(address, PASSWORD) as client:
            _, (_, (usage,)) = client.getquotaroot("INBOX")
        return int(usage.decode().rstrip(")").split("STORAGE ")[1].split()[1])

    assert limit() == 2 * 2**20
    person["history"].append(_event("quota", 0, quota="4GB"))
    since = furnished.apply()
    wait_for(lambda: limit() == 4 * 2**20, "4 GB by IMAP", seconds=max(0.1, EFFECT - (time.monotonic() - since)))


# --- The end ---


@pytest.fixture(scope="module")
def revoked(world: World) -> World:
    """Somebody with mail, revoked long ago."""
    world.send("lethunghiem", "thu cuoi")

    def arrived() -> bool:
        return "1" in world.doveadm("-f tab fetch -u", GONE, "uid mailbox INBOX subject cuoi").split()

    wait_for(arrived, "the last mail")
    person = world.registry.person(GONE)
    person["history"].append(_event("revoke", 300))
    world.apply()
    # Kept from when it was closed here, which was just now, not from the document's day: time travels.
    assert "còn phải giữ đến" in _purge(world, "lethunghiem").stdout
    world.lab.sql(
        "set session_replication_role = replica;"
        f" update mail.mailbox set revoked_at = now() - interval '300 days' where id = '{GONE}'",
    )
    return world


@pytest.mark.neighbours
@pytest.mark.dieu6
def test_a_revoked_mailbox_refuses_mail_with_a_clear_text(revoked: World) -> None:
    with revoked.lab.smtp() as client:
        client.mail("an@ngoai.example")
        code, text = client.rcpt("lethunghiem@hanam.gov.vn")
    assert code == 550
    assert text.startswith(b"5.2.1 ")
    assert b"Hop thu da bi thu hoi / Mailbox has been closed" in text
    assert "sdbox" in revoked.lab.look_at("mailstore").file(f"/srv/mail/{GONE[:2]}/{GONE}").listdir()


def _purge(world: World, mailbox: str, *words: str) -> subprocess.CompletedProcess[str]:
    return world.lab.play("purge.yml", "-e", f"mailbox={mailbox}", "-e", "document=99/TEST", *words)


@pytest.mark.dieu6
@pytest.mark.parametrize(
    ("mailbox", "words", "text"),
    [
        ("thumot", (), "chưa bị thu hồi"),
        ("lethunghiem", ("-e", "mailboxes_keep_revoked_days=400"), "còn phải giữ đến"),
        ("khongcoai", (), "không có hộp thư nào"),
    ],
)
def test_a_purge_refuses_with_one_sentence(revoked: World, mailbox: str, words: tuple[str, ...], text: str) -> None:
    done = _purge(revoked, mailbox, *words)
    assert done.returncode != 0
    assert text in done.stdout
    assert revoked.lab.sql(f"select count(*) from mail.mailbox where id in ('{GONE}') and purged_at is null") == "1"


# What whoever has taken over the webmail would leave in its database for a superuser to run.
PLANT = """
create table planted (who text);
create function plant() returns trigger language plpgsql as
'begin insert into planted values (session_user); return null; end';
create trigger plant before delete on users for each statement execute function plant();
"""


def _webmail(lab: Lab, statement: str) -> str:
    """Run SQL in the webmail's database as its owner."""
    return lab.run(
        "accounts", f"cd / && psql -qtAX -v ON_ERROR_STOP=1 -U webmail -d webmail -c {shlex.quote(statement)}"
    )


@pytest.mark.neighbours
@pytest.mark.dieu6
def test_a_purge_exports_first_and_leaves_the_address_taken(revoked: World, tmp_path: Path) -> None:
    lab = revoked.lab
    _webmail(lab, PLANT)
    folder = "/var/lib/hanam-mail/test-export"
    words = ("-e", f"mailboxes_export_folder={folder}")
    try:
        done = _purge(revoked, "lethunghiem", *words)
        assert done.returncode == 0, done.stdout
        lab.run("mailstore", f"cd {folder} && sha256sum --check --strict --quiet {GONE}.mail.tar.age.sha256")
        identity = pyrage.x25519.Identity.from_str(lab.variables["vault_lab_operator_key"])

        def opened(group: str, name: str) -> bytes:
            sealed = base64.b64decode(lab.run(group, f"base64 -w0 {folder}/{GONE}.{name}.age"))
            return bytes(pyrage.decrypt(sealed, [identity]))

        with tarfile.open(fileobj=io.BytesIO(opened("mailstore", "mail.tar"))) as tar:
            names = tar.getnames()
        assert any("/sdbox/" in name and "/u." in name for name in names)
        assert names[-1] == "SHA256SUMS"
        record = json.loads(opened("accounts", "accounts.json"))
        assert record["mailbox"]["id"] == GONE
        assert [row["local_part"] for row in record["addresses"]] == ["lethunghiem"]
        assert not lab.look_at("mailstore").file(f"/srv/mail/{GONE[:2]}/{GONE}").exists
        assert _webmail(lab, "select who from planted").split() == ["webmail"]
        rows = "select purged_at is not null, (select count(*) from mail.credential c where c.mailbox_id = m.id)"
        assert lab.sql(f"{rows} from mail.mailbox m where id = '{GONE}'") == "t|0"
        audit = f"select document from mail.audit where key = '{GONE}' and after ? 'purged_at'"
        assert lab.sql(f"{audit} order by seq desc limit 1") == "99/TEST"
        with lab.smtp() as client:
            client.mail("an@ngoai.example")
            assert client.rcpt("lethunghiem@hanam.gov.vn")[0] == 550
        assert "đã được xóa từ trước" in _purge(revoked, "lethunghiem", *words).stdout
    finally:
        _webmail(lab, "drop trigger plant on users; drop function plant; drop table planted")
        for group in {lab.host("mailstore"), lab.host("accounts")}:
            lab.run(group, f"rm -rf {folder}")
