"""The pages of the second factor, with a database whose answers the test chooses."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from tests.unit.test_change_page import KEY, SETTINGS

from hanam_mail import change_page
from hanam_mail.change_page import factor
from hanam_mail.change_page.sealing import seal, unseal

PATH = "/mat-khau/hai-buoc"
FACTS: dict[str, Any] = {
    "result": "open",
    "message": None,
    "address": "ha@hanam.gov.vn",
    "since": None,
    "demanded": False,
    "codes_left": 0,
    "latest_end": "2027-12-01",
    "app_passwords": [],
    "turn": 3,
}
APP = {
    "number": 7,
    "name": "<b>Điện thoại",
    "scopes": ["imap"],
    "made": "2026-11-30",
    "ends_on": "2027-11-30",
    "last_at": "30/11/2026 08:00",
    "last_address": "192.0.2.7",
    "last_protocol": "imap",
}
SIGN_IN = {"viec": "vao", "dang-nhap": "ha@hanam.gov.vn", "cu": "Cũ@12345", "ma": "123456"}


class Database:
    """Answers sealed, and remembers what it was asked, unsealed."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = dict(FACTS)
        self.asked: list[tuple[str, dict[str, Any], str]] = []
        self.sent: list[str] = []

    def __call__(self, statement: str, values: list[str]) -> list[tuple[Any, ...]]:
        if "password_rules" in statement:
            return []
        action, sealed, address = values
        self.sent.append(sealed)
        self.asked.append((action, json.loads(unseal(KEY, sealed)), address))
        return [(seal(KEY, json.dumps(self.answer)),)]


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def client(database: Database, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setattr(factor, "picture", lambda address: f'<svg data-address="{len(address)}"></svg>')
    return change_page.create(SETTINGS, database).test_client()


def signed_in(client: FlaskClient) -> None:
    client.set_cookie(factor.COOKIE, "abcd:page-1", path=PATH)


def test_both_steps_leave_sealed_and_lead_to_a_ticket_that_no_script_and_no_other_page_sees(
    client: FlaskClient, database: Database
) -> None:
    database.answer |= {"ticket": "abcd:page-1"}
    answer = client.post(PATH, data=SIGN_IN, headers={"X-Real-IP": "192.0.2.7"})
    assert (answer.status_code, answer.headers["Location"]) == (303, PATH)
    cookie = answer.headers["Set-Cookie"]
    for part in ("abcd:page-1", "Secure", "HttpOnly", "SameSite=Strict", f"Path={PATH}", "Max-Age=900"):
        assert part in cookie
    action, said, address = database.asked[0]
    assert (action, address) == ("sign_in", "192.0.2.7")
    assert said == {
        "key": SETTINGS.secrets_key,
        "login": "ha@hanam.gov.vn",
        "password": SIGN_IN["cu"],
        "code": "123456",
    }
    assert SETTINGS.secrets_key not in database.sent[0]


@pytest.mark.parametrize(
    ("result", "status"),
    [("wrong", 403), ("code", 403), ("code_wrong", 403), ("throttled", 429), ("locked", 403), ("must_change", 403)],
)
def test_who_is_not_let_in_is_told_why_without_his_password(
    client: FlaskClient, database: Database, result: str, status: int
) -> None:
    database.answer = {"result": result, "message": "Không được."}
    answer = client.post(PATH, data=SIGN_IN)
    page = answer.get_data(as_text=True)
    assert answer.status_code == status
    assert "Không được." in page
    assert "Set-Cookie" not in answer.headers
    assert SIGN_IN["cu"] not in page
    assert ('href="./"' in page) == (result == "must_change")


def test_without_a_ticket_the_database_is_not_asked(client: FlaskClient, database: Database) -> None:
    page = client.get(PATH, query_string={"ly-do": "required", "dang-nhap": '"><i>'}).get_data(as_text=True)
    assert "bắt buộc dùng xác thực hai bước" in page
    assert "<i>" not in page
    assert database.asked == []


def test_a_ticket_that_is_over_leads_back_to_the_sign_in(client: FlaskClient, database: Database) -> None:
    signed_in(client)
    database.answer = {"result": "closed", "message": "Đã quá thời gian chờ."}
    assert 'name="cu"' in client.get(PATH).get_data(as_text=True)
    answer = client.post(PATH, data={"viec": "ma"})
    assert answer.status_code == 403
    assert "quá thời gian" in answer.get_data(as_text=True)


def test_the_secret_is_shown_as_picture_text_and_link(client: FlaskClient, database: Database) -> None:
    signed_in(client)
    database.answer |= {"secret": bytes(range(20)).hex()}
    page = client.post(PATH, data={"viec": "bat"}).get_data(as_text=True)
    assert "<svg data-address=" in page
    assert "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT" in page
    assert "otpauth://totp/" in page
    assert database.asked[0][:2] == ("begin", {"key": SETTINGS.secrets_key, "ticket": "abcd:page-1"})


def test_a_telephone_reads_account_issuer_and_secret() -> None:
    parts = urlsplit(factor.setup_address("Thư công vụ", "ha@hanam.gov.vn", "ABC"))
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parse_qs(parts.query) == {"secret": ["ABC"], "issuer": ["Thư công vụ"]}
    assert parts.path.endswith(":ha%40hanam.gov.vn")


def test_printed_codes_are_shown_once_to_be_printed(client: FlaskClient, database: Database) -> None:
    signed_in(client)
    database.answer |= {"since": "2026-11-30", "codes": ["abcd-efgh-jkmn", "2345-6789-abcd"]}
    page = client.post(PATH, data={"viec": "xac-nhan", "ma": "123456"}).get_data(as_text=True)
    assert "abcd-efgh-jkmn" in page
    assert "/mat-khau/tinh/print.js" in page
    assert database.asked[0][1]["code"] == "123456"


def test_programs_passwords_are_listed_made_and_revoked(client: FlaskClient, database: Database) -> None:
    signed_in(client)
    database.answer |= {"since": "2026-11-30", "app_passwords": [APP], "app_password": "abcde-fghjk", "app_name": "Máy"}
    form = {"viec": "them", "ten": "Máy", "dung": ["imap", "smtp"], "het-han": "2027-01-01"}
    page = client.post(PATH, data=form).get_data(as_text=True)
    assert "abcde-fghjk" in page
    assert "&lt;b&gt;Điện thoại" in page
    assert "hết hạn ngày 30/11/2027" in page
    assert "30/11/2026 08:00, IMAP, từ 192.0.2.7" in page
    assert database.asked[0][1]["scopes"] == ["imap", "smtp"]
    client.post(PATH, data={"viec": "thu-hoi", "so": "7"})
    for no_number in ("7 or 1=1", "٧", "7" * 20):
        client.post(PATH, data={"viec": "thu-hoi", "so": no_number})
    assert [said["number"] for _, said, _ in database.asked[1:]] == ["7", "0", "0", "0"]


def test_the_forms_that_make_something_bring_their_turn(client: FlaskClient, database: Database) -> None:
    signed_in(client)
    database.answer |= {"since": "2026-11-30"}
    assert client.get(PATH).get_data(as_text=True).count('name="luot" value="3"') == 2
    for action in ("ma", "them"):
        client.post(PATH, data={"viec": action, "luot": "3"})
    assert [said["turn"] for _, said, _ in database.asked[1:]] == ["3", "3"]
    database.answer |= {"result": "again", "message": "Không làm lại."}
    answer = client.post(PATH, data={"viec": "ma", "luot": "3"})
    assert (answer.status_code, "Không làm lại." in answer.get_data(as_text=True)) == (409, True)


def test_of_whom_it_is_demanded_is_shown_no_way_to_turn_it_off(client: FlaskClient, database: Database) -> None:
    signed_in(client)
    database.answer |= {"since": "2026-11-30"}
    assert 'value="tat"' in client.get(PATH).get_data(as_text=True)
    database.answer |= {"demanded": True}
    assert 'value="tat"' not in client.get(PATH).get_data(as_text=True)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_another_sites_form_is_refused(client: FlaskClient, database: Database, site: str) -> None:
    signed_in(client)
    assert client.post(PATH, data={"viec": "tat"}, headers={"Sec-Fetch-Site": site}).status_code == 403
    assert client.post(PATH, data={"viec": "khac"}).status_code == 400
    assert database.asked == []


def test_leaving_forgets_the_ticket_and_no_page_is_kept(client: FlaskClient, database: Database) -> None:
    signed_in(client)
    assert client.get(PATH).headers["Cache-Control"] == "no-store"
    answer = client.post(PATH, data={"viec": "ra"})
    assert (answer.status_code, database.asked[-1][0]) == (303, "leave")
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
