"""Every page and dialog of the webmail's site, for tests that look at all of them."""

import unicodedata
from dataclasses import dataclass
from email.message import EmailMessage

from selenium.webdriver.common.by import By

from tests.lab import Lab, Sample, message
from tests.web.pages import Webmail

SUBJECT = "V/v triển khai Quy chế quản lý, sử dụng hộp thư điện tử công vụ năm 2026"
TEXT = """Kính gửi: Các sở, ban, ngành; Ủy ban nhân dân các huyện, thành phố,

Thực hiện Quyết định của Ủy ban nhân dân tỉnh, đề nghị quý cơ quan báo cáo kết quả trước ngày 15/11.

> Nội dung trả lời trước đây được giữ nguyên ở dưới.

Trân trọng!
"""


@dataclass(frozen=True, slots=True)
class Stop:
    """One view: where it is, what is visible once it is there, and the script that opens what lies upon it."""

    name: str
    query: str
    ready: str
    act: str = ""
    opened: str = ""
    """What the script makes visible."""
    narrow: str = ""
    """The script that brings it into view where a narrow screen keeps it behind a button."""


def _popup(name: str, query: str, ready: str, menu: str) -> Stop:
    return Stop(name, query, ready, f"document.querySelector('[data-popup={menu}]').click()", f"#{menu}")


MAIL, LIST = "_task=mail&_mbox=INBOX", "#messagelist tr.message"
READ, SHOWN = "_task=mail&_mbox=INBOX&_uid=2&_action=show", "#messagebody"
COMPOSE, WRITING = "_task=mail&_action=compose", "#composebody"
CONTACTS, BOOKS = "_task=addressbook", "#directorylist"
# Of the registry's department of information: its mailbox.
BOOK_ENTRY = b"stttt@hanam.gov.vn".hex()
FILTERS, SETS = "_task=settings&_action=plugin.managesieve", "#layout-list"
TIDY = "_task=settings&_action=plugin.hanam-tidy"
DIALOG = ".ui-dialog"

BEFORE_SIGN_IN = (
    Stop("login", "", "#rcmloginuser"),
    Stop("change-password", "mat-khau/", "#new"),
    Stop("expired", "mat-khau/?ly-do=expired", "#new"),
    Stop("locked", "mat-khau/tam-khoa?ly-do=forbidden_use", "#reason"),
    Stop("revoked", "mat-khau/thu-hoi", "h1"),
    Stop("client-setup", "cai-dat/", "table"),
    Stop("held-spam", "thu-giu/", "h1"),
    Stop("directory", "danh-ba/", "#q"),
    Stop("directory-agency", "danh-ba/co-quan/stttt.html", "table"),
    Stop("directory-found", "danh-ba/tim?q=nguyen", "table"),
    Stop("directory-not-there", "danh-ba/khong-co", "h1"),
    Stop("help", "tro-giup/", "h1"),
    Stop("incident", "tro-giup/bao-su-co.html", "h1"),
    Stop("status", "tinh-trang/", "h1"),
    Stop("training", "tap-huan/", "h1"),
    Stop("not-there", "khong-co", "h1"),
)

