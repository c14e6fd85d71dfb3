"""What nginx shows: modern TLS, headers that guard the page, nothing of itself; and no site breaks another."""

import datetime as dt
import http.client
import socket
import ssl

import pytest

from tests.lab import Lab
from tests.mail.http_doors import Browser
from tests.observatory import score
from tests.people import People

NAME = "mail.hanam.gov.vn"
MACHINES = {
    # Names that programs ask, each with something that is there.
    "mta-sts.hanam.gov.vn": "/.well-known/mta-sts.txt",
    "autoconfig.hanam.gov.vn": "/mail/config-v1.1.xml",
    "autodiscover.hanam.gov.vn": "/autodiscover/autodiscover.xml",
}
PAGES = (
    "/", "/?_task=login&_err=session", "/mat-khau/", "/mat-khau/hai-buoc", "/mat-khau/tam-khoa", "/mat-khau/thu-hoi",
    "/danh-ba/", "/danh-ba/co-quan/stttt.html", "/danh-ba/tim?q=so", "/danh-ba/khong-co", "/tro-giup/",
    "/tro-giup/bao-su-co.html", "/tinh-trang/", "/tap-huan/", "/cai-dat/", "/thu-giu/", "/khong-co",
)  # fmt: skip


def handshake(lab: Lab, version: ssl.TLSVersion) -> str | None:
    """Protocol of a handshake with exactly this version."""
    context = ssl.create_default_context(cadata=lab.public_authorities)
    context.minimum_version = context.maximum_version = version
    # Old versions are tried as an old client would.
    context.set_ciphers("ALL:@SECLEVEL=0")
    with (
        socket.create_connection((lab.address("webmail"), 443), 10) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as link,
    ):
        return link.version()


def get(
    lab: Lab, path: str, *, tls: bool, name: str = NAME, method: str = "GET", **headers: str
) -> http.client.HTTPResponse:
    """What is answered to a client that shook hands for one name; another Host is among the headers."""
    connection = http.client.HTTPConnection(lab.address("webmail"), 80, timeout=10)
    if tls:
        plain = socket.create_connection((lab.address("webmail"), 443), 10)
        connection.sock = lab.ssl_context.wrap_socket(plain, server_hostname=name)
    connection.request(method, path, headers={"Host": name} | headers)
    return connection.getresponse()


def confined(headers: http.client.HTTPMessage) -> None:
    """Nothing runs in what nginx itself says, and no header comes twice, as of two places of a site."""
    names = [name.lower() for name in headers]
    assert sorted(names) == sorted(set(names))
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert "script-src" not in headers["Content-Security-Policy"]


@pytest.mark.dieu3
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_modern_tls_is_spoken(lab: Lab, version: ssl.TLSVersion) -> None:
    assert handshake(lab, version) == version.name.replace("_", ".")


@pytest.mark.dieu3
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(lab: Lab, version: ssl.TLSVersion) -> None:
    with pytest.warns(DeprecationWarning), pytest.raises((ssl.SSLError, ConnectionResetError)):
        handshake(lab, version)


@pytest.mark.dieu3
def test_the_webmail_is_guarded_by_headers(lab: Lab) -> None:
    answer = get(lab, "/", tls=True)
    assert answer.status == 200
    assert int(answer.headers["Strict-Transport-Security"].partition("max-age=")[2].partition(";")[0]) >= 31536000
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"].lower() in {"sameorigin", "deny"}
    assert answer.headers["Referrer-Policy"]


@pytest.mark.dieu3
def test_the_observatory_would_give_every_page_its_best_grade(lab: Lab) -> None:
    led = get(lab, "/", tls=False).headers["Location"]
    for name, path in [*((NAME, path) for path in PAGES), *MACHINES.items()]:
        answer = get(lab, path, tls=True, name=name)
        found = score(answer.getheaders(), answer.read().decode(), (f"http://{NAME}/", led))
        assert (found.grade, min(found.why.values())) == ("A+", 0), (name, path, found)
    # Where it leads is no further step.
    assert get(lab, led.removeprefix(f"https://{NAME}"), tls=True).status == 200


@pytest.mark.dieu3
@pytest.mark.neighbours
def test_pages_behind_the_sign_in_lose_nothing_but_what_roundcubes_buttons_need(lab: Lab, people: People) -> None:
    person, browser = people.take(), Browser(lab)
    browser.log_in(person.address, person.password)
    cookies = "; ".join(f"{key}={value}" for key, value in browser.cookies.items())
    for path in ("/?_task=mail", "/?_task=settings", "/?_task=addressbook"):
        answer = get(lab, path, tls=True, Cookie=cookies)
        page = answer.read().decode()
        assert (answer.status, answer.headers["Location"]) == (200, None)
        found = score(answer.getheaders(), page)
        assert f'"task":"{path.partition("_task=")[2].partition("&")[0]}"' in page
        assert (found.grade, {rule for rule, points in found.why.items() if points < 0}) == ("B+", {"csp"}), (
            path,
            found,
        )


