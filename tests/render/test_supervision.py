"""Every unit of ours is started again without end, and every one of them is watched (Đ10.7)."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.render.conftest import ENVIRONMENTS, LABS
from tests.render.role_rows import files as files_of
from tests.render.role_rows import plays, rows

pytestmark = pytest.mark.dieu10

ROOT = Path(__file__).resolve().parents[2]
# Not what is said for every unit whose name begins so, as hanam-.service.d.
UNIT = re.compile(r"/etc/systemd/system/([^/]*[^-/]\.(?:service|timer|socket|path))(\.d/.+)?")

type Environments = Callable[[str], Any]


def written(there: Any) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """(host, role, unit, row) of every unit or drop-in that a role writes on a host of the system."""
    for hosts, role in plays():
        for host in there.hosts(f"{hosts}:!outside" if hosts != "outside" else "outside:!outside"):
            for row in rows(there, role, host):
                if "src" in row and (found := UNIT.fullmatch(row["dest"])):
                    yield host, role, found[1], row


def seconds(text: str) -> float:
    """A span of time as systemd reads it."""
    units = {"ms": 0.001, "": 1, "s": 1, "min": 60, "h": 3600}
    number, unit = re.fullmatch(r"(\d+)([a-z]*)", text).groups()  # type: ignore[union-attr]
    return int(number) * units[unit]


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_every_unit_that_a_role_writes_is_watched(environment: Environments, topology: str) -> None:
    there = environment(topology)
    hosts = there.hosts("all:!outside")
    units = {host: {row["unit"] for row in there.value("watch", "watch_units", host)} for host in hosts}
    for host, role, unit, _ in written(there):
        watched = units[host]
        pattern = re.escape(unit).replace("@\\.", "@[^.]+\\.")
        assert role == "watch" or any(re.fullmatch(pattern, name) for name in watched), f"{host}: {unit} of {role}"


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_every_daemon_is_asked_whether_it_hangs_or_it_is_said_why_not(environment: Environments, topology: str) -> None:
    there = environment(topology)
    texts: dict[str, list[str]] = {}
    for host, role, unit, row in written(there):
        texts.setdefault(unit, []).append(there.render(role, row["src"], host, row))
    for host in there.hosts("all:!outside"):
        for row in there.value("watch", "watch_units", host):
            text = "\n".join(texts.get(row["unit"], []))
            # Timers and sockets are systemd's own; a run that ends has its time limit.
            if (
                not row["unit"].endswith(".service")
                or re.search(r"^Type=oneshot$", text, re.M)
                or (row.get("job") and ("@" in row["unit"] or not text))
            ):
                continue
            assert bool(row.get("probes")) != bool(row.get("unasked")), f"{host}: {row['unit']}"
            # A template would eat the end of it, and a web server waits for the rest.
            questions = [str(probe.get("send", "")) for probe in row.get("probes", [])]
            assert [each for each in questions if "HTTP/" in each and not each.endswith("\r\n\r\n")] == []
            asked_by_systemd = re.search(r"^WatchdogSec=\d+", text, re.M)
            assert bool(asked_by_systemd) == ("WatchdogSec" in row.get("unasked", "")) or not text, row["unit"]
        doors = there.value("watch", "watch_doors", host)
        assert len({row["name"] for row in doors}) == len(doors)
        # Else a look would find nothing of it, and say nothing.
        assert {row["unit"] for row in doors if row["here"]} <= {
            row["unit"] for row in there.value("watch", "watch_units", host) if row["here"]
        }


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_php_may_be_reloaded_twice_in_a_row_and_is_not_taken_for_hung(environment: Environments, topology: str) -> None:
    """After a reload, which waits for requests, it tells that it lives one interval later."""
    there = environment(topology)
    for host in there.hosts("webmail"):
        unit = there.render("roundcube", "php-fpm.service.j2", host)
        pool = there.render("roundcube", "php-fpm.conf.j2", host)
        (limit,) = re.findall(r"^WatchdogSec=(\w+)$", unit, re.M)
        (given,) = re.findall(r"^Environment=WATCHDOG_USEC=(\d+)$", unit, re.M)
        (patience,) = re.findall(r"^process_control_timeout = (\w+)$", pool, re.M)
        # It takes half of what it is given, more than a second. Who is at a request is asked to end twice, then killed.
        interval = int(given) / 2 / 1_000_000
        assert interval > 1
        assert 3 * interval + 2 * (2 * seconds(patience) + 1) < seconds(limit)


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_every_port_that_postfix_serves_is_asked_for_its_greeting(environment: Environments, topology: str) -> None:
    """Within the time that it promises while the filter hangs: the rest is the look's own time."""
    there = environment(topology)
    ports = yaml.safe_load((ROOT / "group_vars/all/ports.yml").read_text())["ports"]
    served = [
        port
        for port in ports
        # The door for what was held is for one client, which says when it finds nobody.
        if port["process"] == "master" and port["source"] == "any" and {"mx", "submission"}.issuperset(port["groups"])
    ]
    assert sorted(port["port"] for port in served) == [25, 465, 587]
    for host in there.hosts("all:!outside"):
        doors = [row for row in there.value("watch", "watch_doors", host) if row["unit"] == "postfix.service"]
        asked = {row["probes"][0]["address"][1]: row["probes"][0] for row in doors if row["here"]}
        assert set(asked) == {port["port"] for port in served for group in port["groups"] if host in there.hosts(group)}
        for port, probe in asked.items():
            assert (probe["expect"], bool(probe.get("tls"))) == (["220 ", "4"], port == 465)
            assert probe["seconds"] > 15


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_dates_that_a_person_renews_are_told_a_month_before_they_stop_anything(
    environment: Environments, topology: str
) -> None:
    there = environment(topology)
    found = {
        row["name"]: row for host in there.hosts("all:!outside") for row in there.value("watch", "watch_dates", host)
    }
    calendar, security = (found[name] for name in sorted(found))
    years = yaml.safe_load((ROOT / "group_vars/hanam/calendar.yml").read_text())["calendar_confirmed_years"]
    assert calendar["ends"] == f"{max(years)}-12-31"
    assert f"năm {max(years) + 1} " in calendar["cure"]
    # The job of the day fails from two weeks before the year that nobody confirmed: its longest warning ends there.
    assert calendar["days"] - 14 == 30
    host = there.hosts("webmail")[0]
    text = there.render("roundcube", "security.txt.j2", host)
    assert security["path"] == there.value("roundcube", "roundcube_security_file", host)
    (day,) = re.findall(rf"^{security['after']} (\d{{4}}-\d\d-\d\d)T", text, re.M)
    assert (datetime.fromisoformat(day) - datetime.now()).days > security["days"] > 30


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_days_count_in_years_that_somebody_confirmed_and_in_labs_on_any_day(
    environment: Environments, topology: str
) -> None:
    there = environment(topology)
    host = there.hosts("accounts")[0]
    confirmed = there.value("hanam_mail", "calendar_confirmed_years", host)
    years = {int(year) for year in there.value("hanam_mail", "life_cycle_calendar", host)["years"]}
    if topology in LABS:
        assert years == set(range(min(confirmed), max(*confirmed, datetime.now().year + 2) + 1))
    else:
        assert years == set(confirmed)


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_every_host_that_is_backed_up_may_be_and_is_watched_for_it(environment: Environments, topology: str) -> None:
    there = environment(topology)
    (site,) = [hosts for hosts, role in plays() if role == "restic_client"]
    (now,) = [play["hosts"] for play in yaml.safe_load((ROOT / "playbooks/backup.yml").read_text())]
    assert site == now == ":".join(there.value("watch", "backed_up_groups", there.hosts("accounts")[0]))
    for host in there.hosts("all:!outside"):
        backed_up = host in there.hosts(site)
        assert bool(there.value("watch", "watch_backups", host)) == backed_up, host
    (account,) = there.value("restic_server", "restic_server_accounts", there.hosts("backup_repository")[0])
    assert account["hosts"] == sorted(set(there.hosts(site)))


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_every_daemon_is_started_again_without_end_after_growing_pauses(
    environment: Environments, topology: str
) -> None:
    there = environment(topology)
    longest = {}
    for host in there.hosts("all:!outside"):
        for row in (row for row in rows(there, "watch", host) if row.get("src") == "unit.conf.j2"):
            text = there.render("watch", "unit.conf.j2", host, row)
            assert re.search(r"^\[Unit\]\nStartLimitIntervalSec=0$", text, re.M), row["dest"]
            assert int(re.findall(r"^RestartSteps=(\d+)$", text, re.M)[0]) > 1
            (pause,) = re.findall(r"^RestartMaxDelaySec=(\S+)$", text, re.M)
            longest[host, UNIT.fullmatch(row["dest"])[1]] = seconds(pause)
    assert longest
    for host, role, unit, row in written(there):
        text = there.render(role, row["src"], host, row)
        daemon = unit.endswith(".service") and role != "watch" and "Type=oneshot" not in text
        assert "StartLimitInterval" not in text or "StartLimitIntervalSec=0" in text, unit
        if not daemon or (host, unit) not in longest:
            continue
        # What Debian's unit says of it: always for Redis, on-failure for PostgreSQL's own drop-in and so on.
        assert re.search(r"^Restart=(always|on-failure)$", text, re.M) or unit in DEBIANS, unit
        for first in re.findall(r"^RestartSec=(\S+)$", text, re.M):
            # Else systemd takes the longest for the first.
            assert seconds(first) < longest[host, unit], unit


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_no_service_of_ours_is_given_up_for_having_been_started_often(environment: Environments, topology: str) -> None:
    """One file says so to systemd for every unit of such a name, before the first of them is there."""
    there = environment(topology)
    for host in there.hosts("all:!outside"):
        (row,) = (row for row in rows(there, "base", host) if "/hanam-.service.d/" in row.get("dest", ""))
        assert re.search(r"^\[Unit\]\nStartLimitIntervalSec=0$", there.render("base", row["src"], host, row), re.M)
    assert next(play for play in plays() if play[0] != "outside") == ("all:!outside", "base")
    ours = {
        (role, unit): there.render(role, row["src"], host, row)
        for host, role, unit, row in written(there)
        if unit.endswith(".service") and row["dest"] == f"/etc/systemd/system/{unit}"
    }
    assert len([text for text in ours.values() if "Type=oneshot" in text]) > 10
    for (role, unit), text in ours.items():
        assert unit.startswith("hanam-") or role.startswith("lab_") or unit in DEBIANS, f"{unit} of {role}"
        # Once is enough, and a limit of its own would count.
        assert "StartLimit" not in text, f"{unit} of {role}"


