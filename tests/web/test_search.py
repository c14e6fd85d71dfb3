"""Searching in the webmail: where it looks, what it marks, searches that are kept."""

import dataclasses
import uuid
from email.message import EmailMessage

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.lab import Lab, Sample, message
from tests.web import access
from tests.web.pages import Webmail
from tests.web.test_look import resize
from tests.web.test_open_sessions import signed_in
from tests.web.test_sender import post

pytestmark = [pytest.mark.dieu3, pytest.mark.neighbours]

BODY = "Kính gửi: Sở Tài chính.\nĐề nghị thẩm định hồ sơ đấu giá quyền sử dụng đất.\nNơi nhận: như trên.\n"


def put(lab: Lab, person: Sample, mail: EmailMessage, folder: str = "INBOX") -> str:
    with lab.imap(person.address, person.password) as client:
        assert client.append(folder, "", "", mail.as_bytes())[0] == "OK"
    return str(mail["Subject"])


def letter(sender: Sample, person: Sample, subject: str = "", text: str = BODY) -> EmailMessage:
    mail = message(sender.address, person.address, subject=subject or f"Về việc {uuid.uuid4().hex[:8]}", text=text)
    del mail["From"]
    mail["From"] = f"{sender.name} <{sender.address}>"
    return mail


def marks(webmail: Webmail, place: str) -> list[str]:
    """What is marked there, as it is written."""
    texts = "return [...document.querySelectorAll(arguments[0])].map(each => each.textContent)"
    found: list[str] = webmail.driver.execute_script(texts, f"{place} mark.hanam-hit")
    return found


def saved(webmail: Webmail) -> list[str]:
    # On a narrow screen they are in a place that is put away.
    names = "return [...document.querySelectorAll('#hanam-searches .run')].map(each => each.textContent)"
    found: list[str] = webmail.driver.execute_script(names)
    return found


def keep(webmail: Webmail, name: str) -> None:
    """Save the search that stands in the field."""
    if not webmail.driver.find_element(By.ID, "hanam-search-name").is_displayed():
        webmail.find(".searchbar a.options").click()
    field = webmail.find("#hanam-search-name")
    field.clear()
    field.send_keys(name)
    webmail.find(".hanam-save-search button").click()
    webmail.wait.until(lambda _: name in saved(webmail), f"{name} is not kept")


# --- Where it looks ---


@pytest.mark.parametrize("words", ["tham dinh ho so", "THẨM ĐỊNH", "dau gia quyen su dung dat"])
def test_a_search_looks_in_texts_of_all_folders_and_needs_no_accents(
    webmail: Webmail, lab: Lab, reader: Sample, colleague: Sample, words: str
) -> None:
    subject = put(lab, reader, letter(colleague, reader), "Archive")
    put(lab, reader, letter(colleague, reader, text="Một nội dung khác hẳn.\n"))
    webmail.enter(reader)
    assert webmail.searched(words) == [subject]


def test_who_wrote_and_who_was_written_to_are_found_by_their_names_without_accents(
    webmail: Webmail, lab: Lab, reader: Sample, colleague: Sample
) -> None:
    """The mail store finds these names as they are written alone; the registry knows whose they are."""
    mark = uuid.uuid4().hex[:6]
    named = dataclasses.replace(colleague, name=f"Khuất Đặng Ỷ {mark}")
    lab.sql(f"update mail.mailbox set name = '{named.name}' where id = '{named.mailbox}'")
    got = put(lab, reader, letter(named, reader))
    sent = put(lab, reader, letter(reader, named), "Sent")
    put(lab, reader, letter(reader, reader))
    webmail.enter(reader)
    assert set(webmail.searched(f"khuat dang y {mark}")) == {got, sent}
    assert webmail.searched(f"from: khuat {mark}") == [got]
    assert webmail.searched(f"to: KHUẤT {mark}") == [sent]
    # In whatever else is asked at once.
    webmail.driver.execute_script(
        "rcmail.env.search_filter = 'UNSEEN'; document.querySelector('#s_interval').value = '1W'"
    )
    assert set(webmail.searched(f"khuat {mark}")) == {got, sent}
    webmail.driver.execute_script("rcmail.set_searchmods({text: 1})")
    assert set(webmail.searched(f"dang {mark}")) == {got, sent}


