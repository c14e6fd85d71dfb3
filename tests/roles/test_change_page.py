"""The page where passwords are changed: who runs it, and who reaches it."""

from testinfra.host import Host


def test_the_web_server_alone_reaches_the_page(webmail_host: Host) -> None:
    shown = webmail_host.service("hanam-change-page.socket").systemd_properties["Listen"]
    socket = webmail_host.file(shown.split()[0])
    assert socket.is_socket
    assert (socket.user, socket.mode) == ("www-data", 0o600)


def test_the_unit_runs_confined_and_starts_at_boot(webmail_host: Host) -> None:
    assert webmail_host.service("hanam-change-page.socket").is_running
    assert webmail_host.service("hanam-change-page.socket").is_enabled
    webmail_host.check_output("systemd-analyze security --threshold=20 --no-pager hanam-change-page.service")
