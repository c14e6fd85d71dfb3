"""Edits of the register of requests: a document comes in, an answer goes out (Đ6.2)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from hanam_mail.editing.records import EditError, Records
from hanam_mail.errors import Source
from hanam_mail.registry.requests import Reply, Request, RequestKind, Result
from hanam_mail.regulation import naming

_REQUESTS_A_YEAR = 9999


class Register(Records):
    """The register of requests."""

    def request(
        self,
        *,
        document: str,
        dated: date,
        received: date,
        agency: str,
        asks: Iterable[RequestKind | str],
        ground: str,
    ) -> Request:
        """Register a document (Đ6.2a, Đ7.3a) under the next free number of the year it was received in."""
        sender, document = self.agency(agency), naming.normal(document)
        for other in self.requests.values():
            if (other.document, other.dated, other.agency) == (document, dated, sender.id):
                raise EditError(f"văn bản {document} ngày {dated} đã có trong sổ, số {other.id}", "Đ6.2")
        year = f"{received:%Y}"
        numbers = (int(identity[5:]) for identity in self.requests if identity.startswith(year))
        number = max(numbers, default=0) + 1
        if number > _REQUESTS_A_YEAR:
            raise EditError(f"sổ đề nghị năm {year} đã đầy")
        return self.put_request(
            Request(
                id=f"{year}-{number:04d}",
                document=document,
                dated=dated,
                received=received,
                agency=sender.id,
                asks=tuple(RequestKind(ask) for ask in asks),
                ground=naming.normal(ground),
                result=Result.PENDING,
                reply=None,
                source=Source(f"{year}.yml", 0),
            )
        )

    def answer(self, request_id: str, result: Result | str, document: str, day: date) -> Request:
        """Note the answer to a pending request: granted or refused, by which document of which day (Đ6.2b).

        A granted one may have "" for its document, which another call then gives.
        """
        result = Result(result)
        request = self.requests.get(request_id)
        if request is None:
            raise EditError(f"sổ đề nghị không có số {request_id}", "Đ6.2")
        waits = request.reply is not None and not request.reply.document and request.result is result
        if request.result is not Result.PENDING and not waits:
            raise EditError(f"đề nghị {request_id} đã được trả lời ({request.result})", "Đ6.2b")
        if result is Result.PENDING:
            raise EditError("trả lời phải là done hoặc refused", "Đ6.2b")
        return self.put_request(replace(request, result=result, reply=Reply(naming.normal(document), day)))