SIGNED_IN = (
    Stop("list", MAIL, LIST),
    Stop("empty-folder", "_task=mail&_mbox=Archive", "#messagelist-content"),
    Stop("preview", MAIL, LIST, "rcmail.message_list.select(rcmail.message_list.get_first_row())", "#messagecontframe"),
    Stop("read", READ, SHOWN),
    Stop("read-plain", READ.replace("_uid=2", "_uid=1"), SHOWN),
    Stop("bounce", "_task=mail&_action=bounce&_uid=1&_mbox=INBOX&_framed=1", "form"),
    Stop("print", READ.replace("=show", "=print"), SHOWN),
    Stop("attachment", "_task=mail&_mbox=INBOX&_uid=2&_part=2&_action=get&_frame=1&_extwin=1", "#messagepartframe"),
    Stop("compose", COMPOSE, WRITING),
    Stop("compose-html", COMPOSE, WRITING,
         "window.confirm = () => true;"
         "rcmail.command('toggle-editor', {id: 'composebody', html: true}, '', {})", ".tox-tinymce iframe"),
    Stop("reply", "_task=mail&_action=compose&_reply_uid=1&_mbox=INBOX", WRITING),
    Stop("contacts", CONTACTS, BOOKS, narrow="UI.show_sidebar()"),
    Stop("book-agency", f"{CONTACTS}&_source=hanam&_gid=7374747474", "#contacts-table tbody tr"),
    Stop("book-entry", f"{CONTACTS}&_action=show&_source=hanam&_cid={BOOK_ENTRY}&_framed=1", "fieldset"),
    Stop("book-completion", COMPOSE, WRITING,
         "rcmail.ksearch_input = document.querySelector('#compose_to .recipient-input input');"
         "rcmail.ksearch_input.focus(); rcmail.ksearch_input.value = 'so thong tin'; rcmail.ksearch_get_results()",
         "#rcmKSearchpane"),
    Stop("read-outside", READ.replace("_uid=2", "_uid=4"), ".hanam-origin"),
    Stop("contact-form", f"{CONTACTS}&_action=add&_source=0&_framed=1", "form"),
    Stop("contact-import", f"{CONTACTS}&_action=import&_framed=1", "form"),
    Stop("contact-search", f"{CONTACTS}&_action=search&_form=1&_framed=1", "form"),
    Stop("settings", "_task=settings", "#settings-menu"),
    *(
        Stop(f"settings-{section}", f"_task=settings&_action=edit-prefs&_section={section}&_framed=1", "form")
        for section in ("general", "mailbox", "mailview", "compose", "addressbook", "folders", "server")
    ),
    Stop("folders", "_task=settings&_action=folders", "#subscription-table"),
    Stop("folder", "_task=settings&_action=edit-folder&_mbox=Archive&_framed=1", "form"),
    Stop("identities", "_task=settings&_action=identities", "#identities-table"),
    Stop("responses", "_task=settings&_action=responses", "#layout-list"),
    Stop("response", "_task=settings&_action=add-response&_framed=1", "form"),
    Stop("deleted", "_task=settings&_action=plugin.hanam-deleted", ".hanam-list"),
    Stop("places", "_task=settings&_action=plugin.hanam-places", ".hanam-list"),
    Stop("held", "_task=settings&_action=plugin.hanam-held", ".hanam-list"),
    Stop("scheduled", "_task=settings&_action=plugin.hanam-scheduled", ".hanam-list"),
    Stop("forward", "_task=settings&_action=plugin.managesieve-forward", "#forwardform, #forward_action"),
    Stop("filters", FILTERS, SETS),
    Stop("filter", "_task=settings&_action=plugin.managesieve-action&_framed=1&_nav=hide", "select[name^=_header]"),
    Stop("filter-set", "_task=settings&_action=plugin.managesieve-action&_framed=1&_nav=hide&_newset=1", "form"),
    Stop("vacation", "_task=settings&_action=plugin.managesieve-vacation", "#layout-content"),
    Stop("tidy", TIDY, "#tidy .folders"),
    Stop("tidy-range", f"{TIDY}&_folder=INBOX&_before=2100-01-01&_do=archive", "#tidy form"),
    # --- menus and dialogs ---
    Stop("about", MAIL, LIST, "UI.about_dialog(document.querySelector('#taskmenu a.about'))", DIALOG),
    _popup("menu-list-select", MAIL, LIST, "listselect-menu"),
    _popup("menu-threads", MAIL, LIST, "threadselect-menu"),
    _popup("menu-folder", MAIL, LIST, "mailboxoptions-menu"),
    _popup("menu-mark", READ, SHOWN, "markmessage-menu"),
    _popup("menu-more", READ, SHOWN, "message-menu"),
    _popup("menu-forward", READ, SHOWN, "forward-menu"),
    Stop("found", MAIL, LIST, "$('#mailsearchform').val('thuc hien'); rcmail.command('search')",
         "#messagelist tr.message .subject"),
    Stop("found-in-message", MAIL, LIST,
         "$('#mailsearchform').val('giay moi'); rcmail.addEventListener('responseaftersearch', () => setTimeout(() =>"
         " rcmail.message_list.select(rcmail.message_list.get_first_row()))); rcmail.command('search')",
         "#messagelist mark.hanam-hit"),
    Stop("saved-searches", MAIL, LIST,
         "rcmail.triggerEvent('plugin.hanam_searches', [{name: 'Báo cáo', q: 'bao cao', scope: 'all', mods: ''}])",
         "#hanam-searches .run"),
    Stop("search-options", MAIL, LIST, "document.querySelector('.searchbar a.options').click()", "#searchmenu"),
    Stop("list-options", MAIL, LIST, "document.querySelector('#messagelist-header a.options').click()", DIALOG),
    Stop("import", MAIL, LIST, "UI.import_dialog()", DIALOG),
    Stop("report", READ, SHOWN, "rcmail.command('plugin.hanam.report')", DIALOG),
    Stop("report-fault", MAIL, LIST, "rcmail.command('plugin.hanam.report')", DIALOG),
    Stop("headers", READ, SHOWN, "UI.headers_dialog()", DIALOG),
    Stop("delete-folder", "_task=settings&_action=folders", "#subscription-table",
         "rcmail.confirm_dialog(rcmail.get_label('deletefolderconfirm'), 'delete', () => {})", DIALOG),
    Stop("alert", MAIL, LIST, "rcmail.alert_dialog(rcmail.get_label('deletemessagesconfirm'))", DIALOG),
    Stop("keys", MAIL, LIST, "hanam_keys()", DIALOG),
    _popup("menu-letters", COMPOSE, WRITING, "responses-menu"),
    Stop("compose-recipients", f"{COMPOSE}&_to=khongco@hanam.gov.vn,an@ngoai.example,an@bo.gov.vn", ".hanam-who li"),
    Stop("wrong-recipient", f"{COMPOSE}&_to=khongco@hanam.gov.vn&_subject=Họp", ".hanam-who li",
         "rcmail.editor.set_content('Kính gửi'); rcmail.command('send', '')", DIALOG),
    Stop("too-much", COMPOSE, WRITING,
         "rcmail.env.attachments.x = {}; rcmail.file_upload([{name: 'a', size: 3e7}], {_id: ''}, {})", DIALOG),
    Stop("undo-send", f"{COMPOSE}&_to=an@ngoai.example&_subject=Họp", ".hanam-who li",
         "rcmail.env.hanam_undo_seconds = 3600; rcmail.editor.set_content('Kính gửi'); rcmail.command('send', '')",
         "#hanam-undo"),
    Stop("recipients", COMPOSE, WRITING, "document.querySelector('#compose_to a.add.recipient').click()", DIALOG),
)  # fmt: skip


