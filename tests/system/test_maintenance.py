"""The playbook of a stop of the service: what the regulation forbids it refuses, and the rest it does (Đ10.5)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from zoneinfo import ZoneInfo

import pytest

from tests.lab import Lab, Sample
from tests.roles.test_roundcube import Connection

pytestmark = pytest.mark.dieu10

type Steps = Callable[..., CompletedProcess[str]]


@pytest.fixture
def begin(lab: Lab) -> str:
    """A stop that began a minute ago: each run on a lab has its own."""
    return f"{datetime.now(ZoneInfo(lab.variables['mail_timezone'])) - timedelta(minutes=1):%Y-%m-%d %H:%M}"


@pytest.fixture
def step(lab: Lab, tmp_path: Path, begin: str) -> Steps:
    """Runs a step of that stop as an operator declares it: in YAML, with a day that is no text."""
    end = datetime.fromisoformat(begin) + timedelta(hours=3)
    file = tmp_path / "stops.yml"

    def run(name: str, *words: str, emergency: str = "lỗ hổng đang bị khai thác") -> CompletedProcess[str]:
        file.write_text(
            f"""
maintenance_stops:
  - begin: "{begin}"
    end: "{end:%Y-%m-%d %H:%M}"
    what: nâng cấp máy chủ
    services: trang thư
    announced: {end - timedelta(days=9):%Y-%m-%d}
    emergency: "{emergency}"
"""
        )
        return lab.play("maintenance.yml", "-e", f"step={name}", "-e", f"@{file}", *words)

    return run


def answer(lab: Lab, path: str) -> tuple[int, str]:
    connection = Connection(lab.address("webmail"), f"mail.{lab.variables['mail_domain']}", lab.ssl_context)
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read().decode()


def words(done: CompletedProcess[str]) -> str:
    """What was said, however its lines are broken."""
    return " ".join(done.stdout.split())


def changed(done: CompletedProcess[str]) -> bool:
    assert done.returncode == 0, done.stdout[-3000:]
    return any("changed=0 " not in line for line in done.stdout.splitlines() if "unreachable=" in line)


def test_dieu10_5_the_service_closes_after_letters_to_everybody_and_not_without(
    lab: Lab, step: Steps, begin: str, recipient: Sample
) -> None:
    before = lab.sql("select coalesce(max(seq), 0) from mail.audit")
    letters = f"from mail.notice where kind = 'maintenance' and round like '{begin}/%'"
    unannounced = step("close")
    assert unannounced.returncode != 0
    assert "chưa gửi thông báo" in words(unannounced)
    late = step("announce", emergency="")
    assert late.returncode != 0
    assert "ngày làm việc" in words(late)
    assert lab.sql(f"select count(*) {letters}") == "0"

    try:
        assert changed(step("announce"))
        assert answer(lab, "/")[0] == 200
        assert "nâng cấp máy chủ" in answer(lab, "/tinh-trang/")[1]
        lab.send_notices()
        # Tests that follow count messages.
        assert lab.sql(f"select count(*) {letters} and sent_at is null and failure is null") == "0"
        lab.wait_for_message(recipient, f"{datetime.fromisoformat(begin):%H:%M ngày %d/%m/%Y}")
        assert changed(step("close"))
        assert answer(lab, "/")[0] == 503
    finally:
        # Without a declaration: the public page forgets the stop too.
        opened = lab.play("maintenance.yml", "-e", "step=open")
    assert changed(opened)
    assert answer(lab, "/")[0] == 200
    assert "nâng cấp máy chủ" not in answer(lab, "/tinh-trang/")[1]
    assert not changed(lab.play("maintenance.yml", "-e", "step=open"))
    deeds = f"""
        select string_agg(coalesce(after ->> 'deed', action), ' ' order by seq) from mail.audit
        where object = 'maintenance' and seq > {before} and key like '{begin}/%'
    """
    assert lab.sql(deeds) == "insert close open"
    assert lab.sql(f"select count(*) from mail.audit where object = 'maintenance' and seq > {before}") == "3"
