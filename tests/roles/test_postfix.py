"""Postfix as it runs: its files, its unit, its TLS."""

import socket
import ssl

import pytest
from testinfra.host import Host

from tests import journal
from tests.lab import Lab, wait_for


def test_unit_runs_and_starts_at_boot(mx_host: Host) -> None:
    unit = mx_host.service("postfix")
    assert unit.is_running
    assert unit.is_enabled


def test_unit_is_confined(mx_host: Host) -> None:
    shown = mx_host.service("postfix").systemd_properties
    assert (shown["NoNewPrivileges"], shown["ProtectSystem"]) == ("yes", "strict")
    assert (shown["ProtectHome"], shown["RestrictSUIDSGID"]) == ("yes", "yes")


def test_configuration_in_force_is_the_checked_one(mx_host: Host) -> None:
    assert mx_host.check_output("postfix-activate --check") == ""
    assert mx_host.check_output("postconf -n 2>&1 >/dev/null; postfix check 2>&1") == ""


def test_faulty_candidate_never_reaches_the_running_configuration(mx_host: Host) -> None:
    candidate = "/etc/postfix.candidate/main.cf"
    before = mx_host.check_output("sha256sum /etc/postfix/main.cf /etc/postfix/master.cf")
    mx_host.check_output(f"cp -p {candidate} /root/main.cf.kept")
    try:
        mx_host.check_output(f"echo 'mynetworsk = 0.0.0.0/0' >> {candidate}")
        refused = mx_host.run("postfix-activate")
        assert refused.rc != 0
        assert "mynetworsk" in refused.stderr
        assert mx_host.check_output("sha256sum /etc/postfix/main.cf /etc/postfix/master.cf") == before
    finally:
        mx_host.check_output(f"mv /root/main.cf.kept {candidate}")


def test_notices_are_ours_and_say_how_long_is_left(mx_host: Host) -> None:
    """Of a template that it cannot read Postfix warns, and takes its own English one."""
    shown = mx_host.check_output("postconf -b 2>&1")
    assert "warning" not in shown
    assert "Sau 4 giờ, thư của ông (bà) chưa gửi được" in shown
    assert "đến hết 4 ngày" in shown


def test_no_table_names_a_password_and_none_is_for_other_eyes(mx_host: Host) -> None:
    assert mx_host.run("grep -rilE 'password *=' /etc/postfix /etc/postfix.candidate").stdout == ""


@pytest.mark.neighbours
def test_every_lookup_table_answers(submission_host: Host, mx_host: Host) -> None:
    for table in ("mailbox", "senders", "revoked", "alive"):
        done = mx_host.run(f"postmap -q khong.co.ai@hanam.gov.vn proxy:pgsql:/etc/postfix/pgsql-{table}.cf")
        assert done.stderr == "", table
    assert submission_host.check_output("postmap -q x proxy:pgsql:/etc/postfix/pgsql-alive.cf") == "DUNNO"


PORTS = {465: "submission", 993: "mailstore", 995: "mailstore"}


def _handshake(lab: Lab, port: int, context: ssl.SSLContext) -> str | None:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((lab.address(PORTS[port]), port), timeout=10) as plain,
        context.wrap_socket(plain) as wrapped,
    ):
        return wrapped.version()


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.provokes(journal.BAD_CLIENTS)
def test_tls_is_1_2_or_newer(lab: Lab, port: int) -> None:
    assert _handshake(lab, port, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) == "TLSv1.3"
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        _handshake(lab, port, old)


@pytest.mark.provokes(journal.BAD_CLIENTS)
def test_anonymous_and_static_key_suites_are_refused(lab: Lab) -> None:
    for suites in ("aNULL:@SECLEVEL=0", "kRSA:@SECLEVEL=0", "AES256-SHA:@SECLEVEL=0"):
        weak = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        weak.maximum_version = ssl.TLSVersion.TLSv1_2
        weak.set_ciphers(suites)
        with pytest.raises(ssl.SSLError):
            _handshake(lab, 465, weak)


@pytest.mark.bound
@pytest.mark.neighbours
@pytest.mark.dieu10
@pytest.mark.provokes(journal.DOVECOT_AWAY)
def test_submission_is_back_seconds_after_the_sign_in_is(lab: Lab) -> None:
    """A server that is started while Dovecot is away ends at once, and Postfix waits before it starts another."""

    def greeted() -> bool:
        raw = socket.create_connection((lab.address("submission"), 465), timeout=3)
        try:
            with lab.ssl_context.wrap_socket(raw, server_hostname=f"smtp.{lab.variables['mail_domain']}") as client:
                return client.recv(100).startswith(b"220")
        except OSError:
            return False

    with lab.stopped("submission", "dovecot"):
        # Those that run know what Dovecot offers; a new one asks.
        lab.run("submission", "postfix reload")
        wait_for(lambda: not greeted(), "a server that cannot start")
    wait_for(greeted, "a server that greets", 10)
