"""What the webmail's files say, per topology."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.observatory import score
from tests.render.conftest import ROOT

Environments = Callable[[str], Any]


def regulation(name: str) -> int:
    number: int = yaml.safe_load((ROOT / "group_vars/hanam/regulation.yml").read_text())[name]
    return number


@pytest.mark.dieu8
def test_every_layer_agrees_on_the_attachments_limit(environment: Environments) -> None:
    here = environment("lab")
    limit = regulation("regulation_attachment_limit_bytes")
    request = limit + regulation("regulation_message_overhead_bytes")
    pool = here.render("roundcube", "php-fpm.conf.j2", "mail")
    assert f"php_admin_value[upload_max_filesize] = {limit}\n" in pool
    assert f"php_admin_value[post_max_size] = {request}\n" in pool
    assert f"client_max_body_size {request};" in here.render("roundcube", "nginx.conf.j2", "mail")

    found = re.search(r"max_message_size'\] = (\d+);", here.render("roundcube", "config.inc.php.j2", "mail"))
    assert found

    def reckoned(size: int) -> float:
        """As Roundcube does for one attachment."""
        return 10 * 1024 + size * 1.33

    assert reckoned(limit) <= int(found.group(1)) < reckoned(limit + 1)


def test_neighbours_on_the_same_host_are_met_by_socket_and_loopback(environment: Environments) -> None:
    text = environment("lab").render("roundcube", "config.inc.php.j2", "mail")
    assert "'pgsql://webmail@unix(/run/postgresql)/webmail'" in text
    assert "'pgsql://mail_webmail@unix(/run/postgresql)/mail'" in text
    assert "'host' => '127.0.0.1',\n    'port' => 1143,\n    'ssl_mode' => null," in text
    assert "'ssl://127.0.0.1:465'" in text
    assert "'host' => '127.0.0.1',\n    'port' => 25,\n    'tls_name' => ''," in text


def test_neighbours_on_other_hosts_are_met_by_verified_tls(environment: Environments) -> None:
    text = environment("split").render("roundcube", "config.inc.php.j2", "store1")
    options = "sslmode=verify-full&sslrootcert=/etc/hanam-mail/tls/internal/ca.pem"
    assert re.search(rf"'pgsql://webmail:\w+@tcp\(accounts1\.hanam\.gov\.vn:5432\)/webmail\?{options}'", text)
    assert re.search(rf"'pgsql://mail_webmail:\w+@tcp\(accounts1\.hanam\.gov\.vn:5432\)/mail\?{options}'", text)
    assert "'ssl://edge1.hanam.gov.vn:465'" in text
    assert "'peer_name' => 'smtp.hanam.gov.vn'" in text
    # What people report goes on to the mail exchanger.
    assert "'host' => 'edge1.hanam.gov.vn',\n    'port' => 25,\n    'tls_name' => 'mx.hanam.gov.vn'," in text


@pytest.mark.dieu12
def test_reports_go_on_as_the_systems_own_letters_whose_score_decides_nothing(environment: Environments) -> None:
    here = environment("lab")
    sender = "noreply@hanam.gov.vn"
    assert f"'{sender}']," in here.render("roundcube", "config.inc.php.j2", "mail")
    assert f'local OWN = "{sender}"' in here.render("rspamd", "hold.lua.j2", "mail")


@pytest.mark.parametrize("given", [{}, {"rspamd_scan_timeout": 300}])
@pytest.mark.parametrize("topology", ["lab", "production"])
def test_a_report_that_goes_on_after_its_answer_is_bounded_and_ends_by_its_own_patience_first(
    environment: Environments, topology: str, given: dict[str, int]
) -> None:
    here = environment(topology).with_variables(**given)
    host = here.hosts("webmail")[0]
    pool = here.render("roundcube", "php-fpm.conf.j2", host)
    assert "\nrequest_terminate_timeout_track_finished = yes\n" in pool
    (bound,) = re.findall(r"^request_terminate_timeout = (\d+)s$", pool, re.M)
    (patience,) = re.findall(r"'patience' => (\d+),", here.render("roundcube", "config.inc.php.j2", host))
    # What it asks before, at ten seconds each.
    assert int(bound) >= max(180, int(patience) + 8 * 10)


@pytest.mark.parametrize(("children", "turns"), [(20, 5), (7, 1), (2, 1)])
def test_reports_on_their_way_leave_most_of_phps_processes_to_those_who_read(
    environment: Environments, children: int, turns: int
) -> None:
    here = environment("lab").with_variables(roundcube_php_children=children)
    assert f"\n    'at_once' => {turns},\n" in here.render("roundcube", "config.inc.php.j2", here.hosts("webmail")[0])


@pytest.fixture
def behind_one_address(environment: Environments) -> Any:
    """The lab of a province that named its NAT addresses."""
    return environment("lab").with_variables(guessing_province_networks=["203.0.113.0/29", "2001:db8:7::/48"])


@pytest.mark.dieu4
def test_a_whole_office_behind_one_address_is_not_limited_as_one_client(behind_one_address: Any) -> None:
    """Đ4.6 by account, not by address: the page where passwords are changed, and submission."""
    site = behind_one_address.render("roundcube", "nginx.conf.j2", "mail")
    assert "    203.0.113.0/29 1;\n    2001:db8:7::/48 1;\n" in site
    assert "limit_req_zone $webmail_change_client" in site
    main = behind_one_address.render("postfix", "main.cf.j2", "mail")
    found = re.search(r"^smtpd_client_event_limit_exceptions = (.*)$", main, re.M)
    assert found
    assert found.group(1).split() == ["127.0.0.0/8", "[::1]/128", "203.0.113.0/29", "[2001:db8:7::]/48"]


def test_a_webmail_on_another_host_is_not_limited_by_submission(environment: Environments) -> None:
    split = environment("split")
    main = split.render("postfix", "main.cf.j2", "edge1")
    exempt = re.findall(r"^smtpd_client_event_limit_exceptions = (.*)$", main, re.M)[0].split()
    assert split.value("postfix", "host_ipv4", "store1") in exempt
    assert f"[{split.value('postfix', 'host_ipv6', 'store1')}]" in exempt


def test_the_junk_button_says_what_it_does_and_promises_nothing() -> None:
    """It moves; what the filter makes of that is the mail store's affair."""
    texts = (ROOT / "roles/roundcube/files/hanam/localization/vi_VN.inc").read_text()
    told = dict(re.findall(r"\['core\.markasjunk\.(\w+)'\] = '([^']*)'", texts))
    assert told["reportedasjunk"] == "Đã chuyển vào hộp Thư rác."
    assert told["reportedasnotjunk"] == "Đã chuyển về Hộp thư đến."
    assert not [text for text in told.values() if re.search("báo cáo|học|lọc", text)]


