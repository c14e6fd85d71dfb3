"""What the service does with letters that break it: no one of them keeps back another, and the unit's end tells."""

import imaplib
import signal
import threading
from typing import Any, Self

import pytest

from hanam_mail.host import settings_file
from hanam_mail.host.scheduled import refusals, service
from hanam_mail.host.scheduled.folder import TooLargeError

CONFIGURATION = service.ScheduledConfiguration(
    "", "", 993, "imap", "", 465, "smtp", "Chờ gửi", "Sent", "Asia/Ho_Chi_Minh", 2**20
)


class Session:
    """Letters in turn, and what was told of each."""

    def __init__(self, letters: int) -> None:
        self.rows = [(each, "an", "an", f"scheduled-{each}", 7, each, False, False) for each in range(letters)]
        self.told: list[tuple[Any, ...]] = []

    def execute(self, question: str, values: list[Any] | None = None) -> Self:
        if values:
            self.told.append(tuple(values))
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        return self.rows.pop(0) if self.rows else None


def test_a_letter_that_breaks_the_service_keeps_back_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = iter([RecursionError("of the letter"), TooLargeError(), UnicodeEncodeError("ascii", "ấ", 0, 1, "x")])

    def broken(*_: Any) -> None:
        raise next(faults)

    monkeypatch.setattr(service, "MailFolder", broken)
    session = Session(3)
    sender = service.ScheduledSender(session, CONFIGURATION, threading.Event())  # type: ignore[arg-type]
    assert sender.run() == service.Done(sent=0, broken=2)
    assert [(told[0], told[1], told[3]) for told in session.told] == [
        (0, "broken", "scheduled-0"), (1, "refused", "scheduled-1"), (2, "broken", "scheduled-2")
    ]  # fmt: skip
    assert "1 MB" in session.told[1][2]
    said = capsys.readouterr().err
    assert "số 0: lỗi RecursionError" in said and "of the letter" not in said


@pytest.mark.parametrize("error", [OSError(113, "No route to host"), imaplib.IMAP4.error("MOVE: [b'refused']")])
def test_a_mail_store_that_is_away_is_told_in_vietnamese_and_to_the_operator_as_it_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def away(*_: Any) -> None:
        raise error

    monkeypatch.setattr(service, "MailFolder", away)
    session = Session(1)
    sender = service.ScheduledSender(session, CONFIGURATION, threading.Event())  # type: ignore[arg-type]
    assert sender.run() == service.Done()
    assert session.told == [(0, "later", refusals.of_error(error), "scheduled-0")]
    assert str(error) not in refusals.of_error(error) and str(error) in capsys.readouterr().err


@pytest.mark.parametrize(("broken", "status"), [(0, 0), (1, 1)])
def test_the_unit_fails_when_the_program_had_a_fault(monkeypatch: pytest.MonkeyPatch, broken: int, status: int) -> None:
    monkeypatch.setattr(settings_file, "read", lambda *_: CONFIGURATION)
    monkeypatch.setattr(service, "run", lambda *_: service.Done(1, broken))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert service.main(["file"]) == status
