"""The administration's address book in the webmail, and what is shown of where a message comes from (Đ11.5, Đ4.6)."""

import dataclasses
import email.policy
import json
import re
import uuid
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as expect

from tests.delegation import Delegation
from tests.foreign import AGENCY, AN, Foreign
from tests.lab import Lab, Sample, message
from tests.mail.http_doors import messages
from tests.web.pages import Webmail
from tests.web.test_mail import a_subject, submit
from tests.web.test_open_sessions import Session, signed_in
from tests.web.test_sender import post

pytestmark = [pytest.mark.dieu4, pytest.mark.dieu11, pytest.mark.neighbours]

# Of the registry: an agency with an office, and who is in it.
AGENCY_NAME, CODE = "Ủy ban nhân dân huyện Bình Lục", "bl"
OFFICES = {"ubndbl", "ptp.bl"}
POST = "Phó Trưởng phòng"
OUTSIDE = "Thư từ ngoài cơ quan nhà nước của tỉnh."
LETTERS = str.maketrans("0123456789", "ghijklmnop")
WIDTH = "return document.documentElement.scrollWidth"


@pytest.fixture
def holder(lab: Lab, person: Sample) -> Sample:
    """Somebody with a post."""
    lab.sql(f"update mail.mailbox set post = '{POST}' where id = '{person.mailbox}'")
    return person


@pytest.fixture
def narrow(webmail: Webmail) -> Iterator[Webmail]:
    """A telephone of 320 px."""
    metrics = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": True}
    webmail.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    yield webmail
    webmail.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def completed(session: Session, typed: str) -> list[dict[str, str]]:
    """What the compose page offers for what was typed."""
    answer = session.browser.ask(f"/?_task=mail&_action=autocomplete&_remote=1&_reqid=1&_search={typed}")
    call = re.search(r"ksearch_query_results\((\[.*?\]),\"", json.loads(answer.body)["exec"])
    assert call, answer.body
    found: list[dict[str, str]] = json.loads(call[1])
    return found


def expanded(session: Session, code: str = CODE) -> str:
    """The recipients that a group is replaced by, and what the person is told."""
    where = f"/?_task=mail&_action=group-expand&_remote=1&_source=hanam&_gid={code.encode().hex()}"
    told: str = json.loads(session.browser.ask(where).body)["exec"]
    return told


def agency_session(lab: Lab, delegation: Delegation) -> Session:
    return signed_in(lab, Sample(delegation.login, delegation.clerk.password, delegation.mailbox, delegation.agency))


@pytest.mark.parametrize("typed", ["uy%20ban%20nhan%20dan%20huyen%20binh%20luc", "ubnd%20binh%20luc", "ubndbl"])
def test_an_agency_is_offered_while_one_types_without_accents(lab: Lab, person: Sample, typed: str) -> None:
    found = completed(signed_in(lab, person), typed)
    assert f"<ubndbl@{lab.variables['mail_domain']}>" in found[0]["name"]
    assert {each["source"] for each in found} == {"hanam"}


def test_somebody_is_offered_with_his_post_and_agency(lab: Lab, holder: Sample) -> None:
    session = signed_in(lab, holder)
    found = [each for each in completed(session, holder.address.partition("@")[0]) if holder.address in each["name"]]
    agency = lab.sql(
        f"select g.name from mail.agency g join mail.mailbox m on m.agency_id = g.id where m.id = '{holder.mailbox}'"
    )
    assert [each["display"] for each in found] == [f"{holder.name} ({POST}, {agency}) <{holder.address}>"]


