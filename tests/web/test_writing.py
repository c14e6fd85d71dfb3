"""What helps who writes in the webmail: signature, texts, recipients, attachments, second thoughts, folders."""

import email
import email.policy
import imaplib
import re
import uuid
from email.message import EmailMessage
from pathlib import Path

import pytest
from selenium.common.exceptions import UnexpectedAlertPresentException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.delegation import Delegation
from tests.lab import Lab, Sample, message
from tests.web.pages import Webmail

pytestmark = pytest.mark.neighbours

OUTSIDE = "an@ngoai.example"
TEXT = "Kính gửi đồng chí,\nĐề nghị báo cáo trước ngày 15/11."


def subject() -> str:
    return f"Về việc báo cáo {uuid.uuid4().hex[:8]}"


def body(webmail: Webmail) -> str:
    text: str = webmail.driver.execute_script("return document.getElementById('composebody').value")
    return text


def signed(webmail: Webmail, signature: str) -> None:
    webmail.wait.until(lambda _: signature in body(webmail), "no such signature")


def who(webmail: Webmail) -> str:
    """What the page says of the recipients, once it says it."""
    return webmail.text("#compose_to .hanam-who")


def drafts(lab: Lab, person: Sample) -> list[EmailMessage]:
    with lab.imap(person.address, person.password) as client:
        client.select("Drafts", readonly=True)
        numbers = client.search(None, "ALL")[1][0].split()
        mails = [client.fetch(number, "(RFC822)")[1][0][1] for number in numbers]
    return [email.message_from_bytes(mail, policy=email.policy.default) for mail in mails]


def count(lab: Lab, person: Sample, folder: str = "INBOX") -> int:
    with lab.imap(person.address, person.password) as client:
        return int(client.select(folder, readonly=True)[1][0])


# --- Signature ---


def test_the_registry_signs_for_who_wrote_no_signature_of_his_own(webmail: Webmail, lab: Lab, person: Sample) -> None:
    webmail.enter(person)
    for post, phone in (("Chuyên viên", ""), ("Trưởng phòng", "(0226) 3850 123 máy lẻ 12")):
        lab.sql(f"update mail.mailbox set post = '{post}', phone = '{phone}' where id = '{person.mailbox}'")
        webmail.compose()
        signed(webmail, f"-- \n{person.name}\n{post}\n")
        # The lab has it switched on (roundcube_signature_phone).
        assert ([phone] if phone else []) == re.findall(r"^Điện thoại: (.*)$", body(webmail), re.M)
    # Stored nowhere: it is what the registry says today, and the form says so.
    webmail.go("_task=settings&_action=identities")
    identity = webmail.driver.execute_script("return Object.keys(rcmail.identity_list.rows)[0]")
    webmail.go(f"_task=settings&_action=edit-identity&_iid={identity}&_framed=1")
    assert webmail.driver.execute_script("return document.getElementById('rcmfd_signature').value") == ""
    assert person.name in webmail.text("fieldset .hint")


def test_a_signature_of_ones_own_stays_as_it_is(webmail: Webmail, person: Sample) -> None:
    webmail.enter(person)
    webmail.go("_task=settings&_action=identities")
    identity = webmail.driver.execute_script("return Object.keys(rcmail.identity_list.rows)[0]")
    webmail.go(f"_task=settings&_action=edit-identity&_iid={identity}&_framed=1")
    webmail.find("#rcmfd_signature").send_keys("Chữ ký của tôi")
    webmail.find("button.submit").click()
    saved = "return document.getElementById('rcmfd_signature').defaultValue === 'Chữ ký của tôi'"
    webmail.wait.until(lambda driver: driver.execute_script(saved), "not saved")
    webmail.compose()
    signed(webmail, "-- \nChữ ký của tôi")
    assert person.name not in body(webmail)


def test_an_agency_s_mail_bears_the_agency_s_name(webmail: Webmail, lab: Lab, delegation: Delegation) -> None:
    lab.sql(f"update mail.agency set name = 'Sở Ký tên' where id = '{delegation.mailbox}'")
    lab.sql(f"update mail.mailbox set name = 'Sở Ký tên' where id = '{delegation.mailbox}'")
    webmail.log_in(delegation.login, delegation.clerk.password)
    webmail.inbox()
    webmail.compose()
    signed(webmail, "-- \nSở Ký tên")


# --- Texts of the office ---


