"""The webmail's host: who is answered, what is shown, and as whom PHP runs."""

import http.client
import json
import re
import socket
import ssl
from collections.abc import Iterator

import pytest
from testinfra.host import Host

from tests.lab import TIMEOUT, Lab

TEXTS_OF_ROUNDCUBE = """
function texts($file) { $labels = $messages = []; if (is_file($file)) include $file; return $labels + $messages; }
include '/etc/roundcube/config.inc.php';
foreach (['en_US', 'vi_VN'] as $language) {
    $folder = "/usr/share/roundcube/program/localization/$language";
    $said[$language] = texts("$folder/labels.inc") + texts("$folder/messages.inc");
    foreach (array_diff($config['plugins'], ['hanam']) as $plugin) {
        foreach (texts("/var/lib/roundcube/plugins/$plugin/localization/$language.inc") as $name => $text) {
            $said[$language]["$plugin.$name"] = $text;
        }
    }
}
$said['ours'] = texts('/var/lib/roundcube/plugins/hanam/localization/vi_VN.inc');
echo json_encode($said);
"""
"""Every text of Roundcube and of the plugins that are loaded, by language, and what plugin hanam says instead."""

LOOK = (
    "/giao-dien/look.css",
    "/giao-dien/emblem.svg",
    "/giao-dien/chu/Roboto-Regular.woff2",
    "/skins/hanam/styles/webmail.css",
)


class Connection(http.client.HTTPSConnection):
    """Goes to an address, asks for a name."""

    def __init__(self, address: str, name: str, context: ssl.SSLContext) -> None:
        super().__init__(name, timeout=TIMEOUT, context=context)
        self._address, self._tls = address, context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, 443), TIMEOUT)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


@pytest.fixture
def name(lab: Lab) -> str:
    return f"mail.{lab.variables['mail_domain']}"


@pytest.fixture
def site(lab: Lab, name: str) -> Iterator[Connection]:
    connection = Connection(lab.address("webmail"), name, lab.ssl_context)
    yield connection
    connection.close()


def get(site: Connection, path: str, **headers: str) -> http.client.HTTPResponse:
    site.request("GET", path, headers=headers)
    answer = site.getresponse()
    answer.read()
    return answer


def refuse(lab: Lab, context: ssl.SSLContext, name: str) -> None:
    """See a handshake fail."""
    with (
        socket.create_connection((lab.address("webmail"), 443), TIMEOUT) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain, server_hostname=name)


def named_in(text: str) -> set[str]:
    """The variables that a text of Roundcube names."""
    return set(re.findall(r"\$\w+", text))


@pytest.mark.dieu3
def test_the_certificate_is_trusted_and_http_2_spoken(lab: Lab, name: str) -> None:
    # Its own context: what is offered here must not be offered to the mail servers.
    context = ssl.create_default_context(cadata=lab.public_authorities)
    context.set_alpn_protocols(["h2", "http/1.1"])
    plain = socket.create_connection((lab.address("webmail"), 443), TIMEOUT)
    with context.wrap_socket(plain, server_hostname=name) as tls:
        assert tls.selected_alpn_protocol() == "h2"
        assert tls.version() == "TLSv1.3"


