"""The page where passwords are changed, from the login to the inbox (Đ8.2), and what a locked person is shown (Đ7)."""

import shlex
from concurrent.futures import ThreadPoolExecutor

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions as expect

from tests import journal
from tests.lab import Lab, Sample
from tests.mail.accounts import State, forget_failures, in_state
from tests.mail.http_doors import Browser
from tests.web.pages import Webmail

pytestmark = [pytest.mark.neighbours, pytest.mark.provokes(journal.REFUSED_SIGN_IN)]

FIRST = "Tam-Thoi-Kq7m-Wz9p@1"
CHOSEN = "Lúa-Chiêm-2026@"


@pytest.fixture
def newcomer(lab: Lab, person: Sample) -> Sample:
    """Somebody with the operator's password."""
    lab.give_password(person.address, FIRST, must_change=True)
    return person


class Page:
    """The page for the change, in the words of the tests."""

    def __init__(self, webmail: Webmail) -> None:
        self.web = webmail

    def shown(self) -> None:
        self.web.wait.until(expect.url_contains("/mat-khau/"), "the browser did not come to the page")
        self.web.find("#new")

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.web.find(f"#{name}").clear()
            self.web.find(f"#{name}").send_keys(value)

    def send(self, old: str, new: str) -> None:
        self.fill(old=old, new=new, repeat=new)
        self.web.find("#send").click()

    def rules(self, state: str) -> set[str]:
        return {item.get_attribute("data-rule") or "" for item in self._items(f"#rules li.{state}")}

    def refusal(self) -> str:
        return self.web.text("#answer")

    def _items(self, selector: str) -> list[WebElement]:
        return self.web.driver.find_elements(By.CSS_SELECTOR, selector)


@pytest.fixture
def page(webmail: Webmail) -> Page:
    return Page(webmail)


@pytest.mark.dieu8
def test_dieu8_2a_the_operators_password_leads_from_the_login_over_the_change_to_the_inbox(
    webmail: Webmail, page: Page, newcomer: Sample
) -> None:
    webmail.log_in(newcomer.address, FIRST)
    page.shown()
    assert "Mật khẩu ban đầu chỉ dùng một lần" in webmail.text(".why")
    assert webmail.find("#login").get_attribute("value") == newcomer.address
    page.send(FIRST, CHOSEN)
    webmail.inbox()
    webmail.driver.delete_all_cookies()
    webmail.log_in(newcomer.address, CHOSEN)
    webmail.inbox()


@pytest.mark.dieu8
def test_dieu8_2b_rules_still_unmet_are_shown_while_typing(webmail: Webmail, page: Page, newcomer: Sample) -> None:
    webmail.driver.get(f"{webmail.address}mat-khau/")
    page.fill(login=newcomer.address, new="nguyendung@135")
    assert page.rules("unmet") == {"uppercase"}  # the regulation's own example has no capital letter
    page.fill(new="Đg@1")
    assert page.rules("unmet") == {"min_length"}
    page.fill(new=CHOSEN)
    assert page.rules("unmet") == set()
    assert {"min_length", "uppercase", "lowercase", "digit", "special"} <= page.rules("met")


@pytest.mark.dieu8
def test_dieu8_2b_the_database_names_each_missing_part_in_vietnamese(
    webmail: Webmail, page: Page, newcomer: Sample
) -> None:
    webmail.driver.get(f"{webmail.address}mat-khau/")
    page.fill(login=newcomer.address)
    page.send(FIRST, "nguyendung")
    refusal = page.refusal()
    for missing in ("1 chữ in hoa", "1 chữ số", "1 ký tự đặc biệt"):
        assert missing in refusal
    assert "chữ thường" not in refusal


def test_a_wrong_present_password_changes_nothing(webmail: Webmail, page: Page, newcomer: Sample) -> None:
    webmail.driver.get(f"{webmail.address}mat-khau/")
    page.fill(login=newcomer.address)
    page.send("Sai@12345", CHOSEN)
    assert "không đúng" in page.refusal()
    page.send(FIRST, CHOSEN)
    webmail.inbox()


@pytest.mark.dieu7
def test_dieu7_a_locked_person_gets_the_reason_and_what_to_do(
    lab: Lab, webmail: Webmail, page: Page, newcomer: Sample
) -> None:
    lab.give_password(newcomer.address, CHOSEN, must_change=False)
    lab.run("accounts", f"hanam-mail-db lock {newcomer.address} --reason forbidden_use --document 1/KT")
    webmail.log_in(newcomer.address, CHOSEN)
    webmail.wait.until(expect.url_contains("/mat-khau/tam-khoa"))
    assert "hoạt động bị cấm" in webmail.text("#reason")
    assert "văn bản đề nghị khôi phục" in webmail.text("main")
    # Only to the right password: a guesser learns nothing.
    webmail.log_in(newcomer.address, CHOSEN + "x")
    assert "Không đăng nhập được" in webmail.notice()


@pytest.mark.dieu8
def test_dieu8_2a_an_expired_password_leads_to_its_change(
    lab: Lab, webmail: Webmail, page: Page, newcomer: Sample
) -> None:
    lab.give_password(newcomer.address, FIRST, must_change=False)
    with in_state(lab, newcomer, State.EXPIRED):
        webmail.log_in(newcomer.address, FIRST)
        page.shown()
        assert "Mật khẩu đã hết hạn" in webmail.text(".why")
        assert "khóa" not in webmail.text("main")
        page.send(FIRST, CHOSEN)
        webmail.inbox()


