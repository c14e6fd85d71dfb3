"""How testinfra reaches a lab's hosts: Lab.look_at gives its view of one."""

from collections.abc import Callable

from testinfra.backend.base import BaseBackend, CommandResult

from hanam_lab.remote import LATE, LOST, Remote


class Backend(BaseBackend):  # type: ignore[misc]  # testinfra has no types
    """testinfra's commands over the login that the lab keeps, as root."""

    NAME = "lab"

    def __init__(self, host: str, remote: Callable[[str], Remote]) -> None:
        super().__init__(host)
        self._remote = remote

    def run(self, command: str, *words: str, **ignored: object) -> CommandResult:
        line = self.quote(command, *words)
        answer = self._remote(self.hostname).run(line)
        if answer.code in (LATE, LOST):
            raise RuntimeError(f"{line!r} on {self.hostname}: {answer.complaint!r}")
        return self.result(answer.code, line.encode(), answer.output, answer.complaint)
