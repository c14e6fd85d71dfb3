"""What people's own rules may do with mail, on the daemons themselves (Đ4.5, Đ4.6)."""

import datetime as dt
import email
import email.policy
import re
import uuid
from collections.abc import Callable
from functools import partial

import pytest

from tests import journal
from tests.lab import Lab, Sample, message, wait_for
from tests.mail.managesieve import signed_in

pytestmark = [
    pytest.mark.dieu4,
    pytest.mark.provokes(journal.SCRIPTS),
    pytest.mark.usefixtures("owner_without_rules_afterwards"),
]


type Put = Callable[[str], bool]


@pytest.fixture
def put(lab: Lab, owner: Sample) -> Put:
    """Stores the owner's script and makes it active, as ManageSieve does; whether it was taken."""

    def store(script: str) -> bool:
        command = f"doveadm sieve put -u {owner.mailbox} -a thu <<'SCRIPT' && echo STORED\n{script}\nSCRIPT"
        return "STORED" in lab.run("mailstore", command, check=False)

    return store


def deliver(lab: Lab, owner: Sample, asker: Sample, subject: str | None = None) -> str:
    """A message to the owner, past the filter; its subject."""
    mail = message(asker.address, owner.address, subject=subject)
    program = (
        "import smtplib,sys\n"
        f"smtplib.LMTP('/run/dovecot/lmtp').sendmail('{asker.address}', ['{owner.address}'], sys.stdin.buffer.read())\n"
    )
    lab.run(
        "mailstore",
        f"cat > /tmp/m <<'MAIL'\n{mail.as_string()}\nMAIL\npython3 -c \"{program}\" < /tmp/m\n"
        "code=$?; rm /tmp/m; exit $code",
    )
    return str(mail["Subject"])


def vacation(arguments: str, text: str = '"vang mat"') -> str:
    return f'require "vacation"; vacation :days 1 :handle "{uuid.uuid4().hex}" {arguments} {text};'


def rejection(subject: str) -> str:
    """The end of the subject of what says that a script rejects the message of this subject."""
    return f"Rejected: {subject}"


def author(mail: bytes) -> str:
    found = re.findall(rb"^From:(.*)$", mail.split(b"\r\n\r\n")[0], re.MULTILINE)
    assert len(found) == 1
    return found[0].decode().strip()


@pytest.mark.neighbours
def test_dieu4_6_a_script_writes_under_its_owners_addresses_only(
    lab: Lab, owner: Sample, asker: Sample, colleague: Sample, put: Put
) -> None:
    """:from, and fields in :mime, name somebody else: no mail goes out; what came is in the mailbox all the same."""
    other = colleague.address
    forged = [
        vacation(f':from "Chu tich <{other}>"'),
        vacation(f':from "{other}"'),
        vacation(":mime", f"text:\nFrom: {other}\nContent-Type: text/plain\n\nx\n.\n"),
        vacation(":mime", f"text:\nSender: {other}\nContent-Type: text/plain\n\nx\n.\n"),
    ]
    subjects = []
    for script in forged:
        assert put(script)
        subjects.append(deliver(lab, owner, asker))
    assert put(vacation(f':from "Ten cua toi <{owner.address}>"'))
    last = deliver(lab, owner, asker)
    reply = lab.wait_for_message(asker, f"Auto: {last}")
    assert author(reply) == f"Ten cua toi <{owner.address}>"
    for subject in subjects:
        found = lab.run("mailstore", f"doveadm search -u {owner.mailbox} mailbox INBOX header subject '{subject}'")
        assert found.strip(), "what came is kept"
        search = f"doveadm search -u {asker.mailbox} mailbox '*' header subject '{subject}'"
        assert not lab.run("mailstore", search).strip(), "nothing under another name"


@pytest.mark.neighbours
def test_dieu4_6_a_reply_under_anothers_name_is_refused_when_it_is_saved(
    lab: Lab, owner: Sample, colleague: Sample
) -> None:
    with signed_in(lab, owner) as session:
        for forged in (colleague.address, f"{owner.address}, {colleague.address}", "${ai}"):
            told = session.put("vang", vacation(f':from "{forged}"'))
            assert told.startswith("NO") and "Điều 4 khoản 6" in told and owner.address in told
        assert "vang" not in session.ask(b"LISTSCRIPTS\r\n"), "nothing is stored"
        assert session.put("vang", vacation(f':from "Tên của tôi <{owner.address}>"')).startswith("OK")


@pytest.mark.neighbours
def test_dieu4_6_a_rejection_comes_from_the_owner_and_not_from_the_system(
    lab: Lab, owner: Sample, asker: Sample, put: Put
) -> None:
    assert put('require "reject"; reject "Mat khau cua ban het han, hay doi tai http://198.51.100.7/";')
    subject = deliver(lab, owner, asker)
    reply = lab.wait_for_message(asker, rejection(subject))
    assert author(reply).strip("<>").endswith(owner.address)


