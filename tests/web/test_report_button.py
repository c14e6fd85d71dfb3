"""The button "Báo cáo": what a person reports arrives where it should, once, whatever he writes (Đ10.6, Đ12.8)."""

import email
import email.policy
import shlex
import uuid
from collections.abc import Callable, Iterator
from email.message import EmailMessage

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from tests.containers import EICAR
from tests.delegation import Delegation
from tests.lab import Lab, Sample, message, wait_for
from tests.web import tour
from tests.web.pages import Webmail
from tests.web.test_look import LOST, resize, screen

pytestmark = [pytest.mark.dieu10, pytest.mark.dieu12, pytest.mark.neighbours]

__all__ = ["screen"]

BUTTON = "a.button.hanam-report"
FORM = ".ui-dialog .hanam-report-form"
SEEN = """
const frame = document.getElementById('messagecontframe').contentWindow;
return !rcmail.busy && jQuery.active === 0 && frame.document.readyState === 'complete' && !!frame.rcmail
  && frame.rcmail.env.action === 'preview';
"""
ANSWER = "#messagestack .confirmation, #messagestack .error"
# Reports of others, as many as may be on their way at once and more.
TURNS = """
import fcntl, signal
held = [open(f"/var/lib/roundcube/temp/report-{number}.lock", "a") for number in range(1, 100)]
for file in held:
    fcntl.flock(file, fcntl.LOCK_EX)
print("taken", flush=True)
signal.pause()
"""
HOSTILE = "<img src=x onerror=document.title='hong'> \"'><script>document.title='hong'</script>"


@pytest.fixture
def clerk(lab: Lab, delegation: Delegation) -> Iterator[Sample]:
    """Somebody whose agency has a mailbox; what he has taught the filter it forgets, since other tests teach it too."""
    person = delegation.clerk
    yield person
    with lab.imap(person.address, person.password) as client:
        client.select("Junk")
        if client.search(None, "ALL")[1][0]:
            assert client._simple_command("MOVE", "1:*", "INBOX")[0] == "OK"  # type: ignore[attr-defined]


def put(
    lab: Lab, person: Sample, *, text: str = "", subject: str = "", program: bytes = b"", folder: str = "INBOX"
) -> EmailMessage:
    """A message in the person's inbox, or a folder of his, as a stranger wrote it."""
    words = text or " ".join(f"tu{uuid.uuid4().hex[:8]}" for _ in range(40))
    mail = message(
        f"Vay nhanh <vay@{uuid.uuid4().hex[:8]}.example>", person.address, text=f"{words}\n", subject=subject or None
    )
    if program:
        mail.add_attachment(program, maintype="application", subtype="octet-stream", filename="a.bin")
    with lab.imap(person.address, person.password) as client:
        if folder != "INBOX":
            assert client.create(folder)[0] == "OK"
        assert client.append(folder, "", "", mail.as_bytes(policy=email.policy.SMTP))[0] == "OK"
    return mail


def choose(webmail: Webmail) -> None:
    """Select the first message of the list and see it; while it comes the webmail takes no other click."""
    webmail.find(tour.LIST)
    webmail.driver.execute_script("rcmail.message_list.select(rcmail.message_list.get_first_row())")
    webmail.wait.until(lambda driver: driver.execute_script(SEEN), "no message shown beside the list")


def fill_in(webmail: Webmail, kind: str, words: str = "") -> None:
    webmail.find(BUTTON).click()
    webmail.find(FORM)
    Select(webmail.find("#report-kind")).select_by_value(kind)
    webmail.find("#report-words").send_keys(words)


def hand_in(webmail: Webmail) -> str:
    """Press the dialog's button; what the webmail says then."""
    webmail.find(".ui-dialog-buttonset button.mainaction").click()
    return webmail.text(ANSWER)


def row(lab: Lab, person: Sample, columns: str) -> list[str]:
    return lab.sql(
        f"select {columns} from mail.user_report where reporter_id = '{person.mailbox}' order by number"
    ).splitlines()


def comes_to_be(lab: Lab, person: Sample, columns: str, wanted: list[str]) -> None:
    """The message goes on after its person has his answer."""
    wait_for(lambda: row(lab, person, columns) == wanted, f"{wanted}")


def operators_mailbox(lab: Lab) -> str:
    return lab.sql(f"select mail.resolve('stttt@{lab.variables['mail_domain']}')")


