"""The filter listens to its own host only, keeps its secrets, and is small."""

import io
import shlex
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests import filter_cases, filter_forwarded, filter_rules, filter_senders
from tests.lab import Lab
from tests.render.conftest import environments

CONTROLLER = "/run/rspamd/controller.sock"


def test_milter_listens_on_loopback_only(lab: Lab, filter_host: Host) -> None:
    lines = [line for line in filter_host.check_output("ss -Hlntp").splitlines() if "rspamd" in line]
    assert {line.split()[3] for line in lines} == {f"127.0.0.1:{lab.port('milter')}"}


def test_controller_is_a_socket_for_its_group(filter_host: Host) -> None:
    socket = filter_host.file(CONTROLLER)
    assert (socket.user, socket.group, socket.mode & 0o777) == ("_rspamd", "rspamd-controller", 0o660)
    denied = filter_host.run(f"runuser -u nobody -- rspamc -h {CONTROLLER} stat")
    assert denied.rc != 0 or "Permission denied" in denied.stdout + denied.stderr


def test_configuration_passes_its_own_check(filter_host: Host) -> None:
    assert "syntax OK" in filter_host.check_output("rspamadm configtest --strict 2>&1")


def test_a_faulty_file_never_replaces_the_one_in_use(filter_host: Host) -> None:
    """What Ansible calls before it puts a file in place."""
    for name, fault in (
        ("rspamd.conf.override", "actions {"),
        ("rspamd.conf", 'worker "nosuch" { }'),
        ("lua.local.d/virus_scan.lua", "local function ("),
    ):
        filter_host.check_output(f"printf '%s\\n' '{fault}' > /root/candidate")
        assert filter_host.run(f"/usr/local/sbin/rspamd-check {name} /root/candidate").rc != 0, name
    filter_host.check_output("rm /root/candidate")


def test_secrets_are_readable_by_the_filter_only(lab: Lab, filter_host: Host) -> None:
    keys = [f"/etc/rspamd/dkim.{selector}.key" for selector in lab.variables["vault_dkim_keys"]]
    assert sorted(filter_host.check_output("ls /etc/rspamd/dkim.*.key").split()) == sorted(keys)
    for path in (*keys, "/etc/rspamd/override.d/redis.conf"):
        secret = filter_host.file(path)
        assert (secret.user, secret.group, secret.mode) == ("root", "_rspamd", 0o640), path


@pytest.mark.dieu4
@pytest.mark.dieu8
def test_filter_takes_more_than_the_largest_message(lab: Lab, filter_host: Host) -> None:
    limit = lab.variables["regulation_incoming_message_limit_bytes"]
    dump = filter_host.check_output("rspamadm configdump options 2>/dev/null")
    value = next(line for line in dump.splitlines() if "max_message" in line)
    assert int(value.split("=")[1].strip(" ;")) > limit


def test_sandboxes_hold(filter_host: Host) -> None:
    """systemd's own measure: 0 is shut tight, 10 is open. Debian's units of rspamd and ClamAV are at 9.2 and 9.6."""
    for unit, most in (("rspamd", 2.5), ("clamav-daemon", 1.5), ("redis-server", 1.5)):
        report = filter_host.check_output(f"systemd-analyze security --no-pager {unit}.service | tail -1")
        level = float(report.split("level for ")[1].split()[1])
        assert level <= most, report


def test_filter_is_small_at_rest(filter_host: Host) -> None:
    """Proportional set sizes, so that memory shared between workers counts once."""
    total = filter_host.check_output(
        "for pid in $(pgrep -x rspamd; pgrep -x redis-server); do cat /proc/$pid/smaps_rollup; done"
        " | awk '/^Pss:/ {sum += $2} END {print sum}'"
    )
    assert int(total) < 400 * 1024, f"{int(total) // 1024} MiB"


@pytest.mark.dieu10
def test_the_first_lessons_are_known_and_not_given_again(lab: Lab, filter_host: Host) -> None:
    stamp = "/var/lib/private/hanam-first-lessons/learnt"
    wait = "while [ $(systemctl is-active hanam-first-lessons.service) = active ]; do sleep 0.2; done"
    asked = (
        f"systemctl show -p Result --value hanam-first-lessons.service; cut -d' ' -f1 {stamp};"
        " journalctl -t hanam-first-lessons | grep -c 'are learnt'"
    )
    filter_host.check_output(wait)
    before = filter_host.check_output(asked)
    assert before.startswith("success\n")
    assert filter_host.service("hanam-first-lessons.timer").is_running
    command = "redis-cli -s /run/redis/redis-server.sock HMGET RS learns_spam learns_ham"
    shown = lab.run("filter", f"REDISCLI_AUTH='{lab.variables['vault_redis_password']}' {command}").split()
    assert all(int(number) >= 200 for number in shown), shown
    filter_host.check_output(f"systemctl restart hanam-first-lessons.service; sleep 2; {wait}")
    assert filter_host.check_output(asked) == before


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    return filter_cases.renderer(environments(tmp_path_factory.mktemp("rules"))("lab"))


@pytest.mark.dieu4
@pytest.mark.parametrize(
    "case",
    (*filter_cases.CASES, *filter_senders.CASES, *filter_forwarded.CASES),
    ids=lambda case: case.__name__.removeprefix("check_"),
)
def test_the_rules_hold(lab: Lab, case: filter_cases.Case, rules: Callable[..., str], tmp_path: Path) -> None:
    """With the host's own rspamd, beside the running one."""

    def there(folder: Path) -> None:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            archive.add(folder, arcname=".")
        command = (
            f"cd $(mktemp -d) && tar xz && {shlex.join(filter_rules.COMMAND)} >log 2>&1; cat answers.json || cat log"
        )
        answer = lab.remote("filter").run(f'{command}; rm -rf "$PWD"', packed.getvalue())
        (folder / "answers.json").write_bytes(answer.output)

    files = {"/var/cache/rspamd/scan": "."}

    def ask(names: Sequence[str], asked: Sequence[filter_rules.Question], **given: Any) -> list[filter_rules.Answer]:
        texts = {f"{each}.lua": rules(each, **given) for each in names}
        return filter_rules.ask(texts, asked, tmp_path, files, there)

    case(ask)