def test_an_agencys_clerk_writes_to_all_offices_of_another_agency_and_a_person_does_not(
    lab: Lab, person: Sample, delegation: Delegation
) -> None:
    clerk, official = agency_session(lab, delegation), signed_in(lab, person)
    typed = "binh%20luc"
    offered = [each["name"] for each in completed(clerk, typed) if each["type"] == "group"]
    assert offered == [f"Gửi tất cả phòng, ban, đơn vị: {AGENCY_NAME} ({len(OFFICES)})"]
    assert not [each for each in completed(official, typed) if each["type"] == "group"]
    domain = lab.variables["mail_domain"]
    told = expanded(clerk)
    assert {f"{office}@{domain}" for office in OFFICES} == set(re.findall(r"<([^>]+)>", told))
    # The page is not asked: a crafted request is refused too, and told why.
    refused = expanded(official)
    assert domain not in refused
    assert "Không được gửi cùng lúc" in messages(refused)


def test_nobody_changes_the_book(lab: Lab, person: Sample) -> None:
    session = signed_in(lab, person)
    form = {"_source": "hanam", "_name": "Chủ tịch", "_email": AN, "_framed": "1"}
    post(session, "addressbook", "save", **form)
    post(session, "addressbook", "delete", _source="hanam", _cid=person.address.encode().hex(), _remote="1")
    post(session, "addressbook", "group-create", _source="hanam", _name="Nhóm", _remote="1")
    found = completed(session, person.address.partition("@")[0])
    assert [person.address in each["name"] for each in found] == [True]
    assert not completed(session, "an%40ngoai")


def test_the_book_lists_agencies_and_shows_who_somebody_is(webmail: Webmail, lab: Lab, holder: Sample) -> None:
    webmail.enter(holder)
    webmail.go("_task=addressbook")
    assert "Danh bạ cơ quan nhà nước của tỉnh" in webmail.text("#directorylist")
    (group,) = [
        each
        for each in webmail.driver.find_elements(By.CSS_SELECTOR, "#directorylist li.contactgroup a")
        if each.get_attribute("textContent") == AGENCY_NAME.replace("Ủy ban nhân dân", "UBND")
    ]
    webmail.quiet()
    webmail.driver.execute_script("arguments[0].click()", group)
    webmail.wait.until(lambda _: "Phòng Tư pháp" in webmail.text("#contacts-table"))
    webmail.ask_for("#searchform", holder.address.partition("@")[0])
    webmail.wait.until(lambda driver: len(driver.find_elements(By.CSS_SELECTOR, "#contacts-table tbody tr")) == 1)
    webmail.find("#contacts-table tbody tr").click()
    webmail.wait.until(expect.frame_to_be_available_and_switch_to_it((By.ID, "contact-frame")))
    webmail.find("a.email")
    shown = webmail.text("body")
    for each in (holder.name, POST, holder.address):
        assert each in shown


def test_mail_from_inside_shows_the_registrys_post_and_agency_of_its_sender(
    webmail: Webmail, lab: Lab, holder: Sample, reader: Sample
) -> None:
    subject = a_subject()
    mail = message(holder.address, reader.address, subject=subject)
    del mail["From"]
    mail["From"] = f"Chủ tịch UBND tỉnh <{holder.address}>"
    submit(lab, holder, mail)
    webmail.enter(reader)
    webmail.read(subject)
    told = webmail.text("#message-objects .hanam-origin.inside")
    assert told.startswith(f"Người gửi theo sổ đăng ký hộp thư: {holder.name}, {POST}, ")
    assert not webmail.driver.find_elements(By.CSS_SELECTOR, ".hanam-origin.outside")
    webmail.driver.switch_to.default_content()
    assert not webmail.driver.find_elements(By.CSS_SELECTOR, "#messagelist .hanam-outside")


def forged(lab: Lab, reader: Sample, colleague: Sample, subject: str) -> bytes:
    """A stranger's letter that says in every way that it is one of ours."""
    mail = message(AN, reader.address, subject=subject)
    del mail["From"]
    mail["From"] = f'"{colleague.name}, Văn phòng UBND tỉnh {lab.variables["mail_domain"]}" <{AN}>'
    return b"X-Hanam-Origin: inside\r\n" + mail.as_bytes(policy=email.policy.SMTPUTF8)


