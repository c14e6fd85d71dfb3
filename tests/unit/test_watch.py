"""What the operator is told of a host, and how often (Đ10.5, Đ10.7)."""

import contextlib
import http.client
import json
import os
import smtplib
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from hanam_mail.watch import __main__ as command
from hanam_mail.watch import hanging, looks, telling
from hanam_mail.watch.looks import Finding
from hanam_mail.watch.telling import News, compare, told

NOW = 1_800_000_000.0
HOUR = 3600.0
DAY = 24 * HOUR

BACKUP = {"unit": "hanam-backup.service", "name": "Sao lưu", "job": True}
DOVECOT = {"unit": "dovecot.service", "name": "Kho thư", "mail": True, "probes": [{"address": "/x"}]}


class Host:
    """systemctl, as far as it is asked; `unit` sets what it shows."""

    def __init__(self) -> None:
        self.shown: dict[str, dict[str, str]] = {}
        self.failed: list[str] = []
        self.done: list[tuple[str, ...]] = []

    def unit(self, name: str, state: str = "active", restarts: int = 0, active_since: float = 0) -> None:
        self.shown[name] = {
            "Id": name,
            "ActiveState": state,
            "NRestarts": str(restarts),
            "ActiveEnterTimestampMonotonic": str(int(active_since * 1e6)),
        }

    def __call__(self, words: Sequence[str]) -> str:
        if words[0] == "show":
            blocks = ["\n".join(f"{k}={v}" for k, v in self.shown[unit].items()) for unit in words[2:]]
            return "\n\n".join(blocks) + "\n"
        if words[0] == "list-units":
            return "".join(f"{unit} loaded failed failed -\n" for unit in self.failed)
        self.done.append(tuple(words))
        return ""


@pytest.fixture
def host() -> Host:
    return Host()


# --- looks ---


def test_a_job_that_failed_is_found_and_one_that_waits_for_its_time_is_not(host: Host) -> None:
    host.unit("hanam-backup.service", "inactive")
    assert looks.units([BACKUP], host, 0) == {}
    host.unit("hanam-backup.service", "failed")
    (finding,) = looks.units([BACKUP], host, 0).values()
    assert finding.text.startswith("Sao lưu thất bại (hanam-backup.service): systemctl status")


def test_a_job_that_failed_is_found_though_it_was_started_again_at_once(host: Host) -> None:
    host.unit("hanam-backup.service", "activating")
    assert looks.units([BACKUP], host, 0) == {}
    assert list(looks.units([BACKUP], host, 0, "hanam-backup.service")) == ["failed:hanam-backup.service"]


def test_a_daemon_that_failed_once_and_runs_again_is_no_news(host: Host) -> None:
    host.unit("dovecot.service", "active")
    assert looks.units([DOVECOT], host, 0, "dovecot.service") == {}


def test_a_daemon_that_does_not_run_is_found_after_a_grace_and_stops_mail(host: Host) -> None:
    host.unit("dovecot.service", "inactive")
    (finding,) = looks.units([DOVECOT], host, 0).values()
    assert (finding.mail, finding.grace) == (True, looks.DOWN_SECONDS)


def test_a_daemon_that_is_started_again_and_again_is_found_even_while_it_runs(host: Host) -> None:
    host.unit("dovecot.service", restarts=looks.RESTARTS - 1, active_since=10)
    assert looks.units([DOVECOT], host, 20) == {}
    host.unit("dovecot.service", restarts=looks.RESTARTS, active_since=10)
    assert list(looks.units([DOVECOT], host, 20)) == ["loop:dovecot.service"]
    assert host.done == []


def test_restarts_are_forgotten_after_a_calm_hour(host: Host) -> None:
    host.unit("dovecot.service", restarts=9, active_since=10)
    assert looks.units([DOVECOT], host, 20 + looks.CALM_SECONDS) == {}
    assert host.done == [("reset-failed", "dovecot.service")]


def test_a_failed_unit_of_no_role_is_found_and_one_with_a_row_is_not_found_twice(host: Host) -> None:
    host.failed = ["logrotate.service", "hanam-backup.service"]
    assert list(looks.other_failed_units([BACKUP], host)) == ["failed:logrotate.service"]


