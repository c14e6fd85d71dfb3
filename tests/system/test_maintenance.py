"""The playbook of a stop of the service: what the regulation forbids it refuses, and the rest it does (Đ10.5)."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from zoneinfo import ZoneInfo

import pytest

from tests.lab import Lab, Sample, wait_for
from tests.roles.test_roundcube import Connection

pytestmark = pytest.mark.dieu10

WHY = "lỗ hổng đang bị khai thác"
type Steps = Callable[..., CompletedProcess[str]]


@pytest.fixture
def step(lab: Lab, tmp_path: Path) -> Steps:
    """Runs a step of a stop that began a minute ago; its declaration may be changed."""
    now = datetime.now(ZoneInfo(lab.variables["mail_timezone"]))
    declared = {
        "begin": f"{now - timedelta(minutes=1):%Y-%m-%d %H:%M}", "end": f"{now + timedelta(hours=3):%Y-%m-%d %H:%M}",
        "what": "nâng cấp máy chủ", "services": "trang thư", "announced": f"{now - timedelta(days=9):%Y-%m-%d}",
        "emergency": WHY,
    }  # fmt: skip

    def run(name: str, **change: str) -> CompletedProcess[str]:
        given = tmp_path / "stops.json"
        given.write_text(json.dumps({"maintenance_stops": [declared | change]}))
        return lab.play("maintenance.yml", "-e", f"step={name}", "-e", f"@{given}")

    return run


def page(lab: Lab) -> int:
    name = f"mail.{lab.variables['mail_domain']}"
    connection = Connection(name, lab.address("webmail"), lab.ssl_context)
    connection.request("GET", "/")
    return connection.getresponse().status


def test_dieu10_5_the_service_closes_after_letters_to_everybody_and_not_without(
    lab: Lab, step: Steps, recipient: Sample
) -> None:
    unannounced = step("close")
    assert unannounced.returncode != 0
    assert "chưa gửi thông báo" in unannounced.stdout
    late = step("announce", emergency="")
    assert late.returncode != 0
    assert "ngày làm việc" in late.stdout
    assert lab.sql("select count(*) from mail.notice where kind = 'maintenance'") == "0"

    try:
        told = step("announce")
        assert told.returncode == 0, told.stdout[-3000:]
        _all_are_sent(lab)
        lab.wait_for_message(recipient, "tạm ngừng dịch vụ từ")
        closed = step("close")
        assert closed.returncode == 0, closed.stdout[-3000:]
        assert page(lab) == 503
    finally:
        opened = step("open")
    assert opened.returncode == 0, opened.stdout[-3000:]
    assert page(lab) == 200
    deeds = "string_agg(coalesce(after ->> 'deed', action), ' ' order by seq)"
    deeds = lab.sql(f"select {deeds} from mail.audit where object = 'maintenance'")
    assert deeds == "insert close open"


def _all_are_sent(lab: Lab) -> None:
    """Tests that follow count messages."""
    lab.run("accounts", "systemctl start hanam-mail-notices")
    waiting = "select count(*) from mail.notice where kind = 'maintenance' and sent_at is null and failure is null"
    wait_for(lambda: lab.sql(waiting) == "0", "letters to everybody", seconds=300)