def php_texts(config: str, name: str) -> list[str]:
    """The strings of a list of Roundcube's configuration, as PHP reads them."""
    found = re.search(rf"\['{name}'\] = \[\n(.*?)\n\];", config, re.S)
    assert found
    return [re.sub(r"\\(['\\])", r"\1", text) for text in re.findall(r"=> '((?:[^'\\]|\\.)*)'", found.group(1), re.S)]


def test_texts_of_the_office_reach_the_menu_whatever_signs_they_have(environment: Environments) -> None:
    letters = [{"name": "Ông 'A'", "text": "Đường dẫn C:\\tệp\\\nHết '\\"}, {"name": "B", "text": "$agency"}]
    here = environment("lab").with_variables(roundcube_cover_letters=letters)
    texts = php_texts(here.render("roundcube", "config.inc.php.j2", "mail"), "compose_responses_static")
    assert texts == [part for letter in letters for part in (letter["name"], letter["text"])]


def test_the_province_s_own_texts_leave_to_fill_in_what_stands_in_brackets(environment: Environments) -> None:
    texts = php_texts(environment("lab").render("roundcube", "config.inc.php.j2", "mail"), "compose_responses_static")
    letters = dict(zip(texts[::2], texts[1::2], strict=True))
    assert list(letters) == ["Phiếu gửi", "Gửi văn bản", "Mời họp", "Trả lời"]
    for text in letters.values():
        assert text.startswith("Kính gửi: [")
        assert text.endswith("Trân trọng!")
        assert "$agency" in text
        # The plugin fills in these two and no others.
        assert not re.findall(r"\$(?!agency\b|name\b)", text)


