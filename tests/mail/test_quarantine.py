"""What the filter holds reaches nobody until somebody decides; then it goes out once, scanned and signed (Đ3.3, Đ4.2).

The rule that holds here is the test's own: which messages are held is the filter's affair.
"""

import email
import email.policy
import json
import quopri
import shlex
import smtplib
import uuid
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from tests import journal
from tests.foreign import AN, BINH, Foreign
from tests.lab import Lab, Sample, message, wait_for
from tests.mail.test_filter import EICAR, encrypted_zip, with_attachment, zipped

pytestmark = [pytest.mark.neighbours, pytest.mark.dieu3, pytest.mark.provokes(journal.FILTER_AWAY)]

WORD = "GIU-LAI-DE-THU"
RULE = "/etc/rspamd/lua.local.d/test_hold.lua"
_RULE = f"""
rspamd_config:register_symbol({{
  name = "TEST_HOLD", type = "postfilter", flags = "empty,nostat", score = 0.0,
  callback = function(task)
    local released = tostring(task:get_request_header("MTA-Name") or "") == "RELEASED"
    if (task:get_subject() or ""):find("{WORD}", 1, true) and not released then
      local login = task:get_user() or ""
      task:set_milter_reply({{ add_headers = {{ ["X-Hanam-Hold"] = "secrecy login=" .. login .. " thu nghiem" }} }})
    end
  end,
}})
"""


@pytest.fixture(scope="module", autouse=True)
def rule(lab: Lab) -> Iterator[None]:
    """Signed-in people's messages with that word are held."""
    restart = "systemctl restart rspamd"
    lab.run("filter", f"cat > {RULE} <<'LUA'\n{_RULE}\nLUA\nchmod 644 {RULE} && {restart}")
    lab.wait_for_filter()
    yield
    lab.run("filter", f"rm {RULE} && {restart}")
    lab.wait_for_filter()


SCAN = "/etc/rspamd/lua.local.d/virus_scan.lua"


@pytest.fixture
def closed_held(lab: Lab) -> Iterator[None]:
    """The policy `hold` for what a password closes, as the deployment would write it."""
    restart = "systemctl restart rspamd"
    closed = r"/VIRUS_ENCRYPTED_ARCHIVE\", mark/{n;s/policy = \"refuse\"/policy = \"hold\"/}"
    lab.run("filter", f"cp -p {SCAN} /run/virus_scan.lua && sed -i '{closed}' {SCAN} && {restart}")
    assert lab.run("filter", f"grep -c 'policy = \"hold\"' {SCAN}").strip() == "2"
    lab.wait_for_filter()
    yield
    lab.run("filter", f"cp -p /run/virus_scan.lua {SCAN} && rm /run/virus_scan.lua && {restart}")
    lab.wait_for_filter()


@pytest.fixture
def foreign(lab: Lab) -> Foreign:
    return Foreign(lab)


def subject() -> str:
    return f"{WORD} {uuid.uuid4().hex[:12]}"


def send(lab: Lab, who: Sample, mail: EmailMessage, *recipients: str) -> None:
    with lab.submission(who.address, who.password) as client:
        client.send_message(mail, to_addrs=list(recipients))


def ask(lab: Lab, *words: str) -> dict[str, Any]:
    """An operator's command, by its JSON."""
    text = lab.run("accounts", shlex.join(["hanam-mail-db", "quarantine", *words, "--json"]))
    found: dict[str, Any] = json.loads(text)
    return found


def held(lab: Lab, title: str) -> dict[str, Any]:
    """The message with that subject, once it is held."""

    def look() -> dict[str, Any] | None:
        number = lab.sql(f"select id from mail.held_message where subject = '{title}'")
        return next((each for each in ask(lab, "list", "--all")["messages"] if str(each["id"]) == number), None)

    return wait_for(look, f"{title} in the quarantine")


def states(lab: Lab, number: int) -> dict[str, str]:
    return {each["address"]: each["state"] for each in ask(lab, "show", str(number))["recipients"]}


def inbox(lab: Lab, who: Sample, words: str) -> list[str]:
    """Numbers of the messages in all folders of a mailbox whose subject has these words."""
    return lab.run("mailstore", f"doveadm search -u {who.mailbox} header Subject {shlex.quote(words)}").splitlines()


def arrived(foreign: Foreign, address: str, title: str) -> list[bytes]:
    return [data for data in foreign.contents(address) if title.encode() in data]


