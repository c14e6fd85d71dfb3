"""Reading and writing mail in the browser."""

import email
import email.policy
import uuid
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.lab import Lab, Sample, message
from tests.web.pages import Webmail

pytestmark = pytest.mark.neighbours

TEXT = "Kính gửi đồng chí,\n\nĐề nghị báo cáo trước ngày 15/11. Trân trọng!\n"

LARGE = 90.0
"""Seconds that the largest message may take until the webmail says that it went."""


def a_subject() -> str:
    return f"Về việc triển khai Quy chế {uuid.uuid4().hex[:8]}"


def submit(lab: Lab, sender: Sample, mail: EmailMessage) -> None:
    with lab.submission(sender.address, sender.password) as client:
        client.send_message(mail)


@pytest.mark.dieu3
@pytest.mark.proof("Đăng nhập trình duyệt và đọc thư / a browser logs in and reads a mail")
def test_mail_sent_by_another_program_is_read_in_the_browser(
    webmail: Webmail, lab: Lab, reader: Sample, colleague: Sample
) -> None:
    subject = a_subject()
    submit(lab, colleague, message(colleague.address, reader.address, subject=subject, text=TEXT))
    webmail.enter(reader)
    shown = webmail.read(subject)
    assert "Đề nghị báo cáo trước ngày 15/11. Trân trọng!" in shown


@pytest.mark.dieu3
def test_mail_written_in_the_browser_arrives_with_its_vietnamese_intact(
    webmail: Webmail, lab: Lab, reader: Sample, colleague: Sample, tmp_path: Path
) -> None:
    subject, mark = a_subject(), uuid.uuid4().hex[:12]
    paper = tmp_path / f"Công văn số 12-STTTT {mark}.txt"
    paper.write_text("Nội dung công văn\n")
    webmail.enter(reader)
    webmail.compose(colleague.address, subject, TEXT)
    webmail.attach(paper)
    webmail.find("#attachment-list li.txt, #attachment-list li.text")
    assert "Thư đã được gửi thành công" in webmail.send()

    raw = lab.wait_for_message(colleague, subject.rsplit(maxsplit=1)[1])
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert mail["Subject"] == subject
    assert mail["From"].addresses[0].addr_spec == reader.address
    assert mail["From"].addresses[0].display_name == reader.name
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content_charset() == "utf-8"
    assert "Đề nghị báo cáo trước ngày 15/11. Trân trọng!" in body.get_content()
    assert [part.get_filename() for part in mail.iter_attachments()] == [paper.name]
    lab.wait_for_message(reader, subject.rsplit(maxsplit=1)[1], folder="Sent")


def test_a_message_on_its_way_is_not_called_a_connection_error(webmail: Webmail, reader: Sample) -> None:
    """The frame that awaits the server's answer says that it is loaded while it is empty; seen once, under load."""
    webmail.enter(reader)
    webmail.compose()
    still_waiting, told = webmail.driver.execute_script(
        "rcmail.get_save_target('sending'); const frame = document.querySelector('iframe[name=savetarget]');"
        "frame.dispatchEvent(new Event('load'));"
        "return [document.contains(frame), document.getElementById('messagestack').textContent]"
    )
    assert (still_waiting, told) == (True, "")


@pytest.mark.dieu3
def test_compose_page_is_in_vietnamese(webmail: Webmail, reader: Sample) -> None:
    webmail.enter(reader)
    webmail.compose()
    assert webmail.text("button.send") == "Gửi"
    assert webmail.labels("#compose-headers label") >= {"Gửi từ", "Người nhận", "Tiêu đề"}
    assert webmail.labels(".toolbar a, .toolbar button") >= {"Lưu", "Đính kèm", "Chữ ký"}