def test_a_cover_letter_is_inserted_from_the_menu_with_the_agency_s_name(webmail: Webmail, person: Sample) -> None:
    webmail.enter(person)
    webmail.compose()
    webmail.find("[data-popup=responses-menu]").click()
    entries = webmail.find("#responses-menu")
    assert all(name in entries.text for name in ("Phiếu gửi", "Gửi văn bản", "Mời họp", "Trả lời"))
    entries.find_element(By.PARTIAL_LINK_TEXT, "Phiếu gửi").click()
    webmail.wait.until(lambda _: "gửi kèm theo thư này các văn bản" in body(webmail), "no text")
    assert "$agency" not in body(webmail)


# --- Recipients ---


def test_people_of_ours_are_named_and_others_marked(webmail: Webmail, person: Sample, colleague: Sample) -> None:
    webmail.enter(person)
    webmail.compose()
    to = webmail.find("#compose_to .recipient-input input")
    to.send_keys(f"{colleague.address}, {OUTSIDE}, an@bo.gov.vn, ", Keys.TAB)
    webmail.wait.until(lambda _: who(webmail).count("\n") >= 2, "not told")
    lines = who(webmail).splitlines()
    assert lines[0] == f"{OUTSIDE}: ngoài cơ quan nhà nước"
    assert "an@bo.gov.vn: cơ quan nhà nước ngoài hệ thống của tỉnh" in lines
    assert any(line.startswith(f"{colleague.address}: {colleague.name}") for line in lines)


def test_a_wrong_address_is_told_before_it_is_sent_and_mended_by_one_click(
    webmail: Webmail, lab: Lab, person: Sample, colleague: Sample
) -> None:
    local, _, domain = colleague.address.partition("@")
    about = subject()
    webmail.enter(person)
    webmail.compose(f"{local}q@{domain}", about, TEXT)
    webmail.find("button.send").click()
    dialog = webmail.find(".ui-dialog")
    assert "Địa chỉ người nhận không đúng" in dialog.text
    assert "không có địa chỉ này" in dialog.text
    # The server would refuse the whole message.
    assert "Vẫn gửi" not in dialog.text
    dialog.find_element(By.XPATH, f".//button[text()='Dùng {colleague.address}']").click()
    webmail.wait.until(lambda _: colleague.name in who(webmail), "not mended")
    assert "Thư đã được gửi thành công" in webmail.send()
    lab.wait_for_message(colleague, about.rsplit(maxsplit=1)[1])


def test_a_locked_person_is_told_and_can_be_written_to_all_the_same(
    webmail: Webmail, lab: Lab, person: Sample, colleague: Sample
) -> None:
    lab.sql(f"select mail.mailbox_lock('{colleague.mailbox}', 'compromised', '')")
    webmail.enter(person)
    webmail.compose(colleague.address, subject(), TEXT)
    webmail.find("button.send").click()
    dialog = webmail.find(".ui-dialog")
    assert "hộp thư đang tạm khóa" in dialog.text
    assert colleague.name not in dialog.text
    dialog.find_element(By.XPATH, ".//button[text()='Vẫn gửi']").click()
    webmail.find("#hanam-undo button.now").click()
    webmail.wait.until(lambda driver: "_action=compose" not in driver.current_url, "not sent")


# --- Attachments ---


def megabytes(octets: int) -> str:
    return f"{octets / 2**20:.1f}".replace(".", ",")


@pytest.mark.dieu8
def test_too_much_is_told_before_it_is_uploaded(webmail: Webmail, lab: Lab, person: Sample, tmp_path: Path) -> None:
    limit: int = lab.variables["regulation_attachment_limit_bytes"]
    first, second = tmp_path / "mot.bin", tmp_path / "hai.bin"
    first.write_bytes(bytes(limit - 2**20))
    second.write_bytes(bytes(2**20 + 1))
    webmail.enter(person)
    webmail.compose()
    webmail.attach(first)
    told = f"{megabytes(limit - 2**20)} MB, tối đa {limit // 2**20} MB cho cả thư"
    webmail.wait.until(lambda _: told in webmail.text("#hanam-attached"))
    webmail.find("#attachment-list li:not(.uploading) a.filename")
    webmail.attach(second)
    # A little too much is not said to be the limit.
    assert f"Các tệp này cộng lại là {megabytes(limit + 104858)} MB" in webmail.text(".ui-dialog")
    assert len(webmail.labels("#attachment-list li .attachment-name")) == 1


