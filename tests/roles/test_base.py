"""What every host has in common: time, locale, security upgrades, ssh, firewall, journal."""

import json
import re

import pytest

from tests.lab import Lab

# What matters of `sshd -T`; the rest may be Debian's.
SSHD = {
    "permitrootlogin": "no",
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "permitemptypasswords": "no",
    "pubkeyauthentication": "yes",
    "x11forwarding": "no",
    "allowagentforwarding": "no",
    "allowtcpforwarding": "no",
    "allowstreamlocalforwarding": "no",
    "gatewayports": "no",
    "permittunnel": "no",
    "permituserenvironment": "no",
    "maxauthtries": "3",
    "logingracetime": "30",
    "loglevel": "VERBOSE",
}
WEAK = re.compile(r"sha1|md5|cbc|arcfour|3des|group14|umac-64|hmac-sha2-\d+(,|$)")


@pytest.fixture(scope="module", params=["mx", "backup_repository"])
def host(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def merged(text: str) -> dict[str, str]:
    """`name value` or `name=value` lines; the last of a name counts."""
    pairs = [re.split(r"[ =]", line, maxsplit=1) for line in text.splitlines() if re.match(r"[A-Za-z0-9:-]+[ =]", line)]
    return {name: value.strip().rstrip(";").strip('"') for name, value in pairs}


def test_the_clock_shows_the_provinces_time(lab: Lab, host: str) -> None:
    zone = lab.variables["mail_timezone"]
    assert lab.run(host, "timedatectl show --property=Timezone --value").strip() == zone
    assert lab.run(host, "date +%z").strip() == "+0700"


def test_vietnamese_can_be_written(lab: Lab, host: str) -> None:
    assert lab.run(host, ". /etc/default/locale; echo $LANG").strip() == "C.UTF-8"
    assert {"en_US.utf8", "vi_VN"} <= set(lab.run(host, "locale -a").split())
    assert lab.run(host, "LANG=C.UTF-8 python3 -c 'print(\"Hà Nam\".upper())'").strip() == "HÀ NAM"


def test_security_upgrades_come_daily_and_nothing_reboots_by_itself(lab: Lab, host: str) -> None:
    shown = lab.run(host, "apt-config dump")
    settings = merged(shown)
    assert settings["APT::Periodic::Update-Package-Lists"] == "1"
    assert settings["APT::Periodic::Unattended-Upgrade"] == "1"
    # Đ10.5: a reboot is announced.
    assert settings["Unattended-Upgrade::Automatic-Reboot"] == "false"
    assert "label=Debian-Security" in shown
    assert "--force-confold" in shown
    for timer in ("apt-daily.timer", "apt-daily-upgrade.timer"):
        assert lab.look_at(host).service(timer).is_running


@pytest.mark.dieu4
def test_ssh_takes_keys_only_and_leads_nowhere_else(lab: Lab, host: str) -> None:
    settings = merged(lab.run(host, "sshd -T"))
    assert {name: settings[name] for name in SSHD} == SSHD
    for name in ("kexalgorithms", "ciphers", "macs"):
        assert not WEAK.search(settings[name]), f"{name} {settings[name]}"


def test_a_broken_ssh_configuration_is_refused_by_its_check(lab: Lab, host: str) -> None:
    # Role base runs this before it replaces the file: an sshd that does not start shuts the operators out.
    lab.run(host, "sshd -t -f /etc/ssh/sshd_config.d/00-hanam.conf")
    told = lab.run(host, "printf 'Ciphers rot13\\n' > /run/t.conf; sshd -t -f /run/t.conf 2>&1", check=False)
    lab.run(host, "rm /run/t.conf")
    assert "Bad SSH2 cipher spec" in told


def test_the_journal_survives_a_boot_and_has_bounds(lab: Lab, host: str) -> None:
    # Drop-ins of Debian and ours in the order in which the daemon takes them.
    settings = merged(lab.run(host, "systemd-analyze cat-config systemd/journald.conf"))
    assert settings["Storage"] == "persistent"
    assert settings["SystemMaxUse"] == "1G"
    assert settings["MaxRetentionSec"] == "90day"
    assert settings["ForwardToSyslog"] == "no"
    lab.run(host, "ls /var/log/journal/*/system.journal")


def test_the_clock_is_set_by_others_and_sets_none(lab: Lab, host: str) -> None:
    # A container may not set the clock of the machine, so that only the configuration can be looked at.
    assert lab.look_at(host).service("chrony.service").systemd_properties["UnitFileState"] == "enabled"
    settings = lab.run(host, "chronyd -p").splitlines()
    assert {"port 0", "cmdport 0"} <= set(settings)
    assert [line for line in settings if line.startswith(("pool ", "server "))]


def test_the_firewall_is_loaded_and_drops_what_is_not_listed(lab: Lab, host: str) -> None:
    assert lab.look_at(host).service("nftables.service").systemd_properties["UnitFileState"] == "enabled"
    objects = json.loads(lab.run(host, "nft --json list ruleset"))["nftables"]
    chains = {entry["chain"]["name"]: entry["chain"]["policy"] for entry in objects if "chain" in entry}
    assert chains == {"input": "drop", "forward": "drop"}
    # What is loaded is what the file says, not what somebody added by hand.
    live = lab.run(host, "nft list ruleset")
    fresh = lab.run(host, "unshare --net sh -c 'nft -f /etc/nftables.conf && nft list ruleset'")
    assert live == fresh


def test_hosts_find_one_another_without_dns(lab: Lab, host: str) -> None:
    for name in lab.groups["accounts"] + lab.groups["backup_repository"]:
        shown = lab.run(host, f"getent ahosts {name}.{lab.variables['mail_domain']}")
        assert lab.hosts[name]["host_ipv4"] in shown


def test_no_service_of_ours_is_given_up_for_having_been_started_often(lab: Lab, host: str) -> None:
    """One of which role watch says nothing: it is started for each failure."""
    assert lab.look_at(host).service("hanam-watch@none.service").systemd_properties["StartLimitIntervalUSec"] == "0"
