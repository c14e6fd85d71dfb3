"""The options that name the document behind a change, and how they become a request of the register.

Either the document is registered already (`--request 2026-0012`), or the command registers it (`--document`,
`--dated`, `--received`, `--ground`). `--reply` is the number of the answer, which grants it in the same write.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from hanam_mail.cli import candidates
from hanam_mail.cli.base import Day

if TYPE_CHECKING:
    from datetime import date

    from hanam_mail.editing import WorkingCopy

_OPTIONS = (
    click.option(
        "--request",
        "request_id",
        shell_complete=candidates.requests,
        help="Số trong sổ đề nghị, ví dụ 2026-0012. / Number in the register.",
    ),
    click.option("--document", help="Số, ký hiệu văn bản đề nghị (đăng ký mới). / The document's number."),
    click.option("--dated", type=Day(), help="Ngày của văn bản. / The document's date."),
    click.option("--received", type=Day(), help="Ngày nhận (mặc định: hôm nay). / Date received (today)."),
    click.option("--ground", help="Căn cứ, lý do của đề nghị. / What the document is based on."),
    click.option(
        "--sender",
        shell_complete=candidates.codes,
        help="Mã cơ quan gửi (mặc định: cơ quan của hộp thư). / Code of the sender.",
    ),
    click.option("--reply", help="Số văn bản trả lời, đồng ý. / Number of the reply that grants it."),
    click.option(
        "--reply-later",
        is_flag=True,
        help="Chưa có số văn bản trả lời, ghi sau bằng request answer. / The reply's number follows.",
    ),
    click.option("--replied", type=Day(), help="Ngày trả lời (mặc định: --done). / Date of the reply."),
    click.option("--done", type=Day(), help="Ngày thực hiện (mặc định: hôm nay). / Date of the change (today)."),
)


@dataclass(frozen=True, slots=True)
class DocumentOptions:
    """What the options say. `enter` makes them a request of the draft."""

    request_id: str | None
    document: str | None
    dated: "date | None"
    received: "date | None"
    ground: str | None
    sender: str | None
    reply: str | None
    reply_later: bool
    replied: "date | None"
    done: "date"

    @property
    def given(self) -> bool:
        """Whether any document is named."""
        return bool(self.request_id or self.document)

    def enter(self, draft: "WorkingCopy", ask: str, agency: str) -> str:
        """The id of the request in the draft, registered for the agency of that code and answered if asked for."""
        request_id = self.request_id or self._register(draft, ask, agency)
        if self.reply or self.reply_later:
            draft.answer(request_id, "done", self.reply or "", self.replied or self.done)
        return request_id

    def _register(self, draft: "WorkingCopy", ask: str, agency: str) -> str:
        if not (self.document and self.dated and self.ground and (self.reply or self.reply_later)):
            text = "cần --request, hoặc đủ --document, --dated, --ground và --reply (hoặc --reply-later)."
            raise click.UsageError(text)
        request = draft.request(
            document=self.document,
            dated=self.dated,
            received=self.received or self.done,
            agency=self.sender or agency,
            asks=[ask],
            ground=self.ground,
        )
        return request.id


def document_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options; the command gets them as one argument `document`."""

    @wraps(function)
    def command(*arguments: Any, **options: Any) -> None:
        from hanam_mail.registry import loading

        done = options.pop("done") or loading.today()
        names = ("request_id", "document", "dated", "received", "ground", "sender", "reply", "reply_later", "replied")
        document = DocumentOptions(**{name: options.pop(name) for name in names}, done=done)
        if document.request_id and document.document:
            raise click.UsageError("chỉ dùng --request hoặc --document.")
        function(*arguments, document=document, **options)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command
