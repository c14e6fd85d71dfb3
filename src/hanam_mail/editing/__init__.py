"""Edits of the registry: `Draft` is a working copy, each of its methods what one document asks for.

    draft = Draft(registry.load(folder))
    request = draft.request(document="12/SNV-VP", dated=..., received=..., agency="snv", asks=["issue"], ground="...")
    draft.answer(request.id, "done", "77/STTTT-CNTT", day)
    draft.issue(kind="person", agency="snv", name="Lê An", request=request.id, done=day)
    store.write(folder, draft.registry())      after the rules found nothing, see cli/writing.py

Mailboxes are named by address, alias or id, agencies by their code. Every method raises DraftError, one
Vietnamese sentence with its clause, and has then changed nothing.
"""

from hanam_mail.editing.editor import Draft
from hanam_mail.editing.working_copy import DraftError, OnlyCounter, Taken

__all__ = ["Draft", "DraftError", "OnlyCounter", "Taken"]