def test_a_daemon_that_hangs_is_started_again_once_it_was_silent_in_two_looks(host: Host) -> None:
    host.unit("dovecot.service")
    state = silence()

    def look(answers: bool, at: float) -> list[str]:
        return list(hanging.hung([BACKUP, DOVECOT], [], host, state, lambda probe: answers, at))

    assert look(False, NOW) == []
    assert look(True, NOW + 60) == []
    assert look(False, NOW + 120) == []
    # Failures of other units bring looks between the timer's.
    assert look(False, NOW + 125) == []
    assert host.done == []
    assert look(False, NOW + 180) == ["hung:dovecot.service"]
    assert host.done == [("restart", "dovecot.service")]


def test_a_daemon_that_somebody_started_again_meanwhile_has_its_time_to_begin(host: Host) -> None:
    """Both looks may fall into starts, as where two deployments follow each other."""
    state = silence()

    def look(at: float, active_since: float) -> list[str]:
        host.unit("dovecot.service", active_since=active_since)
        return list(hanging.hung([DOVECOT], [], host, state, lambda probe: False, at))

    assert look(NOW, active_since=10) == []
    assert look(NOW + 60, active_since=69) == []
    assert look(NOW + 119, active_since=69) == []
    assert host.done == []
    assert look(NOW + 120, active_since=69) == ["hung:dovecot.service"]


def test_what_a_restart_does_not_cure_is_told_and_restarted_once_an_hour(host: Host) -> None:
    host.unit("dovecot.service")
    state = silence()
    minutes = {
        minute: hanging.hung([DOVECOT], [], host, state, lambda probe: False, NOW + 60 * minute) for minute in range(61)
    }
    assert host.done == [("restart", "dovecot.service")]
    assert [minute for minute, found in minutes.items() if "hung:dovecot.service" in found] == [1, *range(3, 61)]
    assert [minute for minute, found in minutes.items() if "silent:dovecot.service" in found] == [*range(3, 61)]
    assert "vẫn không trả lời sau khi được khởi động lại lúc" in minutes[3]["silent:dovecot.service"].text
    hanging.hung([DOVECOT], [], host, state, lambda probe: False, NOW + 60 * 61)
    assert host.done == [("restart", "dovecot.service")] * 2
    hanging.hung([DOVECOT], [], host, state, lambda probe: True, NOW + 60 * 62)
    assert state == silence()


def test_a_daemon_that_is_stopped_is_not_started(host: Host) -> None:
    host.unit("dovecot.service", "inactive")
    state = silence() | {"silent_since": {"dovecot.service": 0.0}}
    assert hanging.hung([DOVECOT], [], host, state, lambda probe: False, NOW) == {}
    assert (host.done, state) == ([], silence())


def test_a_door_that_is_silent_is_told_and_nobody_is_cut_for_it(host: Host) -> None:
    """It may only be full of people, as on a morning."""
    host.unit("dovecot.service")
    state = silence()
    door = {"unit": "dovecot.service", "name": "Cửa IMAP", "mail": True, "probes": [{"address": "/imap"}]}

    def look(at: float) -> dict[str, Finding]:
        return hanging.hung([DOVECOT], [door], host, state, lambda probe: probe["address"] != "/imap", at)

    assert look(NOW) == {}
    assert [look(NOW + at).keys() for at in (60, 120, 4000)] == [{"silent:Cửa IMAP"}] * 3
    assert look(NOW + 4060)["silent:Cửa IMAP"].text.startswith("Cửa IMAP (dovecot.service) không trả lời: systemctl")
    assert host.done == []


def silence() -> dict[str, dict[str, float]]:
    return {"silent_since": {}, "silent_start": {}, "restarted_at": {}}


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Callable[[bytes | None], str]]:
    """A socket that gives each who comes these words; None: as of a daemon that hangs, whose kernel goes on."""
    opened: list[socket.socket] = []

    def of(words: bytes | None) -> str:
        address = str(tmp_path / f"{len(opened)}")
        server = socket.socket(socket.AF_UNIX)
        server.bind(address)
        server.listen()
        opened.append(server)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while words is not None:
                    client, _ = server.accept()
                    client.sendall(words)
                    client.close()

        threading.Thread(target=serve, daemon=True).start()
        return address

    yield of
    for server in opened:
        server.close()