def test_pictures_on_other_servers_are_not_fetched_unasked(
    webmail: Webmail, lab: Lab, reader: Sample, colleague: Sample
) -> None:
    subject = a_subject()
    mail = message(colleague.address, reader.address, subject=subject, text=TEXT)
    mail.add_alternative("<p>Xem ảnh: <img src='https://theo-doi.ngoai.example/a.png'></p>", subtype="html")
    submit(lab, colleague, mail)
    webmail.enter(reader)
    webmail.read(subject)
    assert "nội dung nằm ở máy chủ khác đã bị chặn" in webmail.text("#remote-objects-message")
    assert "theo-doi.ngoai.example" not in webmail.driver.execute_script(
        "return [...document.querySelectorAll('#messagebody img')].map(image => image.src).join()"
    )


# The scanner has its seconds for the largest message, of a machine that does nothing else.
@pytest.mark.bound
@pytest.mark.dieu8
def test_attachments_of_20_mb_arrive_and_one_octet_more_is_refused_in_vietnamese(
    webmail: Webmail, lab: Lab, reader: Sample, colleague: Sample, tmp_path: Path
) -> None:
    limit: int = lab.variables["regulation_attachment_limit_bytes"]
    half, rest, more = tmp_path / "nua.bin", tmp_path / "con-lai.bin", tmp_path / "them.bin"
    half.write_bytes(bytes(limit // 2))
    rest.write_bytes(bytes(limit - limit // 2))
    more.write_bytes(b"x")
    subject = a_subject()
    webmail.enter(reader)
    webmail.compose(colleague.address, subject, TEXT)
    webmail.attach(half)
    webmail.find("#attachment-list li:not(.uploading) a.filename")
    webmail.attach(rest)
    webmail.wait.until(lambda _: len(webmail.labels("#attachment-list li:not(.uploading) .attachment-name")) == 2)
    webmail.attach(more)
    refusal = "tổng dung lượng các tệp đính kèm của một thư không được quá 20 MB"
    webmail.wait.until(lambda _: refusal in webmail.text(".ui-dialog"), "no refusal shown")
    assert len(webmail.labels("#attachment-list li .attachment-name")) == 2
    webmail.find(".ui-dialog-buttonset button").click()
    assert "Thư đã được gửi thành công" in webmail.send(LARGE)
    raw = lab.wait_for_message(colleague, subject.rsplit(maxsplit=1)[1])
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    sizes = {part.get_filename(): len(part.get_content()) for part in mail.iter_attachments()}
    assert sizes == {half.name: limit // 2, rest.name: limit - limit // 2}


@pytest.mark.dieu4
def test_filters_can_be_opened_and_offer_to_lead_mail_on_but_no_notices(webmail: Webmail, reader: Sample) -> None:
    webmail.enter(reader)
    webmail.go("_task=settings&_action=plugin.managesieve-action&_framed=1&_nav=hide")
    actions = webmail.driver.execute_script(
        "return [...document.querySelectorAll('select[name^=_action_type] option')].map(each => each.value)"
    )
    assert {"fileinto", "redirect", "redirect_copy"} <= set(actions)
    assert "notify" not in actions


@pytest.mark.dieu3
def test_a_search_looks_through_all_folders_and_needs_no_accents(
    webmail: Webmail, lab: Lab, reader: Sample, colleague: Sample
) -> None:
    mark = uuid.uuid4().hex[:8]
    mail = message(colleague.address, reader.address, subject=f"Về việc đấu giá {mark}", text=TEXT)
    with lab.imap(reader.address, reader.password) as client:
        assert client.append("Archive", "", "", mail.as_bytes())[0] == "OK"
    webmail.enter(reader)
    assert webmail.searched(f"dau gia {mark}") == [mail["Subject"]]
    # Roundcube goes back to one folder with each that is opened.
    webmail.driver.execute_script("rcmail.command('list', 'Sent')")
    webmail.inbox()
    assert webmail.searched(f"ĐẤU GIÁ {mark}") == [mail["Subject"]]


def test_a_folder_for_the_archive_may_have_any_name(webmail: Webmail, reader: Sample) -> None:
    webmail.enter(reader)
    told = (
        "rcmail.env.archive_folder = arguments[0]; rcmail.set_pagetitle(`Thư :: ${arguments[0]}`);"
        " return document.title"
    )
    for name in ("C++", "2024 (cu", "Archive"):
        assert webmail.driver.execute_script(told, name) == "Thư :: Lưu trữ"
