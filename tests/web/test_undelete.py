"""An official brings back what he deleted for good, by folder, day and words (Đ12.4)."""

import uuid
from datetime import date, timedelta

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.lab import Lab, Sample
from tests.web import access
from tests.web.pages import Webmail

pytestmark = pytest.mark.dieu12

PAGE = "_task=settings&_action=plugin.hanam-deleted"
# "Công văn/Năm 2026", in IMAP's letters.
NEST = '"C&APQ-ng v&AQM-n/N&AQM-m 2026"'


@pytest.fixture
def subjects(lab: Lab, reader: Sample) -> dict[str, str]:
    """Deleted letters of an official, by the folder where each was; the nested folder is gone too."""
    mark = uuid.uuid4().hex[:8]
    told = {"INBOX": f"Giấy mời họp {mark}", NEST: f"Công văn đến {mark}", "Trash": f"Thư đã bỏ {mark}"}
    with lab.imap(reader.address, reader.password) as client:
        client.create(NEST)
        for folder, subject in told.items():
            mail = f"From: Trần Văn Bình <binh@hanam.gov.vn>\r\nSubject: {subject}\r\n\r\nx\r\n".encode()
            assert client.append(folder, "", "", mail)[0] == "OK"
            client.select(folder)
            client.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
            client.expunge()
        client.select("INBOX")
        assert client.delete(NEST)[0] == "OK"
    return told


def _rows(webmail: Webmail) -> list[str]:
    return [row.text for row in webmail.driver.find_elements(By.CSS_SELECTOR, ".hanam-rows li")]


def _ask(webmail: Webmail, **fields: str) -> None:
    """Fill in what is looked for, by field, and look."""
    for name, text in fields.items():
        field = webmail.find(f"#deleted-{name}")
        field.clear()
        field.send_keys(text)
    # What is asked may lead to the same address.
    webmail.driver.execute_script("window.hanamBefore = true")
    webmail.find("form.hanam-question button").click()
    webmail.wait.until(lambda driver: driver.execute_script("return !window.hanamBefore"), "the page of before")
    webmail.find(".hanam-list")


@pytest.mark.proof("Khôi phục thư đã xóa hẳn trong trình duyệt / deleted mail is brought back in the browser")
def test_deleted_letters_come_back_to_where_they_were(
    webmail: Webmail, lab: Lab, reader: Sample, subjects: dict[str, str]
) -> None:
    webmail.enter(reader)
    webmail.go(PAGE)
    rows = _rows(webmail)
    assert {subject for subject in subjects.values() if any(subject in row for row in rows)} == set(subjects.values())
    assert any("Trần Văn Bình" in row and "Ở thư mục: Công văn/Năm 2026" in row for row in rows)
    assert all("Xóa lúc" in row for row in rows)
    # By keyboard alone.
    webmail.find("#hanam-all").send_keys(Keys.SPACE)
    webmail.find("#hanam-chosen button[type=submit]").send_keys(Keys.ENTER)
    assert "Đã khôi phục 3 thư" in webmail.notice()
    webmail.find(".hanam-none")
    with lab.imap(reader.address, reader.password) as client:
        # What was in the trash goes where it is seen; the folder that was deleted is there again.
        for folder, wanted in (("INBOX", 2), (NEST, 1), ("Trash", 0)):
            assert int(client.select(folder)[1][0] or b"0") == wanted, folder
        assert "N&AQM-m 2026" in str(client.lsub()[1])


def test_they_are_found_by_words_without_marks_by_folder_and_by_day(
    webmail: Webmail, reader: Sample, subjects: dict[str, str]
) -> None:
    today = date.today()
    webmail.enter(reader)
    webmail.go(PAGE)
    _ask(webmail, words="giay moi hop")
    (row,) = _rows(webmail)
    assert subjects["INBOX"] in row
    _ask(webmail, words="tran van binh")
    assert len(_rows(webmail)) == 3
    _ask(webmail, words="", **{"from": (today + timedelta(days=2)).strftime("%d/%m/%Y")})
    assert _rows(webmail) == []
    assert "Không có thư đã xóa nào như vậy" in webmail.text(".hanam-none")
    yesterday, tomorrow = (today + timedelta(days=n) for n in (-1, 1))
    _ask(webmail, **{"from": yesterday.strftime("%d/%m/%Y"), "until": tomorrow.strftime("%d/%m/%Y")})
    assert len(_rows(webmail)) == 3
    _ask(webmail, until="31/02/2026")
    assert "Ngày chưa đúng" in webmail.text("[role=alert].hanam-none")
    webmail.go(f"{PAGE}&_mbox=Trash")
    (row,) = _rows(webmail)
    assert subjects["Trash"] in row


def test_nobody_reaches_a_folder_that_is_not_below_the_prefix(
    webmail: Webmail, lab: Lab, reader: Sample, subjects: dict[str, str]
) -> None:
    """A crafted post names a folder; the prefix stands before whatever it names."""
    webmail.enter(reader)
    webmail.go(PAGE)
    box = "document.querySelector('.hanam-rows input')"
    webmail.driver.execute_script(f"{box}.value = '1:../INBOX'; {box}.click()")
    webmail.find("#hanam-chosen button[type=submit]").click()
    assert "Đã khôi phục" not in webmail.notice()


def test_a_folder_that_is_called_as_a_tag_is_shown_and_never_run(webmail: Webmail, lab: Lab, reader: Sample) -> None:
    """Roundcube writes a message that is no label into the page as it is."""
    name = f"<img src=x onerror=hanamran=1>{uuid.uuid4().hex[:8]}"
    with lab.imap(reader.address, reader.password) as client:
        client.create(f'"{name}"')
        assert client.append(f'"{name}"', "", "", b"Subject: x\r\n\r\nx\r\n")[0] == "OK"
        client.select(f'"{name}"')
        client.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
        client.expunge()
    webmail.enter(reader)
    webmail.go(PAGE)
    boxes = "Array.from(document.querySelectorAll('.hanam-rows input'))"
    webmail.driver.execute_script(f"{boxes}.find(e => e.value.endsWith(arguments[0])).click()", name)
    webmail.find("#hanam-chosen button[type=submit]").click()
    told = webmail.notice()
    assert "Đã khôi phục 1 thư" in told
    assert name in told
    images = "return document.querySelectorAll('img[src=x]').length + (window.hanamran || 0)"
    assert webmail.driver.execute_script(images) == 0


@pytest.mark.dieu3
@pytest.mark.parametrize("width", [320, 1366])
def test_the_page_fits_and_has_no_fault_for_people_with_disabilities(
    webmail: Webmail, reader: Sample, subjects: dict[str, str], width: int
) -> None:
    webmail.enter(reader)
    webmail.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        webmail.go(PAGE)
        assert len(_rows(webmail)) == 3
        beyond = "return [...document.querySelectorAll('.hanam-list *')].filter(e => e.getBoundingClientRect().right >"
        assert webmail.driver.execute_script(f"{beyond} innerWidth + 1).length") == 0
        for dark in (False, True):
            assert access.faults(webmail.driver, [], dark=dark) == set()
    finally:
        webmail.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