def test_an_answer_is_one_that_begins_as_it_should(
    listener: Callable[[bytes | None], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hanging, "PROBE_SECONDS", 0.3)
    greeting, hangs, away = listener(b"* OK ready"), listener(None), "/khong/co"
    assert hanging.answers({"address": greeting, "expect": "* OK"})
    assert not hanging.answers({"address": greeting, "expect": "220"})
    assert hanging.answers({"address": greeting, "expect": ["220", "* OK"]})
    assert not hanging.answers({"address": greeting, "expect": ["220", "4"]})
    # One that takes the connection and says nothing, with TLS or without.
    assert not hanging.answers({"address": hangs})
    began = time.monotonic()
    assert not hanging.answers({"address": hangs, "seconds": 1})
    assert time.monotonic() - began >= 1
    assert not hanging.answers({"address": hangs, "tls": True})
    assert not hanging.answers({"address": greeting, "tls": True, "expect": "* OK"})
    assert not hanging.answers({"address": away})


def test_what_systemds_own_watchdog_restarted_is_told_once(host: Host) -> None:
    ended = {"MONITOR_SERVICE_RESULT": "watchdog", "MONITOR_UNIT": "dovecot.service"}
    found = hanging.ended_by_watchdog([DOVECOT], ended)
    assert {cause: (of.text, of.mail) for cause, of in found.items()} == {
        "hung:dovecot.service": ("Kho thư (dovecot.service) không trả lời, đã được khởi động lại", True)
    }
    assert hanging.ended_by_watchdog([DOVECOT], ended | {"MONITOR_SERVICE_RESULT": "signal"}) == {}
    assert hanging.ended_by_watchdog([DOVECOT], {}) == {}
    (other,) = hanging.ended_by_watchdog([], ended).values()
    assert "dovecot.service" in other.text


def test_a_clock_that_was_set_back_starts_again_what_does_not_bear_it(host: Host) -> None:
    rows, remembered = [BACKUP, {**DOVECOT, "clock": True}], dict[str, float]()

    def look(offset: float) -> list[str]:
        return list(looks.clock(rows, host, remembered, offset))

    # The first look, a slow correction, a boot later: forward.
    assert [look(NOW), look(NOW - 10), look(NOW - 10 + DAY)] == [[], [], []]
    assert host.done == []
    assert look(NOW - 10 + DAY - HOUR) == ["clock"]
    assert host.done == [("try-restart", "dovecot.service")]
    assert look(NOW - 10 + DAY - HOUR) == []


def test_a_certificate_is_found_before_its_end_and_one_that_cannot_be_read_too(tmp_path: Path) -> None:
    path = tmp_path / "c.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x", "-days", "30"]
    subprocess.run([*make, "-keyout", tmp_path / "k.pem", "-out", path], check=True, capture_output=True)
    today = path.stat().st_mtime
    row = {"name": "Chứng thư công khai", "path": str(path), "days": 21, "mail": True}
    assert looks.certificates([row], today) == {}
    (finding,) = looks.certificates([row], today + 10 * DAY).values()
    assert "Chứng thư công khai hết hạn ngày" in finding.text
    path.write_text("")
    (finding,) = looks.certificates([row], today).values()
    assert "không đọc được" in finding.text