def test_words_of_the_way_that_mail_took_find_nothing(
    webmail: Webmail, lab: Lab, reader: Sample, colleague: Sample
) -> None:
    mail = letter(colleague, reader)
    mail["Received"] = "from vankienthudo.example (vankienthudo.example [192.0.2.7]) by mx.example"
    put(lab, reader, mail)
    webmail.enter(reader)
    assert webmail.searched("vankienthudo") == []


# --- Marks ---


def test_what_was_found_is_marked_in_the_list_and_in_the_message_whatever_its_accents(
    webmail: Webmail, lab: Lab, reader: Sample, colleague: Sample
) -> None:
    mark = uuid.uuid4().hex[:8]
    subject = put(lab, reader, letter(colleague, reader, f"Đấu giá {mark}"))
    put(lab, reader, letter(colleague, reader))
    webmail.enter(reader)
    assert webmail.searched(f"dau gia {mark}") == [subject]
    assert marks(webmail, "#messagelist .subject") == ["Đấu", "giá", mark]
    webmail.find("#messagelist tr.message td.subject").click()
    webmail.driver.switch_to.frame(webmail.find("#messagecontframe"))
    webmail.find("#messagebody mark.hanam-hit")
    assert marks(webmail, "#messagebody") == ["đấu", "giá"]
    assert webmail.text("#messagebody").startswith("Kính gửi: Sở Tài chính.")
    webmail.driver.switch_to.default_content()
    # Without the search nothing is marked.
    webmail.driver.execute_script("rcmail.command('reset-search')")
    webmail.inbox()
    assert marks(webmail, "#messagelist") == []


def test_a_short_syllable_is_marked_where_it_stands_alone(
    webmail: Webmail, lab: Lab, reader: Sample, colleague: Sample
) -> None:
    put(lab, reader, letter(colleague, reader, text="Ý kiến của ông: đề nghị ý yến.\n"))
    webmail.enter(reader)
    assert webmail.searched("ý kiến")
    webmail.find("#messagelist tr.message td.subject").click()
    webmail.driver.switch_to.frame(webmail.find("#messagecontframe"))
    webmail.find("#messagebody mark.hanam-hit")
    assert marks(webmail, "#messagebody") == ["Ý", "kiến", "ý"]
    webmail.driver.switch_to.default_content()


def test_a_hit_in_a_document_is_told(webmail: Webmail, lab: Lab, reader: Sample, colleague: Sample) -> None:
    mail = letter(colleague, reader, text="Xem tệp gửi kèm.\n")
    mail.add_attachment("Biên bản nghiệm thu công trình thủy lợi\n", filename="bien-ban.txt")
    subject = put(lab, reader, mail)
    webmail.enter(reader)
    assert webmail.searched("nghiem thu thuy loi") == [subject]
    webmail.find("#messagelist tr.message td.subject").click()
    webmail.driver.switch_to.frame(webmail.find("#messagecontframe"))
    assert "tệp đính kèm" in webmail.text(".hanam-elsewhere")
    webmail.driver.switch_to.default_content()