@pytest.mark.parametrize("name", [NAME, *MACHINES])
def test_every_fault_of_nginx_is_told_in_vietnamese_at_every_name(lab: Lab, name: str) -> None:
    there = MACHINES.get(name, "/giao-dien/look.css")
    asked = {
        "404 Không có trang này": ("GET", "/khong-co", {}),
        "414 Trình duyệt gửi yêu cầu không hợp lệ": ("GET", "/" + "a" * 20000, {}),
        "400 Trình duyệt gửi yêu cầu không hợp lệ": ("GET", "/khong-co", {"Cookie": "a=" + "b" * 60000}),
        "413 Tệp gửi lên quá lớn": ("GET", there, {"Content-Length": "99999999999"}),
        "501 Trình duyệt gửi yêu cầu không hợp lệ": ("GET", there, {"Transfer-Encoding": "x"}),
    }
    if "autodiscover" not in name:  # which takes whatever is sent
        asked["405 Trang này không nhận yêu cầu như vậy"] = ("POST", there, {})
    if name == NAME:
        asked["403 Không có trang này"] = ("GET", "/giao-dien/chu/", {})
        asked["412 Trình duyệt gửi yêu cầu không hợp lệ"] = ("GET", there, {"If-Match": '"x"'})
    told = {}
    for expected, (method, path, headers) in asked.items():
        answer = get(lab, path, tls=True, name=name, method=method, **headers)
        page = answer.read().decode()
        told[expected] = f"{answer.status} {page.partition('<h1>')[2].partition('</h1>')[0]}"
        assert "nginx" not in page
        confined(answer.headers)
        assert score(answer.getheaders(), page).grade == "A+"
    assert told == {expected: expected for expected in asked}


@pytest.mark.parametrize(
    ("name", "path"),
    [(NAME, "/giao-dien/look.css"), (NAME, "/program/js/app.min.js"), (NAME, "/tro-giup/"), *MACHINES.items()],
)
def test_a_part_that_a_file_does_not_have_is_no_fault_with_headers_of_two_places(
    lab: Lab, name: str, path: str
) -> None:
    whole = get(lab, path, tls=True, name=name)
    answer = get(lab, path, tls=True, name=name, Range="bytes=9999999-")
    assert (answer.status, answer.read()) == (200, whole.read())
    names = [key.lower() for key in answer.headers]
    assert sorted(names) == sorted(set(names))
    assert answer.headers["Content-Security-Policy"] == whole.headers["Content-Security-Policy"]


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(
    "said",
    [
        f"GET /.well-known/acme-challenge/khong-co HTTP/1.1\r\nHost: {NAME}",
        "GET / HTTP/1.1\r\nHost: evil.example",
        "GET / HTTP/1.1",
        "GET / HTTP/9.9\r\nHost: x",
        f"GET / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: x",
        f"GET /{'a' * 9000} HTTP/1.1\r\nHost: {NAME}",
        "VIẾT",
    ],
    ids=["file", "name", "nameless", "version", "length", "long", "nonsense"],
)
def test_what_no_site_answers_is_confined_as_well(lab: Lab, tls: bool, said: str) -> None:
    with socket.create_connection((lab.address("webmail"), 443 if tls else 80), 10) as link:
        if tls:
            link = lab.ssl_context.wrap_socket(link, server_hostname=NAME)
        link.sendall(f"{said}\r\nConnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(link)
        answer.begin()
        assert answer.status >= 400
        confined(answer.headers)


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("path", ["/", "/.well-known/mta-sts.txt", "/.well-known/acme-challenge/x"])
def test_other_names_get_no_page_and_are_sent_nowhere(lab: Lab, tls: bool, path: str) -> None:
    for name in ("evil.example", "10.27.0.10", "mail.hanam.gov.vn.evil.example"):
        answer = get(lab, path, tls=tls, Host=name)
        assert (answer.status, answer.headers["Location"]) == (421, None)


def test_pages_with_tokens_are_not_compressed_and_files_are(lab: Lab) -> None:
    asked = {"Accept-Encoding": "gzip"}
    for path in ("/", "/?_task=login", "/mat-khau/"):
        answer = get(lab, path, tls=True, **asked)
        assert (answer.status, answer.headers["Content-Encoding"]) == (200, None), path
    assert get(lab, "/program/js/app.min.js", tls=True, **asked).headers["Content-Encoding"] == "gzip"


def test_security_txt_says_whom_to_tell_for_less_than_a_year(lab: Lab) -> None:
    answer = get(lab, "/.well-known/security.txt", tls=True)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    text = answer.read().decode()
    fields = dict(line.split(": ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    assert fields["Contact"] == f"mailto:security@{lab.variables['mail_domain']}"
    assert fields["Canonical"] == f"https://{NAME}/.well-known/security.txt"
    left = dt.datetime.fromisoformat(fields["Expires"]) - dt.datetime.now(dt.UTC)
    assert dt.timedelta(days=150) < left < dt.timedelta(days=366)


@pytest.mark.parametrize("tls", [False, True])
def test_no_version_is_shown(lab: Lab, tls: bool) -> None:
    assert get(lab, "/khongco", tls=tls).headers["Server"] == "nginx"


def test_a_query_is_not_logged(lab: Lab) -> None:
    get(lab, "/khong-ghi-lai?mat-khau=x1y2z3", tls=True).read()
    log = lab.run("webmail", "tail -n 50 /var/log/nginx/access.log")
    assert "/khong-ghi-lai" in log
    assert "x1y2z3" not in log


def test_the_configuration_holds_and_a_broken_site_is_refused_beside_it(lab: Lab) -> None:
    lab.run("webmail", "nginx -t")
    check = "hanam-nginx-check conf.d/webmail.conf"
    lab.run("webmail", f"{check} /etc/nginx/conf.d/webmail.conf")
    # Wrong by itself, and wrong only together with the other files.
    for text, expected in (
        ("server { listen 443 ssl; nonsense on; }", "unknown directive"),
        ("server { listen 443 ssl default_server; server_name x; }", "duplicate default server"),
    ):
        told = lab.run("webmail", f"echo '{text}' > /run/t.conf; {check} /run/t.conf 2>&1", check=False)
        assert expected in told
    lab.run("webmail", 'rm /run/t.conf; test -z "$(ls -d /run/nginx-check.* 2>/dev/null)"')