@pytest.mark.proof("Thư bị giữ không tới ai cho đến khi có quyết định / what is held reaches nobody until decided")
def test_a_held_message_reaches_nobody_is_told_and_goes_out_once_to_whom_it_was_let_go(
    lab: Lab, foreign: Foreign, sender: Sample, recipient: Sample, colleague: Sample
) -> None:
    title = subject()
    mail = message(sender.address, BINH, subject=title)
    send(lab, sender, mail, BINH, recipient.address, colleague.address)
    found = held(lab, title)
    assert (found["kind"], found["login"], found["sender"]) == ("secrecy", sender.address, sender.address)
    assert states(lab, found["id"]) == dict.fromkeys((BINH, recipient.address, colleague.address), "held")
    assert found["queue_id"]
    assert [*arrived(foreign, BINH, title), *inbox(lab, recipient, title), *inbox(lab, colleague, title)] == []

    # Its sender and the operator hear of it, once, and never the subject.
    lab.send_notices()
    lab.send_notices()
    moment = found["arrived_at"][11:16]
    notice = lab.wait_for_message(sender, moment)
    assert title.encode() not in notice
    assert len(inbox(lab, sender, moment)) == 1
    assert lab.sql(f"select told_at is not null from mail.held_message where id = {found['id']}") == "t"

    number = str(found["id"])
    ask(lab, "drop", number, "--recipient", colleague.address, "--reason", "thử")
    done = ask(lab, "release", number, "--recipient", BINH, "--recipient", recipient.address, "--document", "1/THU")
    assert sorted(done["decided"]) == sorted([BINH, recipient.address])
    assert states(lab, found["id"]) == {BINH: "released", recipient.address: "released", colleague.address: "dropped"}
    data = wait_for(lambda: arrived(foreign, BINH, title), "the message outside")
    inside = lab.wait_for_message(recipient, title)
    assert ask(lab, "release", number, "--reason", "lần nữa")["decided"] == []
    lab.send_notices()
    assert len(arrived(foreign, BINH, title)) == len(inbox(lab, recipient, title)) == 1
    assert inbox(lab, colleague, title) == []
    # Signed once, with the keys of now, and what our filter thought of it is nobody's affair.
    assert foreign.verdicts(data[0]) == dict.fromkeys(lab.variables["vault_dkim_keys"], True)
    assert b"x-hanam-hold" not in (data[0] + inside).lower()
    assert mail["Message-ID"].encode() in data[0]
    # The text is gone, the facts are there.
    wait_for(
        lambda: lab.sql(f"select erased_at is not null from mail.held_message where id = {number}") == "t",
        "the file's end",
    )
    file = lab.sql(f"select file from mail.held_message where id = {number}")
    assert file
    assert lab.run("quarantine", f"find /var/lib/hanam-quarantine -name '{file}*'") == ""


@pytest.mark.dieu4
def test_whoever_writes_the_filters_field_himself_holds_nothing(
    lab: Lab, foreign: Foreign, sender: Sample, recipient: Sample
) -> None:
    own = message(sender.address, recipient.address)
    theirs = message(AN, recipient.address)
    for mail in (own, theirs):
        mail["X-Hanam-Hold"] = "secrecy gia mao"
        mail["x-hanam-hold"] = "secrecy"
    send(lab, sender, own, recipient.address)
    foreign.send(theirs, AN, recipient.address)
    for mail in (own, theirs):
        got = lab.wait_for_message(recipient, mail["Subject"])
        assert b"x-hanam-hold" not in got.lower()
    # Of one that the filter does hold its own word counts.
    title = subject()
    mail = message(sender.address, recipient.address, subject=title)
    mail["X-Hanam-Hold"] = "spam gia mao"
    send(lab, sender, mail, recipient.address)
    assert held(lab, title)["kind"] == "secrecy"


@pytest.mark.dieu10
@pytest.mark.provokes(journal.QUARANTINE_AWAY)
def test_while_the_quarantine_is_away_a_held_message_waits_and_passes_nowhere(
    lab: Lab, foreign: Foreign, sender: Sample, recipient: Sample
) -> None:
    title = subject()
    with lab.stopped("quarantine", "hanam-quarantine.service"):
        send(lab, sender, message(sender.address, BINH, subject=title), BINH, recipient.address)

        def waiting() -> list[Any]:
            queue = foreign.queue("submission")
            return [each for each in queue if each["sender"] == sender.address and each["queue_name"] == "deferred"]

        wait_for(waiting, "the message in the queue")
        lab.run("submission", "postqueue -f")
        assert [*arrived(foreign, BINH, title), *inbox(lab, recipient, title)] == []
    lab.run("submission", "postqueue -f")

    def look() -> bool:
        lab.run("submission", "postqueue -f")
        return lab.sql(f"select count(*) from mail.held_message where subject = '{title}'") == "1"

    wait_for(look, "the message in the quarantine")
    assert states(lab, held(lab, title)["id"]) == dict.fromkeys((BINH, recipient.address), "held")
    assert [*arrived(foreign, BINH, title), *inbox(lab, recipient, title)] == []


