"""One limit, many layers: what the regulation allows must pass every door, with the same number behind each."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hanam_mail.host import agent
from hanam_mail.host.extract import server as extractor
from tests.database import server
from tests.render.conftest import ENVIRONMENTS

ROOT = Path(__file__).resolve().parents[2]
REGULATION = yaml.safe_load((ROOT / "group_vars/hanam/regulation.yml").read_text())
INCOMING = REGULATION["regulation_incoming_message_limit_bytes"]
SUBMITTED = REGULATION["regulation_message_limit_bytes"]
ATTACHMENTS = REGULATION["regulation_attachment_limit_bytes"]


def number(text: str, pattern: str) -> int:
    found = re.search(pattern + r"\D*?(\d+)", text, re.M)
    assert found, pattern
    return int(found.group(1))


@pytest.fixture(scope="module")
def here(environment: Callable[[str], Any]) -> Any:
    return environment("lab")


@pytest.mark.dieu8
def test_postfix_takes_from_outside_and_from_officials_what_the_regulation_says(here: Any) -> None:
    text = here.render("postfix", "main.cf.j2", "mail")
    assert number(text, r"^message_size_limit =") == INCOMING
    assert number(text, r"^submission_message_size_limit =") == SUBMITTED


@pytest.mark.dieu8
@pytest.mark.dieu10
def test_no_accepted_message_is_too_large_to_be_scanned(here: Any) -> None:
    assert number(here.render("rspamd", "rspamd.conf.j2", "mail"), r"max_message =") >= INCOMING
    clamd = here.render("clamav", "clamd.conf.j2", "mail")
    for limit in ("StreamMaxLength", "MaxFileSize", "MaxScanSize"):
        assert number(clamd, rf"^{limit}") >= INCOMING, limit


@pytest.mark.dieu8
def test_the_webmail_takes_20_mib_of_attachments_at_every_layer(here: Any) -> None:
    php = here.render("roundcube", "php-fpm.conf.j2", "mail")
    assert number(php, r"upload_max_filesize\]") >= ATTACHMENTS
    request = number(php, r"post_max_size\]")
    assert request > ATTACHMENTS
    assert number(here.render("roundcube", "nginx.conf.j2", "mail"), r"client_max_body_size") >= request
    assert (
        ATTACHMENTS
        < number(here.render("roundcube", "config.inc.php.j2", "mail"), r"\['max_message_size'\]")
        <= SUBMITTED
    )


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_firewall_opens_the_table_of_ports_and_nothing_else(
    environment: Callable[[str], Any], topology: str
) -> None:
    there = environment(topology)
    for host in there.hosts("all:!outside"):
        opened = set(re.findall(r"(tcp|udp) dport (\d+) accept", there.render("base", "nftables.conf.j2", host)))
        table = there.value("base", "base_ports", host)
        listed = {(row["protocol"], str(row["port"])) for row in table if row["source"] != "loopback"}
        assert opened == listed, host


def test_the_split_database_listens_and_asks_for_tls_while_the_single_one_does_not(
    environment: Callable[[str], Any],
) -> None:
    alone = environment("lab").render("postgresql", "hanam.conf.j2", "mail")
    apart = environment("split").render("postgresql", "hanam.conf.j2", "accounts1")
    assert re.search(r"^listen_addresses = ''", alone, re.M)
    assert re.search(r"^ssl = on", apart, re.M)
    assert "10.27.0." in apart


@pytest.mark.parametrize(("name", "host"), [("lab", "mail"), ("production", None)])
def test_every_session_that_may_be_open_can_ask_who_it_is(
    environment: Callable[[str], Any], name: str, host: str
) -> None:
    """Each process of a session has a connection with those that sign in, count and index: of stats a thousand was the
    most, and production's others were not counted.
    """
    here = environment(name)
    text = here.render("dovecot", "dovecot.conf.j2", host or here.hosts("mailstore")[0])
    services = dict(re.findall(r"^service (\S+) \{\n(.*?)^\}", text, re.M | re.S))
    sessions = sum(number(services[service], "process_limit =") for service in ("imap", "pop3"))
    assert number(text, "^default_client_limit =") > sessions
    for service in ("auth", "stats", "anvil", "indexer"):
        assert "client_limit" not in services.get(service, "")
    assert number(services["imap-login"], "client_limit =") >= number(services["imap"], "process_limit =")


@pytest.mark.dieu10
@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_filters_daemons_cannot_together_take_more_than_the_mail_host_has(
    environment: Callable[[str], Any], topology: str
) -> None:
    there = environment(topology)
    units = {"clamav": "clamd.service.j2", "rspamd": "unit.conf.j2", "redis": "unit.conf.j2"}
    for host in there.hosts("filter"):
        caps = 0
        for role, template in units.items():
            found = re.search(r"^MemoryMax=(\d+)([MG])$", there.render(role, template, host), re.M)
            assert found, template
            caps += int(found[1]) << {"M": 20, "G": 30}[found[2]]
        # Of 4 GiB, a quarter of one stays for the kernel and what has no cap.
        assert caps <= (4 << 30) - (256 << 20)
        # In place: beside the old one the new database would need as much again.
        assert "ConcurrentDatabaseReload no" in there.render("clamav", "clamd.conf.j2", host)


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_hashes_of_passwords_on_all_connections_at_once_fit_into_memory(
    environment: Callable[[str], Any], topology: str
) -> None:
    """Each connection that checks a password takes the memory of one hash and keeps it."""
    there = environment(topology)
    for host in there.hosts("accounts"):
        settings = there.value("postgresql", "postgresql_settings", host)
        text = there.render("postgresql", "hanam.conf.j2", host)
        assert re.search(r"^plperl.on_init = 'require Crypt::Argon2'$", text, re.M)
        kib = number(text, "^max_connections =") * settings["password_argon2_memory"]
        assert kib + number(text, "^shared_buffers =") * 1024 <= 4 << 20, "4 GiB (docs/decisions/0040-argon2id.md)"


def test_the_tests_database_loads_what_the_hosts_load(here: Any) -> None:
    text = here.render("postgresql", "hanam.conf.j2", "mail")
    assert f"plperl.on_init = '{server.OPTIONS['plperl.on_init']}'" in text


@pytest.mark.dieu4
@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_a_place_stays_known_for_longer_than_a_sign_in_is_remembered(
    environment: Callable[[str], Any], topology: str
) -> None:
    """Dovecot's cache tells the database of no sign-in: who comes daily would become a stranger at his own desk."""
    there = environment(topology)
    for host in there.hosts("mailstore:submission"):
        found = re.search(r"^auth_cache_ttl = (\d+)d$", there.render("dovecot", "dovecot.conf.j2", host), re.M)
        assert found, "in days"
        assert there.value("postgresql", "guessing_known_days", host) > int(found.group(1))


