"""`hanam-mail-db private-services`: to which agencies social networks and shops write (Đ4.4, Đ12.5).

hanam-mail-db private-services                   messages and mailboxes by agency, of the last 30 days
hanam-mail-db private-services --agency CODE     of one agency: which mailboxes, which services
"""

import argparse

from hanam_mail.host import by_agency, frame

_BY_AGENCY = """
    SELECT a.code, a.name, count(DISTINCT p.mailbox_id), sum(p.messages), string_agg(DISTINCT p.service, ', ')
    FROM mail.private_service_mail p
    JOIN mail.mailbox m ON m.id = p.mailbox_id LEFT JOIN mail.agency a ON a.id = m.agency_id
    WHERE p.day > current_date - %s::int
    GROUP BY a.id, a.code, a.name ORDER BY sum(p.messages) DESC, a.code
"""
_OF_AGENCY = """
    SELECT d.local_part, m.name, p.service, sum(p.messages), max(p.day)
    FROM mail.private_service_mail p
    JOIN mail.mailbox m ON m.id = p.mailbox_id JOIN mail.agency a ON a.id = m.agency_id
    LEFT JOIN mail.address d ON d.mailbox_id = m.id AND d.kind = 'primary'
    WHERE p.day > current_date - %s::int AND a.code = %s
    GROUP BY m.id, m.name, d.local_part, p.service ORDER BY d.local_part, sum(p.messages) DESC
"""


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "thư của mạng xã hội, trang mua bán gửi tới hộp thư công vụ, theo cơ quan (Đ4.4, Đ12.5)"
    by_agency.add_command(commands, "private-services", text, _run)


def _run(options: argparse.Namespace) -> int:
    return by_agency.answer(
        options,
        by_agency.AgencyTable(
            _BY_AGENCY,
            ("agency", "name", "mailboxes", "messages", "services"),
            lambda code, name, mailboxes, messages, services: (
                f"{by_agency.agency(code, name)}: {messages} thư tới {mailboxes} hộp thư: {services}"
            ),
        ),
        by_agency.AgencyTable(
            _OF_AGENCY,
            ("address", "name", "service", "messages", "last"),
            lambda address, name, service, messages, last: (
                f"{address or '-'} ({name}): {messages} thư của {service}, lần cuối {last:%d/%m/%Y}"
            ),
        ),
        "không có thư nào của mạng xã hội, trang mua bán",
    )
