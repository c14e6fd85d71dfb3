"""`hanam-mail-db collectors`: which private providers fetch official mailboxes, by agency (Đ4.5).

hanam-mail-db collectors                   mailboxes, providers and refusals by agency, of the last 30 days
hanam-mail-db collectors --agency CODE     of one agency: which mailboxes, which providers, from where
"""

import argparse

from hanam_mail.host import by_agency, frame

_BY_AGENCY = """
    SELECT a.code, a.name, count(DISTINCT u.mailbox_id), sum(u.refused), string_agg(DISTINCT u.name, ', ')
    FROM mail.collector_use u
    JOIN mail.mailbox m ON m.id = u.mailbox_id LEFT JOIN mail.agency a ON a.id = m.agency_id
    WHERE u.day > current_date - %s::int
    GROUP BY a.id, a.code, a.name ORDER BY count(DISTINCT u.mailbox_id) DESC, a.code
"""
_OF_AGENCY = """
    SELECT d.local_part, m.name, u.name,
           (SELECT string_agg(DISTINCT p, ', ')
            FROM regexp_split_to_table(string_agg(array_to_string(u.protocols, ','), ','), ',') p),
           string_agg(DISTINCT host(u.address), ', '), sum(u.refused), max(u.day)
    FROM mail.collector_use u
    JOIN mail.mailbox m ON m.id = u.mailbox_id JOIN mail.agency a ON a.id = m.agency_id
    LEFT JOIN mail.address d ON d.mailbox_id = m.id AND d.kind = 'primary'
    WHERE u.day > current_date - %s::int AND a.code = %s
    GROUP BY m.id, m.name, d.local_part, u.name ORDER BY d.local_part, u.name
"""


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "nhà cung cấp thư riêng lấy thư của hộp thư công vụ, theo cơ quan (Đ4.5)"
    by_agency.add_command(commands, "collectors", text, _run)


def _run(options: argparse.Namespace) -> int:
    return by_agency.answer(
        options,
        by_agency.AgencyTable(
            _BY_AGENCY,
            ("agency", "name", "mailboxes", "refused", "providers"),
            lambda code, name, mailboxes, refused, providers: (
                f"{by_agency.agency(code, name)}: {mailboxes} hộp thư, {refused} lần từ chối: {providers}"
            ),
        ),
        by_agency.AgencyTable(
            _OF_AGENCY,
            ("address", "name", "provider", "protocols", "sources", "refused", "last"),
            lambda address, name, provider, protocols, sources, refused, last: (
                f"{address or '-'} ({name}): {provider}, bằng {protocols}, từ {sources}; {refused} lần từ chối,"
                f" lần cuối {last:%d/%m/%Y}"
            ),
        ),
        "không thấy nhà cung cấp thư riêng nào lấy thư công vụ",
    )