def test_the_agent_is_started_again_however_often_it_ends(here: Any) -> None:
    unit = here.render("agent", "hanam-agent.service.j2", "mail")
    assert re.search(r"^Restart=always$", unit, re.M)
    assert re.search(r"^\[Unit\]\nStartLimitIntervalSec=0$", here.render("base", "starts.conf.j2", "mail"), re.M)


def test_an_agent_that_hangs_is_started_again_and_one_that_waits_is_not(here: Any) -> None:
    unit = here.render("agent", "hanam-agent.service.j2", "mail")
    (minutes,) = re.findall(r"^WatchdogSec=(\d+)min$", unit, re.M)
    assert int(minutes) * 60 > 4 * (agent.IDLE_SECONDS + agent.MAX_PAUSE_SECONDS)


@pytest.mark.dieu8
def test_a_day_begins_at_its_first_seconds_and_not_within_systemds_minute(here: Any) -> None:
    timers = {item["dest"]: item for item in here.items("jobs", "job.timer.j2")}
    assert len(timers) == 5
    (midnight,) = (item for dest, item in timers.items() if "new-day" in dest)
    text = here.render("jobs", "job.timer.j2", "mail", midnight)
    assert re.search(r"^OnCalendar=\*-\*-\* 00:00:05 Asia/Ho_Chi_Minh$", text, re.M)
    assert re.search(r"^AccuracySec=1s$", text, re.M)