def test_words_typed_while_the_list_is_loading_are_looked_for_afterwards(
    webmail: Webmail, lab: Lab, reader: Sample, colleague: Sample
) -> None:
    subject = put(lab, reader, letter(colleague, reader), "Archive")
    webmail.enter(reader)
    found = "#messagelist tr.message td.subject"
    webmail.quiet()
    lock = webmail.driver.execute_script("return rcmail.set_busy(true, 'loading')")
    webmail.find("#mailsearchform").send_keys("tham dinh", Keys.ENTER, Keys.ENTER)
    webmail.driver.execute_script("rcmail.set_busy(false, null, arguments[0])", lock)
    webmail.wait.until(lambda _: webmail.driver.find_elements(By.CSS_SELECTOR, found))
    assert subject in webmail.text(found)
    webmail.go("_task=addressbook&_source=hanam")
    webmail.quiet()
    lock = webmail.driver.execute_script("return rcmail.set_busy(true, 'loading')")
    webmail.find("#searchform").send_keys("khongcoai", Keys.ENTER)
    webmail.driver.execute_script("rcmail.set_busy(false, null, arguments[0])", lock)
    webmail.find("#hanam-nohits")


# --- Searches that are kept ---


def test_a_search_is_kept_under_a_name_run_again_and_deleted(
    webmail: Webmail, lab: Lab, reader: Sample, colleague: Sample
) -> None:
    subject = put(lab, reader, letter(colleague, reader), "Archive")
    webmail.enter(reader)
    assert webmail.searched("tham dinh") == [subject]
    keep(webmail, "Hồ sơ đấu giá")
    hostile = "<img src=x onerror=alert(1)>"
    keep(webmail, hostile)
    # In another session of the same person.
    webmail.driver.delete_all_cookies()
    webmail.enter(reader)
    assert sorted(saved(webmail)) == sorted([hostile, "Hồ sơ đấu giá"])
    webmail.find("#hanam-searches li:last-child .run").click()
    row = webmail.find("#messagelist tr.message td.subject")
    assert subject in row.text
    assert webmail.find("#mailsearchform").get_attribute("value") == "tham dinh"
    for _ in range(2):
        count = len(saved(webmail))
        webmail.find("#hanam-searches .drop").click()
        webmail.wait.until(lambda _, count=count: len(saved(webmail)) == count - 1)  # type: ignore[misc]
    webmail.go("_task=mail")
    webmail.inbox()
    assert saved(webmail) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"q": "x" * 201},
        {"scope": "everywhere"},
        {"mods": "subject,password"},
        {"interval": "1W; x"},
        {"filter": "ALL\r\nA1 LOGOUT"},
        {"name": ""},
        {"q": "", "interval": ""},
    ],
)
def test_what_is_no_search_is_not_kept(lab: Lab, person: Sample, wrong: dict[str, str]) -> None:
    session = signed_in(lab, person)
    right = {"name": "Tên", "q": "thư", "scope": "all", "mods": "subject,body", "interval": "", "filter": "ALL"}
    send = {f"_{field}": value for field, value in ({"folder": "INBOX"} | right | wrong).items()}
    assert "Không lưu được" in post(session, "mail", "plugin.hanam-searches", _remote="1", **send)
    assert '"hanam_searches":[]' in session.browser.ask("/?_task=mail").body


@pytest.mark.parametrize(("width", "height"), [(320, 640), (1366, 768)])
def test_searches_and_marks_are_for_everybody(
    webmail: Webmail, lab: Lab, reader: Sample, colleague: Sample, width: int, height: int
) -> None:
    subject = put(lab, reader, letter(colleague, reader))
    try:
        resize(webmail, width, height)
        webmail.enter(reader)
        webmail.searched("tham dinh")
        keep(webmail, "Hồ sơ")
        assert (
            webmail.driver.execute_script(
                "return document.querySelector('.hanam-save-search button').getBoundingClientRect().right"
            )
            <= width
        )
        assert not access.faults(webmail.driver, [], dark=False)
        assert not access.faults(webmail.driver, [], dark=True)
        webmail.go("_task=mail&_mbox=Sent")
        webmail.inbox()
        if width < 1200:
            webmail.driver.execute_script("UI.show_sidebar()")
        webmail.find("#hanam-searches .run").click()
        assert subject in webmail.text("#messagelist tr.message td.subject")
    finally:
        webmail.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
