"""Asks, right after the upgrade, whether a session of the webmail goes on: `python -m tests.upgrade.session`.

The tests come too late for that. They wait for their turn, and a session ends by itself when nobody clicks for half an
hour. Only the first answer is kept: the second converge asks again.
"""

import json
import sys

from tests.lab import Lab
from tests.mail import http_doors
from tests.upgrade import state


def main() -> int:
    """Entry point: the answer goes into the document of what was there before, as `went_on`."""
    known = json.loads(state.FILE.read_text())
    if "went_on" in known:
        return 0
    lab = Lab.from_environment()
    answer = http_doors.Browser(lab, dict(known["session"])).ask("/?_task=mail")
    lab.close()
    went_on = {"status": answer.status, "location": answer.location, "messages": 'id="messagelist' in answer.body}
    state.write(known | {"went_on": went_on})
    return 0


if __name__ == "__main__":
    sys.exit(main())
