"""The corpus by which the filter is measured: the same each time, large enough, its parts apart."""

import email
import email.policy
import json
import re

import pytest
from bench import spam
from tests import spam_corpus, spam_mime, word_weights
from tests.spam_corpus import Letter

from hanam_mail.controller.spam_words import folded


@pytest.fixture(scope="module")
def parts() -> dict[str, list[Letter]]:
    return {part: list(spam_corpus.letters(part, fillings=2)) for part in spam_corpus.PARTS}


def test_there_are_enough_texts_kinds_and_letters() -> None:
    for part in spam_corpus.PARTS:
        for wanted in (True, False):
            assert len(spam_corpus.texts(part, wanted=wanted)) * spam_corpus.FILLINGS >= 400
    for wanted in (True, False):
        kinds = {text["kind"] for part in spam_corpus.PARTS for text in spam_corpus.texts(part, wanted=wanted)}
        assert len(kinds) >= 60


def test_no_text_stands_in_both_parts() -> None:
    def words(part: str) -> dict[str, set[str]]:
        texts = [text["text"] for wanted in (True, False) for text in spam_corpus.texts(part, wanted=wanted)]
        return {text: set(re.findall(r"\w{3,}", text)) for text in texts}

    tuning = words("tuning")
    for text, found in words("measuring").items():
        if len(found) > 12:
            alike = max(len(found & other) / len(found | other) for other in tuning.values())
            assert alike < 0.5, text


def test_no_lesson_is_a_text_that_is_only_measured() -> None:
    measured = {
        folded(text["text"]) for wanted in (True, False) for text in spam_corpus.texts("measuring", wanted=wanted)
    }
    for lesson, _ in word_weights.lessons():
        assert not any(len(lesson) > 40 and folded(lesson) in text for text in measured), lesson


def test_the_same_letters_come_out_each_time(parts: dict[str, list[Letter]]) -> None:
    def bare(letter: Letter) -> bytes:
        return b"\n".join(
            line for line in letter.content.splitlines() if not line.startswith((b"Date:", b"DKIM-Signature:"))
        )

    again = list(spam_corpus.letters("measuring", fillings=2))
    assert [bare(letter) for letter in again] == [bare(letter) for letter in parts["measuring"]]


def test_fillings_of_a_text_differ(parts: dict[str, list[Letter]]) -> None:
    for letters in parts.values():
        for one, other in zip(letters[::2], letters[1::2], strict=True):
            assert one.content != other.content, one.name


def test_letters_can_be_read_and_say_who_sent_them(parts: dict[str, list[Letter]]) -> None:
    for letter in (each for letters in parts.values() for each in letters):
        mail = email.message_from_bytes(letter.content, policy=email.policy.default)
        assert not mail.defects, letter.name
        assert str(mail["From"].addresses[0].addr_spec) == letter.sender, letter.name
        assert mail["Date"], letter.name
        assert mail["Message-ID"], letter.name
        assert "{" not in str(mail["Subject"]), letter.name
        assert letter.envelope("a@b.vn")["Rcpt"] == "a@b.vn"
        assert (b"DKIM-Signature" in letter.content) == spam_corpus.WAYS[letter.via].signed


def test_the_charsets_of_old_programs_are_there() -> None:
    text = "Kính gửi Ủy ban nhân dân: đất đai, thủy lợi"
    assert spam_mime.in_vni(text).decode("latin-1").startswith("Kiùnh göûi")
    assert spam_mime.in_windows_1258("đề nghị").decode("cp1258").startswith("đê\u0300")
    said = {
        part.get_content_charset()
        for letter in spam_corpus.letters("tuning", fillings=6)
        for part in email.message_from_bytes(letter.content).walk()
        if part.get_content_maintype() == "text"
    }
    assert {"utf-8", "us-ascii", "windows-1258", "iso-8859-1", "windows-1252"} <= said


def test_dns_knows_every_sender(parts: dict[str, list[Letter]]) -> None:
    letters = parts["measuring"]
    zone = spam_corpus.zone(letters)
    for letter in letters:
        domain = letter.sender.partition("@")[2]
        assert "MX" in zone[domain], domain
        assert (f"s1._domainkey.{domain}" in zone) == spam_corpus.WAYS[letter.via].signed
    lines = spam.records(zone)
    assert all(re.match(r"\S+\. 300 IN (A|MX|TXT) ", line) for line in lines)


def verdict(*, wanted: bool, action: str, score: float = 0.0) -> spam.Verdict:
    return spam.Verdict("measuring", "a", "a 0", wanted, action, score, {})


def test_the_measure_counts_what_is_asked() -> None:
    good = [verdict(wanted=True, action="no action")] * 1000
    caught = [verdict(wanted=False, action="add header")] * 97 + [verdict(wanted=False, action="no action")] * 3
    assert spam.sums(good + caught, "measuring")["met"]
    assert not spam.sums(good + caught[1:], "measuring")["met"]
    for put_off in ("add header", "reject", "soft reject", "greylist"):
        assert spam.sums([*good[1:], verdict(wanted=True, action=put_off), *caught], "measuring")["met"]
        twice = [verdict(wanted=True, action=put_off)] * 2
        assert not spam.sums([*good, *twice, *caught], "measuring")["met"]
    assert not spam.sums([], "measuring")["met"]
    assert "97.0%" in spam.table(good + caught)