@pytest.mark.dieu10
def test_mail_that_an_outage_of_seconds_put_off_is_tried_again_within_two_minutes(here: Any) -> None:
    text = here.render("postfix", "main.cf.j2", "mail")
    pause, look = (int(re.findall(rf"^{name} = (\d+)s$", text, re.M)[0])
                   for name in ("minimal_backoff_time", "queue_run_delay"))  # fmt: skip
    assert pause + look <= 120


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_every_session_that_waits_for_news_is_told_at_once(environment: Callable[[str], Any], topology: str) -> None:
    """Each takes an inotify instance of the one user that owns the mail; the kernel would give it 128."""
    there = environment(topology)
    for host in there.hosts("mailstore"):
        given = re.search(
            r"^fs.inotify.max_user_instances = (\d+)$", there.render("dovecot", "sysctl.conf.j2", host), re.M
        )
        services = dict(
            re.findall(r"^service (\S+) \{\n(.*?)^\}", there.render("dovecot", "dovecot.conf.j2", host), re.M | re.S)
        )
        assert given and int(given[1]) > number(services["imap"], "process_limit =")


@pytest.mark.dieu3
def test_a_search_gives_up_before_the_webmail_does(here: Any) -> None:
    text = here.render("dovecot", "dovecot.conf.j2", here.hosts("mailstore")[0])
    webmail = here.render("roundcube", "config.inc.php.j2", here.hosts("webmail")[0])
    assert number(text, r"^fts_search_timeout =") < number(webmail, r"\['imap_timeout'\] =")


@pytest.mark.dieu3
def test_documents_are_read_for_search_only_where_something_reads_them(here: Any) -> None:
    host = here.hosts("mailstore")[0]
    listens = re.search(r"^ListenStream=(\S+)$", here.render("extractor", "hanam-extract.socket.j2", host), re.M)
    assert listens
    url = f"http://{listens[1]}/search"
    assert f"fts_decoder_driver = tika\nfts_decoder_tika_url = {url}\n" in here.render(
        "dovecot", "dovecot.conf.j2", host
    )
    there = here.with_variables(dovecot_search_attachments=False)
    assert "fts_decoder" not in there.render("dovecot", "dovecot.conf.j2", host)


@pytest.mark.dieu10
def test_no_mail_brings_a_carriage_return_that_would_end_an_indexer_or_a_nul_that_programs_read_differently(
    here: Any,
) -> None:
    """Dovecot 2.4.1 copies Content-Disposition into a request, and asserts that there is no such return in it."""
    assert "\nmessage_strip_characters = \\000\\r\n" in here.render("postfix", "main.cf.j2", "mail")
    # It would turn that off for what comes by that door.
    assert "no_header_body_checks" not in here.render("postfix", "master.cf.j2", "mail")


@pytest.mark.dieu4
def test_no_door_lets_a_length_say_where_a_message_ends(here: Any) -> None:
    """What a chunk (BDAT) beyond its limit holds Postfix would read as commands."""
    for name in ("main.cf.j2", "master.cf.j2"):
        words = re.findall(r"smtpd_discard_ehlo_keywords ?= ?(.+)", here.render("postfix", name, "mail"))
        assert words
        assert [each for each in words if "chunking" not in re.split(r"[, ]+", each)] == []


@pytest.mark.dieu10
@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_whoever_asks_for_the_text_of_a_document_waits_longer_than_it_may_take(
    environment: Callable[[str], Any], topology: str
) -> None:
    """And sends none that is too large: an answer that Dovecot does not expect stops a mailbox's index."""
    there = environment(topology)
    for host in there.hosts("mailstore:filter"):
        unit = there.render("extractor", "hanam-extract.service.j2", host)
        given = {name: int(value) for name, value in re.findall(r"--(\w+) (\d+)", unit)}
        dovecot = 60
        assert given["seconds"] < extractor.PATIENCE < dovecot
        assert given["processor"] < given["seconds"]
        # For search and for marks: a reader and a program, and what they read as two files; sixteen bodies that wait.
        readings = 2 * given["processes"] * (2 * given["memory"] + 2 * given["octets"])
        assert number(unit, r"^MemoryMax=") >= readings + extractor.CONNECTIONS * given["octets"] + given["kept"]
        assert number(unit, r"^TimeoutStopSec=") >= extractor.LONGEST
        # Of each reading a reader and a program at least, of each connection a process, and the server.
        assert number(unit, r"^TasksMax=") > 1 + extractor.CONNECTIONS + 2 * given["processes"] * 2
        if host in there.hosts("mailstore"):
            text = there.render("dovecot", "dovecot.conf.j2", host)
            assert number(text, r"^fts_message_max_size =") <= given["octets"]