def test_what_ends_on_a_day_is_told_so_many_days_before(tmp_path: Path) -> None:
    end = datetime.fromisoformat("2026-12-31").timestamp()
    calendar = {"name": "Lịch nghỉ", "ends": "2026-12-31", "days": 44, "cure": "ghi năm 2027"}
    assert looks.dates([calendar], end - 44 * DAY) == {}
    (finding,) = looks.dates([calendar], end - 44 * DAY + 1).values()
    assert finding.text == "Lịch nghỉ chỉ đến ngày 31/12/2026: ghi năm 2027"
    # As security.txt has it (RFC 9116).
    file = tmp_path / "security.txt"
    written = {"name": "security.txt", "path": str(file), "after": "Expires:", "days": 60, "cure": "make deploy"}
    for text in ("", "Contact: mailto:x\n"):
        file.write_text(text)
        (finding,) = looks.dates([written], end).values()
        assert "không đọc được" in finding.text
    file.write_text("Contact: mailto:x\nExpires: 2026-12-31T00:00:00Z\n")
    assert looks.dates([written], end - 61 * DAY) == {}
    assert [of.text for of in looks.dates([written], end - 59 * DAY).values()] == [
        "security.txt chỉ đến ngày 31/12/2026: make deploy"
    ]


def test_the_newest_file_of_each_folder_must_not_be_too_old(tmp_path: Path) -> None:
    for folder, ages in {"mail": (40, 2), "store": (40, 20)}.items():
        for age in ages:
            file = tmp_path / folder / f"{age}"
            file.parent.mkdir(exist_ok=True)
            file.touch()
            os.utime(file, (NOW - age * HOUR, NOW - age * HOUR))
    rows = [{"name": "Kho", "files": f"{tmp_path}/*/*", "hours": 9}]
    assert list(looks.ages(rows, NOW)) == [f"age:{tmp_path}/store"]
    assert looks.ages([{**rows[0], "files": f"{tmp_path}/none/*"}], NOW) == {}


def test_a_line_that_tells_of_damage_is_shown_and_a_journal_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {
        "unit": "dovecot.service",
        "name": "Chỉ mục hỏng",
        "pattern": "Rebuilding",
        "hours": 6,
        "cure": "hãy xem đĩa",
    }
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    journalctl = tmp_path / "journalctl"

    def says(script: str) -> None:
        journalctl.write_text(f"#!/bin/sh\n{script}\n")
        journalctl.chmod(0o755)

    says('echo "$@" >> "$0.asked"; echo "imap(aa11bb): Warning: Mailbox INBOX: Rebuilding index"')
    (finding,) = looks.lines([row]).values()
    assert finding.text.startswith("Chỉ mục hỏng (dovecot.service): “imap(aa11bb)") and "xem đĩa" in finding.text
    asked = (tmp_path / "journalctl.asked").read_text()
    assert "--priority=warning --unit=dovecot.service --since=-6h --grep=Rebuilding" in asked
    says("exit 1")
    assert looks.lines([row]) == {}
    says("echo no journal >&2; exit 1")
    with pytest.raises(OSError, match="no journal"):
        looks.lines([row])


def test_a_backup_is_late_by_its_last_good_one_and_a_new_host_has_time_for_its_first(tmp_path: Path) -> None:
    file = tmp_path / "status.json"
    row = {"name": "Sao lưu", "status": str(file), "hours": 9}
    assert [finding.grace for finding in looks.backups([row], NOW).values()] == [9 * HOUR]
    file.write_text(json.dumps({"last_ok": "2027-01-15T08:00:00+00:00"}))
    good = 1_800_000_000.0
    assert looks.backups([row], good + 8 * HOUR) == {}
    (finding,) = looks.backups([row], good + 10 * HOUR).values()
    assert "quá 9 giờ" in finding.text


# --- once per cause ---

DISK = {"disk": Finding("đĩa hỏng")}


def tell(causes: dict[str, Any], found: dict[str, Finding], now: float) -> News:
    news = compare(causes, found, now)
    told(causes, news, now)
    return news


def test_a_cause_is_told_once_again_after_a_week_and_when_it_is_over() -> None:
    causes: dict[str, Any] = {}
    assert tell(causes, DISK, NOW).new == {"disk": "đĩa hỏng"}
    assert tell(causes, DISK, NOW + HOUR).nothing
    assert tell(causes, DISK, NOW + 6 * DAY).nothing
    assert tell(causes, DISK, NOW + 7 * DAY).lasting == {"disk": "đĩa hỏng"}
    assert tell(causes, DISK, NOW + 8 * DAY).nothing
    assert tell(causes, {}, NOW + 8 * DAY + HOUR).over == {"disk": "đĩa hỏng"}
    assert tell(causes, {}, NOW + 9 * DAY).nothing
    assert tell(causes, DISK, NOW + 10 * DAY).new