DEBIANS = {"redis-server.service"}
"""Packages' units that say Restart= themselves."""


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_every_failure_is_told_but_the_tellers_own(environment: Environments, topology: str) -> None:
    there = environment(topology)
    for host in there.hosts("all:!outside"):
        files = files_of(there, "watch", host)
        (for_all,) = (dest for dest in files if "/service.d/" in dest)
        assert "OnFailure=hanam-watch@%n.service" in there.render("watch", files[for_all]["src"], host)
        own = for_all.replace("/service.d/", "/hanam-watch@.service.d/")
        assert files[own]["link"] == "/dev/null"


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_what_a_timer_makes_up_for_at_boot_waits_for_the_database(environment: Environments, topology: str) -> None:
    """A host that was off when it should have been backed up begins with that, while PostgreSQL recovers."""
    there = environment(topology)
    made = {
        (host, unit): there.render(role, row["src"], host, row)
        for host, role, unit, row in written(there)
        if host in there.hosts("accounts")
    }
    late = [key for key, text in made.items() if key[1].endswith(".timer") and "Persistent=true" in text]
    assert ("hanam-backup.timer" in {unit for _, unit in late}) and len(late) > 2
    for host, timer in late:
        service = made[host, timer.replace(".timer", ".service")]
        asks = "hanam-mail-backup" in service or "hanam-mail.pyz" in service
        assert not asks or re.search(r"^After=.*\bpostgresql\.service\b", service, re.MULTILINE), f"{host}: {timer}"
