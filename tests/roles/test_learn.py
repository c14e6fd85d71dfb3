"""The service that teaches the filter what people move to and from Junk."""

from testinfra.host import Host


def test_the_mail_store_alone_hands_lessons_over(mailstore_host: Host) -> None:
    shown = mailstore_host.service("hanam-learn.socket").systemd_properties["Listen"]
    socket = mailstore_host.file(shown.split()[0])
    assert socket.is_socket
    assert (socket.user, socket.mode) == ("vmail", 0o600)


def test_the_unit_runs_confined_and_starts_at_boot(mailstore_host: Host) -> None:
    assert mailstore_host.service("hanam-learn.socket").is_running
    assert mailstore_host.service("hanam-learn.socket").is_enabled
    mailstore_host.check_output("systemd-analyze security --threshold=20 --no-pager hanam-learn.service")