def furnish(lab: Lab, person: Sample, other: Sample) -> None:
    """Give a mailbox that nobody has used what a clerk's looks like: plain, rich, flagged, answered, with files."""
    plain = message(other.address, person.address, subject=SUBJECT, text=TEXT)
    del plain["From"]
    plain["From"] = f"{other.name} <{other.address}>"
    mails = (
        (r"\Seen \Answered hanam-answered-tt0", plain),
        ("", _rich(person, other)),
        (r"\Flagged", _decomposed(person, other)),
        ("", _strange(person)),
    )
    with lab.imap(person.address, person.password) as client:
        for flags, mail in mails:
            assert client.append("INBOX", flags, "", mail.as_bytes())[0] == "OK"
        # What he deleted for good, to be brought back.
        for title in ("Dự thảo báo cáo quý III năm 2026", "Lịch công tác tuần 45"):
            gone = message(other.address, person.address, subject=title, text=TEXT)
            del gone["From"]
            gone["From"] = f"{other.name} <{other.address}>"
            assert client.append("Trash", "", "", gone.as_bytes())[0] == "OK"
        client.select("Trash")
        client.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
        client.expunge()


def _rich(person: Sample, other: Sample) -> EmailMessage:
    mail = message(other.address, person.address, subject="Giấy mời họp giao ban tháng 11", text=TEXT)
    del mail["From"]
    mail["From"] = f"{other.name} <{other.address}>"
    mail.add_alternative(f"<h2>Giấy mời</h2><p>{TEXT}</p><p><a href='https://hanam.gov.vn/'>Cổng tỉnh</a></p>", "html")
    mail.add_attachment("Nội dung công văn\n", filename="Công văn số 12-STTTT.txt")
    mail.add_attachment(b"%PDF-1.4\n", maintype="application", subtype="pdf", filename="Phụ lục.pdf")
    return mail


def _strange(person: Sample) -> EmailMessage:
    """From outside the administration."""
    return message("an@ngoai.example", person.address, subject="Báo giá văn phòng phẩm", text=TEXT)


def _decomposed(person: Sample, other: Sample) -> EmailMessage:
    """Letters and marks apart, as some programs send them."""
    mail = message(other.address, person.address, text=unicodedata.normalize("NFD", TEXT))
    del mail["Subject"]
    mail["Subject"] = unicodedata.normalize("NFD", SUBJECT)
    return mail


def go(webmail: Webmail, stop: Stop, *, narrow: bool = False) -> None:
    """Bring the browser to a stop and wait until all that it asked for is there."""
    driver = webmail.driver
    driver.switch_to.default_content()
    place = stop.query if "=" not in stop.query.partition("?")[0] else f"?{stop.query}"
    driver.get(f"{webmail.address}{place}")
    if narrow and stop.narrow:
        idle(webmail)
        driver.execute_script(stop.narrow)
    webmail.find(stop.ready)
    idle(webmail)
    # An action that does not exist shows the whole page instead, which has forms too.
    whole = driver.find_elements(By.CSS_SELECTOR, "#layout-menu, #taskmenu")
    assert not (whole and "_framed=1" in stop.query), f"{stop.name}: no page of its own, but the whole one"
    if stop.act:
        driver.execute_script(stop.act)
        if stop.opened:
            webmail.find(stop.opened)
        idle(webmail)


def idle(webmail: Webmail) -> None:
    """Wait for the page and its frames."""
    webmail.wait.until(
        lambda driver: driver.execute_script(
            "return document.readyState === 'complete' && (!window.jQuery || jQuery.active === 0)"
            " && [...document.querySelectorAll('iframe')].every("
            "frame => !frame.contentDocument || frame.contentDocument.readyState === 'complete')"
        )
    )


def frames(webmail: Webmail) -> list[str]:
    """Ids of the frames of the page that show something."""
    return [
        frame.get_attribute("id") or ""
        for frame in webmail.driver.find_elements(By.CSS_SELECTOR, "iframe[id]")
        if frame.is_displayed()
    ]


def shown(webmail: Webmail) -> str:
    """All that is visible of the page and its frames, with its title and the title's bar."""
    driver = webmail.driver
    texts = [driver.title, driver.find_element(By.TAG_NAME, "body").text]
    for frame in frames(webmail):
        driver.switch_to.frame(frame)
        texts.append(driver.find_element(By.TAG_NAME, "body").text)
        driver.switch_to.default_content()
    return "\n".join(texts)
