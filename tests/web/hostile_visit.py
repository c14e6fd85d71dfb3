"""A browser visits hostile mail (hostile_mail.py) and writes down what came of it."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from selenium.common.exceptions import UnexpectedAlertPresentException, WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.mouse_button import MouseButton
from selenium.webdriver.common.by import By

from tests.lab import Lab, Sample
from tests.web import hostile_mail, tour
from tests.web.pages import Webmail

# What a message holds that no message may hold, after each of its elements was provoked; and what it covers.
LOOK = r"""
const done = arguments[arguments.length - 1];
const byId = (id) => Document.prototype.getElementById.call(document, id);
const body = byId("messagebody");
const parts = body ? [...body.querySelectorAll("*")] : [];
const kinds = "mouseover mouseenter pointerenter focus load error toggle animationstart click".split(" ");
for (const each of parts.filter((each) => !each.closest("a, area, math[*|href], math [*|href]"))) {
  kinds.forEach((kind) => each.dispatchEvent(new Event(kind, { cancelable: true })));
}
const never = new Set(("script iframe frame frameset object embed applet base meta form template portal"
  + " foreignobject maction").split(" "));
const ours = new RegExp(/^(return )?rcmail\.command\('(compose|load-attachment)',/.source
  + /|^\$\(this\)\.parents\('p\.image-attachment'\)\.show\(\)$/.source);
const runs = /^(javascript|vbscript|data(?!:image\/)):/;
setTimeout(() => {
  const faults = body ? [] : ["no message is shown"];
  for (const each of parts) {
    const tag = each.localName.toLowerCase();
    if (never.has(tag)) faults.push(`an element ${tag}`);
    // A part of the message itself may be linked.
    if (tag === "link" && each.href && !each.href.startsWith(location.origin)) faults.push(`a link to ${each.href}`);
    if (each.closest("form")) faults.push(`${tag} is in a form`);
    if (each.type === "password") faults.push("a field for a password");
    if (each.getAttribute("target") && !/noreferrer|noopener/.test(each.getAttribute("rel"))) {
      faults.push(`${tag} opens a window that knows this one`);
    }
    for (const { name, value } of each.attributes) {
      const bare = value.replace(/[\0-\x20]/g, "").toLowerCase(), known = name.toLowerCase();
      if (known.startsWith("on") && !ours.test(value)) faults.push(`${tag} ${name}`);
      if (["action", "formaction", "srcdoc", "ping"].includes(known)) faults.push(`${tag} ${name}`);
      if (/(^|:)(href|src|background|poster|to|from|by|values)$/.test(known) && runs.test(bare)) {
        faults.push(`${tag} ${name}=${bare.slice(0, 20)}`);
      }
    }
  }
  let controls = 0;
  const own = "#layout-menu a, .header a, #toolbar-menu a, h2.subject, #message-objects > *";
  for (const each of [...document.querySelectorAll(own)].filter((each) => !body || !body.contains(each))) {
    const { left, right, top, bottom, width, height } = each.getBoundingClientRect();
    const seen = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    if (width && height && top >= 0 && bottom < innerHeight && seen) {
      controls += 1;
      if (body && body.contains(seen)) faults.push(`covers ${each.className || each.id}`);
    }
  }
  if (typeof rcmail.command !== "function" || typeof document.getElementById !== "function") {
    faults.push("names of the page are taken");
  }
  const shown = (selector) => [...document.querySelectorAll(selector)].map((each) => each.innerText).join("\n");
  const remote = byId("remote-objects-message");
  done({ faults: [...new Set(faults)], controls, remote: !!remote && remote.offsetHeight > 0,
         warned: shown(".hanam-links"), marks: shown("hanam-link") });
}, 60);
"""
ASKING = "tep-anh-xa-html"
"""The file that holds pictures of another server."""
FOLLOWED = "link-other-host"
"""The message whose link is followed."""
PRINTED = "link-login-page"
CANARY = "const told = localStorage.canary; localStorage.clear(); return told || ''"
FRAME = """
const frame = document.getElementById("messagecontframe"), page = frame && frame.contentWindow;
return !!page && !!page.rcmail && String(page.rcmail.env.uid) === arguments[0]
  && page.document.readyState === "complete";
"""
HEADERS = """
const done = arguments[1];
fetch(arguments[0]).then((answer) => done(Object.fromEntries(answer.headers)));
"""
ASKED = re.compile(rf"(?<![\w%@-])([a-z0-9-]+)\.{re.escape(hostile_mail.STRANGER)}")


@dataclass
class Seen:
    """What was seen of all messages, by their names."""

    faults: dict[str, list[str]] = field(default_factory=dict)
    controls: dict[str, int] = field(default_factory=dict)
    offered: set[str] = field(default_factory=set)
    warned: dict[str, str] = field(default_factory=dict)
    printed: str = ""
    questions: dict[str, str] = field(default_factory=dict)
    """What was asked about the link that was followed, by the button of the mouse."""
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    allowed_at: float = 0.0
    """When pictures of other servers were allowed: what came before was unasked."""

    def tell(self, name: str, faults: list[str]) -> None:
        if faults:
            self.faults.setdefault(name, []).extend(faults)


class Visit:
    """One person's browser among hostile mail."""

    def __init__(self, webmail: Webmail, lab: Lab, person: Sample) -> None:
        self.webmail, self.driver, self.seen = webmail, webmail.driver, Seen()
        mails = hostile_mail.messages()
        files = hostile_mail.attached()
        with lab.imap(person.address, person.password) as client:
            for mail in (mails | files).values():
                assert client.append("INBOX", "", "", mail)[0] == "OK"
        numbers = {name: str(number) for number, name in enumerate(mails | files, 1)}
        self.mails = {name: numbers[name] for name in mails}
        self.files = {name: numbers[name] for name in files}
        webmail.enter(person)

    def previews(self) -> None:
        """Each message beside the list."""
        self.webmail.go(tour.MAIL)
        self.webmail.inbox()
        for name, number in (self.mails | self.files).items():
            self.driver.execute_script("rcmail.show_message(arguments[0], false, true)", number)
            self.webmail.wait.until(partial(self._shown, number), f"{name} is not shown")
            self.driver.switch_to.frame("messagecontframe")
            self._look(f"{name} (preview)")
            self.driver.switch_to.default_content()
            self._outer(name)

    @staticmethod
    def _shown(number: str, driver: Chrome) -> bool:
        there: bool = driver.execute_script(FRAME, number)
        return there

    def windows(self) -> None:
        """Each message in a window of its own."""
        for name, number in self.mails.items():
            self.webmail.go(f"{tour.MAIL}&_uid={number}&_action=show")
            told = self._look(name)
            self._outer(name)
            self.seen.controls[name] = told["controls"]
            self.seen.warned[name] = "\n".join((told["warned"], told["marks"])).strip()
            if told["remote"]:
                self.seen.offered.add(name)

    def printing(self) -> None:
        """A message as it is printed; no window for the printer is opened."""
        source = {"source": "window.print = () => {}"}
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)
        self.webmail.go(f"{tour.MAIL}&_uid={self.mails[PRINTED]}&_action=print")
        told = self._look(f"{PRINTED} (print)")
        self._outer(f"{PRINTED} (print)")
        self.seen.printed = "\n".join((told["warned"], told["marks"]))

    def follow(self) -> None:
        """A link is followed with the left button of the mouse, and with the middle one."""
        for name, button in (("left", MouseButton.LEFT), ("middle", MouseButton.MIDDLE)):
            self.webmail.go(f"{tour.MAIL}&_uid={self.mails[FOLLOWED]}&_action=show")
            tour.idle(self.webmail)
            hand: Any = ActionBuilder(self.driver)  # without types
            hand.pointer_action.move_to(self.webmail.find("#messagebody a[href]"))
            hand.pointer_action.pointer_down(button).pointer_up(button)
            hand.perform()
            self.seen.questions[name] = self.webmail.find(".ui-dialog").text
            self._outer(f"{FOLLOWED} ({name} button)")

    def attachments(self) -> None:
        """Each file in the webmail's page for it, and by itself whatever its type is said to be."""
        for name, number in self.files.items():
            query = f"{tour.MAIL}&_uid={number}&_part=2&_action=get"
            self.webmail.go(f"{query}&_frame=1&_extwin=1")
            tour.idle(self.webmail)
            self._outer(f"{name} (frame)")
            self.driver.set_script_timeout(30)
            self.seen.headers[name] = self.driver.execute_async_script(HEADERS, f"?{query}&_embed=1&_nocheck=1")
            try:
                self.webmail.go(f"{query}&_embed=1&_nocheck=1")
            except WebDriverException as fault:
                # It became a download.
                assert "ERR_ABORTED" in str(fault), fault
            self.driver.get(f"{self.webmail.address}giao-dien/emblem.svg")
            self._outer(f"{name} (alone)")

    def allow(self) -> None:
        """Show pictures of other servers, where that is offered."""
        self.driver.get("about:blank")
        self.seen.allowed_at = time.time()
        for name in sorted(self.seen.offered):
            self.webmail.go(f"{tour.MAIL}&_uid={self.mails[name]}&_action=show&_safe=1")
            self._look(f"{name} (pictures shown)")
            self._outer(f"{name} (pictures shown)")
        # The button of a file that is opened works, though no other script of its page does.
        self.webmail.go(f"{tour.MAIL}&_uid={self.files[ASKING]}&_part=2&_action=get&_embed=1")
        self.webmail.find(".rcmail-inline-buttons button").click()
        self.webmail.wait.until(lambda driver: "_safe=1" in driver.current_url, "pictures cannot be shown")
        self._outer(f"{ASKING} (pictures shown)")

    def replies(self, names: list[str]) -> None:
        """Messages in the editor for rich text."""
        self.webmail.go("_task=settings&_action=edit-prefs&_section=compose&_framed=1")
        with self.webmail.leaving():
            self.driver.execute_script(
                "document.querySelector('[name=_htmleditor]').value = '1'; document.forms[0].submit()"
            )
        tour.idle(self.webmail)
        for name in names:
            self.webmail.go(f"_task=mail&_action=compose&_reply_uid={self.mails[name]}&_mbox=INBOX")
            self.webmail.find(".tox-tinymce iframe")
            tour.idle(self.webmail)
            # Else the browser asks whether the page may be left.
            self.driver.execute_script("rcmail.compose_skip_unsavedcheck = true; window.onbeforeunload = null")
            self._outer(f"{name} (reply)")

    def names(self) -> None:
        """Markup as the name of a contact and of a folder, wherever they are shown."""
        name = hostile_mail.MARKUP
        self.webmail.go("_task=addressbook&_action=add&_source=0&_framed=1")
        for selector in ("[name=_name]", "[name=_firstname]"):
            for element in self.driver.find_elements(By.CSS_SELECTOR, selector):
                self.driver.execute_script("arguments[0].value = arguments[1]", element, name)
        self.driver.execute_script(
            "document.querySelector('[name^=_email]').value = 'a@ngoai.example'; rcmail.command('save')"
        )
        tour.idle(self.webmail)
        self._outer("a contact's name (saved)")
        for place in ("_task=addressbook&_source=0", "_task=settings&_action=folders", tour.MAIL):
            self.webmail.go(place)
            tour.idle(self.webmail)
            self._outer(f"names at {place}")

    def _look(self, name: str) -> dict[str, Any]:
        self.driver.set_script_timeout(30)
        try:
            told: dict[str, Any] = self.driver.execute_async_script(LOOK)
        except UnexpectedAlertPresentException as fault:
            self.seen.tell(name, [f"a dialog: {fault.alert_text}"])
            return {"controls": 0, "warned": "", "marks": "", "remote": False}
        self.seen.tell(name, told["faults"])
        return told

    def _outer(self, name: str) -> None:
        """What became of the browser."""
        driver = self.driver
        faults = []
        if not driver.current_url.startswith(self.webmail.address):
            faults.append(f"led away to {driver.current_url}")
        elif driver.execute_script(CANARY):
            faults.append("a script ran")
        if len(driver.window_handles) > 1:
            faults.append("a window was opened")
        complained = [entry["message"] for entry in driver.get_log("browser")]  # type: ignore[no-untyped-call]
        # Where a file is opened, Roundcube's own scripts are refused with all others.
        faults += [each for each in complained if "script-src" in each and "_action=get" not in each]
        self.seen.tell(name, faults)


def asked(log: Path) -> Iterator[tuple[float, str]]:
    """When something was asked of a stranger's server, or only its address, and of which message's."""
    whole = json.loads(log.read_text())
    offset = int(whole["constants"]["timeTickOffset"])
    for event in whole["events"]:
        for name in ASKED.findall(json.dumps(event.get("params", {}))):
            yield (offset + int(event["time"])) / 1000, name
