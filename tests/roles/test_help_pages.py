"""Help and the form for incidents, as everybody reads them on the webmail's site."""

import pytest

from tests.lab import Lab
from tests.roles.test_roundcube import Connection

PATH = "/tro-giup/"
OTHERS = [
    ("/tinh-trang/", "", "Tình trạng hệ thống"),
    ("/tinh-trang/", "status.js", "Đang diễn ra"),
    ("/tap-huan/", "", "Sử dụng thư điện tử công vụ"),
    ("/tap-huan/", "training.css", "@media print"),
]


@pytest.mark.dieu10
@pytest.mark.dieu11
@pytest.mark.parametrize(
    ("place", "path", "shown"),
    [(PATH, "", "Quên mật khẩu"), (PATH, "bao-su-co.html", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"),
     (PATH, "help.css", ".help code"), (PATH, "incident.css", "@media print"), *OTHERS],
)  # fmt: skip
def test_everybody_reads_it_without_an_account(lab: Lab, place: str, path: str, shown: str) -> None:
    site = Connection(lab.address("webmail"), f"mail.{lab.variables['mail_domain']}", lab.ssl_context)
    site.request("GET", place + path)
    answer = site.getresponse()
    text = answer.read().decode()
    assert (answer.status, shown in text) == (200, True)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "set-cookie" not in answer.headers
    site.request("GET", place.rstrip("/"))
    answer = site.getresponse()
    answer.read()
    assert (answer.status, answer.headers["Location"].endswith(place)) == (301, True)
    site.close()