def test_tls_older_than_1_2_is_refused(lab: Lab, name: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    refuse(lab, context, name)


@pytest.mark.parametrize("unknown", ["mail.example", "10.27.0.10"])
def test_other_names_get_neither_certificate_nor_page(lab: Lab, unknown: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    refuse(lab, context, unknown)


def test_a_foreign_host_header_reaches_no_page(site: Connection) -> None:
    try:
        answer = get(site, "/", Host="mail.example")
    except (http.client.RemoteDisconnected, ConnectionError):
        return
    assert answer.status in {404, 421}


def test_plain_http_only_leads_to_https(lab: Lab, name: str) -> None:
    plain = http.client.HTTPConnection(lab.address("webmail"), 80, timeout=TIMEOUT)
    plain.request("GET", "/?_task=mail", headers={"Host": name})
    answer = plain.getresponse()
    assert answer.status == 301
    assert answer.getheader("Location") == f"https://{name}/?_task=mail"


def test_pages_carry_the_security_headers_once(site: Connection) -> None:
    answer = get(site, "/")
    assert answer.status == 200
    headers = {key.casefold(): answer.headers.get_all(key) for key in answer.headers}
    assert headers["strict-transport-security"] == ["max-age=31536000"]
    assert headers["x-frame-options"] == ["SAMEORIGIN"]
    assert headers["x-content-type-options"] == ["nosniff"]
    assert headers["referrer-policy"] == ["same-origin"]
    policy = headers["content-security-policy"]
    assert policy is not None
    assert len(policy) == 1
    # The sign-in's (docs/decisions/0085-hostile-mail-in-the-browser.md).
    assert "default-src 'none'" in policy[0]
    assert "'unsafe-inline'" not in policy[0].partition("script-src")[2].partition(";")[0]
    assert "frame-ancestors 'self'" in policy[0]
    assert "x-powered-by" not in headers
    assert headers["server"] == ["nginx"]
    for cookie in answer.headers.get_all("Set-Cookie") or []:
        assert {"secure", "httponly", "samesite=lax"} <= {part.strip().casefold() for part in cookie.split(";")}


@pytest.mark.parametrize(
    "path",
    [
        "/config/config.inc.php",
        "/temp/",
        "/logs/errors.log",
        "/SQL/postgres.initial.sql",
        "/bin/updatedb.sh",
        "/installer/",
        "/installer/index.php",
        "/.htaccess",
        "/plugins/hanam/hanam.php",
        "/plugins/managesieve/config.inc.php",
        "/plugins/managesieve/config.inc.php.dist",
        "/program/include/rcmail.php",
        "/program/localization/vi_VN/labels.inc",
        "/skins/elastic/templates/",
        "/index.php/x.php",
    ],
)
def test_what_is_not_meant_for_browsers_is_not_there(site: Connection, path: str) -> None:
    assert get(site, path).status == 404


@pytest.mark.parametrize(
    "path", ["/program/js/app.min.js", "/skins/elastic/styles/styles.min.css", "/favicon.ico", *LOOK]
)
def test_what_pages_need_is_there(site: Connection, path: str) -> None:
    answer = get(site, path)
    assert answer.status == 200
    assert answer.getheader("X-Content-Type-Options") == "nosniff"


@pytest.mark.dieu8
def test_a_request_over_the_attachments_limit_is_refused_by_its_length(site: Connection, lab: Lab) -> None:
    limit = lab.variables["regulation_attachment_limit_bytes"] + lab.variables["regulation_message_overhead_bytes"]
    site.putrequest("POST", "/?_task=mail&_action=upload")
    site.putheader("Content-Length", str(limit + 1))
    site.endheaders()
    assert site.getresponse().status == 413


@pytest.mark.parametrize(
    ("path", "headers", "status", "title"),
    [
        ("/khong-co", {}, 404, "Không có trang này"),
        ("/plugins/hanam/hanam.php", {}, 404, "Không có trang này"),
        ("/loi/tam-ngung.html", {}, 404, "Không có trang này"),
        ("/giao-dien/chu/", {}, 403, "Không có trang này"),
        ("/", {"Cookie": "a=" + "b" * 60000}, 400, "Trình duyệt gửi yêu cầu không hợp lệ"),
        ("/", {"Content-Length": "99999999999"}, 413, "Tệp gửi lên quá lớn"),
    ],
)
def test_nginx_tells_its_faults_in_vietnamese_with_whom_to_ask(
    site: Connection, lab: Lab, path: str, headers: dict[str, str], status: int, title: str
) -> None:
    site.request("GET", path, headers=headers)
    answer = site.getresponse()
    page = answer.read().decode()
    assert (answer.status, f"<h1>{title}</h1>" in page) == (status, True)
    assert lab.variables["support_phone"] in page
    assert "nginx" not in page
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_queries_do_not_get_into_the_access_log(site: Connection, webmail_host: Host) -> None:
    get(site, "/?_task=login&_pass=KhongDuocGhi")
    log = webmail_host.file("/var/log/nginx/access.log").content_string
    assert "/index.php" in log
    assert "KhongDuocGhi" not in log


def test_php_runs_as_nobody_of_rank_in_a_hardened_unit(webmail_host: Host) -> None:
    users = webmail_host.check_output("ps -o user= -C php-fpm8.4").split()
    assert set(users) == {"www-data"}
    report = webmail_host.check_output("systemd-analyze security --no-pager php8.4-fpm.service")
    found = re.search(r"exposure level for php8.4-fpm.service: ([\d.]+)", report)
    assert found
    assert float(found.group(1)) < 2


def test_php_cannot_read_keys_nor_mail(webmail_host: Host) -> None:
    master = webmail_host.service("php8.4-fpm.service").systemd_properties["MainPID"]
    for path in ("/etc/hanam-mail/tls/public/privkey.pem", "/etc/hanam-mail/tls/internal/key.pem", "/srv"):
        done = webmail_host.run(f"nsenter --target {master} --mount -- runuser -u www-data -- head -c 1 {path}")
        assert done.rc != 0, path
        assert "denied" in done.stderr.casefold()


def test_secrets_are_readable_by_the_webmail_alone(webmail_host: Host) -> None:
    configuration = webmail_host.file("/etc/roundcube/config.inc.php")
    assert (configuration.user, configuration.group, configuration.mode) == ("root", "www-data", 0o640)


def test_tables_have_the_version_of_the_package(webmail_host: Host, lab: Lab) -> None:
    newest = webmail_host.check_output("ls /usr/share/roundcube/SQL/postgres | sort -n | tail -1").removesuffix(".sql")
    query = "select value from system where name = 'roundcube-version'"
    assert lab.run("accounts", f'runuser -u postgres -- psql -At webmail -c "{query}"').strip() == newest


def test_the_package_has_set_up_no_database_of_its_own(lab: Lab) -> None:
    databases = lab.run("accounts", "runuser -u postgres -- psql -At -c 'select datname from pg_database'").split()
    assert "webmail" in databases
    assert "roundcube" not in databases


def test_roundcube_says_nothing_in_english(webmail_host: Host) -> None:
    said = json.loads(webmail_host.check_output("php -r %s", TEXTS_OF_ROUNDCUBE))
    ours = {name.removeprefix("core."): text for name, text in said["ours"].items() if name.startswith("core.")}
    assert said["en_US"].keys() - said["vi_VN"].keys() - ours.keys() == set()
    assert ours.keys() - said["en_US"].keys() == set(), "texts that nothing says any more"
    for name, text in ours.items():
        assert named_in(text) - {"$limit"} <= named_in(said["en_US"][name]), name


# Label, code, the server's words, the recipient -> what is shown. The words end as the mail server's do.
REPLIES = [
    ("smtperror", 0, "[554] 5.7.1 Tong dung luong tep dinh kem vuot qua 20 MB / Attachments exceed 20 MB in all", "",
     "Tổng dung lượng tệp đính kèm vượt quá 20 MB. (mã 554 5.7.1)"),
    ("smtperror", 0, "[554] 5.7.1 Tep dinh kem qua lon hoac nen qua nhieu lop, khong quet virus duoc / Too deep", "",
     "Tệp đính kèm quá lớn hoặc nén quá nhiều lớp, không quét virus được. (mã 554 5.7.1)"),
    ("smtptoerror", 550, "5.2.1 Hop thu da bi thu hoi / Mailbox has been closed", "a@x.vn",
     "a@x.vn: Hộp thư đã bị thu hồi. (mã 550 5.2.1)"),
    ("smtptoerror", 552, "5.2.2 Mailbox is full / Hop thu da day", "a@x.vn", "a@x.vn: Hộp thư đã đầy. (mã 552 5.2.2)"),
    ("smtptoerror", 550, "5.1.1 <a@x.vn>: Recipient address rejected: User unknown / khong co dia chi nay", "<b>a@x.vn",
     "Không có địa chỉ &lt;b&gt;a@x.vn. Hãy kiểm tra lại từng chữ. (mã 550 5.1.1)"),
    ("smtptoerror", 450, "4.1.1 <a@x.vn>: Recipient address rejected: unverified address", "a@x.vn",
     "Chưa kiểm tra được địa chỉ a@x.vn. Hãy gửi lại sau ít phút. (mã 450 4.1.1)"),
    ("smtpfromerror", 451, "4.3.0 Temporary lookup failure", "",
     "Máy chủ chưa nhận được thư. Hãy gửi lại sau ít phút; thư còn trong trang soạn thảo. (mã 451 4.3.0)"),
    ("smtpfromerror", 552, "5.3.4 Size exceeds limit / thu qua lon, tong dung luong tep dinh kem toi da 9 MB. Ho tro",
     "", "Thư quá lớn, tổng dung lượng tệp đính kèm tối đa 9 MB. (mã 552 5.3.4)"),
    ("smtptoerror", 504, "5.5.2 <a>: need fully-qualified address / dia chi thu phai day du, co @ va ten mien. A", "a",
     "a: Địa chỉ thư phải đầy đủ, có @ và tên miền. (mã 504 5.5.2)"),
    ("smtperror", 0, "[554] something else", "", "Máy chủ không nhận thư này. (mã 554)"),
]  # fmt: skip
TOLD = """
class rcube { static function Q($text) { return htmlspecialchars($text); } }
require '/var/lib/roundcube/plugins/hanam/hanam_refusals.php';
foreach (json_decode(stream_get_contents(STDIN)) as [$label, $code, $said, $to]) {
    $words = array_filter(['code' => $code, 'msg' => $said, 'to' => $to]);
    $told[] = hanam_refusals::told(['label' => $label, 'vars' => $words]);
}
// What is no reply to a message stays Roundcube's.
foreach (['smtpconnerror', 'smtpautherror', 'smtpsizeerror'] as $label) {
    $error = ['label' => $label, 'vars' => ['code' => 535, 'msg' => '5.7.8 Sai mat khau', 'limit' => '20 MB']];
    $told[] = hanam_refusals::told($error) === $error;
}
$told[] = hanam_refusals::told('unavailable') === 'unavailable' && hanam_refusals::told(null) === null;
echo json_encode($told);
"""


def test_replies_of_the_mail_server_are_told_in_words_of_offices(webmail_host: Host) -> None:
    given = json.dumps([reply[:4] for reply in REPLIES])
    told = json.loads(webmail_host.check_output("echo %s | php -r %s", given, TOLD))
    assert told == [reply[4] for reply in REPLIES] + [True] * 4