@pytest.mark.parametrize(
    ("about", "text", "asked"),
    [
        ("Báo cáo", "Xin gửi kèm báo cáo tháng 11.", True),
        ("Báo cáo", "Đã nhận được.\n> Xin gửi kèm báo cáo tháng 11.\n", False),
        ("Re: V/v gửi kèm báo cáo", "Đã nhận được.", False),
    ],
)
def test_a_forgotten_attachment_is_asked_for_where_the_person_himself_wrote_of_one(
    webmail: Webmail, person: Sample, colleague: Sample, about: str, text: str, asked: bool
) -> None:
    webmail.enter(person)
    webmail.compose(colleague.address, about, text)
    webmail.find("button.send").click()
    if asked:
        assert "Có phải bạn quên đính kèm tệp?" in webmail.text(".ui-dialog")
    else:
        webmail.find("#hanam-undo button.undo").click()


# --- Second thoughts ---


def test_a_message_is_taken_back_within_ten_seconds_and_lies_in_the_drafts(
    webmail: Webmail, lab: Lab, person: Sample, colleague: Sample
) -> None:
    about = subject()
    webmail.enter(person)
    webmail.compose(colleague.address, about, TEXT)
    webmail.find("button.send").click()
    bar = webmail.find("#hanam-undo")
    assert "Thư sẽ gửi sau" in bar.text
    assert "chưa gửi và vẫn còn ở đó" in bar.text
    assert [mail["Subject"] for mail in drafts(lab, person)] == [about]
    # The button has the keyboard.
    webmail.driver.switch_to.active_element.send_keys(Keys.ENTER)
    webmail.wait.until(lambda driver: not driver.find_elements(By.ID, "hanam-undo"))
    # It can be changed and sent as if nothing had been.
    webmail.find("#composebody").send_keys(" Sửa lại.")
    assert "Thư đã được gửi thành công" in webmail.send()
    mail = lab.wait_for_message(colleague, about.rsplit(maxsplit=1)[1])
    text = email.message_from_bytes(mail, policy=email.policy.default).get_body(("plain",))
    assert text is not None
    assert "Sửa lại." in text.get_content()
    assert count(lab, colleague) == 1
    assert drafts(lab, person) == []


def test_a_message_goes_by_itself_when_the_time_is_over(
    webmail: Webmail, lab: Lab, person: Sample, colleague: Sample
) -> None:
    about = subject()
    webmail.enter(person)
    webmail.compose(colleague.address, about, TEXT)
    webmail.driver.execute_script("rcmail.env.hanam_undo_seconds = 2")
    webmail.find("button.send").click()
    webmail.wait.until(lambda driver: "_action=compose" not in driver.current_url, "not sent")
    lab.wait_for_message(colleague, about.rsplit(maxsplit=1)[1])
    assert drafts(lab, person) == []


def test_a_page_that_is_left_meanwhile_sends_nothing_and_loses_nothing(
    webmail: Webmail, lab: Lab, person: Sample, colleague: Sample
) -> None:
    about = subject()
    webmail.enter(person)
    webmail.compose(colleague.address, about, TEXT)
    webmail.find("button.send").click()
    webmail.find("#hanam-undo")
    try:
        webmail.driver.get(f"{webmail.address}tro-giup/")
    except UnexpectedAlertPresentException:
        webmail.driver.switch_to.alert.accept()
    webmail.wait.until(lambda driver: driver.current_url.endswith("/tro-giup/"))
    assert [mail["Subject"] for mail in drafts(lab, person)] == [about]
    assert count(lab, colleague) == 0
    assert count(lab, person, "Sent") == 0


def test_a_message_is_sent_though_a_draft_saves_itself_as_its_recipients_are_looked_at(
    webmail: Webmail, person: Sample, colleague: Sample
) -> None:
    webmail.enter(person)
    webmail.compose(colleague.address, subject(), TEXT)
    # Roundcube takes no command while it saves.
    webmail.driver.execute_script("rcmail.command('send'); rcmail.set_busy(true)")
    webmail.wait.until(lambda driver: driver.execute_script("return jQuery.active === 0"))
    assert not webmail.driver.find_elements(By.ID, "hanam-undo")
    webmail.driver.execute_script("rcmail.set_busy(false)")
    webmail.find("#hanam-undo button.now").click()
    webmail.wait.until(lambda driver: "_action=compose" not in driver.current_url, "not sent")


