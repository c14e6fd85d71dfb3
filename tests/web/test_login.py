"""Logging in to the webmail with a browser (Đ3.2: https://mail.hanam.gov.vn, trusted TLS)."""

import pytest

from tests import journal
from tests.delegation import Delegation
from tests.lab import Lab, Sample
from tests.web.pages import Webmail

pytestmark = [pytest.mark.dieu3, pytest.mark.neighbours]


def query(lab: Lab, statement: str) -> str:
    """Ask the webmail's own database."""
    return lab.run("accounts", f'runuser -u postgres -- psql -At webmail -c "{statement}"')


def test_login_page_is_in_vietnamese_whatever_the_browser_speaks(webmail: Webmail) -> None:
    webmail.open()
    assert webmail.driver.execute_script("return navigator.language") == "en-US"
    assert "Thư điện tử công vụ tỉnh Hà Nam" in webmail.driver.title
    assert webmail.find("#rcmloginuser").get_attribute("placeholder") == "Địa chỉ thư"
    assert webmail.find("#rcmloginpwd").get_attribute("placeholder") == "Mật khẩu"
    assert webmail.text("#rcmloginsubmit").casefold() == "đăng nhập"


@pytest.mark.dieu10
def test_login_page_says_whom_to_ask_for_help(webmail: Webmail, lab: Lab) -> None:
    webmail.open()
    footer = webmail.text("#login-footer")
    assert "Hỗ trợ" in footer
    assert lab.variables["support_name"] in footer
    assert lab.variables["support_phone"] in footer
    assert f"hotro@{lab.variables['mail_domain']}" in footer


def test_a_person_logs_in_by_address_and_sees_the_inbox_in_vietnamese(webmail: Webmail, reader: Sample) -> None:
    """Đ3.2: by a name in gov.vn and over TLS that the browser trusts; it takes no other certificate."""
    webmail.enter(reader)
    # A folder with unread mail shows how many on a line of its own.
    assert {label.partition("\n")[0] for label in webmail.labels("#mailboxlist a")} == {
        "Hộp thư đến", "Thư nháp", "Đã gửi", "Thư rác", "Thùng rác", "Lưu trữ"
    }  # fmt: skip
    assert webmail.labels("#taskmenu a, #taskmenu button") >= {
        "Soạn thư", "Thư", "Danh bạ", "Cài đặt", "Nền tối", "Giới thiệu", "Thoát"
    }  # fmt: skip
    assert webmail.find("#mailsearchform").get_attribute("placeholder") == "Tìm kiếm..."


@pytest.mark.parametrize("form", ["{local}", "{LOCAL}@{domain}"])
def test_login_works_without_domain_and_in_capitals(webmail: Webmail, reader: Sample, form: str) -> None:
    local, domain = reader.address.split("@")
    webmail.log_in(form.format(local=local, LOCAL=local.upper(), domain=domain), reader.password)
    webmail.inbox()


@pytest.mark.dieu9
def test_dieu9_2_a_clerk_opens_the_agencys_mailbox_and_writes_as_the_agency(
    webmail: Webmail, lab: Lab, delegation: Delegation
) -> None:
    webmail.log_in(delegation.login, delegation.clerk.password)
    webmail.inbox()
    assert delegation.agency in webmail.text("#layout-sidebar .header-title.username")
    webmail.driver.get(f"{webmail.address}?_task=mail&_action=compose")
    assert delegation.agency in webmail.text("#_from option")
    # Not the mailbox itself, which may have a password, and so settings, of its own.
    users = query(lab, f"select username from users where username like '{delegation.mailbox}*%'")
    assert users == f"{delegation.mailbox}*{delegation.clerk.mailbox}\n"


@pytest.mark.provokes(journal.REFUSED_SIGN_IN)
def test_wrong_password_is_refused_in_vietnamese(webmail: Webmail, colleague: Sample) -> None:
    webmail.log_in(colleague.address, colleague.password + "x")
    assert webmail.notice().startswith("Không đăng nhập được: địa chỉ thư hoặc mật khẩu không đúng")
    webmail.find("#rcmloginuser")


def test_a_person_is_the_mailbox_id_to_roundcube_with_the_registered_name(
    webmail: Webmail, reader: Sample, lab: Lab
) -> None:
    webmail.enter(reader)
    rows = query(lab, "select username, mail_host, name, email from users join identities using (user_id)").splitlines()
    assert f"{reader.mailbox}|imap.{lab.variables['mail_domain']}|{reader.name}|{reader.address}" in rows


def test_the_password_lies_in_the_session_table_encrypted_only(webmail: Webmail, reader: Sample, lab: Lab) -> None:
    webmail.enter(reader)
    sessions = query(lab, "select encode(decode(vars, 'base64'), 'escape') from session")
    assert f'"{reader.mailbox}"' in sessions
    assert reader.password not in sessions
