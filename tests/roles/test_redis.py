"""Redis is reached by the filter alone, and keeps what it has learnt."""

import pytest
from testinfra.host import Host

from tests import journal

SOCKET = "/run/redis/redis-server.sock"


def test_redis_listens_on_its_socket_and_nowhere_else(filter_host: Host) -> None:
    listening = filter_host.check_output("ss -Hlntup")
    assert "redis" not in listening
    assert filter_host.file(SOCKET).is_socket


def test_redis_demands_its_password(filter_host: Host) -> None:
    assert "NOAUTH" in filter_host.check_output(f"redis-cli -s {SOCKET} ping")


def test_other_users_cannot_even_connect(filter_host: Host) -> None:
    answer = filter_host.run(f"runuser -u nobody -- redis-cli -s {SOCKET} ping")
    assert "Permission denied" in answer.stdout + answer.stderr


def test_password_is_readable_by_redis_only(filter_host: Host) -> None:
    secret = filter_host.file("/etc/redis/password.conf")
    assert (secret.user, secret.group, secret.mode) == ("root", "redis", 0o640)


@pytest.mark.provokes(journal.FILTER_AWAY, journal.UNITS_FAIL)
def test_what_was_learnt_survives_a_restart(filter_host: Host) -> None:
    cli = (
        f"REDISCLI_AUTH=$(sed -n 's/^requirepass //p' /etc/redis/password.conf) redis-cli -s {SOCKET} --no-auth-warning"
    )
    run = f"export LC_ALL=C; {cli}"
    filter_host.check_output(f"{run} set test:survives yes ex 300")
    filter_host.check_output("systemctl restart redis-server")
    assert filter_host.check_output(f"{run} get test:survives") == "yes"
    filter_host.check_output(f"{run} del test:survives")


@pytest.mark.provokes(journal.UNITS_FAIL)
def test_the_operator_is_told_of_a_memory_that_is_nearly_full(filter_host: Host) -> None:
    run = (
        f"export REDISCLI_AUTH=$(sed -n 's/^requirepass //p' /etc/redis/password.conf); "
        f"cli='redis-cli -s {SOCKET} --no-auth-warning'"
    )
    look = "systemctl start hanam-redis-memory.service"
    filter_host.check_output(look)
    before = filter_host.check_output(f"{run}; $cli config get maxmemory; $cli config get maxmemory-policy").split()
    try:
        # Nothing is dropped meanwhile.
        filter_host.check_output(f"{run}; $cli config set maxmemory-policy noeviction; $cli config set maxmemory 1")
        assert filter_host.run(look).rc != 0
        told = filter_host.check_output("journalctl --sync; journalctl -t hanam-redis-memory -o cat -n 1")
        assert "sắp đầy" in told
        assert "redis_memory_limit" in told
    finally:
        filter_host.check_output(
            f"{run}; $cli config set maxmemory {before[1]}; $cli config set maxmemory-policy {before[3]}"
        )
        filter_host.check_output(look)
    shown = filter_host.check_output("systemd-analyze security --no-pager hanam-redis-memory.service | tail -n 1")
    assert float(shown.split("level for ")[1].split()[1]) <= 2.5, shown
    assert filter_host.service("hanam-redis-memory.timer").is_running


def test_a_configuration_that_would_not_start_is_refused_by_its_check(filter_host: Host) -> None:
    # Role redis runs this before it replaces the file.
    filter_host.check_output("hanam-redis-check /etc/redis/redis.conf")
    filter_host.check_output(
        "sed 's/^maxmemory-policy .*/maxmemory-policy nonsense/' /etc/redis/redis.conf > /run/t.conf"
    )
    refused = filter_host.run("hanam-redis-check /run/t.conf")
    assert refused.rc == 1
    assert "maxmemory-policy" in refused.stderr
    filter_host.check_output('rm /run/t.conf; test -z "$(ls -d /run/redis-check.* 2>/dev/null)"')
