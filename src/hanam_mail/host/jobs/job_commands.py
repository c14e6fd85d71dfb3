"""The commands that time runs, and the history they leave: life-cycle, new-day, notices, quota-passed, history.

hanam-mail-db life-cycle                   what the day brings: warnings, locks, reminders, proposals
hanam-mail-db life-cycle --check --as-of   the same as a preview, of any day
hanam-mail-db new-day                      right after midnight: what ended with the day before
hanam-mail-db notices FILE                 send the notices that wait
hanam-mail-db quota-passed DSN PERCENT ID  called by Dovecot when a mailbox passes a percentage
hanam-mail-db history ADDRESS              what happened to a mailbox
"""

import argparse
import smtplib
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import date
from pathlib import Path

from hanam_mail.host import audit_history, frame
from hanam_mail.host.database import migrate, writers
from hanam_mail.host.database.errors import DatabaseError
from hanam_mail.host.database.session import APPLY_DSN, JOBS_DSN, Row, Session, one
from hanam_mail.host.jobs import collectors, held_messages, lockouts, notices, revocation_proposals
from hanam_mail.host.reports import incoming_alert

PROPOSALS = Path("/var/lib/hanam-mail/proposals")
# So many mailboxes a transaction. Numbers of the outbox are drawn under a lock that is held until commit, for which an
# operator's emergency lock waits: at most this many.
CHUNK = 200

_STEPS = {
    "idle_warning": "báo trước: sẽ tạm khóa do không sử dụng từ {locks_on}",
    "idle_lock": "tạm khóa do không sử dụng từ {since}",
    "default_password_warning": "báo trước: sẽ tạm khóa do chưa đổi mật khẩu mặc định từ {locks_on}",
    "default_password_lock": "tạm khóa do chưa đổi mật khẩu mặc định cấp ngày {since}",
    "password_reminder": "nhắc đổi mật khẩu, hết hạn sau {ends}",
    "yearly_report": "nhắc báo cáo trước ngày {before}",
    "revoke_proposal": "đề nghị thu hồi, không sử dụng từ {since}",
}


def add_commands(commands: frame.Commands) -> None:
    """Add this module's commands to those of command_line.py."""
    command = commands.add_parser(
        "life-cycle", help="việc định kỳ của ngày: báo trước, tạm khóa, nhắc, đề nghị thu hồi"
    )
    command.add_argument(
        "--as-of", type=date.fromisoformat, metavar="NGÀY", help="tính cho ngày này (chỉ cùng --check)"
    )
    command.add_argument("--check", action="store_true", help="chỉ xem trước, không thay đổi gì")
    command.add_argument("--proposals", type=Path, default=PROPOSALS, help="thư mục chứa đề nghị thu hồi")
    command.add_argument("--dsn", default=JOBS_DSN)
    frame.add_json_option(command)
    command.set_defaults(run=_life_cycle)

    command = commands.add_parser(
        "new-day", help="đầu ngày: mật khẩu hết hạn, địa chỉ phụ hết thời hạn có hiệu lực ngay"
    )
    command.add_argument("--dsn", default=JOBS_DSN)
    frame.add_json_option(command)
    command.set_defaults(run=_new_day)

    command = commands.add_parser("notices", help="gửi các thông báo đang chờ")
    command.add_argument("file", type=Path, help="tệp cấu hình của các việc định kỳ")
    command.add_argument("--dsn", default=JOBS_DSN)
    frame.add_json_option(command)
    command.set_defaults(run=_notices)

    command = commands.add_parser("quota-passed", help="Dovecot gọi khi hộp thư vượt một mức dung lượng")
    command.add_argument("dsn")
    command.add_argument("percent", type=int)
    command.add_argument("mailbox")
    command.set_defaults(run=_quota_passed)

    command = commands.add_parser("history", help="lịch sử một hộp thư: ai, khi nào, vì sao, theo văn bản nào")
    command.add_argument("address")
    command.add_argument("--dsn", default=APPLY_DSN)
    frame.add_json_option(command)
    command.set_defaults(run=_history)


