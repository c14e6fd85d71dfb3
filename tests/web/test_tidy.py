"""The page “Dọn hộp thư” (Đ12.4), and what leads to it: in bulk, by keyboard, on any screen."""

import re
from collections.abc import Sequence

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from tests import journal
from tests.lab import Lab, Sample, message
from tests.web import access, words
from tests.web.pages import Webmail
from tests.web.test_look import LOST, resize, screen

__all__ = ["screen"]

pytestmark = pytest.mark.dieu12

TIDY = "_task=settings&_action=plugin.hanam-tidy"
KIB = 1024
# Folder, day on which it came, KiB, by subject.
MAIL = {
    "Hồ sơ nhỏ": ("INBOX", "10-Feb-2023", 5),
    "Hồ sơ lớn": ("Sent", "11-Feb-2023", 300),
    "Hồ sơ vừa": ("INBOX", "12-Mar-2024", 100),
    "Hồ sơ mới": ("INBOX", "13-Nov-2026", 50),
    "Hồ sơ bỏ": ("Trash", "14-Jan-2022", 20),
}


def put(lab: Lab, person: Sample, folder: str, day: str, subjects: Sequence[str], kib: int) -> None:
    with lab.imap(person.address, person.password) as client:
        for subject in subjects:
            mail = message(person.address, person.address, subject=subject, text=("x" * 70 + "\n") * (kib * KIB // 71))
            code, told = client.append(folder, r"\Seen", f'"{day} 09:00:00 +0700"', mail.as_bytes())
            assert code == "OK", told


def folder(lab: Lab, person: Sample, name: str) -> set[str]:
    """The subjects that lie in a folder of the mail store."""
    with lab.imap(person.address, person.password) as client:
        if client.select(name, readonly=True)[0] != "OK":
            return set()
        _, found = client.fetch("1:*", "(ENVELOPE)") if client.search(None, "ALL")[1][0] else ("", [])
        text = b" ".join(part if isinstance(part, bytes) else b" ".join(part) for part in found if part)
        return {subject for subject in MAIL if _coded(subject) in text}


def _coded(subject: str) -> bytes:
    """As it stands in an envelope: encoded by the same library."""
    written = message("a@hanam.gov.vn", "a@hanam.gov.vn", subject=subject, text="").as_bytes()
    found = re.search(rb"^Subject: (.*)$", written, re.M)
    assert found
    return found[1]


@pytest.fixture
def full(lab: Lab, person: Sample) -> Sample:
    """Somebody with a mailbox in some disorder."""
    for subject, (place, day, kib) in MAIL.items():
        put(lab, person, place, day, [subject], kib)
    return person


def subjects(webmail: Webmail) -> list[str]:
    webmail.find("#tidy .folders")
    return [each.text for each in webmail.driver.find_elements(By.CSS_SELECTOR, "#tidy .messages .subject")]


def pick(webmail: Webmail, subject: str) -> None:
    """By keyboard, as all here."""
    link = f"//*[@id='tidy']//li[.//a[normalize-space(text())='{subject}']]//input"
    webmail.driver.find_element(By.XPATH, link).send_keys(Keys.SPACE)


def press(webmail: Webmail, act: str) -> str:
    """Press a form's button; returns what the page says of it then."""
    button = webmail.find(f"#tidy form[method=post] button[value={act}]")
    with webmail.leaving():
        button.send_keys(Keys.ENTER)
    return webmail.text("#tidy .told, #tidy h2")


@pytest.mark.dieu8
def test_dieu8_a_mailbox_that_fills_is_told_above_its_pages_by_the_regulations_steps(
    lab: Lab, webmail: Webmail, person: Sample
) -> None:
    put(lab, person, "INBOX", "10-Feb-2023", ["Hồ sơ lớn"], 850)
    webmail.enter(person)
    assert not webmail.driver.find_elements(By.ID, "notice-space")
    for quota, kind in ((1010, "warning"), (880, "urgent"), (800, "urgent")):
        lab.sql(f"update mail.mailbox set quota_bytes = {quota * KIB} where id = '{person.mailbox}'")
        lab.settle()
        webmail.go("_task=mail")
        notice = webmail.find("#notice-space")
        assert kind in notice.get_attribute("class").split()
        assert ("đã đầy" in notice.text) == (quota == 800)
    assert not access.faults(webmail.driver, [], dark=False)
    assert not access.faults(webmail.driver, [], dark=True)
    assert not words.strange(webmail.driver)
    webmail.find("#notice-space a").click()
    webmail.find("#tidy .folders")


def test_the_largest_and_the_oldest_are_found_in_all_folders_and_in_one(webmail: Webmail, full: Sample) -> None:
    webmail.enter(full)
    webmail.go(TIDY)
    assert subjects(webmail) == ["Hồ sơ lớn", "Hồ sơ vừa", "Hồ sơ mới", "Hồ sơ bỏ", "Hồ sơ nhỏ"]
    webmail.go(f"{TIDY}&_view=oldest")
    # What is thrown away already is not among what to throw away.
    assert subjects(webmail) == ["Hồ sơ nhỏ", "Hồ sơ lớn", "Hồ sơ vừa", "Hồ sơ mới"]
    with webmail.leaving():
        webmail.driver.find_element(By.LINK_TEXT, "Thùng rác").click()
    assert subjects(webmail) == ["Hồ sơ bỏ"]
    webmail.go(f"{TIDY}&_folder=INBOX")
    assert subjects(webmail) == ["Hồ sơ vừa", "Hồ sơ mới", "Hồ sơ nhỏ"]
    sizes = webmail.labels("#tidy .folders tbody tr")
    assert any("Đã gửi" in row and re.search(r"\b1\b.*30\d KB", row) for row in sizes), sizes


def test_what_is_picked_goes_to_the_archive_of_its_year_or_to_the_trash_and_from_there_for_good(
    lab: Lab, webmail: Webmail, full: Sample
) -> None:
    """Đ12.4."""
    webmail.enter(full)
    webmail.go(TIDY)
    subjects(webmail)
    pick(webmail, "Hồ sơ lớn")
    pick(webmail, "Hồ sơ vừa")
    assert press(webmail, "archive") == "Đã lưu trữ 2 thư."
    assert folder(lab, full, "Archive/2023") == {"Hồ sơ lớn"}
    assert folder(lab, full, "Archive/2024") == {"Hồ sơ vừa"}
    # Who looks for it in the list of folders finds it there.
    assert {"Archive/2023", "Archive/2024"} <= subscribed(lab, full)
    pick(webmail, "Hồ sơ nhỏ")
    assert press(webmail, "delete") == "Đã xóa 1 thư."
    assert folder(lab, full, "Trash") == {"Hồ sơ nhỏ", "Hồ sơ bỏ"}
    webmail.go(f"{TIDY}&_folder=Trash")
    subjects(webmail)
    pick(webmail, "Hồ sơ bỏ")
    assert press(webmail, "delete") == "Xác nhận"
    assert folder(lab, full, "Trash") == {"Hồ sơ nhỏ", "Hồ sơ bỏ"}
    assert press(webmail, "delete") == "Đã xóa 1 thư."
    assert folder(lab, full, "Trash") == {"Hồ sơ nhỏ"}


def subscribed(lab: Lab, person: Sample) -> set[str]:
    with lab.imap(person.address, person.password) as client:
        return {line.decode().rpartition(" ")[2].strip('"') for line in client.lsub()[1] if isinstance(line, bytes)}


def test_old_mail_of_a_folder_goes_at_once_after_the_page_has_said_how_much_it_is(
    lab: Lab, webmail: Webmail, full: Sample
) -> None:
    """Đ12.4."""
    webmail.enter(full)
    webmail.go(TIDY)
    Select(webmail.find("#tidy-folder")).select_by_visible_text("Hộp thư đến")
    webmail.driver.execute_script("document.getElementById('tidy-before').value = '2026-01-01'")
    webmail.find("#tidy form[method=get] button[value=archive]").send_keys(Keys.ENTER)
    asked = webmail.text("#tidy h2 + p")
    assert re.match(r"Có 2 thư \(10\d KB\) trong Hộp thư đến nhận trước ngày 01/01/2026\.", asked), asked
    assert folder(lab, full, "INBOX") == {"Hồ sơ nhỏ", "Hồ sơ vừa", "Hồ sơ mới"}
    assert press(webmail, "archive") == "Đã lưu trữ 2 thư."
    assert folder(lab, full, "INBOX") == {"Hồ sơ mới"}
    assert folder(lab, full, "Archive/2023") == {"Hồ sơ nhỏ"}
    # The trash is emptied by its own link, once more with the question.
    webmail.driver.find_element(By.LINK_TEXT, "Xóa hết").click()
    webmail.wait.until(lambda _: "Xóa hẳn?" in webmail.text("#tidy h2 + p"), "not asked")
    # What comes there after the question was not asked about.
    put(lab, full, "Trash", "15-Jan-2022", ["Hồ sơ lớn"], 5)
    assert press(webmail, "delete") == "Đã xóa 1 thư."
    assert folder(lab, full, "Trash") == {"Hồ sơ lớn"}


def test_more_than_a_thousand_messages_go_in_steps(lab: Lab, webmail: Webmail, person: Sample) -> None:
    fill(lab, person, 1_050)
    webmail.enter(person)
    webmail.go(f"{TIDY}&_folder=INBOX&_before=2024-01-01&_do=archive")
    assert "1.050 thư" in webmail.text("#tidy h2 + p")
    webmail.find("#tidy .hint")
    assert press(webmail, "archive") == "Đã lưu trữ 1.000 thư."
    assert "Có 50 thư" in webmail.text("#tidy h2 + p")
    assert press(webmail, "archive") == "Đã lưu trữ 50 thư."


def fill(lab: Lab, person: Sample, count: int) -> None:
    """Small messages of 2023 in the inbox, many by one command."""
    mail = message(person.address, person.address, subject="Hồ sơ", text="x\n").as_bytes().replace(b"\n", b"\r\n")
    part = b' (\\Seen) "10-Feb-2023 09:00:00 +0700" {%d+}\r\n%s' % (len(mail), mail)
    with lab.imap(person.address, person.password) as client:
        while count > 0:
            client.sock.sendall(b"many APPEND INBOX" + part * min(count, 500) + b"\r\n")
            while not (line := client.readline()).startswith(b"many "):
                assert line, "the mail store hung up"
            assert line.startswith(b"many OK"), line
            count -= 500


def test_nothing_is_lost_on_a_narrow_screen(screen: Webmail, full: Sample) -> None:
    screen.enter(full)
    for width in (320, 390, 1366):
        resize(screen, width, 700)
        for page in (TIDY, f"{TIDY}&_view=oldest", f"{TIDY}&_folder=INBOX&_before=2026-01-01&_do=delete"):
            screen.go(page)
            screen.find("#tidy h2")
            assert screen.driver.execute_script(LOST) == [], (width, page)


@pytest.mark.provokes(journal.FORGED_REQUESTS)
def test_a_form_of_another_site_moves_nothing(lab: Lab, webmail: Webmail, full: Sample) -> None:
    webmail.enter(full)
    webmail.go(TIDY)
    subjects(webmail)
    webmail.driver.execute_script("document.querySelector('#tidy form [name=_token]').value = 'x'")
    pick(webmail, "Hồ sơ lớn")
    webmail.find("#tidy form[method=post] button[value=delete]").send_keys(Keys.ENTER)
    webmail.wait.until(lambda driver: not driver.find_elements(By.CSS_SELECTOR, "#tidy .messages"))
    assert folder(lab, full, "Sent") == {"Hồ sơ lớn"}
