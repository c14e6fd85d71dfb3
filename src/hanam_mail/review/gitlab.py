"""One comment on a GitLab merge request: written once, then kept up to date.

Settings come from the environment of a merge request's pipeline, the token (scope `api`) from the masked
variable HANAM_MAIL_GITLAB_TOKEN; it goes into a header and nowhere else.
"""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hanam_mail.errors import InputError, Problem

TOKEN = "HANAM_MAIL_GITLAB_TOKEN"  # noqa: S105 - the variable's name
_NEEDED = ("CI_API_V4_URL", "CI_PROJECT_ID", "CI_MERGE_REQUEST_IID")
_TIMEOUT_S = 30
_PAGE = 100


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """A merge request that comments can be written on; `notes` is the URL of its comments."""

    notes: str
    token: str = field(repr=False)

    def publish(self, text: str, mark: str) -> bool:
        """Write the comment, or bring the one that begins with `mark` up to date; whether it is a new one.

        Raises InputError when GitLab does not take it.
        """
        for note in self._all():
            if str(note["body"]).startswith(mark):
                if note["body"] != text:
                    self._call("PUT", f"{self.notes}/{note['id']}", {"body": text})
                return False
        self._call("POST", self.notes, {"body": text})
        return True

    def _all(self) -> Iterator[Mapping[str, Any]]:
        page = 1
        while found := self._call("GET", f"{self.notes}?sort=asc&per_page={_PAGE}&page={page}"):
            yield from found
            page += 1

    def _call(self, method: str, url: str, body: Mapping[str, str] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked in `from_environment`
            url,
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"PRIVATE-TOKEN": self.token, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                return json.load(answer)
        except (urllib.error.URLError, TimeoutError, ValueError) as error:
            raise InputError([Problem("GitLab", 0, "", f"không ghi được nhận xét: {error}")]) from error


def from_environment(environment: Mapping[str, str] = os.environ) -> MergeRequest | None:
    """The merge request this pipeline runs for, None without a token.

    Raises InputError when there is a token but no merge request.
    """
    token = environment.get(TOKEN, "")
    if not token:
        return None
    missing = [name for name in _NEEDED if not environment.get(name)]
    api, project, number = (environment.get(name, "") for name in _NEEDED)
    if missing or not api.startswith(("https://", "http://")):
        names = ", ".join(missing or _NEEDED[:1])
        raise InputError([Problem("GitLab", 0, "", f"thiếu biến của một yêu cầu hợp nhất: {names}")])
    return MergeRequest(f"{api}/projects/{project}/merge_requests/{number}/notes", token)
