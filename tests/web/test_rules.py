"""Rules in the words of offices: a reply in absence by days, forwarding to state agencies alone, and why (Đ4.5)."""

import re
from datetime import date, timedelta

import pytest
from selenium.webdriver.common.by import By

from tests.lab import Lab, Sample, wait_for
from tests.web.pages import Webmail

pytestmark = pytest.mark.dieu4

SETTINGS = "_task=settings&_action=plugin.managesieve"
REASON = "Chỉ được tự động chuyển thư đến hộp thư của cơ quan nhà nước"


def _script(lab: Lab, person: Sample) -> str:
    """His rules as they are stored; empty while there are none."""
    return lab.run("mailstore", f"doveadm sieve get -u {person.mailbox} 'Bộ lọc của tôi'", check=False)


@pytest.mark.proof("Trả lời khi vắng mặt theo ngày/tháng/năm / a reply in absence by day, month and year")
def test_a_reply_in_absence_is_set_between_two_days_as_people_write_them(
    webmail: Webmail, lab: Lab, reader: Sample
) -> None:
    first, last = date.today() + timedelta(days=3), date.today() + timedelta(days=9)
    webmail.enter(reader)
    webmail.go(f"{SETTINGS}-vacation")
    assert "ngày/tháng/năm" in webmail.text(".hanam-note")
    webmail.find("#vacation_reason").send_keys("Tôi đi công tác, sẽ trả lời sau.")
    # The calendar that opens over the page closes with what is written by script.
    for name, day in (("from", first), ("to", last)):
        field = webmail.driver.find_element(By.ID, f"vacation_date{name}")
        assert (field.get_attribute("placeholder") or "").startswith("ngày")
        webmail.driver.execute_script("arguments[0].value = arguments[1]", field, day.strftime("%d/%m/%Y"))
    webmail.driver.execute_script("document.getElementById('vacation_status').value = 'on'")
    webmail.find("button.submit").click()
    # An empty script may stand there before.
    script = wait_for(lambda: re.search("Tôi đi công tác", _script(lab, reader)), "the reply in the script").string
    for day in (first, last):
        assert day.isoformat() in script, script
    webmail.go(f"{SETTINGS}-vacation")
    webmail.find("#vacation_reason")
    shown = webmail.driver.find_element(By.ID, "vacation_datefrom").get_attribute("value")
    assert shown == first.strftime("%d/%m/%Y")


def test_the_page_of_forwarding_says_where_mail_may_lead_and_takes_nothing_else(
    webmail: Webmail, lab: Lab, reader: Sample
) -> None:
    webmail.enter(reader)
    webmail.go(f"{SETTINGS}-forward")
    told = webmail.text(".hanam-note")
    assert REASON in told and "gov.vn" in told and "khoản 5 Điều 4" in told
    target = webmail.find("#action_target")
    webmail.driver.execute_script("document.getElementById('forward_status').value = 'on'")
    target.send_keys("binh@gmail.com")
    webmail.find("button.submit").click()
    assert "cơ quan nhà nước (Điều 4)" in webmail.notice()
    assert "gmail" not in _script(lab, reader)
    webmail.go(f"{SETTINGS}-forward")
    webmail.find("#action_target").send_keys("vanthu@bo.gov.vn")
    webmail.driver.execute_script("document.getElementById('forward_status').value = 'on'")
    webmail.find("button.submit").click()
    assert wait_for(lambda: re.search('redirect (:copy )?"vanthu@bo.gov.vn"', _script(lab, reader)), "the rule")


def test_a_filters_form_gives_the_same_reason_and_nobody_edits_a_script_by_hand(
    webmail: Webmail, reader: Sample
) -> None:
    webmail.enter(reader)
    webmail.go(f"{SETTINGS}-action&_framed=1&_nav=hide")
    assert REASON in webmail.text(".hanam-note")
    webmail.go(SETTINGS)
    webmail.find("#layout-list")
    assert not webmail.driver.execute_script("return rcmail.env.raw_sieve_editor")
    assert "seteditraw" not in webmail.driver.execute_script(
        "return [...document.querySelectorAll('a:not(.disabled)')].map(a => a.className).join(' ')"
    )