def _connect(dsn: str) -> Session:
    import psycopg

    return psycopg.connect(dsn, application_name="hanam-mail-jobs", connect_timeout=10)


def _life_cycle(options: argparse.Namespace) -> int:
    if options.as_of and not options.check:
        raise DatabaseError("--as-of chỉ dùng cùng --check: việc định kỳ luôn chạy cho ngày hôm nay")
    with _connect(options.dsn) as connection:
        migrate.sound_settings(connection)
        today = one(connection, "SELECT current_date")[0]
        steps = connection.execute(
            "SELECT mailbox_id, step, round, payload FROM mail.life_cycle_due(%s)", [options.as_of or today]
        ).fetchall()
        years = one(connection, "SELECT mail.life_cycle_unconfirmed(%s)", [options.as_of or today])[0]
        connection.commit()
        written: Sequence[str] = []
        removed: Sequence[str] = []
        if not options.check:
            _begin_day(connection, today)
            steps = [
                step for some in _chunks(sorted({step[0] for step in steps})) for step in _live(connection, today, some)
            ]
            _prune(connection)
            rows = connection.execute("SELECT * FROM mail.revoke_proposals(%s)", [today]).fetchall()
            written, removed = revocation_proposals.write(
                options.proposals, [revocation_proposals.Proposal(*row) for row in rows]
            )
    lines = [
        *(f"{mailbox}: {_STEPS[step].format(**payload)}" for mailbox, step, _, payload in steps),
        *(f"đề nghị thu hồi mới: {options.proposals / name}" for name in written),
        *(f"đề nghị thu hồi không còn: {name}" for name in removed),
    ]
    frame.answer(
        options,
        bool(steps) and not options.check,
        "\n".join(lines) or "không có việc gì",
        steps=[{"mailbox": who, "step": step, "round": round_, **payload} for who, step, round_, payload in steps],
        written=written,
        removed=removed,
        unconfirmed=years or [],
    )
    return _unconfirmed(years)


def _unconfirmed(years: Sequence[int]) -> int:
    """The exit code: not 0 where a term would end in a year that nobody confirmed, so that not all could be done."""
    for year in years or ():
        print(
            f"hanam-mail-db: lịch nghỉ năm {year} chưa được xác nhận: việc có thời hạn rơi vào năm đó chưa làm được, "
            f"hãy đối chiếu lịch nghỉ rồi ghi năm {year} vào calendar_confirmed_years (calendar.yml)",
            file=sys.stderr,
        )
    return 1 if years else 0


def _chunks(mailboxes: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(mailboxes), CHUNK):
        yield mailboxes[start : start + CHUNK]


# A lock in an emergency waits for no row of the job's; where the two stop each other, the job begins anew.
@writers.repeated
def _live(connection: Session, today: date, mailboxes: Sequence[str]) -> Sequence[Row]:
    """Do what is due for a few mailboxes, looked at once more: somebody may have come back meanwhile."""
    with connection.transaction():
        return connection.execute(
            "SELECT mailbox_id, step, round, payload FROM mail.life_cycle(%s, %s)", [today, list(mailboxes)]
        ).fetchall()


def _begin_day(connection: Session, today: date) -> tuple[int, int]:
    """End what ended with the day before; how many passwords, and how many mailboxes with an address that did."""
    expired = 0
    while some := one(connection, "SELECT mail.life_cycle_expire(%s, %s)", [today, CHUNK])[0]:
        connection.commit()
        expired += some
    ended = one(connection, "SELECT mail.addresses_end(%s)", [today])[0]
    connection.commit()
    while _end_second_keys(connection):
        pass
    return expired, ended


@writers.repeated
def _end_second_keys(connection: Session) -> int:
    """End sessions of the webmail and programs' passwords whose term is over; of how many mailboxes."""
    with connection.transaction():
        return int(one(connection, "SELECT mail.second_keys_over(%s)", [CHUNK])[0])