@pytest.mark.parametrize("busy", ["command('savedraft')", "refresh()"])
def test_a_message_is_sent_once_though_its_button_is_pressed_twice_while_the_page_asks_for_something(
    webmail: Webmail, lab: Lab, person: Sample, colleague: Sample, busy: str
) -> None:
    about = subject()
    webmail.enter(person)
    webmail.compose(colleague.address, about, TEXT)
    webmail.quiet()
    pressed = (
        f"rcmail.{busy}; const busy = rcmail.busy; ['send', 'send'].forEach(each => rcmail.command(each)); return busy"
    )
    assert webmail.driver.execute_script(pressed), "nothing was being asked"
    webmail.find("#hanam-undo button.now").click()
    webmail.wait.until(lambda driver: "_action=compose" not in driver.current_url, "not sent")
    lab.wait_for_message(colleague, about.rsplit(maxsplit=1)[1])
    assert (count(lab, colleague), count(lab, person, "Sent"), drafts(lab, person)) == (1, 1, [])


def test_a_draft_saved_after_a_sending_that_got_no_answer_sends_nothing(
    webmail: Webmail, lab: Lab, person: Sample, colleague: Sample
) -> None:
    webmail.enter(person)
    webmail.compose(colleague.address, subject(), TEXT)
    # As if the network were away.
    webmail.driver.execute_script("rcmail.gui_objects.messageform.submit = () => { window.tried = true; }")
    webmail.find("button.send").click()
    webmail.wait.until(lambda driver: driver.execute_script("return window.tried"))
    webmail.driver.execute_script("delete rcmail.gui_objects.messageform.submit; rcmail.set_busy(false)")
    webmail.driver.execute_script("rcmail.command('savedraft')")
    webmail.wait.until(lambda _: "Thư nháp" in webmail.text("#messagestack .confirmation"), "no draft saved")
    assert not webmail.driver.find_elements(By.ID, "hanam-undo")
    assert count(lab, colleague) == 0


# --- Receipts ---


def test_a_receipt_is_asked_for_given_by_choice_and_read_in_vietnamese(
    webmail: Webmail, lab: Lab, person: Sample, colleague: Sample
) -> None:
    about = subject()
    mail = message(colleague.address, person.address, subject=about, text=TEXT)
    mail["Disposition-Notification-To"] = colleague.address
    with lab.submission(colleague.address, colleague.password) as client:
        client.send_message(mail)
    webmail.enter(person)
    lab.wait_for_message(person, about.rsplit(maxsplit=1)[1])
    webmail.go("_task=mail&_mbox=INBOX&_uid=1&_action=show")
    webmail.wait.until(
        lambda driver: "Gửi xác nhận đã đọc" in driver.find_element(By.TAG_NAME, "body").text, "nobody asked"
    )
    webmail.find(".ui-dialog button.mainaction").click()
    webmail.wait.until(lambda _: "Đã gửi xác nhận đã đọc" in webmail.text("#messagestack"), "no receipt sent")
    receipt = email.message_from_bytes(lab.wait_for_message(colleague, "xác nhận"), policy=email.policy.default)
    assert receipt.get_content_type() == "multipart/report"
    assert receipt["From"].addresses[0].addr_spec == person.address
    said = receipt.get_body(("plain",))
    assert said and "không bảo đảm người nhận đã đọc hoặc hiểu nội dung thư" in " ".join(said.get_content().split())


# --- Folders named as documents are numbered ---


def test_a_folder_bears_the_number_of_a_document(webmail: Webmail, lab: Lab, person: Sample) -> None:
    webmail.enter(person)
    webmail.go("_task=settings&_action=edit-folder&_mbox=&_framed=1")
    assert "Số 12/QĐ-UBND" in webmail.text("form .hint")
    webmail.find("input[name=_name]").send_keys("Số 12/QĐ-UBND")
    webmail.find("button.submit").click()
    with lab.imap(person.address, person.password) as client:
        webmail.wait.until(lambda _: folders(client) == 1, "no folder, or two")


def folders(client: imaplib.IMAP4_SSL) -> int:
    """How many folders have that number in their names, and none of a part of it above them."""
    listed = [row.decode() for row in client.list()[1] if isinstance(row, bytes)]
    return sum("12" in row for row in listed)