def test_a_cause_that_comes_and_goes_is_told_once() -> None:
    causes: dict[str, Any] = {}
    mails = [tell(causes, DISK if minute % 4 else {}, NOW + minute * 60) for minute in range(1, 60, 1)]
    assert [news.nothing for news in mails].count(False) == 1


def test_what_passes_within_its_grace_is_never_told() -> None:
    causes: dict[str, Any] = {}
    down = {"down": Finding("không chạy", grace=180)}
    assert tell(causes, down, NOW).nothing
    assert tell(causes, {}, NOW + 120).nothing
    assert tell(causes, down, NOW + 240).nothing
    assert tell(causes, down, NOW + 480).new


def test_what_could_not_be_told_is_told_by_the_next_look() -> None:
    causes: dict[str, Any] = {}
    assert compare(causes, DISK, NOW).new
    assert compare(causes, DISK, NOW + 120).new
    # Also what one look alone found, as a daemon that was started again, and what is over by then.
    assert compare(causes, {}, NOW + 240).new
    assert tell(causes, {}, NOW + 360).new
    assert tell(causes, {}, NOW + 360 + telling.OVER_SECONDS).over == {"disk": "đĩa hỏng"}


def test_who_was_told_by_the_second_path_hears_there_that_it_is_over() -> None:
    causes: dict[str, Any] = {}
    down = {"down": Finding("không chạy", mail=True)}
    assert tell(causes, down, NOW).mail
    assert tell(causes, {}, NOW + HOUR).mail


# --- the ways ---


@pytest.fixture
def paths(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[bool, list[str]]]:
    """Whether the operator was told, and by which paths, when some refuse."""

    def of(
        *refusing: str, mail_is_down: bool = False, webhook: bool = True, queued: Sequence[str] = ()
    ) -> tuple[bool, list[str]]:
        taken: list[str] = []

        def by(name: str) -> None:
            if name in refusing:
                raise smtplib.SMTPServerDisconnected("https://bi-mat.example/")
            taken.append(name)

        monkeypatch.setattr(telling, "by_mail", lambda path, title, text: by(path["host"]))
        monkeypatch.setattr(telling, "by_webhook", lambda url, title, text: by("webhook"))
        config = {"host": "mail", "mail": {"host": "mx"}, "webhook": "https://x" if webhook else "", "smarthosts": []}
        news = News({"a": "b"}, {}, {}, mail_is_down)
        return telling.send(config, news, NOW, queued)[0], taken

    return of


def test_mail_is_the_way_and_the_second_path_stays_silent(paths: Callable[..., tuple[bool, list[str]]]) -> None:
    assert paths() == (True, ["mx"])


