"""Views of the webmail's site that no address alone leads to: something is done first. For the pictures."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from selenium.webdriver.common.keys import Keys

from tests.lab import Lab, Sample, message
from tests.people import People
from tests.second_factor import Telephone
from tests.web import test_scheduled, tour
from tests.web.pages import Webmail
from tests.web.test_agency_mailbox import opened
from tests.web.test_second_factor import first_step, open_page
from tests.web.test_status_page import closed, stop

AGENCY = ("Sở Khoa học và Công nghệ", "skhcn")
CLERK = ("Nguyễn Thanh Hà", "nguyenthanhha")
OTHER = ("Trần Quang Minh", "tranquangminh")


@dataclass(frozen=True)
class Stage:
    """What a scene is played with."""

    lab: Lab
    people: People
    webmail: Webmail


@dataclass(frozen=True, slots=True)
class View:
    """What is to be seen by now, and the script that shows it where a narrow screen keeps it behind a button."""

    name: str
    narrow: str = ""


type Scene = Callable[[Stage], Iterator[View]]


def named(lab: Lab, person: Sample, name: str, local_part: str) -> Sample:
    """A mailbox of a test under a name and an address that look like an official's."""
    # An address is somebody's for ever: those of other runs stay theirs.
    local_part = f"{local_part}.{uuid.uuid4().hex[:3]}"
    where = f"= '{person.mailbox}'"
    lab.sql(
        f"update mail.mailbox set name = '{name}' where id {where};"
        f" update mail.address set kind = 'alias' where mailbox_id {where};"
        f" insert into mail.address (local_part, mailbox_id, kind) select '{local_part}', id, 'primary'"
        f" from mail.mailbox where id {where}"
    )
    lab.settle()
    return replace(person, name=name, address=f"{local_part}@{lab.variables['mail_domain']}")


def lay_down(stage: Stage, person: Sample, other: Sample) -> None:
    """Sign in, and let two letters wait for their hour."""
    webmail, lab = stage.webmail, stage.lab
    webmail.enter(person)
    for days, subject in ((1, "Giấy mời họp giao ban tuần"), (3, "Nhắc nộp báo cáo quý IV")):
        test_scheduled.lay_down(webmail, other.address, subject, test_scheduled.later(lab, days=days))


def second_factor(stage: Stage) -> Iterator[View]:
    """Turned on at its page, a password for a program, and the second step of the next sign-in."""
    webmail, person = stage.webmail, named(stage.lab, stage.people.take(), *CLERK)
    open_page(webmail, person)
    webmail.find("#begin")
    yield View("second-factor")
    webmail.find("#begin").click()
    webmail.find("#picture svg")
    yield View("second-factor-begun")
    telephone = Telephone(webmail.text("#secret"))
    webmail.find("#code").send_keys(telephone.code(), Keys.ENTER)
    webmail.find("#print")
    yield View("recovery-codes")
    webmail.find("#next").click()
    webmail.find("#name").send_keys("Outlook máy cơ quan")
    webmail.find("#make").click()
    webmail.find("#app-password")
    yield View("app-password")
    webmail.find("#leave").click()
    webmail.find("#old")
    stage.lab.settle()
    webmail.driver.delete_all_cookies()
    first_step(webmail, person)
    yield View("second-step")
    webmail.driver.delete_all_cookies()


def agency_mailbox(stage: Stage) -> Iterator[View]:
    """A clerk in the mailbox of his agency."""
    lab, webmail, given = stage.lab, stage.webmail, stage.people.delegation()
    clerk, sender = named(lab, given.clerk, *CLERK), named(lab, stage.people.take(), *OTHER)
    agency = named(lab, Sample(given.agency, "", given.mailbox, ""), *AGENCY)
    delegation = replace(given, agency=agency.address, clerk=clerk)
    with lab.imap(delegation.login, clerk.password) as client:
        for flags, subject in ((r"\Seen", "Báo cáo kết quả chuyển đổi số tháng 11"), ("", "Giấy mời họp giao ban")):
            mail = message(sender.address, delegation.agency, subject=subject, text=tour.TEXT)
            del mail["From"]
            mail["From"] = f"{sender.name} <{sender.address}>"
            assert client.append("INBOX", flags, "", mail.as_bytes())[0] == "OK"
    webmail.enter(clerk)
    opened(webmail, delegation.mailbox)
    webmail.find("#messagelist tr.message")
    yield View("agency-mailbox", "UI.show_sidebar()")
    webmail.driver.delete_all_cookies()


def maintenance(stage: Stage) -> Iterator[View]:
    """The webmail closed by a deployment, which takes a minute or two, and open again after it."""
    begin = datetime.now(ZoneInfo(stage.lab.variables["mail_timezone"])) - timedelta(minutes=5)
    with TemporaryDirectory() as folder, closed(stage.lab, [stop(begin, 3, "nâng cấp máy chủ")], Path(folder)):
        stage.webmail.driver.get(stage.webmail.address)
        stage.webmail.find("a[href='/tinh-trang/']")
        yield View("maintenance")


SCENES: dict[Scene, tuple[str, ...]] = {
    second_factor: ("second-factor", "second-factor-begun", "recovery-codes", "app-password", "second-step"),
    agency_mailbox: ("agency-mailbox",),
    maintenance: ("maintenance",),
}
