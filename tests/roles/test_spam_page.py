"""The page where receivers decide about held spam: who runs it, who reaches it, and what it may ask."""

import secrets

from testinfra.host import Host

from tests.lab import Lab
from tests.mail.http_doors import Browser

SERVICE = "hanam-spam-page"


def test_the_web_server_alone_reaches_the_page(webmail_host: Host) -> None:
    shown = webmail_host.service(f"{SERVICE}.socket").systemd_properties["Listen"]
    socket = webmail_host.file(shown.split()[0])
    assert socket.is_socket
    assert (socket.user, socket.mode) == ("www-data", 0o600)


def test_the_unit_runs_confined_and_starts_at_boot(webmail_host: Host) -> None:
    assert webmail_host.service(f"{SERVICE}.socket").is_running
    assert webmail_host.service(f"{SERVICE}.socket").is_enabled
    webmail_host.check_output(f"systemd-analyze security --threshold=20 --no-pager {SERVICE}.service")


def test_its_configuration_is_its_own_and_holds_no_key_of_links(lab: Lab, webmail_host: Host) -> None:
    file = webmail_host.file("/etc/hanam-mail/spam-page.json")
    assert (file.user, file.group, file.mode & 0o777) == ("root", SERVICE, 0o640)
    key = lab.sql("select value from mail.secret where name = 'held_key'")
    assert len(key) > 20
    assert not [
        each for each in (lab.variables["vault_held_key"], key.removeprefix("\\x")) if each in file.content_string
    ]


def test_the_secret_of_a_link_stands_in_no_log(lab: Lab, webmail_host: Host) -> None:
    link = f"/thu-giu/?ma=1-20261201-{secrets.token_hex(16)}"
    with lab.stopped("webmail", f"{SERVICE}.socket", SERVICE):
        assert Browser(lab).ask(link).status == 502
    webmail_host.run_expect([1], f"grep -rqF {link[-32:]} /var/log/nginx")
    assert link[-32:] not in webmail_host.check_output(f"journalctl -u nginx -u {SERVICE} --since -5min --no-pager")


def test_the_page_answers_on_the_webmails_site_and_the_database_knows_its_role(lab: Lab) -> None:
    asked = {
        "/thu-giu/": 404,
        # 404 and no 503: the database was asked, and knows no such link.
        "/thu-giu/?ma=1-20261201-" + "0" * 32: 404,
        "/thu-giu/?ma=%00%27--": 404,
        "/thu-giu/khac": 404,
    }
    assert {path: Browser(lab).ask(path).status for path in asked} == asked
    rights = (
        "select has_function_privilege('mail_held', 'mail.held_link_decide(text, text)', 'execute'),"
        " has_table_privilege('mail_held', 'mail.held_message', 'select')"
    )
    assert lab.sql(rights) == "t|f"
