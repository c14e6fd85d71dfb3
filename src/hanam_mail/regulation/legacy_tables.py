"""The letters of TCVN3 (ABC), VNI and VISCII: the Latin-1 characters of their octets, and what they are in Unicode.

TCVN3 is TCVN 5712:1993 as the .Vn fonts have it, whose capitals with tones are small letters drawn tall. VNI writes an
accented vowel as the vowel and a sign. Compared with the tables of the package viparse, which has gaps in VNI (ẳ, Ẳ and
the single î, Î for ỵ), by tests/unit/regulation/test_legacy_encodings.py. Here, not there, since hosts read them too.
VISCII is RFC 1456; six of its capitals (Ẳ Ẵ Ẫ Ỷ Ỹ Ỵ) lie among the control characters, which no text is searched for.
"""

_TCVN3 = (
    "¡¢£¤¥¦§¨©ª«¬\xad®µ¸¶·¹»¾¼½ÆÇÊÈÉËÌÐÎÏÑÒÕÓÔÖ×ÝØÜÞßãáâäåèæçéêíëìîïóñòôõøö÷ùúýûüþ",
    "ĂÂÊÔƠƯĐăâêôơưđàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ",
)  # fmt: skip
# Each as the letters of VNI and, last, the one letter that they are.
_VNI = """
aøà aùá aïạ aûả aáấ aäậ aêă aââ aõã aàầ aåẩ aéắ aüẵ aëặ AØÀ aèằ AÙÁ AÂÂ AÛẢ aãẫ AÕÃ AÏẠ AÊĂ AÁẤ AÅẨ AÄẬ AÀẦ
AÃẪ AÉẮ AÈẰ AÜẴ AËẶ eäệ eáế eàề eâê eåể eùé EÄỆ eûẻ eõẽ EÁẾ EÀỀ eãễ EÂÊ eøè eïẹ EÅỂ EØÈ EÙÉ EÏẸ EÛẺ EÕẼ EÃỄ
IØÌ IÙÍ iøì iùí oäộ oâô oáố ôïợ oùó ôøờ ôûở ôùớ oøò oåổ oàồ oïọ OÄỘ oãỗ oûỏ oõõ OÂÔ ôõỡ ÔÛỞ OÅỔ OÁỐ OØÒ OÙÓ
OÀỒ ÔÙỚ ÔØỜ OÕÕ OÏỌ OÛỎ OÃỖ ÔÕỠ ÔÏỢ uûủ öïự uïụ öùứ öûử öøừ uùú öõữ uøù UÛỦ uõũ ÖÙỨ UÕŨ UÏỤ ÖÛỬ ÖÕỮ ÖÏỰ UØÙ
UÙÚ ÖØỪ yùý yõỹ yûỷ yøỳ YÙÝ YÛỶ YØỲ YÏỴ yïỵ YÕỸ ñđ ÑĐ òị æỉ ÒỊ ÆỈ ÓĨ óĩ ôơ ÔƠ öư ÖƯ aúẳ AÚẲ îỵ ÎỴ
"""
# In the order of the octets, from 80 to FF.
_VISCII = (
    "ẠẮẰẶẤẦẨẬẼẸẾỀỂỄỆỐỒỔỖỘỢỚỜỞỊỎỌỈỦŨỤỲÕắằặấầẩậẽẹếềểễệốồổỗỠƠộờởịỰỨỪỬơớƯ"
    "ÀÁÂÃẢĂẳẵÈÉÊẺÌÍĨỳĐứÒÓÔạỷừửÙÚỹỵÝỡưàáâãảăữẫèéêẻìíĩỉđựòóôõỏọụùúũủýợỮ"
)

TCVN3_LETTERS = dict(zip(*_TCVN3, strict=True))
VNI_LETTERS = {pair[:-1]: pair[-1] for pair in _VNI.split()}
VISCII_LETTERS = {chr(0x80 + place): letter for place, letter in enumerate(_VISCII)}