@pytest.mark.dieu4
@pytest.mark.parametrize("name", ["lab", "staging"])
def test_the_webmail_lets_mail_lead_to_state_agencies_and_home_only(environment: Environments, name: str) -> None:
    here = environment(name)
    text = here.render("roundcube", "config.inc.php.j2", "mail")
    found = re.search(r"hanam_forward_domains'\] = \['(.*)'\];", text)
    assert found
    assert found.group(1).split("', '") == ["gov.vn", here.value("roundcube", "mail_domain", "mail")]


@pytest.mark.dieu8
def test_dieu8_the_webmail_tells_of_a_mailbox_that_fills_from_the_regulations_percentages_on(
    environment: Environments,
) -> None:
    text = environment("lab").render("roundcube", "config.inc.php.j2", "mail")
    found = re.search(r"hanam_quota_warning_percent'\] = \[(.*)\];", text)
    assert found
    steps = yaml.safe_load((ROOT / "group_vars/hanam/regulation.yml").read_text())["regulation_quota_warning_percent"]
    assert [int(step) for step in found.group(1).split(", ")] == steps


# Text by what it stands on; what is to be seen, not read (edges of fields, the mark of the keyboard), needs 3.
TEXT = {
    "ink": ["ground", "card", "field", "tint"],
    "muted": ["ground", "card"],
    "link": ["ground", "card", "tint"],
    "button-ink": ["button", "button-hover", "danger"],
    "bad": ["card", "bad-tint"],
    "good": ["card", "good-tint"],
    "band-ink": ["band", "band-hover"],
}
SEEN = {"edge": ["card", "field"], "focus": ["card", "ground", "field"], "gold": ["band"]}


