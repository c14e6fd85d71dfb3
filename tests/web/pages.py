"""The webmail as a person sees it: what can be done on its pages, in the words of the tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver import Chrome as WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions as expect
from selenium.webdriver.support.wait import WebDriverWait

from tests.lab import Sample
from tests.web.browser import WAIT

# The draft that is saved first is confirmed too; that is no answer to sending.
KEEP_WHAT_IS_SAID = """
sessionStorage.removeItem("said");
const keep = words => sessionStorage.setItem("said", `${sessionStorage.getItem("said") || ""} ${words}`);
const {sent_successfully: sent, display_message: show} = rcmail;
rcmail.sent_successfully = function (kind, words, ...more) {
  keep(words);
  return sent.call(this, kind, words, ...more);
};
rcmail.display_message = function (words, kind, ...more) {
  if (kind === "error")
    keep(words);
  return show.call(this, words, kind, ...more);
};
"""


class Webmail:
    """One browser window on the webmail."""

    def __init__(self, driver: WebDriver, name: str) -> None:
        self.driver = driver
        self.address = f"https://{name}/"
        self.wait = WebDriverWait(driver, WAIT, ignored_exceptions=[StaleElementReferenceException])

    # --- looking ---

    def find(self, selector: str) -> WebElement:
        """The first element that fits, once it is visible."""
        try:
            found: WebElement = self.wait.until(expect.visibility_of_element_located((By.CSS_SELECTOR, selector)))
        except TimeoutException:
            said = " ".join(self.driver.find_element(By.TAG_NAME, "body").text.split())
            raise AssertionError(
                f"nothing visible fits {selector} at {self.driver.current_url}, which says: {said[:300]}"
            ) from None
        return found

    def text(self, selector: str) -> str:
        return self.find(selector).text

    def labels(self, selector: str) -> set[str]:
        """Texts of all elements that fit, buttons without a text by their title."""
        elements = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return {(element.text or element.get_attribute("title") or "").strip() for element in elements} - {""}

    def notice(self) -> str:
        """The message that the webmail shows in its corner, or beside the field that it is about."""
        return self.text("#messagestack div:not(.loading) span, #messagestack div:not(.loading), #login-fault")

    # --- doing ---

    def open(self) -> None:
        self.driver.get(self.address)
        self.find("#rcmloginuser")

    def log_in(self, login: str, password: str) -> None:
        """Fill in the login form and send it; what comes then is for the test to say."""
        self.open()
        self.find("#rcmloginuser").send_keys(login)
        self.find("#rcmloginpwd").send_keys(password)
        self.find("#rcmloginsubmit").click()

    def enter(self, person: Sample) -> None:
        """Log in and see the inbox."""
        self.log_in(person.address, person.password)
        self.inbox()

    def inbox(self) -> None:
        """See the inbox, loaded to its end."""
        self.find("#messagelist-content")
        self.wait.until(lambda driver: driver.execute_script("return jQuery.active === 0"))

    def go(self, query: str) -> None:
        self.driver.get(f"{self.address}?{query}")

    def read(self, subject: str) -> str:
        """Open the message with that subject from the list; returns its text as shown."""
        row = f"//table[@id='messagelist']//td[@class='subject']//*[normalize-space(text())='{subject}']"

        def look(driver: WebDriver) -> WebElement | None:
            found = driver.find_elements(By.XPATH, row)
            if not found:
                # The button that people press when they cannot wait either.
                driver.execute_script("rcmail.command('checkmail')")
            return found[0] if found else None

        waiting = WebDriverWait(self.driver, WAIT, poll_frequency=1)
        entry = waiting.until(look, f"no {subject!r} in the list")
        assert entry is not None
        entry.click()
        self.wait.until(expect.frame_to_be_available_and_switch_to_it((By.ID, "messagecontframe")))
        self.wait.until(
            lambda driver: subject in driver.find_element(By.TAG_NAME, "body").text, f"{subject!r} not shown"
        )
        return self.text("#messagebody")

    def quiet(self) -> None:
        """Nothing is being loaded. Roundcube drops what is asked for before that."""
        self.wait.until(
            lambda driver: driver.execute_script(
                "return document.readyState === 'complete' && !rcmail.busy && jQuery.active === 0"
            )
        )

    @contextmanager
    def leaving(self) -> Iterator[None]:
        """What is done within leads to another page; waits for that one. The page of before is complete too."""
        self.driver.execute_script("window.hanamBefore = true")
        yield
        self.wait.until(
            lambda driver: driver.execute_script("return !window.hanamBefore && document.readyState === 'complete'")
        )

    def ask_for(self, field: str, words: str) -> None:
        """Type words into a field for searching and press Enter."""
        self.quiet()
        place = self.find(field)
        place.clear()
        place.send_keys(words, Keys.ENTER)

    def searched(self, words: str) -> list[str]:
        """The subjects that a search from the list's own field finds."""
        self.ask_for("#mailsearchform", words)
        self.quiet()
        subjects = self.driver.find_elements(By.CSS_SELECTOR, "#messagelist td.subject span.subject a span")
        return [subject.text for subject in subjects]

    def compose(self, recipient: str = "", subject: str = "", text: str = "") -> None:
        """Open the page for a new message and write on it."""
        self.go("_task=mail&_action=compose")
        to = self.find("#compose_to .recipient-input input")
        self.take_time()
        if recipient:
            to.send_keys(recipient, Keys.TAB)
            self.find("#compose-subject").send_keys(subject)
            self.find("#composebody").send_keys(text)

    def take_time(self) -> None:
        """Let a message wait for its second thoughts longer than any test looks at it."""
        self.driver.execute_script("rcmail.env.hanam_undo_seconds = 600")

    def attach(self, path: Path) -> None:
        self.driver.find_element(By.CSS_SELECTOR, "input[type=file][name='_attachments[]']").send_keys(str(path))

    def send(self, seconds: float = WAIT) -> str:
        """Send what was written at once; returns what the webmail says just before it goes to the list.

        `seconds` is for a large message. The words stand for half a second only: the page itself keeps them.
        """
        self.take_time()
        self.driver.execute_script(KEEP_WHAT_IS_SAID)
        self.find("button.send").click()
        self.find("#hanam-undo button.now").click()
        said = "return sessionStorage.getItem('said') || ''"
        answer: str = WebDriverWait(self.driver, seconds).until(
            lambda driver: driver.execute_script(said), "no answer to sending"
        )
        self.wait.until(lambda driver: "_action=compose" not in driver.current_url, f"still there: {answer}")
        return answer
