"""Mail is led on by itself to state agencies only: refused when the rule is saved, and when it would act (Đ4.5)."""

import re
import uuid
from collections.abc import Callable, Iterator
from email.message import EmailMessage

import pytest

from hanam_mail.host.mail.sieve_session import FAULTY
from tests import journal
from tests.foreign import AGENCY, AN, REJECT, Foreign
from tests.lab import Lab, Sample, message, wait_for
from tests.mail.managesieve import connected, sign_in, signed_in

pytestmark = [
    pytest.mark.dieu4,
    pytest.mark.provokes(journal.SCRIPTS),
    pytest.mark.usefixtures("owner_without_rules_afterwards"),
]

NAME = "chuyen"


@pytest.fixture
def foreign(lab: Lab) -> Foreign:
    return Foreign(lab)


FORBIDDEN = {
    "plainly": f'redirect "{AN}";',
    "with a copy": f'require "copy"; redirect :copy "{AN}";',
    "in capitals": f'REDIRECT "{AN}";',
    "beside a state agency's": f'redirect "{AGENCY}"; redirect "{AN}";',
    "to a name that only ends alike": 'redirect "an@khonggov.vn";',
    "to a name below which is another": 'redirect "an@gov.vn.ngoai.example";',
    "with a name before it": f'redirect "bo.gov.vn <{AN}>";',
    "over lines": f"redirect text:\n{AN}\n.\n;",
    "behind what looks like the end of a text": f'if false {{ redirect "{AGENCY}"; }} redirect text:\r#\n{AN}\n.\n;',
    "behind a comment": f'# "\n/* " */ redirect /* x */ "{AN}";',
    "behind a number": f'if size :over 1k{{ redirect "{AN}"; }}',
    "by a variable": f'require "variables"; set "to" "{AN}"; redirect "${{to}}";',
    "by characters written as numbers": 'require "encoded-character"; redirect "an${hex:40}ngoai.example";',
    "escaped": 'redirect "an\\@ngoai.example";',
    "within blocks": f'if true {{ if not false {{ redirect "{AN}"; }} }}',
    "to a list": 'require "extlists"; redirect :list "tag:ngoai.example,2024:list";',
}