_LMTP = """
import socket, ssl, sys
name, port, sender, recipient = sys.argv[1:]
folder = "/etc/hanam-mail/tls/internal"
tls = ssl.create_default_context(cafile=f"{folder}/ca.pem")
tls.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
with tls.wrap_socket(socket.create_connection((name, int(port)), 20), server_hostname=name) as client:
    file = client.makefile("rwb")
    def say(text):
        file.write(text)
        file.flush()
        answer = file.readline()
        while answer[3:4] == b"-":
            answer = file.readline()
        return answer
    file.readline()
    say(b"LHLO x\\r\\n")
    say(f"MAIL FROM:<{sender}>\\r\\n".encode())
    say(f"RCPT TO:<{recipient}>\\r\\n".encode())
    say(b"DATA\\r\\n")
    print(say(sys.stdin.buffer.read() + b"\\r\\n.\\r\\n").decode())
"""


@pytest.mark.dieu4
@pytest.mark.provokes(journal.HELD_AGAIN)
def test_what_is_let_go_is_scanned_once_more(lab: Lab, sender: Sample, recipient: Sample) -> None:
    """Signatures of viruses come while a message waits."""
    title = subject()
    mail = message(sender.address, recipient.address, subject=title)
    mail["X-Hanam-Hold"] = "secrecy thu nghiem"
    mail.set_content(EICAR.decode(), cte="base64")
    lines = "\r\n".join(mail.as_string().splitlines())
    words = [f"{lab.host('quarantine')}.{lab.variables['mail_domain']}", str(lab.port("quarantine"))]
    program = f"printf '%s' {shlex.quote(lines)} > /run/t.eml; python3 -c {shlex.quote(_LMTP)}"
    said = lab.run("submission", f"{program} {shlex.join([*words, sender.address, recipient.address])} < /run/t.eml")
    assert said.startswith("250 ")
    number = str(held(lab, title)["id"])
    done = ask(lab, "release", number, "--reason", "thử")
    (copy,) = done["recipients"]
    assert copy["state"] == "held", copy
    assert copy["failure"].startswith("5"), copy
    assert inbox(lab, recipient, title) == []
    assert lab.sql(f"select told_at is null from mail.held_message where id = {number}") == "t"


@pytest.mark.dieu4
def test_a_closed_archive_from_outside_is_held_and_its_receivers_told_and_nobody_outside(
    lab: Lab, foreign: Foreign, recipient: Sample, colleague: Sample, closed_held: None
) -> None:
    # Another word than the one that this file's rule holds by.
    title, closed = uuid.uuid4().hex, encrypted_zip("a.txt", b"x" * 500)
    mail = with_attachment(message(AN, recipient.address, subject=title), "hồ sơ.zip", closed)
    foreign.send(mail, AN, recipient.address, colleague.address)
    found = held(lab, title)
    assert (found["kind"], found["login"], found["sender"]) == ("encrypted", None, AN)
    number = str(found["id"])
    assert states(lab, found["id"]) == dict.fromkeys((recipient.address, colleague.address), "held")
    assert [*inbox(lab, recipient, title), *inbox(lab, colleague, title)] == []
    lab.send_notices()
    lab.send_notices()
    for who in (recipient, colleague):
        notice = email.message_from_bytes(
            lab.wait_for_message(who, f"gửi đến {who.address} lúc"), policy=email.policy.default
        )
        assert isinstance(notice, EmailMessage)
        text = notice.get_content()
        assert f"thư bị giữ số {number}" in text
        assert "hồ sơ[.]zip" in text
        assert title not in text
        assert len(inbox(lab, who, f"gửi đến {who.address} lúc")) == 1
    ask(lab, "drop", number, "--recipient", colleague.address, "--reason", "người nhận không đợi thư này")
    done = ask(lab, "release", number, "--reason", "đã hỏi lại người gửi qua điện thoại")
    assert [each["state"] for each in done["recipients"] if each["address"] == recipient.address] == ["released"]
    arrived_ = lab.wait_for_message(recipient, title)
    assert b"\nX-Hanam-Attachment: encrypted" in arrived_
    assert b"x-hanam-hold" not in arrived_.lower()
    lab.send_notices()
    assert (len(inbox(lab, recipient, title)), inbox(lab, colleague, title)) == (1, [])
    assert arrived(foreign, AN, title) == [], "whoever is named as sender hears nothing"


