"""What the webmail's files say, per topology."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.render.conftest import ROOT

Environments = Callable[[str], Any]


def regulation(name: str) -> int:
    number: int = yaml.safe_load((ROOT / "group_vars/all/regulation.yml").read_text())[name]
    return number


@pytest.mark.dieu8
def test_every_layer_agrees_on_the_attachments_limit(environment: Environments) -> None:
    here = environment("lab")
    limit = regulation("regulation_attachment_limit_bytes")
    request = limit + regulation("regulation_message_overhead_bytes")
    pool = here.render("webmail", "php-fpm.conf.j2", "mail")
    assert f"php_admin_value[upload_max_filesize] = {limit}\n" in pool
    assert f"php_admin_value[post_max_size] = {request}\n" in pool
    assert f"client_max_body_size {request};" in here.render("webmail", "nginx.conf.j2", "mail")

    found = re.search(r"max_message_size'\] = (\d+);", here.render("webmail", "config.inc.php.j2", "mail"))
    assert found

    def reckoned(size: int) -> float:
        """As Roundcube does for one attachment."""
        return 10 * 1024 + size * 1.33

    assert reckoned(limit) <= int(found.group(1)) < reckoned(limit + 1)


def test_neighbours_on_the_same_host_are_met_by_socket_and_loopback(environment: Environments) -> None:
    text = environment("lab").render("webmail", "config.inc.php.j2", "mail")
    assert "'pgsql://webmail@unix(/run/postgresql)/webmail'" in text
    assert "'pgsql://mail_webmail@unix(/run/postgresql)/mail'" in text
    assert "'host' => '127.0.0.1',\n    'port' => 1143,\n    'ssl_mode' => null," in text
    assert "'ssl://127.0.0.1:465'" in text


def test_neighbours_on_other_hosts_are_met_by_verified_tls(environment: Environments) -> None:
    text = environment("split").render("webmail", "config.inc.php.j2", "store1")
    options = "sslmode=verify-full&sslrootcert=/etc/hanam-mail/tls/internal/ca.pem"
    assert re.search(rf"'pgsql://webmail:\w+@tcp\(accounts1\.hanam\.gov\.vn:5432\)/webmail\?{options}'", text)
    assert re.search(rf"'pgsql://mail_webmail:\w+@tcp\(accounts1\.hanam\.gov\.vn:5432\)/mail\?{options}'", text)
    assert "'ssl://edge1.hanam.gov.vn:465'" in text
    assert "'peer_name' => 'smtp.hanam.gov.vn'" in text