def test_the_second_path_is_taken_when_mail_refuses_or_is_what_is_down(
    paths: Callable[..., tuple[bool, list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert paths("mx") == (True, ["webhook"])
    # Taken by a queue that nobody can read from.
    assert paths(mail_is_down=True) == (True, ["mx", "webhook"])
    assert "bi-mat" not in capsys.readouterr().out


def test_who_was_reached_by_no_path_was_not_told(paths: Callable[..., tuple[bool, list[str]]]) -> None:
    assert paths("mx", "webhook") == (False, [])
    assert paths("mx", webhook=False) == (False, [])


def test_what_only_a_queue_took_while_mail_is_down_is_not_told_yet(
    paths: Callable[..., tuple[bool, list[str]]],
) -> None:
    """It lay there unread, and the second path, refused once, was never tried again."""
    assert paths("webhook", mail_is_down=True) == (False, ["mx"])
    # By the next look: not into the queue once more.
    assert paths("webhook", mail_is_down=True, queued=["a"]) == (False, [])
    assert paths(mail_is_down=True, queued=["a"]) == (True, ["webhook"])
    # Who has no second path must not be mailed by every look.
    assert paths(mail_is_down=True, webhook=False) == (True, ["mx"])


def test_a_way_whose_other_end_dawdles_or_speaks_nonsense_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(telling, "PATH_SECONDS", 1)
    news = News({"a": "b"}, {}, {}, True)
    config = {"host": "mail", "mail": {}, "webhook": "https://x", "smarthosts": [{"host": "smarthost"}]}
    taken: list[str] = []

    def dawdles(url: str, title: str, text: str) -> None:
        while True:
            time.sleep(0.2)

    def nonsense(url: str, title: str, text: str) -> None:
        raise http.client.BadStatusLine("x")

    def mail(path: Any, title: str, text: str) -> None:
        if path:
            taken.append(path["host"])
        else:
            raise UnicodeEncodeError("ascii", "mật khẩu", 1, 2, "a password that is none")

    monkeypatch.setattr(telling, "by_mail", mail)
    for way, kind in ((dawdles, "TimeoutError"), (nonsense, "BadStatusLine")):
        monkeypatch.setattr(telling, "by_webhook", way)
        assert telling.send(config, news, NOW) == (True, False)
        assert f"by webhook: {kind}" in capsys.readouterr().out
    assert taken == ["smarthost"] * 2


@pytest.mark.parametrize(
    ("refusal", "line"),
    [
        (smtplib.SMTPRecipientsRefused({"truc@x.vn": (451, b"bi-mat")}), "SMTPRecipientsRefused 451"),
        (smtplib.SMTPRecipientsRefused({"truc@x.vn": (550, b"bi-mat")}), "SMTPRecipientsRefused 550"),
        (smtplib.SMTPDataError(451, b"bi-mat"), "SMTPDataError 451"),
        (smtplib.SMTPSenderRefused(452, b"bi-mat", "may@x.vn"), "SMTPSenderRefused 452"),
        (smtplib.SMTPServerDisconnected("bi-mat"), "SMTPServerDisconnected"),
        (TimeoutError("bi-mat"), "TimeoutError"),
    ],
)
def test_what_a_server_refuses_is_written_down_with_its_code_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], refusal: Exception, line: str
) -> None:
    def refuse(*_: object) -> None:
        raise refusal

    monkeypatch.setattr(telling, "by_mail", refuse)
    config = {"host": "mail", "mail": {}, "webhook": "", "smarthosts": []}
    assert telling.send(config, News({"a": "b"}, {}, {}, mail=False), NOW) == (False, False)
    assert capsys.readouterr().out == f"<4>the operator could not be told by mail: {line}\n"


def test_no_text_goes_to_a_webhook_in_clear() -> None:
    with pytest.raises(ValueError, match="https"):
        telling.by_webhook("http://127.0.0.1:1/", "", "")


def test_the_news_are_vietnamese_and_name_host_causes_and_commands() -> None:
    news = News(
        {"a": "Sao lưu thất bại (hanam-backup.service): systemctl status x", "b": "c"}, {"d": "e"}, {"f": "g"}, False
    )
    assert telling.subject("mail", news) == "[mail] CẦN XỬ LÝ: Sao lưu thất bại (hanam-backup.service) (và 2 việc khác)"
    text = telling.body("mail", news, NOW)
    for part in ("Cần xử lý:\n- Sao lưu thất bại", "Vẫn còn (báo lại mỗi tuần):\n- e", "Đã hết:\n- g"):
        assert part in text


# --- the command ---


@pytest.mark.parametrize("remembered", [None, "", "{", '{"causes": {}, "hung": {}}', "[]"])
def test_what_cannot_be_looked_at_or_remembered_hides_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], remembered: str | None
) -> None:
    told_of: list[News] = []

    def failing(words: Sequence[str]) -> str:
        raise OSError("systemctl: no bus")

    def taken(config: Any, news: News, now: float, queued: Sequence[str]) -> tuple[bool, bool]:
        told_of.append(news)
        return True, True

    monkeypatch.setattr(command, "systemctl", failing)
    monkeypatch.setattr(command, "send", taken)
    row = {"name": "Chứng thư", "path": "/khong/co", "days": 1}
    config = {
        "units": [BACKUP],
        "doors": [],
        "certificates": [row],
        "dates": [],
        "ages": [],
        "backups": [],
        "lines": [],
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    if remembered is not None:
        (tmp_path / "state.json").write_text(remembered)
    words = [f"--config={tmp_path / 'config.json'}", f"--state={tmp_path}"]
    assert command.main([*words, "--list"]) == 0
    for _ in range(2):
        assert command.main(words) == 0
    (news,) = told_of
    assert "certificate:/khong/co" in news.new
    assert "look:đơn vị systemd" in news.new
    printed = capsys.readouterr().out
    assert printed.count("<3>Chứng thư: không đọc được /khong/co") == 1
    assert command.main([*words, "--list"]) == 1
    assert "đã báo lúc" in capsys.readouterr().out


# --- what programs without rights have found ---


def left(folder: Path, text: str) -> list[dict[str, Any]]:
    (folder / "found.json").write_text(text)
    return [{"unit": "x.service", "name": "DNS", "file": str(folder / "found.json"), "hours": 72}]


def test_what_another_program_found_is_told_once_per_change(tmp_path: Path) -> None:
    item = {"place": "x MX", "cause": "dns:1", "text": "thiếu MX", "mail": False}
    state = {"complete": NOW, "silent": [], "found": [item]}
    causes: dict[str, dict[str, Any]] = {}
    for hours, found, expected in (
        (0, [item], ["thiếu MX"]),
        (1, [item], []),
        (2, [item | {"cause": "dns:2", "text": "thừa MX"}], ["thừa MX"]),
    ):
        now = NOW + hours * HOUR
        rows = left(tmp_path, json.dumps(state | {"found": found}))
        news = compare(causes, looks.findings(rows, now), now)
        told(causes, news, now)
        assert list(news.new.values()) == expected
    assert list(news.over.values()) == ["thiếu MX"]


def test_what_could_not_be_looked_at_for_long_is_told(tmp_path: Path) -> None:
    rows = left(tmp_path, json.dumps({"complete": NOW, "silent": ["x MX: SERVFAIL"], "found": []}))
    causes: dict[str, dict[str, Any]] = {}
    for hours, number in ((35, 0), (37, 0), (72, 0), (73, 1)):
        now = NOW + hours * HOUR
        news = compare(causes, looks.findings(rows, now), now)
        assert len(news.new) == number, hours
    (text,) = news.new.values()
    assert "x MX: SERVFAIL" in text
    assert looks.findings([rows[0] | {"file": str(tmp_path / "none")}], NOW) == {}


@pytest.mark.parametrize("looked", [True, False])
def test_a_host_that_was_switched_off_has_time_to_look_before_it_is_told(tmp_path: Path, looked: bool) -> None:
    """Its first look may come before the daemon that it asks."""
    state = {"complete": NOW, "silent": ["Connection refused"], "found": []}
    causes: dict[str, dict[str, Any]] = {}
    on = NOW + 100 * HOUR
    assert compare(causes, looks.findings(left(tmp_path, json.dumps(state)), on), on).nothing
    rows = left(tmp_path, json.dumps(state | ({"complete": on + HOUR, "silent": []} if looked else {})))
    for hours in (1, 24):
        now = on + hours * HOUR
        assert compare(causes, looks.findings(rows, now), now).nothing
    now = on + 36 * HOUR
    assert bool(compare(causes, looks.findings(rows, now), now).new) is not looked


def test_a_strangers_file_cannot_write_lines_of_its_own_nor_fill_the_memory(tmp_path: Path) -> None:
    item = {"cause": "a", "text": "x\n<0>y\x1b[31m\u202e" + "z" * 5000, "mail": True}
    rows = left(tmp_path, json.dumps({"complete": NOW, "silent": [], "found": [item]}))
    (finding,) = looks.findings(rows, NOW).values()
    assert finding.text.isprintable()
    assert len(finding.text) == looks.FINDING_LETTERS
    rows = left(tmp_path, '{"complete": 1, "silent": [], "found": [' + " " * looks.FINDINGS_OCTETS + "]}")
    with pytest.raises(ValueError, match="Expecting"):
        looks.findings(rows, NOW)