@pytest.mark.parametrize("script", FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_redirect_to_outside_is_refused_when_saved(lab: Lab, owner: Sample, script: str) -> None:
    with signed_in(lab, owner) as session:
        for command in ("PUTSCRIPT", "CHECKSCRIPT"):
            told = session.put(NAME, script, command=command)
            assert told.startswith("NO") and "Điều 4 khoản 5" in told, "in Vietnamese, with its clause"
        quoted = script.replace("\\", "\\\\").replace('"', '\\"')
        if "\n" not in quoted:
            assert "Điều 4 khoản 5" in session.ask(f'PutScript "{NAME}" "{quoted}"\r\n'.encode())
        assert NAME not in session.ask(b"LISTSCRIPTS\r\n"), "nothing is stored"


def test_the_refusal_names_the_address(lab: Lab, owner: Sample) -> None:
    with signed_in(lab, owner) as session:
        assert f"Không được tự động chuyển tiếp thư đến {AN}" in session.put(NAME, f'redirect "{AN}";')


def test_a_script_that_does_not_compile_is_refused_in_vietnamese_with_the_line_of_the_fault(
    lab: Lab, owner: Sample
) -> None:
    with signed_in(lab, owner) as session:
        for command in ("PUTSCRIPT", "CHECKSCRIPT"):
            told = session.put(NAME, "discard; if {", command=command)
            assert re.match(rf"NO \{{\d+\}}\r\n{FAULTY}:\r\n.*line 1: error: ", told)
        assert NAME not in session.ask(b"LISTSCRIPTS\r\n"), "and the session goes on in step"


def test_no_extension_is_offered_that_leads_mail_away_in_another_manner(lab: Lab, owner: Sample) -> None:
    """Notices and reports carry what a message says; lists and programs of others have targets that no script shows."""
    with signed_in(lab, owner) as session:
        offered = re.search(r'"SIEVE" "([^"]*)"', session.ask(b"CAPABILITY\r\n"))
        assert offered
        assert {"copy", "vacation"} <= set(offered[1].split()), "what stays allowed"
        leading = ("enotify", "notify", "extlists", "extracttext", "enclose", "vnd.dovecot.report")
        programs = ("vnd.dovecot.pipe", "vnd.dovecot.filter", "vnd.dovecot.execute")
        assert set(offered[1].split()) & {*leading, *programs} == set()
        for extension in (*leading, *programs):
            told = session.put(NAME, f'require "{extension}"; keep;')
            assert told.startswith("NO") and f"phần mở rộng {extension}:" in told and "Điều 4 khoản 5" in told


@pytest.mark.parametrize(
    "script",
    [
        f'redirect "{AGENCY}";',
        'redirect "An@So.Bo.GOV.vn";',
        f'require "copy"; if header :contains "subject" "redirect" {{ redirect :copy /* x */ "{AGENCY}"; }}',
        f'require "vacation"; # redirect "{AN}";\nvacation "redirect \\"{AN}\\";";',
        f'require "vacation"; vacation text:\nredirect "{AN}";\n..\n.\n;',
    ],
)
def test_a_redirect_to_a_state_agency_is_saved_as_it_was_written(lab: Lab, owner: Sample, script: str) -> None:
    with signed_in(lab, owner) as session:
        assert session.put(NAME, script).startswith("OK")
        assert session.put(NAME, script, command="CHECKSCRIPT").startswith("OK")
        assert script in session.ask(f'GETSCRIPT "{NAME}"\r\n'.encode())


def test_commands_sent_on_before_the_sign_in_is_answered_are_read_too(lab: Lab, owner: Sample) -> None:
    with connected(lab) as session:
        script = f'redirect \\"{AN}\\";'
        session.connection.sendall(
            sign_in(owner) + f'PUTSCRIPT "{NAME}" "{script}"\r\nNOOP "a"\r\nPUTSCRIPT "x" {{6+}}\r\nkeep;x'.encode()
        )
        assert session.reply().startswith("OK")
        assert "Điều 4 khoản 5" in session.reply()
        assert "TAG" in session.reply()
        assert session.ask(b'\r\nLISTSCRIPTS\r\nDELETESCRIPT "x"\r\n').startswith("NO"), "keep;x is no script"
        assert NAME not in session.reply()
        session.reply()


@pytest.mark.parametrize(
    "octets",
    [
        b"PUTSCRIPT {6+}\r\nchuyen {SIZE+}\r\nTEXT\r\n",
        b"PUTSCRIPT {6}\nchuyen {SIZE}\nTEXT\n",
        b"NOOP {9+}\r\nPUTSCRIPT\r\nPUTSCRIPT {6+}\r\nchuyen {SIZE+}\r\nTEXT\r\n",
        b"X{3+}\r\nPUTSCRIPT chuyen {SIZE+}\r\nTEXT\r\n",
        b'PUTSCRIPT  "chuyen" {SIZE+}\r\nTEXT\r\n',
        b'PUTSCRIPT\t"chuyen" {SIZE+}\r\nTEXT\r\n',
        b'PUTSCRIPT "chuyen" "" {SIZE+}\r\nTEXT\r\n',
        b'"" PUTSCRIPT "chuyen" {SIZE+}\r\nTEXT\r\n',
    ],
)
def test_no_way_to_write_the_command_gets_past(lab: Lab, owner: Sample, octets: bytes) -> None:
    script = f'redirect "{AN}";'.encode()
    with signed_in(lab, owner) as session:
        session.connection.sendall(octets.replace(b"SIZE", b"%d" % len(script)).replace(b"TEXT", script))
        session.connection.sendall(b"LOGOUT\r\n")
        while session.reply():
            pass
    assert NAME not in lab.run("mailstore", f"doveadm sieve list -u {owner.mailbox}")


def test_nothing_is_saved_while_scripts_cannot_be_read(lab: Lab, owner: Sample) -> None:
    socket = "/run/dovecot/sieve-session"
    lab.run("mailstore", f"mv {socket} {socket}.away")
    try:
        with connected(lab) as session:
            session.connection.sendall(sign_in(owner) + f'PUTSCRIPT "{NAME}" "keep;"\r\n'.encode())
            assert session.reply().startswith("NO")
    finally:
        lab.run("mailstore", f"mv {socket}.away {socket}")
    assert NAME not in lab.run("mailstore", f"doveadm sieve list -u {owner.mailbox}")


def arrive(lab: Lab, foreign: Foreign, owner: Sample) -> str:
    """A message to the owner from outside, by the mail exchanger; its subject."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"An <{AN}>", owner.address, f"chuyen tiep {uuid.uuid4().hex[:12]}"
    mail["Message-ID"] = f"<{uuid.uuid4().hex}@ngoai.example>"
    mail.set_content("Kính gửi đồng chí.\n")
    foreign.send(mail, AN, owner.address)
    return str(mail["Subject"])


def store_unread(lab: Lab, owner: Sample, script: str) -> None:
    """As one that was stored before a rule was tightened."""
    lab.run("mailstore", f"doveadm sieve put -u {owner.mailbox} -a {NAME} <<'SCRIPT'\n{script}\nSCRIPT")


def octets(foreign: Foreign, address: str, subject: str) -> bytes:
    """The message as it arrived outside, for those who judge signatures."""
    (found,) = [data for data in foreign.contents(address) if f"\nSubject: {subject}\n".encode() in data]
    return found


def kept(lab: Lab, owner: Sample, subject: str, folder: str = "*") -> int:
    query = f"doveadm -f tab fetch -u {owner.mailbox} uid mailbox '{folder}' header subject '{subject}' | tail -n +2"
    return len(lab.run("mailstore", query).splitlines())


@pytest.mark.neighbours
def test_nobody_gets_past_the_owners_rules_by_the_field_that_the_mail_store_writes(
    lab: Lab, foreign: Foreign, sender: Sample, owner: Sample
) -> None:
    store_unread(lab, owner, 'require ["fileinto", "mailbox"];\nfileinto :create "Rieng";')
    subject = f"vuot quy tac {uuid.uuid4().hex[:12]}"
    for author in (AN, sender.address):
        mail = message(author, owner.address, subject=subject)
        mail["X-Sieve-Returned"] = "yes"
        if author == AN:
            foreign.send(mail, AN, owner.address)
        else:
            with lab.submission(sender.address, sender.password) as client:
                client.send_message(mail)
    wait_for(lambda: kept(lab, owner, subject) == 2, "both letters")
    assert kept(lab, owner, subject, "Rieng") == 2


@pytest.mark.neighbours
def test_what_is_led_to_a_state_agency_arrives_and_what_comes_back_goes_to_the_owner(
    lab: Lab, foreign: Foreign, owner: Sample
) -> None:
    with signed_in(lab, owner) as session:
        assert session.put(NAME, f'redirect "{AGENCY}";').startswith("OK")
        assert session.ask(f'SETACTIVE "{NAME}"\r\n'.encode()).startswith("OK")
    subject = arrive(lab, foreign, owner)
    found = foreign.wait_for(AGENCY, subject, 60)
    assert str(found["From"]) == f"An <{AN}>"
    assert found["Return-Path"].strip("<>") == owner.address, "an address that our SPF record covers"
    assert kept(lab, owner, subject) == 0
    assert owner.address in found["X-Sieve-Redirected-From"]
    # Whose letter it is no signature of ours says; what we saw of it our seal says, by the key that DNS has.
    assert foreign.chain(octets(foreign, AGENCY, subject)) == ("pass", [lab.variables["mail_domain"]])


@pytest.mark.neighbours
def test_a_redirect_to_outside_that_was_stored_all_the_same_acts_on_nothing_and_loses_nothing(
    lab: Lab, foreign: Foreign, owner: Sample
) -> None:
    """The owner's other rules act: the copy in a folder and the reply in absence."""
    handle = uuid.uuid4().hex
    store_unread(
        lab,
        owner,
        'require ["fileinto", "mailbox", "vacation"];\n'
        f'redirect "{AN}"; redirect "{AGENCY}"; fileinto :create "Cong van";\n'
        f'vacation :days 1 :handle "{handle}" "vang mat";',
    )
    subject = arrive(lab, foreign, owner)
    lab.wait_for_message(owner, subject, seconds=60)
    foreign.wait_for(AN, f"Auto: {subject}", 60)
    reply = octets(foreign, AN, f"Auto: {subject}")
    assert foreign.verdicts(reply) == dict.fromkeys(lab.variables["vault_dkim_keys"], True), "signed as we write it"
    foreign.wait_for(AGENCY, subject, 60)
    assert not [mail for mail in foreign.messages(AN) if mail["Subject"] == subject]
    assert kept(lab, owner, subject, "INBOX") == 1
    assert kept(lab, owner, subject, "Cong van") == 1
    assert not [entry for entry in foreign.queue("mx") if owner.address in str(entry)]


@pytest.mark.neighbours
def test_the_owner_hears_once_that_a_rule_leads_to_where_it_may_not(lab: Lab, foreign: Foreign, owner: Sample) -> None:
    target = f"{uuid.uuid4().hex[:12]}@ngoai.example"
    store_unread(lab, owner, f'redirect "{target}";')
    for _ in range(2):
        lab.wait_for_message(owner, arrive(lab, foreign, owner), seconds=60)
    notice = f"doveadm fetch -u {owner.mailbox} body.text mailbox INBOX body {target} from noreply@"
    # The second would come at once with what it is about.
    told = lab.run("mailstore", notice)
    assert told.count(f"chuyển tiếp thư đến {target}") == 1


@pytest.mark.neighbours
def test_what_the_state_agency_refuses_comes_back_to_the_owner(lab: Lab, foreign: Foreign, owner: Sample) -> None:
    store_unread(lab, owner, f'redirect "{REJECT.replace("ngoai.example", "bo.gov.vn")}";')
    subject = arrive(lab, foreign, owner)
    reports = f"doveadm fetch -u {owner.mailbox} text mailbox INBOX from MAILER-DAEMON"
    report = wait_for(
        lambda: re.search(subject, lab.run("mailstore", reports, check=False)),
        "report of the refusal",
        60,
    )
    assert report


@pytest.mark.neighbours
def test_two_scripts_that_lead_to_each_other_end(lab: Lab, foreign: Foreign, owner: Sample, colleague: Sample) -> None:
    other = colleague
    store_unread(lab, owner, f'redirect "{other.address}";')
    store_unread(lab, other, f'redirect "{owner.address}";')
    try:
        subject = arrive(lab, foreign, owner)
        wait_for(lambda: kept(lab, owner, subject) + kept(lab, other, subject), "a place where it stays", 60)
        assert kept(lab, owner, subject) + kept(lab, other, subject) == 1
    finally:
        scripts = f"doveadm sieve deactivate -u {other.mailbox}; doveadm sieve delete -u {other.mailbox} {NAME}"
        lab.run("mailstore", scripts, check=False)


# --- The look of the night at what is stored ---

LEFT = "/var/lib/hanam-check-sieve/found.json"


@pytest.fixture
def night(lab: Lab, owner: Sample) -> Iterator[Callable[[], list[str]]]:
    """Has the stored rules looked at; all that was ever written as a warning about the owner's."""
    written = "journalctl --sync; journalctl --quiet --output=cat --priority=warning --identifier=hanam-check-sieve"

    def look() -> list[str]:
        lines = lab.run("mailstore", f"systemctl start hanam-check-sieve.service && {written}").splitlines()
        return [line for line in lines if owner.mailbox in line]

    yield look
    # What it found of other tests' mailboxes is none of the operator's.
    lab.run("mailstore", f"rm -f {LEFT}")


def lay(lab: Lab, owner: Sample, name: str, script: str) -> str:
    """Put a script into the owner's home past everything that judges it; where it lies."""
    folder = f"{lab.variables['mail_root']}/{owner.mailbox[:2]}/{owner.mailbox}/sieve"
    put = f"umask 077; mkdir -p {folder}; cat > {folder}/{name}.sieve"
    lab.run("mailstore", f"runuser -u vmail -- sh -c '{put}' <<'SCRIPT'\n{script}\nSCRIPT")
    return f"{folder}/{name}.sieve"


def test_a_rule_to_outside_that_is_stored_is_found_at_night_and_told_once(
    lab: Lab, owner: Sample, night: Callable[[], list[str]]
) -> None:
    lay(lab, owner, "duoc", f'redirect "{AGENCY}";')
    place = lay(lab, owner, NAME, f'redirect "{AN}";')
    before = lab.run("mailstore", f"find {place.rpartition('/')[0]} -printf '%p %T@ %s\n' | sort")
    (told,) = night()
    assert f"bộ quy tắc “{NAME}” (không dùng)" in told
    assert AN in told and "Điều 4 khoản 5" in told
    assert owner.mailbox in lab.look_at("mailstore").file(LEFT).content_string, "where role watch reads it"
    assert lab.run("mailstore", f"find {place.rpartition('/')[0]} -printf '%p %T@ %s\n' | sort") == before
    assert night() == [told], "not a second time"
    lab.run("mailstore", f"doveadm sieve activate -u {owner.mailbox} {NAME}")
    _, again = night()
    assert f"bộ quy tắc “{NAME}” (đang dùng)" in again
    lab.run("mailstore", f"rm {place}")
    assert len(night()) == 2
    assert owner.mailbox not in lab.look_at("mailstore").file(LEFT).content_string


def test_the_look_at_night_reads_plain_files_only_and_tells_what_dovecot_does_not_take(
    lab: Lab, owner: Sample, night: Callable[[], list[str]]
) -> None:
    place = lay(lab, owner, "cu", 'require "enotify"; notify "mailto:an@bo.gov.vn";')
    lay(lab, owner, "gop", 'require "include"; include :personal "khac";')
    lay(lab, owner, "khac", 'require ["fileinto", "vacation"]; fileinto "INBOX"; vacation "x";')
    lab.run("mailstore", f"runuser -u vmail -- mkfifo {place.replace('cu.sieve', 'ong.sieve')}")
    old, pipe = sorted(night())
    assert "“cu” (không dùng): Dovecot không đọc được nữa (dòng 1: " in old and "enotify" in old
    assert "“ong” (không dùng): không phải là tệp thường" in pipe


def test_the_look_at_night_comes_by_itself_and_may_write_no_mail(lab: Lab) -> None:
    timer = lab.look_at("mailstore").service("hanam-check-sieve.timer").systemd_properties
    assert timer["UnitFileState"] == "enabled"
    look = lab.look_at("mailstore").service("hanam-check-sieve.service").systemd_properties
    assert (look["User"], look["ProtectSystem"], look.get("ReadWritePaths")) == ("vmail", "strict", None)