@pytest.mark.dieu4
def test_what_nobody_decides_in_its_kinds_days_is_dropped_and_other_kinds_wait_for_ever(
    lab: Lab, sender: Sample, recipient: Sample
) -> None:
    days = {kind: row["drop_after_days"] for kind, row in lab.variables["held_kinds"].items()}
    assert (days["encrypted"] > 1, days["secrecy"]) == (True, 0)
    # Held for so long, and of that kind.
    cases = {
        "over": (days["encrypted"] + 1, "encrypted", "dropped"),
        "not yet": (days["encrypted"] - 1, "encrypted", "held"),
        "never": (4_000, "secrecy", "held"),
    }
    numbers = {}
    for name, (age, kind, _) in cases.items():
        title = subject()
        send(lab, sender, message(sender.address, recipient.address, subject=title), recipient.address)
        numbers[name] = held(lab, title)["id"]
        lab.sql(
            f"update mail.held_message set kind = '{kind}', arrived_at = now() - interval '{age} days'"
            f" where id = {numbers[name]}"
        )
    lab.start_anew("accounts", "hanam-mail-life-cycle.service")
    found = {name: states(lab, number) for name, number in numbers.items()}
    assert found == {name: {recipient.address: state} for name, (_, _, state) in cases.items()}
    file = lab.sql(f"select file from mail.held_message where id = {numbers['over']}")
    assert file
    wait_for(
        lambda: lab.run("quarantine", f"find /var/lib/hanam-quarantine -name '{file}*'") == "",
        "the end of the dropped message's file",
    )
    for name in ("not yet", "never"):
        file = lab.sql(f"select file from mail.held_message where id = {numbers[name]}")
        assert lab.run("quarantine", f"find /var/lib/hanam-quarantine -name '{file}*'") != "", name
        ask(lab, "drop", str(numbers[name]), "--reason", "thử xong")
    assert inbox(lab, recipient, WORD) == []


@pytest.mark.dieu4
def test_a_virus_beside_a_closed_archive_is_refused_and_our_own_peoples_sender_is_told(
    lab: Lab, sender: Sample, recipient: Sample, closed_held: None
) -> None:
    title, closed = uuid.uuid4().hex, encrypted_zip("a.txt", b"x" * 500)
    mail = with_attachment(message(sender.address, recipient.address, subject=title), "a.zip", closed)
    with_attachment(mail, "b.zip", zipped("b.txt", EICAR))
    with pytest.raises(smtplib.SMTPDataError):
        send(lab, sender, mail, recipient.address)
    mail = with_attachment(message(sender.address, recipient.address, subject=title), "a.zip", closed)
    send(lab, sender, mail, recipient.address)
    found = held(lab, title)
    assert (found["kind"], found["login"]) == ("encrypted", sender.address)
    lab.send_notices()
    assert "không đặt mật khẩu".encode() in quopri.decodestring(lab.wait_for_message(sender, "chưa được gửi đi"))


@pytest.mark.dieu4
def test_the_text_is_read_by_document_alone_and_sealed(lab: Lab, sender: Sample) -> None:
    title = subject()
    send(lab, sender, message(sender.address, BINH, subject=title), BINH)
    number = str(held(lab, title)["id"])
    command = f"hanam-mail-db quarantine show {number} --body"
    assert "cần có văn bản" in lab.run("accounts", f"{command} 2>&1", check=False)
    lab.run("accounts", f"{command} --document 1/THU --note 'xem dau mat'")
    copies = lab.run("accounts", f"ls /var/lib/hanam-mail/opened/held-{number}.opening-*.eml.age").split()
    assert len(copies) == 1
    assert lab.run("accounts", f"head -c 21 {copies[0]}") == "age-encryption.org/v1"
    copy = lab.look_at("accounts").file(copies[0])
    assert (copy.user, copy.mode) == ("hanam-mail", 0o600)
    lab.send_notices()
    wait_for(lambda: inbox(lab, sender, "để đọc theo văn bản"), "the owner's notice")
