"""`hanam-mail request`: the register of documents that asked for something (Đ6.2, Đ7.3)."""

from typing import TYPE_CHECKING

import click

from hanam_mail.cli import candidates
from hanam_mail.cli.base import Command, Day, Group
from hanam_mail.cli.writing import Target, writing_options

if TYPE_CHECKING:
    from datetime import date

_ACTIONS = ("issue", "change", "revoke", "restore", "lock", "absence", "reset")
_reply = click.option("--reply", required=True, help="Số văn bản trả lời. / Number of the reply.")
_replied = click.option("--replied", type=Day(), help="Ngày trả lời (mặc định: hôm nay). / Its date (today).")


@click.group(cls=Group)
def request() -> None:
    """Sổ đề nghị: vào sổ, trả lời, từ chối / The register of requests."""


@request.command("register", cls=Command)
@click.argument("document")
@click.option(
    "--agency",
    shell_complete=candidates.codes,
    required=True,
    help="Mã cơ quan gửi. / Code of the agency that sent it.",
)
@click.option("--asks", type=click.Choice(_ACTIONS), multiple=True, required=True, help="Việc đề nghị. / What it asks.")
@click.option("--dated", type=Day(), required=True, help="Ngày của văn bản. / The document's date.")
@click.option("--received", type=Day(), help="Ngày nhận (mặc định: hôm nay). / Date received (today).")
@click.option("--ground", required=True, help="Căn cứ, lý do. / What it is based on.")
@writing_options
def register(
    document: str,
    agency: str,
    asks: tuple[str, ...],
    dated: "date",
    received: "date | None",
    ground: str,
    target: Target,
) -> None:
    """Vào sổ đề nghị văn bản DOCUMENT, chờ giải quyết (Đ6.2a) / Register a document, pending."""
    from hanam_mail.registry import loading

    with target.editing() as edit:
        entered = edit.draft.request(
            document=document,
            dated=dated,
            received=received or loading.today(),
            agency=agency,
            asks=asks,
            ground=ground,
        )
        edit.result["request"] = entered.id


@request.command("answer", cls=Command)
@click.argument("request_id", shell_complete=candidates.requests)
@_reply
@_replied
@writing_options
def answer(request_id: str, reply: str, replied: "date | None", target: Target) -> None:
    """Ghi đã giải quyết đề nghị và văn bản trả lời (Đ6.2b) / Note that a request was granted."""
    _answer(request_id, "done", reply, replied, target)


@request.command("refuse", cls=Command)
@click.argument("request_id", shell_complete=candidates.requests)
@_reply
@_replied
@writing_options
def refuse(request_id: str, reply: str, replied: "date | None", target: Target) -> None:
    """Ghi từ chối đề nghị và văn bản trả lời (Đ6.2b) / Note that a request was refused."""
    _answer(request_id, "refused", reply, replied, target)


def _answer(request_id: str, result: str, reply: str, replied: "date | None", target: Target) -> None:
    from hanam_mail.registry import loading

    with target.editing() as edit:
        edit.draft.answer(request_id, result, reply, replied or loading.today())