def _prune(connection: Session) -> None:
    """Forget what nobody needs any more."""
    while one(connection, "SELECT mail.outbox_prune(%s)", [CHUNK * 10])[0]:
        connection.commit()
    connection.execute("SELECT mail.lockouts_prune(), mail.sending_prune(), mail.private_services_prune()")
    connection.execute("SELECT mail.second_keys_prune(), mail.webmail_visits_prune()")
    connection.execute("SELECT mail.collectors_prune()")
    connection.execute("SELECT mail.held_expire(), mail.held_prune()")
    connection.execute("SELECT mail.reports_prune(), mail.outgoing_prune(), mail.user_reports_prune()")
    connection.commit()


def _new_day(options: argparse.Namespace) -> int:
    with _connect(options.dsn) as connection:
        today = one(connection, "SELECT current_date")[0]
        expired, ended = _begin_day(connection, today)
    changed = bool(expired or ended)
    text = f"mật khẩu hết hạn: {expired}; hộp thư có địa chỉ phụ hết thời hạn: {ended}" if changed else ""
    return frame.answer(options, changed, text, expired=expired, ended=ended)


def _notices(options: argparse.Namespace) -> int:
    configuration = notices.JobsConfiguration.read(options.file)
    sent = waiting = 0
    faults: list[str] = []
    with _connect(options.dsn) as connection, ExitStack() as sessions:
        # Each notice is a transaction of its own.
        connection.autocommit = True
        # Not a notice, but as often: Dovecot would remember whom it let in for weeks.
        while _end_second_keys(connection):
            pass

        def connect() -> smtplib.SMTP:
            return sessions.enter_context(closing(notices.connect(configuration)))

        try:
            _begin_digests(connection)
            if one(connection, "SELECT EXISTS (SELECT FROM mail.notice_waiting())")[0]:
                sent, waiting, faults = notices.send_all(connection, configuration, connect())
            told, untold, refusal = lockouts.tell(connection, configuration, connect)
            sent, waiting = sent + bool(told), waiting + bool(untold)
            held, unheard, deaf = held_messages.tell(connection, configuration, connect)
            sent, waiting = sent + bool(held), waiting + bool(unheard)
            reported, unknown = incoming_alert.tell(connection, configuration, connect)
            sent, waiting = sent + reported, waiting + bool(unknown)
            fetched, unread, blind = collectors.tell(connection, configuration, connect)
            sent, waiting = sent + bool(fetched), waiting + bool(unread)
        except (OSError, smtplib.SMTPException) as error:
            print(f"hanam-mail-db: không gửi được thông báo qua {configuration.smtp_host}: {error}", file=sys.stderr)
            return 1
    lines = [f"đã gửi {sent} thông báo, còn chờ gửi lại {waiting}"] if sent or waiting else []
    if refusal:
        lines.append(f"thư báo {untold} lần chặn đăng nhập chưa được nhận: {refusal}")
    if deaf:
        lines.append(f"thư báo {unheard} thư bị giữ chưa được nhận: {deaf}")
    if unknown:
        lines.append(f"thư báo về báo cáo của hệ thống khác chưa được nhận: {unknown}")
    if blind:
        lines.append(f"thư báo {unread} trường hợp nhà cung cấp thư riêng chưa được nhận: {blind}")
    for fault in faults:
        print(f"hanam-mail-db: không viết được thông báo {fault}", file=sys.stderr)
    return frame.answer(options, bool(sent), "\n".join(lines), sent=sent, waiting=waiting) or int(bool(faults))


# Somebody may decide at the same moment about what a letter is to tell.
@writers.repeated
def _begin_digests(connection: Session) -> None:
    connection.execute("SELECT mail.held_digests()")


def _quota_passed(options: argparse.Namespace) -> int:
    with _connect(options.dsn) as connection:
        connection.execute("SELECT mail.quota_passed(%s, %s)", [options.mailbox, options.percent])
    return 0


def _history(options: argparse.Namespace) -> int:
    with _connect(options.dsn) as connection:
        mailbox = frame.mailbox(connection, options.address)
        found = audit_history.entries(connection, mailbox)
    text = "\n".join(audit_history.lines(found))
    return frame.answer(options, False, text, mailbox=mailbox, history=audit_history.as_dicts(found))
