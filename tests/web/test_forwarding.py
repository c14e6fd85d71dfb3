"""What a person forwards by hand in the browser arrives at a private mailbox, signed (Đ4.5)."""

import uuid

import pytest
from selenium.webdriver.common.keys import Keys

from tests.foreign import AN, BINH, Foreign
from tests.lab import Lab, Sample, message, wait_for
from tests.mail.test_dkim import arrival, parsed
from tests.web.pages import Webmail

pytestmark = [pytest.mark.dieu4, pytest.mark.neighbours]


@pytest.mark.parametrize("attached", [False, True], ids=["inline", "attached"])
def test_a_letter_forwarded_by_hand_leaves_under_its_forwarders_name(
    webmail: Webmail, lab: Lab, reader: Sample, attached: bool
) -> None:
    foreign, mark = Foreign(lab), uuid.uuid4().hex[:12]
    mail = message(AN, reader.address, subject=f"Công văn {mark}")
    foreign.send(mail, AN, reader.address)
    query = f"doveadm search -u {reader.mailbox} mailbox INBOX header Subject {mark}"
    uid = wait_for(lambda: lab.run("mailstore", query).split()[-1:], "the letter", 60)[0]
    webmail.enter(reader)
    webmail.go(f"_task=mail&_action=compose&_forward_uid={uid}&_mbox=INBOX" + ("&_attachment=1" if attached else ""))
    webmail.find("#compose_to .recipient-input input").send_keys(BINH, Keys.TAB)
    assert mark in (webmail.find("#compose-subject").get_attribute("value") or "")
    webmail.find("#composebody").send_keys("Kính chuyển.")
    assert "Thư đã được gửi thành công" in webmail.send()
    data = arrival(foreign, BINH, mark)
    assert foreign.verdicts(data) == dict.fromkeys(lab.variables["vault_dkim_keys"], True)
    found = parsed(data)
    assert found["From"].addresses[0].addr_spec == reader.address
    assert ("message/rfc822" in [part.get_content_type() for part in found.walk()]) == attached
