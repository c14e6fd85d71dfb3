"""Looks at the hosts right after the upgrade, before anybody signs in: `python -m tests.upgrade.right_after`.

The tests come too late for that. They wait for their turn, and a session of the webmail ends by itself when nobody
clicks for half an hour. Whether it goes on is asked last: Dovecot renews the hash of a password as it is used. What the
first converge left counts, so that the second one asks nothing.
"""

import sys

from tests.lab import Lab
from tests.mail import http_doors
from tests.upgrade import state


def main() -> int:
    """Entry point: what is there goes into state.AFTER, with the webmail's answer as `went_on`."""
    if state.AFTER.exists():
        return 0
    lab = Lab.from_environment()
    there = state.read(lab)
    answer = http_doors.Browser(lab, dict(state.stored(state.BEFORE)["session"])).ask("/?_task=mail")
    lab.close()
    went_on = {"status": answer.status, "location": answer.location, "messages": 'id="messagelist' in answer.body}
    state.write(there | {"went_on": went_on}, state.AFTER)
    return 0


if __name__ == "__main__":
    sys.exit(main())