@pytest.mark.neighbours
def test_a_rejection_is_vietnamese_and_english_around_the_owners_own_words(
    lab: Lab, owner: Sample, asker: Sample, put: Put
) -> None:
    """A long subject, which comes in encoded words, is cut between two of them, so that it can be read."""
    words = "Không nhận thư quảng cáo.\nXin cảm ơn."
    assert put(f'require "reject"; reject "{words}";')
    mark = uuid.uuid4().hex[:12]
    long = f"{mark} báo cáo kết quả thực hiện nhiệm vụ phát triển kinh tế, xã hội của tỉnh trong năm nay"
    for subject, shown in ((mark, mark), (long, f"{mark} báo cáo")):
        deliver(lab, owner, asker, subject)
        found = lab.wait_for_message(asker, rejection(shown))
        reply = email.message_from_bytes(found, policy=email.policy.default)
        assert str(reply["Subject"]).startswith(f"Thư bị từ chối / Rejected: {shown}")
        assert "=?" not in str(reply["Subject"])
        body = reply.get_body()
        assert body is not None
        told = body.get_content().replace("\r\n", "\n")
        assert told.startswith(f"Thư của ông (bà) gửi tới <{owner.address}>\nđã bị từ chối tự động")
        assert f"\n\n{words}\n\nYour message to <{owner.address}>\nwas rejected" in told


def where(lab: Lab, owner: Sample, subject: str) -> list[str]:
    """Folders in which the message is, each as often as it is there."""
    query = f"doveadm -f tab fetch -u {owner.mailbox} mailbox mailbox '*' header subject '{subject}' | tail -n +2"
    return sorted(lab.run("mailstore", query).splitlines())


def store_unread(lab: Lab, owner: Sample, script: str) -> None:
    """Make a script active that nobody would store today, as one that is years old."""
    lab.run(
        "mailstore",
        f"home=$(doveadm user -f home {owner.mailbox}); cat > $home/sieve/thu.sieve <<'SCRIPT'\n{script}\nSCRIPT\n"
        f"rm -f $home/sieve/thu.svbin; doveadm sieve activate -u {owner.mailbox} thu",
        check=False,
    )


REPLY = 'vacation :days 1 :handle "{handle}" "vang mat";'
FAILING = {
    # What fails, and where the message is then; the reply in absence goes out beside it.
    "a folder that was removed": ('fileinto "Du an"; ', ["Du an"]),
    "a reply under another's name": (
        'vacation :days 1 :handle "x{handle}" :from "{other}" "x"; fileinto :create "Du an"; ',
        ["Du an"],
    ),
    "a redirect to outside": ('redirect "an@ngoai.example"; ', ["INBOX"]),
}


@pytest.mark.parametrize(("rule", "folders"), FAILING.values(), ids=FAILING)
def test_dieu4_5_a_rule_that_fails_takes_no_other_with_it(
    lab: Lab, owner: Sample, asker: Sample, colleague: Sample, put: Put, rule: str, folders: list[str]
) -> None:
    handle = uuid.uuid4().hex
    # A script has one vacation; where it is what fails, the flag tells that the rest has acted.
    replies = "vacation" not in rule
    script = (
        'require ["fileinto", "mailbox", "vacation", "imap4flags"]; addflag "\\\\Flagged"; '
        + rule.format(handle=handle, other=colleague.address)
        + (REPLY.format(handle=handle) if replies else "")
    )
    assert put(script)
    subject = deliver(lab, owner, asker)
    wait_for(lambda: where(lab, owner, subject) == folders, f"{subject} in {folders}")
    if folders != ["INBOX"]:
        flagged = f"doveadm search -u {owner.mailbox} mailbox '*' flagged header subject '{subject}'"
        assert lab.run("mailstore", flagged).strip()
    if replies:
        lab.wait_for_message(asker, f"Auto: {subject}")


UNREADABLE = {
    "what we no longer allow": 'require ["enotify"]; notify "mailto:an@ngoai.example"; discard;',
    "a script that is gone": 'require ["include"]; include :personal "khong-con"; discard;',
    "no Sieve at all": "discard; if {",
}


@pytest.mark.parametrize("script", UNREADABLE.values(), ids=UNREADABLE)
def test_dieu4_5_mail_is_kept_where_the_owners_script_cannot_be_read(
    lab: Lab, owner: Sample, asker: Sample, put: Put, script: str
) -> None:
    assert put("keep;")
    store_unread(lab, owner, script)
    subject = deliver(lab, owner, asker)
    assert where(lab, owner, subject) == ["INBOX"]


