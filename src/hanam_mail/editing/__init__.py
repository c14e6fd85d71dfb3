"""Edits of the registry: `WorkingCopy` is a working copy, each of its methods what one document asks for.

    copy = WorkingCopy(registry.load(folder))
    request = copy.request(document="12/SNV-VP", dated=..., received=..., agency="snv", asks=["issue"], ground="...")
    copy.answer(request.id, "done", "77/STTTT-CNTT", day)
    copy.issue(kind="person", agency="snv", name="Lê An", request=request.id, done=day)
    store.write(folder, copy.registry())      after the rules found nothing, see cli/writing.py

Mailboxes are named by address, alias or id, agencies by their code. Every method raises EditError, one
Vietnamese sentence with its clause, and has then changed nothing.
"""

from hanam_mail.editing.records import EditError, OnlyCounter, Taken, refusing
from hanam_mail.editing.working_copy import WorkingCopy

__all__ = ["EditError", "OnlyCounter", "Taken", "WorkingCopy", "refusing"]
