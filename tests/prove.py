"""The proofs at the end of `make up`: the tests marked `proof`, one line each, then how to log in.

They are the same tests that CI runs; a line is the marker's argument, in which {} stands for the test's parameter.
"""

import sys
from datetime import datetime

import click
import pytest

from hanam_lab import slots
from hanam_lab.errors import LabError
from tests import office_day
from tests.lab import Lab
from tests.people import People


class Lines:
    """Prints a line per test as it ends."""

    def __init__(self) -> None:
        self.titles: dict[str, str] = {}
        self.failures: list[tuple[str, str]] = []
        self.proven = 0

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            marker = item.get_closest_marker("proof")
            if marker is not None:
                parameter = item.name.partition("[")[2].removesuffix("]")
                self.titles[item.nodeid] = marker.args[0].replace("{}", parameter)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        title = self.titles[report.nodeid]
        if report.failed:
            self.failures.append((title, report.longreprtext))
            click.echo(f"  {click.style('HỎNG', fg='red')}  {title}")
        elif report.skipped:
            # A proof that was not made is none.
            self.failures.append((title, report.longreprtext))
            click.echo(f"  {click.style('BỎ QUA', fg='red')} {title}")
        elif report.when == "call":
            self.proven += 1
            click.echo(f"  {click.style('ĐẠT', fg='green')}   {title} ({report.duration:.1f} s)")

    @property
    def all_held(self) -> bool:
        """Whether every proof was made and held; none at all is no success."""
        return not self.failures and 0 < len(self.titles) == self.proven


def main() -> int:
    """Run the proofs against the lab of the environment; 0 when every one of them held."""
    lab = Lab.from_environment()
    try:
        # At its end it removes the people of all tests.
        slots.hold_lab(lab.driver.folder)
    except LabError as error:
        click.echo(f"\n{error}", err=True)
        return 1
    lines = Lines()
    click.echo("\nKiểm chứng bằng thư thật / Proofs with real mail:")
    people = People(lab)
    with office_day.kept(lab):
        status = pytest.main(
            ["-m", "proof", "-p", "no:terminal", "-p", "no:cacheprovider", "--assert=plain", "tests/mail", "tests/web"],
            plugins=[lines],
        )
    # Those whose mailboxes the proofs made.
    people.forget()
    click.echo(f"\n{lines.proven}/{len(lines.titles)} điều được kiểm chứng / proofs held")
    if status != pytest.ExitCode.OK or not lines.all_held:
        for title, text in lines.failures:
            click.echo(f"\n{title}\n{text}")
        click.echo(f"\nHệ thống chưa đạt / not every proof held (pytest: {status})")
        return 1
    office_day.lay(lab, datetime.now().astimezone())
    sample = lab.samples[0]
    domain, address = lab.variables["mail_domain"], lab.address("webmail")
    click.echo(f"""
Đăng nhập / Log in: https://mail.{domain}   {sample.address}   {sample.password}
  Từ máy này: thêm vào /etc/hosts   {address} mail.{domain} imap.{domain} smtp.{domain}
  và tin cậy chứng thư của phòng thử nghiệm / and trust the lab's authority: vault_public_ca in group_vars/lab/vault.yml
  IMAP imap.{domain}:993, POP3 imap.{domain}:995, SMTP smtp.{domain}:465 hoặc/or 587 (cùng tài khoản / same account)
  Các tài khoản mẫu khác / other samples: vault_sample_passwords in group_vars/lab/vault.yml
  Máy chủ / hosts: .venv/bin/python -m hanam_lab ssh {lab.name} {lab.host("mailstore")}      Gỡ bỏ / remove: make down
""")
    return 0


if __name__ == "__main__":
    sys.exit(main())