@pytest.mark.dieu6
def test_dieu6_2c_who_was_revoked_is_told_so(lab: Lab, webmail: Webmail, page: Page, newcomer: Sample) -> None:
    lab.give_password(newcomer.address, CHOSEN, must_change=False)
    with in_state(lab, newcomer, State.REVOKED):
        webmail.log_in(newcomer.address, CHOSEN)
        webmail.wait.until(expect.url_contains("/mat-khau/thu-hoi"))
        assert "đã được thu hồi" in webmail.text("main")
        # The page itself leads there as well.
        webmail.driver.get(f"{webmail.address}mat-khau/")
        page.fill(login=newcomer.address)
        page.send(CHOSEN, FIRST)
        webmail.wait.until(expect.url_contains("/mat-khau/thu-hoi"))


@pytest.mark.dieu4
def test_dieu4_6_who_guessed_too_often_is_told_to_wait(
    lab: Lab, webmail: Webmail, page: Page, newcomer: Sample
) -> None:
    lab.give_password(newcomer.address, CHOSEN, must_change=False)
    webmail.log_in(newcomer.address, CHOSEN)  # from an address that is known then
    webmail.inbox()
    with in_state(lab, newcomer, State.THROTTLED):
        webmail.driver.delete_all_cookies()
        webmail.log_in(newcomer.address, CHOSEN)
        assert "nhập sai quá nhiều lần" in webmail.notice()
        webmail.driver.get(f"{webmail.address}mat-khau/")
        page.fill(login=newcomer.address)
        page.send(CHOSEN, FIRST)
        assert "quá nhiều lần" in page.refusal()


@pytest.mark.provokes(journal.WEBMAIL_AWAY)
def test_a_webmail_that_does_not_answer_does_not_deny_the_change(
    lab: Lab, webmail: Webmail, page: Page, newcomer: Sample
) -> None:
    webmail.driver.get(f"{webmail.address}mat-khau/")
    page.fill(login=newcomer.address)
    with lab.stopped("webmail", "php8.4-fpm"):
        page.send(FIRST, CHOSEN)
        assert "Đã đổi mật khẩu" in page.refusal()
        assert "Chưa đổi" not in webmail.text("main")
        assert not webmail.driver.find_element(By.TAG_NAME, "form").is_displayed()
    webmail.log_in(newcomer.address, CHOSEN)
    webmail.inbox()


def test_a_change_without_an_answer_is_not_called_none(webmail: Webmail, page: Page, newcomer: Sample) -> None:
    """The line broke: nobody knows whether the database had heard."""
    webmail.driver.get(f"{webmail.address}mat-khau/")
    page.fill(login=newcomer.address)
    webmail.driver.set_network_conditions(offline=True, latency=0, throughput=0)
    try:
        page.send(FIRST, CHOSEN)
        assert "không rõ mật khẩu đã đổi hay chưa" in page.refusal()
    finally:
        webmail.driver.delete_network_conditions()
    page.send(FIRST, CHOSEN)
    webmail.inbox()


@pytest.mark.dieu8
def test_two_hundred_people_behind_one_address_are_shown_the_page(lab: Lab) -> None:
    """On the day on which passwords expire: the form, its script and its style for each of them, at once."""

    def visit(_number: int) -> set[int]:
        browser = Browser(lab)
        return {browser.ask(path).status for path in ("/mat-khau/", "/mat-khau/tinh/form.js", "/giao-dien/look.css")}

    with ThreadPoolExecutor(20) as pool:
        assert set().union(*pool.map(visit, range(200))) == {200}


# Many at once from one address that is none of the province's own: the host's loopback. Prints what they were told.
_FLOOD = """
import collections, concurrent.futures, http.client, socket, ssl, sys
context = ssl._create_unverified_context()

def send(number):
    connection = http.client.HTTPSConnection(sys.argv[1], context=context, timeout=60)
    connection.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", 443)), server_hostname=sys.argv[1])
    head = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    connection.request("POST", "/mat-khau/", f"dang-nhap=khong.co.{number}", head)
    return connection.getresponse().status

with concurrent.futures.ThreadPoolExecutor(150) as pool:
    print(*collections.Counter(pool.map(send, range(150))))
"""


def test_a_flood_of_changes_from_one_address_is_slowed_down(lab: Lab) -> None:
    """Each costs a hash, unless the database does not hear the address any more."""
    name = f"mail.{lab.variables['mail_domain']}"
    try:
        told = lab.run("webmail", f"python3 - {name} <<'PROGRAM'\n{_FLOOD}PROGRAM").split()
        assert "429" in told
    finally:
        forget_failures(lab)


def test_the_form_works_without_scripts(lab: Lab, newcomer: Sample) -> None:
    name = f"mail.{lab.variables['mail_domain']}"
    form = f"dang-nhap={newcomer.address}&cu={FIRST}&moi={CHOSEN}&nhac-lai={CHOSEN}".replace("@", "%40")
    # Python stands for a browser without scripts: the host has no curl.
    program = (
        "import ssl,urllib.request as r,sys;"
        f"q=r.Request('https://{name}/mat-khau/',data=sys.stdin.buffer.read());"
        "print(r.urlopen(q,context=ssl._create_unverified_context()).read().decode())"
    )
    page = lab.run("webmail", f"printf %s {shlex.quote(form)} | python3 -c {shlex.quote(program)}")
    assert 'id="changed"' in page


def test_the_login_page_and_the_webmail_lead_to_the_change(webmail: Webmail, reader: Sample) -> None:
    webmail.open()
    assert webmail.find("#login-footer a[href='./mat-khau/']").text == "Đổi mật khẩu"
    webmail.enter(reader)
    assert webmail.find("#taskmenu a.hanam-password").get_attribute("href") == f"{webmail.address}mat-khau/"
