"""Words of another language among what people read on a page."""

import re

from selenium.webdriver import Chrome as WebDriver

from hanam_mail.regulation.naming.syllables import is_syllable

# Everything that somebody may see, hear or point at, shown or not yet, of the page and its frames; and all texts that
# the page's scripts have at hand for dialogs that come later. Not what people wrote: subjects, texts and names.
READ = """
const texts = new Set();
const written = "#messagebody, td.subject, .subject, .fromto, #message-header, #attachment-list, .attachmentslist,"
  + " .action-headers, .rcmContactAddress, script, style, noscript, textarea, #composebody, .header-title.username,"
  + " option[value*='@'], a[href^='mailto:'], .directory tbody th";
const read = (page) => {
  const walk = page.createTreeWalker(page, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
    if (!element || element.closest(written)) continue;
    if (node.nodeType === Node.TEXT_NODE) texts.add(node.data.trim());
    else for (const name of ["title", "alt", "placeholder", "aria-label", "summary", "data-original-title",
                             "data-label-msg", "data-label-ext"]) {
      texts.add((element.getAttribute(name) || "").trim());
    }
    if (element.matches("optgroup")) texts.add(element.label);
    if (element.matches("input[type=button], input[type=submit]")) texts.add(element.value);
  }
  texts.add(page.title);
};
read(document);
for (const frame of document.querySelectorAll("iframe")) if (frame.contentDocument) read(frame.contentDocument);
for (const text of Object.values((window.rcmail && rcmail.labels) || {})) texts.add(String(text));
return [...texts].filter(Boolean);
"""
# Names, abbreviations and units that offices write like that, and codes of what stands beside them.
_ALLOWED = (
    "android apple autocomplete byte cc bcc carddav css csv dkim docx email eml exe fax gb gif google gpl gnu html "
    "http https id ie imap internet ios iphone ipad iso jpeg jpg js json kb kib ldap mac mail mailto mb mbox microsoft "
    "mime nguyenvana outlook classic pdf png pop3 safari smtp spf ssl starttls stttt tb thunderbird tiff tls txt "
    "ubnd unicode uri url usb utf vcard vcf vi web webmail windows xlsx xml zip mailvelope ascii euc cn jp kr "
    "shift enter ctrl bc vt virus macro qr authenticator freeotp "
)
WORDS = frozenset(_ALLOWED.split())
FONTS = re.compile(
    r"Andale Mono|Arial( Black)?|Book Antiqua|Courier New|Georgia|Helvetica|Impact|Tahoma|Terminal|Times New Roman"
    r"|Trebuchet MS|Verdana"
)
# As they stand on the keys, in the list of these alone.
KEYS = re.compile(
    r"Home, End|Page Up, Page Down|Delete hoặc Backspace|Backspace ở đầu|Alt \+ F10|\bEsc\b|Tab, Shift \+ Tab|sau Tab"
)
# As programs that are not in Vietnamese call the field of a setting.
FIELDS = re.compile(r"Base DN, Search base")
NOT_WORDS = re.compile(
    r"\b(?:application|audio|image|message|multipart|text|video)/[\w.+-]+|\S+@\S+|https?://\S+|\$\w+|%\w|\b[\w-]+(\.[\w-]+)+\b(/[\w/-]*)?|\b\w+[_*]\w+\b|&\w+;|\bdc=\S+"
)


def foreign(text: str) -> set[str]:
    """The words of a text that are Latin letters alone, no Vietnamese syllable, and not in the list."""
    words = re.findall(
        r"(?<![\w’'])[A-Za-z]{2,}(?!\w)", NOT_WORDS.sub(" ", FIELDS.sub(" ", KEYS.sub(" ", FONTS.sub(" ", text))))
    )
    return {word for word in words if word.lower() not in WORDS and not is_syllable(word.lower())}


def strange(driver: WebDriver) -> dict[str, set[str]]:
    """Text -> its foreign words, of all that the page and its frames show, may show or have at hand."""
    return {text[:120]: words for text in driver.execute_script(READ) if (words := foreign(text))}
