"""What axe-core finds on a page and in its frames."""

from collections.abc import Iterator

from axe_selenium_python import Axe
from selenium.webdriver import Chrome as WebDriver

IMPACTS = ("critical", "serious")
CONTRASTS = ', "runOnly": ["color-contrast", "link-in-text-block"]'
# At once: no colour halfway to another, nothing told that is half gone. Pages whose policy allows styles of files alone
# refuse an element "style", and the browser complains of it.
STILL = """
const still = new CSSStyleSheet();
still.replaceSync("* { transition: none !important; }");
document.adoptedStyleSheets.push(still);
if (window.jQuery) {
  jQuery.fx.off = true;
  jQuery(":animated").finish();
}
"""
DARK = f'{STILL} document.documentElement.classList.add("dark-mode");'
# What somebody sent runs no scripts, so no timer of its frame ever ends. axe waits for one: it gets the page's.
CONFINED = "messagepartframe"
TIMERS = """
const later = parent.eval("(run, milliseconds) => setTimeout(() => run(), milliseconds)");
window.setTimeout = (run, milliseconds, ...rest) => later(() => run(...rest), milliseconds);
"""
# Frame, rule and selector of what no template, style or script of ours reaches, with the reason.
BEYOND = {
    ("composebody_ifr", "document-title", "html"): "the message that is being written",
    ("composebody_ifr", "html-has-lang", "html"): "the message that is being written",
    ("messagepartframe", "document-title", "html"): "the attachment itself, as somebody sent it",
    ("messagepartframe", "html-has-lang", "html"): "the attachment itself, as somebody sent it",
}


def faults(driver: WebDriver, frames: list[str], *, dark: bool) -> set[str]:
    """Critical and serious violations, each as "place rule selector"; in dark colours only contrasts are judged."""
    return _everywhere(driver, frames, DARK if dark else STILL, CONTRASTS if dark else "")


def contrasts(driver: WebDriver, frames: list[str]) -> set[str]:
    """Too little contrast in the colours that the page itself has chosen."""
    return _everywhere(driver, frames, STILL, CONTRASTS)


def _everywhere(driver: WebDriver, frames: list[str], before: str, rules: str) -> set[str]:
    found = set[str]()
    for frame in ["", *frames]:
        if frame:
            driver.switch_to.frame(frame)
        driver.execute_script(before)
        found |= set(_faults(driver, frame, f'{{"iframes": false{rules}}}'))
        driver.switch_to.default_content()
    return found


def _faults(driver: WebDriver, frame: str, options: str) -> Iterator[str]:
    axe = Axe(driver)
    axe.inject()
    if frame == CONFINED:
        driver.execute_script(TIMERS)
    for violation in axe.run(options=options)["violations"]:
        if violation["impact"] in IMPACTS:
            for node in violation["nodes"]:
                target = " ".join(map(str, node["target"]))
                if (frame, violation["id"], target) not in BEYOND:
                    why = (node["any"] or node["all"] or node["none"])[0]["message"]
                    yield f"{frame or 'page'} {violation['id']} {target}: {why}"