# As the webmail's page of replies in absence writes it, in the time of who sets the days there: noon, to that person.
WITHIN = """require ["vacation", "date", "relational"];
if allof (currentdate :zone "{zone}" :value "ge" "date" "{first}",
    currentdate :zone "{zone}" :value "le" "date" "{last}")
{{
    vacation :days 1 :handle "{handle}" "vang mat";
}}
"""


@pytest.mark.neighbours
def test_a_reply_in_absence_goes_out_on_its_days_and_on_no_other(
    lab: Lab, owner: Sample, asker: Sample, colleague: Sample, put: Put
) -> None:
    """First and last day count."""
    now = dt.datetime.now(dt.UTC)
    noon = dt.timezone(dt.timedelta(hours=12 - now.hour))
    today, day = now.astimezone(noon).date(), dt.timedelta(days=1)
    zone = now.astimezone(noon).strftime("%z")

    def arrives(first: dt.date, last: dt.date, sender: Sample = asker) -> str:
        assert put(WITHIN.format(first=first, last=last, zone=zone, handle=uuid.uuid4().hex))
        return deliver(lab, owner, sender)

    before = arrives(today + day, today + 7 * day)
    after = arrives(today - 7 * day, today - day)
    inside = [arrives(today, today), arrives(today - day, today + day, colleague)]
    for sender, subject in zip((asker, colleague), inside, strict=True):
        lab.wait_for_message(sender, f"Auto: {subject}")
    # Those within came later and are answered, so no answer to these is on its way.
    for subject in (before, after):
        assert where(lab, owner, subject) == ["INBOX"]
        assert not where(lab, asker, f"Auto: {subject}")


# --- So many messages an hour ---

KINDS = {"replies": "sending_script_replies_hour", "redirects": "sending_script_redirects_hour"}


@pytest.fixture
def sent_already(lab: Lab, owner: Sample) -> Callable[[str], None]:
    """Makes it as if the owner's scripts had sent as many messages of a kind as may go out within an hour."""
    file = f"$(doveadm user -f home {owner.mailbox})/.sieve-sent"

    def fill(kind: str) -> None:
        number = lab.variables[KINDS[kind]]
        lab.run("mailstore", f'yes "{kind} $(date +%s)" | head -n {number} > {file}; chown vmail:vmail {file}')

    return fill


@pytest.mark.dieu12
def test_dieu12_6_a_reply_in_absence_above_the_hours_number_is_left_out_and_the_letter_kept(
    lab: Lab, owner: Sample, asker: Sample, put: Put, sent_already: Callable[[str], None]
) -> None:
    assert put(vacation(""))
    sent_already("replies")
    left_out = deliver(lab, owner, asker)
    assert where(lab, owner, left_out) == ["INBOX"]
    sent_already("redirects")  # that is counted by itself
    assert put(vacation(""))
    lab.wait_for_message(asker, f"Auto: {deliver(lab, owner, asker)}")
    assert not where(lab, asker, f"Auto: {left_out}")


@pytest.mark.dieu12
def test_dieu12_6_a_letter_to_reject_above_the_hours_number_is_kept_and_not_thrown_away_unsaid(
    lab: Lab, owner: Sample, asker: Sample, put: Put, sent_already: Callable[[str], None]
) -> None:
    assert put('require "reject"; reject "khong nhan";')
    sent_already("replies")
    kept = deliver(lab, owner, asker)
    assert where(lab, owner, kept) == ["INBOX"]
    sent_already("redirects")  # that is counted by itself
    rejected = deliver(lab, owner, asker)
    lab.wait_for_message(asker, rejection(rejected))
    assert where(lab, asker, rejection(rejected)) and not where(lab, asker, rejection(kept))


@pytest.mark.dieu4
@pytest.mark.dieu12
@pytest.mark.neighbours
def test_dieu12_6_what_is_led_on_above_the_hours_number_stays_with_its_owner_who_is_told_once(
    lab: Lab, owner: Sample, asker: Sample, colleague: Sample, put: Put, sent_already: Callable[[str], None]
) -> None:
    target = colleague

    def notes() -> int:
        query = f"doveadm search -u {owner.mailbox} mailbox INBOX header from noreply header x-sieve-returned yes"
        return len(lab.run("mailstore", f"{query} header auto-submitted auto-generated").splitlines())

    assert put(f'redirect "{target.address}";')
    sent_already("redirects")
    before = notes()
    subjects = [deliver(lab, owner, asker) for _ in range(2)]
    for subject in subjects:
        wait_for(partial(where, lab, owner, subject), f"{subject} with its owner")
        assert where(lab, owner, subject) == ["INBOX"]
        assert not where(lab, target, subject)
    wait_for(lambda: notes() == before + 1, "one notice to the owner")
