"""Whether a word can be Vietnamese: the shape of a syllable, tone included.

What a wrong character table or a foreign alphabet leaves behind has accents in places where no Vietnamese
syllable has any ("Haø", "Vaên"); that is how legacy.py tells TCVN3 and VNI from Unicode, and how
naming_text.py decides whether letters of another script were meant as Latin ones. It judges shape, not
meaning, and knows the clusters of the ethnic minorities' names (K'Brếu, Niê, Mlô) besides.
"""

import re
import unicodedata
from functools import lru_cache

# Eth and African D look like Đ as capitals and are typed for it.
STROKED_D = str.maketrans({"ð": "đ", "Ð": "Đ", "ɖ": "đ", "Ɖ": "Đ"})

_TONES = "\u0300\u0301\u0303\u0309\u0323"  # huyền, sắc, ngã, hỏi, nặng
_SHARP_TONES = "\u0301\u0323"  # sắc, nặng: the only ones before a stop
_ONSET = re.compile("ngh|ng|nh|gh|gi|kh|ph|th|tr|ch|qu|[bcdđghklmnpqrstvx]")
_CLUSTER = re.compile("[bdghkmprst][bdhlmnprtwy]")  # minorities' names: Kbrếu, Mlô, Kdăm, Byă
_RHYME_LIST = """
a ac ach ai am an ang anh ao ap at au ay ă ăc ăm ăn ăng ăp ăt â âc âm ân âng âp ât âu ây
e ec em en eng eo ep et ê êch êm ên ênh êp êt êu êng êc êk
i ia ich iêc iêm iên iêng iêp iêt iêu iê im in inh ip it iu
o oa oac oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn oăng oăt oc oe oen oeo oet oi om on ong
op ot ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt
u ua uân uâng uât uây uc uê uêch uênh ui um un ung uơ uôc uôi uôm uôn uông uôt up ut uy uya uych uyên uyêt uynh
uyt uyu uyn ư ưa ưc ưi ưm ưn ưng ươc ươi ươm ươn ương ươp ươt ươu ưt ưu
y yêm yên yêng yêt yêu ych ynh yt
"""
_RHYMES = frozenset(unicodedata.normalize("NFD", rhyme) for rhyme in _RHYME_LIST.split())


# The same as they stand in an address; what has no accents there lost them.
_BARE_RHYMES = frozenset("".join(char for char in rhyme if not unicodedata.combining(char)) for rhyme in _RHYMES)

_Y_AFTER = ("", "d", "h", "k", "l", "m", "n", "s", "t", "th", "v", "qu")  # elsewhere the vowel is written i
_EITHER_PLACE = ("oa", "oe", "uy")  # hòa, hoà


# The longest syllable, its marks apart, is half as long. A longer word may be a whole text, and is no key of a cache.
LONGEST = 20


def is_syllable(word: str) -> bool:
    """Whether the accented word, in any case and either tone placement, has the shape of a Vietnamese syllable."""
    return len(word) <= LONGEST and _has_shape(word)


@lru_cache(maxsize=16384)
def _has_shape(word: str) -> bool:
    letters = unicodedata.normalize("NFD", word.translate(STROKED_D).casefold())
    tones = [position for position, char in enumerate(letters) if char in _TONES]
    if len(tones) > 1:
        return False
    bare = "".join(char for char in letters if char not in _TONES)
    # Its place is the same in `bare`, which lacks nothing else.
    tone = (letters[tones[0]], tones[0]) if tones else None
    return any(_is_rhyme(bare[:start], bare[start:], tone) for start in _rhyme_starts(bare))


@lru_cache(maxsize=16384)
def is_joined_syllables(word: str) -> bool:
    """Whether the word, without accents and in small letters, can be Vietnamese syllables written together."""
    ends = {0}
    for end in range(1, len(word) + 1):
        if any(_is_bare_syllable(word[start:end]) for start in ends):
            ends.add(end)
    return len(word) in ends and bool(word)


def _is_bare_syllable(word: str) -> bool:
    return any(
        word[start:] in _BARE_RHYMES and (not start or _ONSET.fullmatch(word[:start])) for start in _rhyme_starts(word)
    )


def _rhyme_starts(bare: str) -> list[int]:
    """Where the rhyme may begin: after no, one or two letters of the onset ("gin": g-in, gi-n), or a cluster."""
    if bare.startswith("q"):
        return [2] if bare.startswith("qu") else []
    found = {0}
    for onset in (_ONSET.match(bare), _CLUSTER.match(bare)):
        if onset:
            found |= set(range(1, onset.end() + 1))
    return sorted(found)


def _is_rhyme(onset: str, rhyme: str, tone: tuple[str, int] | None) -> bool:
    if unicodedata.normalize("NFD", rhyme) not in _RHYMES:
        return False
    composed = unicodedata.normalize("NFC", rhyme)
    if (composed == "y" and onset not in _Y_AFTER) or (onset == "qu" and composed[0] in "ouư"):
        return False
    if tone is None:
        return True
    mark, position = tone
    if rhyme.endswith(("c", "ch", "p", "t")) and mark not in _SHARP_TONES:
        return False
    return _carrier(rhyme, position - len(onset)) in _tone_places(composed)


def _carrier(rhyme: str, position: int) -> int:
    """Which letter of the rhyme the tone at that position of the decomposed text belongs to; -1 for none of them."""
    return sum(not unicodedata.combining(char) for char in rhyme[:position]) - 1


def _tone_places(rhyme: str) -> tuple[int, ...]:
    """The letters of the rhyme that may carry its tone."""
    vowels = re.match("[aăâeêioôơuưy]+", rhyme)
    count = vowels.end() if vowels else 0
    marked = [place for place in range(count) if rhyme[place] in "ăâêôơ"]
    if marked:
        return (marked[-1],)
    if rhyme[0] == "ư" or count == 1:
        return (0,)
    if rhyme in _EITHER_PLACE:
        return (0, 1)
    return (1,) if count > 2 or count < len(rhyme) else (0,)
