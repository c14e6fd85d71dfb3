"""What of the webmail a province sets by one variable, and where it comes to stand (records 0068, 0072)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.render.conftest import ENVIRONMENTS, ROOT

type Environments = Callable[[str], Any]

OTHER = "/srv/tinh/bieu-trung.svg"
# Whatever is the name of a drawing, at its end.
DRAWING = re.compile(r"\b[\w-]+\.(?:svg|ico)\b")
PAGES = ("roles/*/templates/**/*.j2", "roles/*/files/**/*.php", "roles/*/files/**/*.html", "roles/*/files/**/*.css",
         "src/hanam_mail/**/templates/**/*.html")  # fmt: skip


@pytest.mark.parametrize("topology", ENVIRONMENTS)
@pytest.mark.parametrize(("given", "seconds"), [({}, 10), ({"roundcube_undo_seconds": 0}, 0)])
def test_a_message_waits_ten_seconds_before_it_is_sent_unless_the_province_says_otherwise(
    environment: Environments, topology: str, given: dict[str, int], seconds: int
) -> None:
    here = environment(topology)
    there = here.with_variables(**given) if given else here
    text = there.render("roundcube", "config.inc.php.j2", there.hosts("webmail")[0])
    assert re.findall(r"^\$config\['hanam_undo_seconds'\] = (.*);$", text, re.M) == [str(seconds)]


@pytest.mark.parametrize("topology", ("staging", "production"))
@pytest.mark.parametrize(("given", "shown"), [({}, "false"), ({"roundcube_signature_phone": True}, "true")])
def test_a_telephone_is_in_signatures_where_the_province_says_so_alone(
    environment: Environments, topology: str, given: dict[str, bool], shown: str
) -> None:
    here = environment(topology)
    there = here.with_variables(**given) if given else here
    text = there.render("roundcube", "config.inc.php.j2", there.hosts("webmail")[0])
    assert re.findall(r"^\$config\['hanam_signature_phone'\] = (.*);$", text, re.M) == [shown]


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_another_emblem_takes_the_place_of_ours_at_each_path_that_pages_name(
    environment: Environments, topology: str
) -> None:
    here = environment(topology).with_variables(roundcube_emblem=OTHER)
    host = here.hosts("webmail")[0]
    skin = here.value("roundcube", "_roundcube_skin", host)
    drawings = [row for row in here.value("roundcube", "_roundcube_files", host) if row.get("file") == OTHER]
    assert [row["dest"] for row in drawings] == [f"{skin}/images/logo.svg"]
    assert not [row for row in here.value("roundcube", "_roundcube_files", host) if "emblem" in str(row.get("file"))]
    # Both paths are that one file: what the pages of all roles show, and what a browser asks for by itself.
    site = here.render("roundcube", "nginx.conf.j2", host)
    look = here.value("roundcube", "roundcube_look_path", host)
    for path in (f"{look}emblem.svg", "/favicon.ico"):
        assert re.search(rf"location = {re.escape(path)} {{\s+alias {re.escape(skin)}/images/logo\.svg;", site), path
    config = here.render("roundcube", "config.inc.php.j2", host)
    assert "$config['favicon'] = '/images/logo.svg';" in config
    for role in ("change_page", "client_setup", "directory", "help_pages", "spam_page"):
        assert here.value(role, f"{role}_look_path", host) == look, role


def test_no_page_shows_another_drawing_than_the_emblem() -> None:
    """An emblem of its own would stay when the province sets another one. What an empty list shows is none."""
    found = {
        (str(path.relative_to(ROOT)), name)
        for pattern in PAGES
        for path in ROOT.glob(pattern)
        for name in DRAWING.findall(path.read_text())
    }
    assert len(found) > 10
    strangers = {(path, name) for path, name in found if name not in {"emblem.svg", "logo.svg"}}
    sheet = "roles/roundcube/files/skin/styles/webmail.css"
    empty = {(sheet, "empty.svg"), (sheet, "nohits.svg")}
    assert strangers == {("roles/roundcube/templates/nginx.conf.j2", "favicon.ico"), *empty}


def test_the_emblem_that_is_shipped_is_about_square() -> None:
    role = yaml.safe_load((ROOT / "roles/roundcube/defaults/main.yml").read_text())
    drawing = (ROOT / "roles/roundcube/files" / role["roundcube_emblem"]).read_text()
    (box,) = re.findall(r'viewBox="([\d. -]+)"', drawing)
    _, _, width, height = map(float, box.split())
    assert 0.8 <= width / height <= 1.25
