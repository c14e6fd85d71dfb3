"""The operator's command `hanam-mail`. Exit codes: 0 all is well, 1 the input has errors, 2 the command was
used wrongly. How a command is written stands in base.py.
"""

import click

from hanam_mail import __version__
from hanam_mail.cli import (
    adding,
    changes,
    completing,
    dns_records,
    forms,
    handover,
    importing,
    overdue,
    papers,
    planning,
    reading,
    requests,
    states,
)
from hanam_mail.cli.base import Main

_COMMANDS: tuple[click.Command, ...] = (
    reading.check,
    reading.show,
    reading.search,
    planning.plan,
    reading.export,
    adding.add,
    importing.import_,
    requests.request,
    overdue.overdue,
    states.lock,
    states.restore,
    states.revoke,
    states.absence,
    states.quota,
    states.clerks,
    changes.rename,
    changes.transfer,
    changes.rename_agency,
    changes.merge_agency,
    handover.handover,
    papers.paper,
    dns_records.dns,
    forms.fmt,
    forms.propose,
    forms.generate,
    completing.completion,
)


@click.group(cls=Main, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="%(version)s", help="In phiên bản. / Show the version.")
def main() -> None:
    """Sổ đăng ký hộp thư của hệ thống thư điện tử công vụ.

    The registry of mailboxes of the official mail service.
    """


for _command in _COMMANDS:
    main.add_command(_command)