def test_mail_from_outside_is_marked_in_the_list_and_when_it_is_read_whatever_it_says_of_itself(
    narrow: Webmail, lab: Lab, reader: Sample, colleague: Sample
) -> None:
    subject = a_subject()
    # All mailboxes of tests have one name.
    colleague = dataclasses.replace(colleague, name=f"Nguyễn Thử {uuid.uuid4().hex.translate(LETTERS)}")
    lab.sql(f"update mail.mailbox set name = '{colleague.name}' where id = '{colleague.mailbox}'")
    Foreign(lab).send(forged(lab, reader, colleague, subject), AN, reader.address)
    lab.wait_for_message(reader, subject.rsplit(maxsplit=1)[1])
    narrow.enter(reader)
    narrow.wait.until(lambda _: narrow.labels("#messagelist .hanam-outside") == {"Ngoài"})
    assert narrow.driver.execute_script(WIDTH) <= 320
    narrow.go("_task=mail&_mbox=INBOX&_uid=1&_action=show")
    told = narrow.text("#message-objects .hanam-origin.outside")
    assert told.startswith(f"{OUTSIDE} Đã xác thực tên miền ngoai.example của người gửi.")
    # The name that he shows is somebody's whose address is another one.
    assert f"trùng với {colleague.name} (" in told
    assert f"không gửi từ địa chỉ công vụ {colleague.address}." in told
    assert not narrow.driver.find_elements(By.CSS_SELECTOR, ".hanam-origin.inside")
    assert narrow.driver.execute_script(WIDTH) <= 320


def test_mail_of_a_state_agency_elsewhere_is_told_from_strangers(webmail: Webmail, lab: Lab, reader: Sample) -> None:
    subject = a_subject()
    Foreign(lab).send(message(AGENCY, reader.address, subject=subject), AGENCY, reader.address)
    lab.wait_for_message(reader, subject.rsplit(maxsplit=1)[1])
    webmail.enter(reader)
    webmail.read(subject)
    assert "Thư từ cơ quan nhà nước ngoài tỉnh: đã xác thực tên miền bo.gov.vn" in webmail.text(".hanam-origin.state")


def test_a_message_within_another_is_nobodys_whatever_its_head_says(
    webmail: Webmail, lab: Lab, reader: Sample, colleague: Sample
) -> None:
    inner = message(colleague.address, reader.address, subject="Thư bên trong")
    inner["X-Hanam-Origin"] = "inside"
    outer = message(AN, reader.address, subject=a_subject())
    outer.add_attachment(inner)
    assert isinstance(outer, EmailMessage)
    Foreign(lab).send(outer, AN, reader.address)
    lab.wait_for_message(reader, str(outer["Subject"]).rsplit(maxsplit=1)[1])
    webmail.enter(reader)
    webmail.go("_task=mail&_mbox=INBOX&_uid=1.2&_action=show")
    assert "không xác nhận được người gửi" in webmail.text("#message-objects .hanam-origin.attached")
    assert not webmail.driver.find_elements(By.CSS_SELECTOR, ".hanam-origin.inside")


def test_a_message_that_never_came_in_shows_nobody_as_one_of_ours(
    webmail: Webmail, lab: Lab, reader: Sample, colleague: Sample
) -> None:
    """Put there by a program, or older than the mark: who says that he is from outside is believed, no one else."""
    ours, theirs = (message(author, reader.address) for author in (colleague.address, AN))
    with lab.imap(reader.address, reader.password) as client:
        for mail in (ours, theirs):
            assert client.append("INBOX", "", "", mail.as_bytes())[0] == "OK"
    webmail.enter(reader)
    assert len(webmail.driver.find_elements(By.CSS_SELECTOR, "#messagelist .hanam-outside")) == 1
    for number, shown in ((1, 0), (2, 1)):
        webmail.go(f"_task=mail&_mbox=INBOX&_uid={number}&_action=show")
        webmail.find("#messagebody")
        assert len(webmail.driver.find_elements(By.CSS_SELECTOR, ".hanam-origin")) == shown