def contrast(one: str, other: str) -> float:
    """WCAG 2.1, relative luminance."""

    def light(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((light(one), light(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_text_has_a_contrast_of_4_5_on_every_ground_it_stands_on(environment: Environments, mode: int) -> None:
    colours = {
        name: pair[mode] for name, pair in environment("lab").value("roundcube", "roundcube_colours", "mail").items()
    }
    assert set(colours) == {*TEXT, *SEEN, *(ground for each in (TEXT | SEEN).values() for ground in each), "line"}
    weak = {
        f"{front} on {ground}": round(contrast(colours[front], colours[ground]), 2)
        for needed, table in ((4.5, TEXT), (3.0, SEEN))
        for front, grounds in table.items()
        for ground in grounds
        if contrast(colours[front], colours[ground]) < needed
    }
    assert weak == {}


def test_no_page_names_a_colour_or_letters_of_its_own() -> None:
    """One stylesheet is the look of all; the webmail's own refers to it."""
    skin = (ROOT / "roles/roundcube/files/skin/styles/webmail.css").read_text()
    used = set(re.findall(r"var\(--([\w-]+)\)", skin))
    assert used
    notices = (ROOT / "roles/roundcube/files/skin/styles/notices.css").read_text()
    assert not re.search(r"font-family|#[0-9a-f]{6}\b", notices)
    for folder in (
        "src/hanam_mail/change_page", "src/hanam_mail/page_frame", "src/hanam_mail/spam_page", "roles/client_setup",
        "roles/change_page", "roles/directory", "roles/help_pages", "roles/spam_page",
    ):  # fmt: skip
        pages = [file for kind in ("html", "css", "j2") for file in (ROOT / folder).rglob(f"*.{kind}")]
        assert not [file for file in pages if re.search(r"<style|font-family|#[0-9a-f]{6}\b", file.read_text())], folder


@pytest.mark.dieu10
def test_a_closed_webmail_answers_with_a_page_and_says_when_to_come_again(environment: Environments) -> None:
    here = environment("lab")
    # By the latter playbooks/maintenance.yml knows whether it is closed.
    opened = here.render("roundcube", "nginx.conf.j2", "mail")
    assert "bao-tri" not in opened and "return 503;" not in opened
    stop = {"end": "2026-12-05 23:00"}
    for stops, retry, text in (
        ([stop], "Sat, 05 Dec 2026 16:00:00 GMT", "Dự kiến mở lại lúc 23 giờ 00 ngày 05 tháng 12 năm 2026."),
        ([], "600", "Trang thư sẽ mở lại ngay khi làm xong."),
    ):
        closed = here.with_variables(roundcube_maintenance="true", maintenance_stops=stops)
        site = closed.render("roundcube", "nginx.conf.j2", "mail")
        (program,) = re.findall(r"location = /index.php \{([^}]*)\}", site)
        assert program.split("\n")[1:-1] == ["        error_page 503 /loi/bao-tri.html;", "        return 503;"]
        assert f'add_header Retry-After "{retry}" always;' in site
        (row,) = (row for row in closed.items("roundcube", "error.html.j2") if row["dest"].endswith("/bao-tri.html"))
        page = closed.render("roundcube", "error.html.j2", "mail", row)
        assert text in page and 'href="/tinh-trang/"' in page


@pytest.mark.parametrize(
    "name",
    ["khong-co", "can-dang-nhap", "khong-nhan", "qua-lon", "qua-nhieu", "yeu-cau-sai", "tam-ngung"],
)
def test_every_error_page_says_whom_to_ask_and_needs_the_look_alone(environment: Environments, name: str) -> None:
    here = environment("lab")
    (row,) = (row for row in here.items("roundcube", "error.html.j2") if row["dest"].endswith(f"/{name}.html"))
    page = here.render("roundcube", "error.html.j2", "mail", row)
    assert here.value("roundcube", "support_phone", "mail") in page
    assert set(re.findall(r'(?:src|href)="([^"#]*)"', page)) == {
        "/", "/giao-dien/look.css", "/giao-dien/emblem.svg",
        f"mailto:{here.value('roundcube', 'support_email', 'mail')}",
    }  # fmt: skip
    assert f"/loi/{name}.html;" in here.render("roundcube", "nginx.conf.j2", "mail")
    # Where programs ask, the same words without a look.
    (plain,) = (row for row in here.items("nginx", "error.html.j2") if row["dest"].endswith(f"/{name}.html"))
    page = here.render("nginx", "error.html.j2", "mail", plain)
    assert f"<h1>{here.value('nginx', 'site_errors', 'mail')[name]['title']}</h1>" in page
    assert set(re.findall(r'(?:src|href)="([^"#]*)"', page)) == {"https://mail.hanam.gov.vn/"}


# The codes of nginx's src/http/ngx_http_request.h from 400 on, without what no site of ours makes it answer: for 408,
# 444 and 499 it closes the connection; 409, 411, 415 and 507 come from WebDAV and pictures, 416 from parts of files
# (max_ranges), 495 and 496 from clients' certificates.
NGINX_ANSWERS = {400, 401, 403, 404, 405, 412, 413, 414, 421, 429, 494, 497, 500, 501, 502, 503, 504, 505}


def test_each_code_that_nginx_may_answer_with_has_one_page(environment: Environments) -> None:
    here = environment("lab")
    errors = here.value("nginx", "site_errors", "mail")
    codes = [code for page in errors.values() for code in page["codes"]]
    assert sorted(codes) == sorted(NGINX_ANSWERS)
    for role, template in (("roundcube", "nginx.conf.j2"), ("nginx", "errors.conf.j2")):
        site = here.render(role, template, "mail")
        assert all(
            f"error_page {' '.join(map(str, errors[name]['codes']))} /loi/{name}.html;" in site for name in errors
        )
        rows = {row["dest"].rpartition("/")[2] for row in here.items(role, "error.html.j2")}
        assert rows - {"bao-tri.html"} == {f"{name}.html" for name in errors}
    limit = regulation("regulation_attachment_limit_bytes") // 1048576
    assert f"giới hạn {limit} MB" in errors["qua-lon"]["text"]


@pytest.mark.parametrize(
    ("role", "template"),
    [("help_pages", "page.conf.j2"), ("spam_page", "page.conf.j2"), ("client_setup", "page.conf.j2"),
     ("nginx", "errors.conf.j2"), ("client_setup", "autoconfig.conf.j2"),
     ("client_setup", "autodiscover.conf.j2"), ("directory", "page.conf.j2"),
     ("mta_sts", "mta-sts.conf.j2")],
)  # fmt: skip
def test_the_observatory_would_find_nothing_to_take_points_for(
    environment: Environments, role: str, template: str
) -> None:
    here = environment("lab")
    header = re.compile(r'add_header (\S+) (?:"([^"]*)"|(\S+)) always;')
    common = [
        (name, quoted or bare) for name, quoted, bare in header.findall(here.render("nginx", "headers.conf.j2", "mail"))
    ]
    policies = [quoted for _, quoted, _ in header.findall(here.render(role, template, "mail"))]
    assert policies
    for policy in policies:
        found = score([*common, ("Content-Security-Policy", policy)])
        assert (found.grade, min(found.why.values())) == ("A+", 0), found
