"""Help and the form for incidents, as everybody reads them on the webmail's site."""

import pytest

from tests.lab import Lab
from tests.roles.test_roundcube import Connection

PATH = "/tro-giup/"


@pytest.mark.dieu10
@pytest.mark.dieu11
@pytest.mark.parametrize(
    ("path", "shown"),
    [("", "Quên mật khẩu"), ("bao-su-co.html", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"), ("help.css", ".help code"),
     ("incident.css", "@media print")],
)  # fmt: skip
def test_everybody_reads_it_without_an_account(lab: Lab, path: str, shown: str) -> None:
    site = Connection(lab.address("webmail"), f"mail.{lab.variables['mail_domain']}", lab.ssl_context)
    site.request("GET", PATH + path)
    answer = site.getresponse()
    text = answer.read().decode()
    assert (answer.status, shown in text) == (200, True)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "set-cookie" not in answer.headers
    site.request("GET", PATH.rstrip("/"))
    answer = site.getresponse()
    answer.read()
    assert (answer.status, answer.headers["Location"].endswith(PATH)) == (301, True)
    site.close()