def test_the_filters_files_are_those_of_the_lessons() -> None:
    """python -m tests.word_weights makes them."""
    known = word_weights.lessons()
    assert word_weights.WEIGHTS.read_text(encoding="utf-8").splitlines()[0].endswith(word_weights.digest(known))
    assert json.loads(word_weights.FIRST_LESSONS.read_text(encoding="utf-8"))["digest"] == word_weights.digest(known)
    assert word_weights.FIRST_LESSONS.read_text(encoding="utf-8") == word_weights.first_lessons(known)


def test_training_again_gives_the_same_weights() -> None:
    known = word_weights.lessons()[:120]
    assert word_weights.train(known) == word_weights.train(list(known))


def test_lessons_that_were_left_out_are_told_apart() -> None:
    """Every fifth in turn: of wanted ones next to none reads as unwanted mail, of the others most do."""
    known = word_weights.lessons()
    wrong, caught = 0, 0
    for turn in range(5):
        weights = word_weights.train(each for number, each in enumerate(known) if number % 5 != turn)
        for text, wanted in known[turn::5]:
            unwanted = word_weights.score(weights, word_weights.features(text)) > 1
            wrong, caught = wrong + (wanted and unwanted), caught + (not wanted and unwanted)
    kinds = [wanted for _, wanted in known]
    assert wrong <= 0.03 * sum(kinds)
    assert caught >= 0.6 * (len(kinds) - sum(kinds))


def test_words_that_nobody_knows_hide_nothing() -> None:
    weights = word_weights.learnt()
    text = " ".join([text for text, wanted in word_weights.lessons() if not wanted][:20])
    noise = " ".join(f"xq{one}{other}zk" for one in "abcdefgh" for other in "ijklmnop")
    bare, hidden = (word_weights.score(weights, word_weights.features(each)) for each in (text, f"{text} {noise}"))
    assert bare > 1
    assert hidden > bare - 0.1


def test_no_lesson_teaches_both_ways() -> None:
    known = [(folded(text), wanted) for text, wanted in word_weights.lessons()]
    assert len({text for text, _ in known}) == len(known)


def test_a_filling_takes_one_of_each_choice() -> None:
    from random import Random

    text = "[[[QLVB]|Báo:]] {n} [[a|b]]"
    found = {spam_corpus.fill(text, {"n": "5"}, Random(seed)) for seed in range(40)}  # noqa: S311
    assert found == {f"{first} 5 {last}" for first in ("[QLVB]", "Báo:") for last in ("a", "b")}


def test_what_is_listed_follows_the_kind_and_not_the_letter() -> None:
    letters = [each for part in spam_corpus.PARTS for each in spam_corpus.letters(part)]
    known, shares = spam_corpus.listed(letters), spam_corpus.listing()
    addresses, domains = set(known["addresses"]), set(known["domains"])
    for via in spam_corpus.WAYS:
        mine = [each for each in letters if each.via == via]
        for what, names in (
            ("addresses", {each.address for each in mine}),
            ("domains", {each.fresh for each in mine} - {""}),
        ):
            share = shares[what].get(via, 0)
            there = names & (addresses if what == "addresses" else domains)
            # Chance decides: of few names the share is not met.
            assert abs(len(there) - share * len(names)) <= 0.15 * len(names) + 2 * (share > 0), (via, what)
    assert not [each.name for each in letters if each.wanted and each.fresh in domains]
    assert {each.address for each in letters if each.via == "free"} == {spam_corpus.WAYS["free"].address}


def test_the_lists_are_told_in_their_own_zones() -> None:
    letters = list(spam_corpus.letters("measuring"))
    lists = {"lab_senders": {"zone": "s.example"}, "lab_links": {"zone": "l.example"}}
    lines, known = spam.listed(letters, lists), spam_corpus.listed(letters)
    first, *octets = reversed(known["addresses"][0].split("."))
    assert f"{'.'.join([first, *octets])}.s.example. 300 IN A 127.0.0.4" in lines
    assert f"{known['domains'][0]}.l.example. 300 IN A 127.0.1.2" in lines
    assert len(lines) == len(known["addresses"]) + len(known["domains"])


def test_both_figures_are_told_apart() -> None:
    def told(lists: bool, action: str) -> spam.Verdict:
        symbols = {"GREYLISTED": 0.0}
        return spam.Verdict("measuring", "a", "a 0", action == "no action", action, 0.0, symbols, lists)

    found = [told(False, "no action"), told(True, "no action"), told(True, "reject")]
    assert spam.sums(found, "measuring") == {
        "wanted": 1,
        "false": 0,
        "put_off": 1,
        "unwanted": 0,
        "caught": 0,
        "met": False,
    }
    assert spam.sums(found, "measuring", lists=True)["met"]
    assert "measuring, with lists: false positives 0 of 1, put off once 1, caught 1 of 1 (100.0%)" in spam.table(found)
