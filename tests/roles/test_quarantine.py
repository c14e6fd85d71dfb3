"""The service that keeps held messages: who may hand them over, who takes them back, and what it may do."""

import pytest

from tests import journal
from tests.lab import Lab, wait_for

UNIT = "hanam-quarantine.service"
FOLDER = "/var/lib/hanam-quarantine"
INTERNAL = "/etc/hanam-mail/tls/internal"
# Opens TLS to a port, with this host's certificate or without one, says a word and prints all that it hears.
_CALL = """
import socket, ssl, sys
name, port, word, own = sys.argv[1:]
tls = ssl.create_default_context(cafile="{internal}/ca.pem")
if own == "own":
    tls.load_cert_chain("{internal}/cert.pem", "{internal}/key.pem")
try:
    plain = socket.create_connection((name, int(port)), 10)
    with plain, tls.wrap_socket(plain, server_hostname=name) as client:
        file = client.makefile("rwb")
        for said in ("", word):
            if said:
                file.write(said.encode() + b"\\r\\n")
                file.flush()
            while line := file.readline():
                print(line.decode(), end="")
                if line[3:4] == b" ":
                    break
except OSError as error:
    print("refused", error)
"""


def call(lab: Lab, source: str, target: str, key: str, word: str, *, own: bool = True) -> str:
    """What a host hears at that port of another."""
    program = _CALL.replace("{internal}", INTERNAL)
    name = f"{target}.{lab.variables['mail_domain']}"
    words = f"{name} {lab.port(key)} '{word}' {'own' if own else 'none'}"
    return lab.run(source, f"python3 - {words} <<'PROGRAM'\n{program}\nPROGRAM")


def handing_over(lab: Lab) -> set[str]:
    return {*lab.groups["mx"], *lab.groups["submission"]}


def strangers(lab: Lab) -> set[str]:
    """Hosts of the system, with certificates of its authority, that hand nothing over and bring nothing back."""
    return (
        {*lab.groups["mailstore"], *lab.groups["backup_repository"]} - handing_over(lab) - {*lab.groups["quarantine"]}
    )


@pytest.mark.neighbours
def test_the_hosts_that_ask_the_filter_may_hand_over(lab: Lab) -> None:
    for host in handing_over(lab):
        heard = call(lab, host, lab.host("quarantine"), "quarantine", "LHLO x")
        assert heard.startswith("220 "), host
        assert "SMTPUTF8" in heard


@pytest.mark.neighbours
@pytest.mark.dieu4
@pytest.mark.provokes(journal.HELD_REFUSED)
def test_nobody_else_may(lab: Lab) -> None:
    keeper = lab.host("quarantine")
    assert strangers(lab)
    for host in strangers(lab):
        assert "220" not in call(lab, host, keeper, "quarantine", "LHLO x"), host
    for host in handing_over(lab):
        assert "220" not in call(lab, host, keeper, "quarantine", "LHLO x", own=False), host


@pytest.mark.neighbours
@pytest.mark.dieu4
@pytest.mark.provokes(journal.HELD_REFUSED)
def test_by_the_door_for_what_is_let_go_the_quarantine_alone_comes_in(lab: Lab) -> None:
    """Whoever came in by it would send in anybody's name, past the rule that holds."""
    keeper = lab.host("quarantine")
    for target in lab.groups["submission"]:
        assert "250-" in call(lab, keeper, target, "released", "EHLO x")
        others = (strangers(lab) | handing_over(lab)) - {keeper}
        assert others
        for host in others:
            assert "250-" not in call(lab, host, target, "released", "EHLO x"), host
        assert "250-" not in call(lab, keeper, target, "released", "EHLO x", own=False)


def test_held_messages_are_for_the_service_and_the_operators_commands(lab: Lab) -> None:
    folder = lab.look_at("quarantine").file(FOLDER)
    assert (folder.user, folder.group, folder.mode) == ("hanam-quarantine", "hanam-mail", 0o2750)
    for user in ("nobody", "postfix", "hanam-agent"):
        assert "Permission denied" in lab.run(
            "quarantine", f"cd / && runuser -u {user} -- ls {FOLDER} 2>&1", check=False
        )


def test_the_unit_runs_confined_and_starts_at_boot(lab: Lab) -> None:
    shown = lab.look_at("quarantine").service(UNIT).systemd_properties
    assert (shown["ActiveState"], shown["UnitFileState"], shown["User"]) == ("active", "enabled", "hanam-quarantine")
    lab.run("quarantine", f"systemd-analyze security --threshold=25 --no-pager {UNIT}")


@pytest.mark.provokes(journal.QUARANTINE_AWAY)
def test_one_that_is_killed_is_back_and_two_never_run(lab: Lab) -> None:
    lab.run("quarantine", f"systemctl kill -s KILL {UNIT}")
    source = lab.host("submission")

    def heard() -> bool:
        return call(lab, source, lab.host("quarantine"), "quarantine", "LHLO x").startswith("220 ")

    wait_for(heard, "the greeting")
    program = "/usr/lib/hanam-mail/hanam-mail.pyz"
    second = f"runuser -u hanam-quarantine -- python3 -I {program} quarantine-serve /etc/hanam-mail/quarantine.json"
    assert "BlockingIOError" in lab.run("quarantine", f"cd / && {second} 2>&1", check=False)


def test_a_renewed_certificate_is_taken_up_without_a_pause(lab: Lab) -> None:
    process = lab.look_at("quarantine").service(UNIT).systemd_properties["MainPID"]
    lab.run("quarantine", f"systemctl reload {UNIT}")
    assert call(lab, lab.host("submission"), lab.host("quarantine"), "quarantine", "LHLO x").startswith("220 ")
    assert lab.look_at("quarantine").service(UNIT).systemd_properties["MainPID"] == process