def letters(lab: Lab, mailbox: str, subject: str) -> list[EmailMessage]:
    """The letters of that subject in a mailbox, as the mail store has them."""
    found = []
    for line in lab.run("mailstore", f"doveadm search -u {mailbox} header Subject '{subject}'").splitlines():
        guid, uid = line.split()
        text = lab.run("mailstore", f"doveadm fetch -u {mailbox} text mailbox-guid {guid} uid {uid}")
        parsed = email.message_from_string(text.removeprefix("text:\n"), policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        found.append(parsed)
    return found


def subjects(lab: Lab, person: Sample, folder: str) -> str:
    return lab.run("mailstore", f"doveadm fetch -u {person.mailbox} hdr.subject mailbox {folder} all", check=False)


@pytest.fixture
def learnt(lab: Lab, first_lessons_over: None) -> Callable[[], int]:
    """How many messages the filter has learnt as spam."""
    command = "redis-cli -s /run/redis/redis-server.sock HGET RS learns_spam"
    password = lab.variables["vault_redis_password"]
    return lambda: int(lab.run("filter", f"REDISCLI_AUTH='{password}' {command}").strip() or 0)


@pytest.mark.proof("Nút Báo cáo: thư đến nơi, bộ lọc học / a report reaches operator and agency")
def test_dieu_12_8_reported_spam_goes_to_junk_teaches_the_filter_and_reaches_operator_and_agency(
    webmail: Webmail, lab: Lab, delegation: Delegation, clerk: Sample, learnt: Callable[[], int]
) -> None:
    mail, before = put(lab, clerk), learnt()
    webmail.enter(clerk)
    choose(webmail)
    fill_in(webmail, "spam", HOSTILE)
    told = hand_in(webmail)
    (number,) = row(lab, clerk, "number")
    assert f"Đã nhận báo cáo số {number}." in told
    facts = "kind, attached, fault, folder, message_id, state"
    comes_to_be(lab, clerk, facts, [f"spam|sent||Hộp thư đến|{mail['Message-ID']}|new"])
    assert row(lab, clerk, "words") == [HOSTILE]
    assert mail["Subject"] in subjects(lab, clerk, "Junk")
    webmail.wait.until(lambda driver: not driver.find_elements(By.CSS_SELECTOR, tour.LIST), "it is still in the list")
    wait_for(lambda: learnt() > before, "the filter's lesson")
    title = f"Báo cáo số {number}: thư kèm theo"
    for mailbox in (operators_mailbox(lab), delegation.mailbox):
        (letter,) = wait_for(lambda mailbox=mailbox: letters(lab, mailbox, title), f"the letter in {mailbox}")  # type: ignore[misc]
        (attached,) = letter.iter_attachments()
        assert attached.get_content_type() == "message/rfc822"
        within = attached.get_content()
        assert within["Message-ID"] == mail["Message-ID"]
        assert within.get_content().split() == mail.get_content().split()
    lab.send_notices()
    for mailbox in (operators_mailbox(lab), delegation.mailbox, clerk.mailbox):
        notice = wait_for(
            lambda mailbox=mailbox: letters(lab, mailbox, f"Báo cáo số {number} của"),  # type: ignore[misc]
            f"the notice in {mailbox}",
        )
        assert len(notice) == 1
        assert "gửi kèm trong một thư riêng" in notice[0].get_content()
    assert webmail.driver.title != "hong"


def test_a_double_click_is_one_report(webmail: Webmail, lab: Lab, clerk: Sample) -> None:
    put(lab, clerk)
    webmail.enter(clerk)
    choose(webmail)
    fill_in(webmail, "unlawful")
    webmail.driver.execute_script(
        "const post = rcmail.http_post; rcmail.http_post = function (...words) {"
        " post.apply(this, words); return post.apply(this, words); };"
    )
    assert "áo cáo" in hand_in(webmail)
    webmail.wait.until(lambda driver: driver.execute_script("return jQuery.active === 0"))
    comes_to_be(lab, clerk, "kind, attached", ["unlawful|sent"])


def test_a_scan_that_takes_its_time_keeps_nobody_waiting_and_its_end_is_told_as_it_was(
    webmail: Webmail, lab: Lab, clerk: Sample
) -> None:
    """After ten seconds the webmail gave up, and said that nobody had answered, whatever came of the message."""
    put(lab, clerk)
    webmail.enter(clerk)
    choose(webmail)
    fill_in(webmail, "unlawful")
    lab.run("filter", "systemctl kill --signal=STOP clamav-daemon.service")
    try:
        assert "Đã nhận báo cáo" in hand_in(webmail)
        assert row(lab, clerk, "attached") == ["due"]
        # The filter's own time is over after twelve seconds in a lab.
        comes_to_be(lab, clerk, "attached, fault", ["refused|máy chủ thư tạm thời không nhận, mã 451"])
    finally:
        lab.run("filter", "systemctl kill --signal=CONT clamav-daemon.service")


def test_reports_that_are_on_their_way_leave_processes_to_those_who_read(
    webmail: Webmail, lab: Lab, clerk: Sample
) -> None:
    """Each held one until the filter had answered: as many as PHP has, and nobody could sign in."""
    put(lab, clerk)
    webmail.enter(clerk)
    choose(webmail)
    fill_in(webmail, "unlawful")
    lab.run("webmail", f"systemd-run --quiet --uid=www-data --unit=hanam-test-turns python3 -c {shlex.quote(TURNS)}")
    try:
        wait_for(lambda: "taken" in lab.run("webmail", "journalctl -o cat -u hanam-test-turns"), "all turns")
        assert "Đã nhận báo cáo" in hand_in(webmail)
        comes_to_be(lab, clerk, "attached, fault", ["refused|có quá nhiều thư báo cáo cần chuyển cùng lúc"])
    finally:
        lab.run("webmail", "systemctl stop hanam-test-turns; rm /var/lib/roundcube/temp/report-*.lock")


def test_a_virus_is_not_sent_on_and_does_not_count_as_sent_by_whoever_reports_it(
    webmail: Webmail, lab: Lab, clerk: Sample
) -> None:
    for _ in range(2):
        put(lab, clerk, program=EICAR)
    webmail.enter(clerk)
    choose(webmail)
    fill_in(webmail, "virus")
    assert "Đã nhận báo cáo" in hand_in(webmail)
    webmail.go(tour.MAIL)
    choose(webmail)
    fill_in(webmail, "spam")
    assert "Đã nhận báo cáo" in hand_in(webmail)
    comes_to_be(lab, clerk, "kind, attached", ["virus|kept", "spam|refused"])
    assert "Thư có virus" in row(lab, clerk, "kind, fault")[1]
    assert lab.sql(f"select count(*) from mail.sending where mailbox_id = '{clerk.mailbox}'") == "0"
    (number, *_) = row(lab, clerk, "number")
    lab.send_notices()
    (notice,) = wait_for(
        lambda: letters(lab, operators_mailbox(lab), f"Báo cáo số {number} của"), "the operator's notice"
    )
    assert "không được gửi kèm, để mã độc không đi tiếp" in notice.get_content()
    assert clerk.address in notice.get_content()


def test_a_fault_is_reported_without_a_message_and_not_without_words(webmail: Webmail, lab: Lab, clerk: Sample) -> None:
    webmail.enter(clerk)
    webmail.find(BUTTON).click()
    webmail.find(FORM)
    kinds = Select(webmail.find("#report-kind"))
    assert [option.text for option in kinds.options if option.is_enabled()] == ["Lỗi kỹ thuật"]
    webmail.find(".ui-dialog-buttonset button.mainaction").click()
    assert webmail.text("#report-words-hint[role=alert]").startswith("Hãy viết rõ lỗi")
    webmail.find("#report-words").send_keys("Không tải được tệp.")
    assert "Đã nhận báo cáo số" in hand_in(webmail)
    assert row(lab, clerk, "kind, words, attached") == ["fault|Không tải được tệp.|none"]


def test_the_message_that_is_being_read_can_be_reported_and_the_reader_is_led_back(
    webmail: Webmail, lab: Lab, clerk: Sample
) -> None:
    # "Công-văn", as IMAP writes it.
    put(lab, clerk, subject="Vay nhanh & <b>rẻ</b>", folder="C&APQ-ng-v&AQM-n")
    webmail.enter(clerk)
    webmail.go("_task=mail&_mbox=C%26APQ-ng-v%26AQM-n&_uid=1&_action=show")
    webmail.find(tour.SHOWN)
    fill_in(webmail, "spam")
    webmail.find(".ui-dialog-buttonset button.mainaction").click()
    webmail.wait.until(lambda driver: "_action=show" not in driver.current_url, "still at the message")
    comes_to_be(lab, clerk, "kind, folder, subject, attached", ["spam|Công-văn|Vay nhanh & <b>rẻ</b>|sent"])


def test_too_many_reports_in_a_day_are_told_whom_to_call(webmail: Webmail, lab: Lab, clerk: Sample) -> None:
    lab.sql(
        "insert into mail.user_report (reporter_id, mailbox_id, token, kind, words)"
        f" select '{clerk.mailbox}', '{clerk.mailbox}', md5(n::text), 'fault', 'x'"
        " from generate_series(1, mail.setting_int('user_reports_a_day')) n"
    )
    webmail.enter(clerk)
    fill_in(webmail, "fault", "Hỏng")
    assert "gọi điện cho đơn vị hỗ trợ" in hand_in(webmail)


@pytest.mark.parametrize("width", [1366, 1100, 1025, 911, 800, 769, 600, 390, 320])
def test_nothing_of_the_toolbar_is_lost_at_any_width_and_the_button_is_reached(
    screen: Webmail, lab: Lab, clerk: Sample, width: int
) -> None:
    put(lab, clerk)
    screen.enter(clerk)
    resize(screen, width, 800)
    for place, ready in ((tour.MAIL, tour.LIST), (f"{tour.READ.replace('_uid=2', '_uid=1')}", tour.SHOWN)):
        screen.go(place)
        screen.find(ready)
        tour.idle(screen)
        assert screen.driver.execute_script(LOST) == []
        overlapping = screen.driver.execute_script(
            "const tools = [...document.querySelectorAll('#layout-content > .header .toolbar a, #mailtoolbar a')]"
            ".filter((each) => each.getClientRects().length).map((each) => each.getBoundingClientRect());"
            "return tools.some((one, i) => tools.some((other, j) => i < j && one.left < other.right - 1"
            " && other.left < one.right - 1 && one.top < other.bottom - 1 && other.top < one.bottom - 1))"
        )
        assert not overlapping
        if width > 768:
            # Below that the toolbar is a menu of its own, or is shown with a message alone.
            screen.driver.execute_script("document.querySelector('[data-popup=message-menu]').click()")
            assert screen.find("#message-menu a.hanam-report").text == "Báo cáo"
