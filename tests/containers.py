"""Archives and compressed files of many kinds, small ones: what the scanner can unpack, and what it cannot.

What Python cannot write is written here after the description of the format, or kept as its own program wrote it over
the virus test file (7z, bsdtar, genisoimage, lrzip and so on), packed by zlib so that no scanner of a developer's
machine sees it.
"""

import base64
import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping

# Written apart, for the same reason. Behind it lines that make packing worth while.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS" + b"-TEST-FILE!$H+H*"
PAYLOAD = EICAR + b"\n" * 200

_BY_THEIR_PROGRAMS = {
    "brotli": (
        "eNoBSAC3/6FYCAAvg+d8YpVWukdRFtlhIgeuLU3ALyDPnCMxOHwPB5qy4XbPcB3eieGTsShk/EnVFdlkccDYWjqtstZPrCUOfwCSVrcKDGKR"
        "H6Y="
    ),
    "compress": (
        "eNoBYQCe/x+dkFhqPAkBpQSQIFC20OACRUtAGiigeElxY8gQin1IFEkyJIiUFlOoBHFCxCORFiOpJLGSREqVKS2oFAnZwkgSJkVCkECyAokK"
        "BUCDCh1KtKjRo0iTKl3KtKnTp1CjIgWoqSRJ"
    ),
    "deflate.7z": (
        "eNozr9qzXl2GgYVhg5qqHwMEBEFpttX7dt896MjVoCDAcKB6vwDPpg/LKnIDD7ducN0+oavu0v3f7sZn85p+Sb4wMp97dlaj3NM94e+mCtqKxEoW"
        "NQiZpBxjPh1nevxU1UFTrpnLTMrsPzIysrAxMHL6MbBzMzIwMrMwcvA08jBwcDFa/jWYzcDAyijJzYAAgrwMqQx6DMkM+Qy5QK4IFyOD0OwDbrNq"
        "7zKKsjEyKDQsaWRgAAAwWDX9"
    ),
    "deflate64.zip": (
        "eNoL8GZmEWVgYOAE4qpYy78Gs/2ALB5GBgZWIJ2ql5yfe/egI1eDggDDger9AjybPiyryA083LrBdfuErrpL93+7G5/Na/ol+cLIfO7ZWY1y"
        "T/eEv5sqaCsSK1nUIGSScoz5dJzp8VNVB025Zi4zKbP/yBjgzchkz4zLShUGCFBoWNLIAHMAF4MCWJCRQYKB4UCGiGXtXUYGNBDgzcoGUcPI"
        "EA6kC8GiAEG4Nx0="
    ),
    "iso": (
        "eNrt3c9u3EQcAODZSKhRqHpCCFX946JWaoBsd9M2aeCC8TpZt7vrle2NEkD0UJVb1Rs3kHoC3qPPwJE3ingEGG8SStOmEVJVovB9zq7HMz/P"
        "eJORfrI3skMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADrZoNfrd8KomMx2kuNlg6ocv6H9sL/fXlq9Ydz4077C4mJY2q9a+uBF"
        "84ft28fh0v7WpbDYrhbDT+9fXLzweVg43D/hP7WVT4q6LMbpVp7EQrKxtta7Ndysk81ilNe7dZOPk6zK06askpvZctLf2Lid5N3dcjbZGqSj"
        "/LByfWW111tL7neneVrV5eTW/W6dDYtRnJVb85i2uY1Zbyfig6JJmjwdv/OPu9pbXev3V9d69/p37t7r9cIrFb0jXo0waf/vJB1OjYWD/B9G"
        "oQiTMAs7IXntkoVBqEIZxse0H8n/N27l/zr/f/Si+eJ+/r+8v3X5uPx/zLFY3tWyFfI4a4pQx5lRxLmRzmuSg5okbIS1uPTCwzAMm7Euie9F"
        "nGt5LO/GVxNL4/nsqmIpjdtlLCXhZqxZjut+7GEj3I6lPHTjHmWcoZM4xiDGjuYjnby8vSD5H/mfM+TPw/wPAAAAnFmd+Xfszv8BAADgbJ//"
        "h/b/610AAAAAgDN9/n85+P4fAAAAzvr5f2jvr+MCAAAAAJxhv5x4j/16eq7z+x+hqt7rPJvuXO/spW1curewv9/C0R6bzYudCwedvLzK8kud"
        "K/tBVw6j9w5W3590HJ23cADhh3B1P+bq+fkVj8752HKwWzvKubybleMv+u1Yv07GS53wuPvo6ZN21OfP2qBnzzt/R79+1LZ8ZFQAOG1Ovsf+"
        "iRGdz07IqkvhceiGR+FpeOIXDgCnQF7tdZaan+PZdTF92N/Y6KfNME+qMnuQVMWgfazbpMmrbJhOYnlalU2ZlaO2sF0M8jqpZ9NpWTXJZlkl"
        "07IuduZPfksOHv1W5+N00hRZPR3laZ0nWTlp0qxJBkWdJdPZV6OiHubVfOd6mmfFZpGlTVFOkrqcVVneTWIP+T8C45Cxu82iLU7iQRTjtNpN"
        "tsvRbJwn8XCy+CHaR821HR6OVUzi1njebdefGwDmdu6W16Y3vkyn39z5dvr1zt07N6ffLa9n2fL6j9fzmI6rlbpJJ4O0Gqy0qXy7qGb1SpPX"
        "zUqb6K9dH346/GTpjDAbAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABOr78ATGTHIg=="
    ),
    "lrzip": (
        "eNrzCYryZGDjYWSAglggZgTymBgZBJhBAnwMYEqegZmLgQvEAqttmHjvIZs3hK3D6/pI2duC85+KTrS32QTDO94qptuM7q839LG5f97Ku7T4"
        "afeJus7NDXHfp8j3rjws98szh/VPC2tU4R/LXZNSu6c7L79zfmbn7B4GhhbmBTc/2r3KUGrxefepcl0yAIqyMGg="
    ),
    "lzop": (
        "eNrr9InyZ+DlkuIScFBYwOnAyMrMwMDIwNC4JJu9rIEBCFhT9ZLzc32vsJ4ASvAABZIWGUveZzCPMPVXDFB1cAyINokJiIowNdEIiNM0d3bW"
        "NK9VcfV0dgzSDQ5x9HNxDHLRdfQL8QzzDAoN1g1xDQ7RdfP0cVVU8dD20OICAYXJHAw8XKhAkAEMAL1MH5A="
    ),
    "ppmd.zip": (
        "eNoL8GZmsWdgYEgC4qpYy78Gsz2ALB5GBgZWIJ2ql5yfy84QficvqG6di7/p5WLWnWbGJfZ5b1IeBp0QKRZVvf5jsfihH/fmB/y6u8Nb/YBJ"
        "Ya/dlLsFG3avecAkmPKmO2jizg2Z/3fYV15mYAjwZmSyZ8ZlmQoDBCg0LGlkgFnNxaAAFmRkkGBgOJAhYll7l5EBDQR4s7JB1DAyhAPpbLAo"
        "ACBeNrk="
    ),
    "rzip": (
        "eNoLivIMYGJkYGDkYUABzDCGFDLHEMThAhJcMBEeoF6Ghon3HrIUw3hA4BSVYWnoGKkWHFnLH6jGwKAY18IgoFbF1pCfej+WgYmFQYHBoyvD"
        "xCiDd0muv6+viaB/sI+vwUxDxpbMaau2tuq9vPKIQf1m/2ZG9vtnirJ65nT4JN4UmXX7gc0Kfxfub90vWNeZ7l8RUr716J2JfiIq8s5XPBsA"
        "gYExCg=="
    ),
    "squashfs": (
        "eNrLKC4sZmJgYGh6xZ7NwMDEwAhkMzIIMhwAkixAtgIDBBgzQmhtKP0fCtZD5e9AaVaovCyUrrjVbfA1nCegtICnw6yTs6PLwPQiR8dlk/Ky"
        "aybrQwu/lpTxXOLlK/xSXMhTdLH0C/dHns88XLzXeAt5+S6Wfv5SGBry8cK3C4+k1BgYFhlL3tcGGpicFHHoBAMLb+qbmwlsQg8YuQyM9rBy"
        "m+9NOp/W1NWcIamQxpbEsL+WlU8cpDihgcFN4+yRA4cmrJo+Zz43A2st4y0+oIQ3UKJeg5eBo4Nhw1eo4/mgGliB4owCDIq8UE+wNIBIVShv"
        "FIyCUTAKRsEoGAWjYBSMglEwCkbBKBhyAABUwFWp"
    ),
    "wim": (
        "eNrzDQ739GVgYLgAxAy8jAwNDBBwyNmow7lX8Jrnh/z+sn1n7RgZQJCBIQUizXSFCcKA8hm2QfhMFswofLqDCFN/xQBVB8eAaJOYgKgIUxON"
        "gDhNc2dnTfNaFVdPZ8cg3eAQRz8XxyAXXUe/EM8wz6DQYN0Q1+AQXTdPH1dFFQ9tDy2uYQI4oGGSAaUFGt46/geCCiLDctYVP6u62ruMpMYB"
        "zHyFhiWNIPuI1nggQ8QSaF+Kxt5veW9OhXL/XxhhH7Zyjf5lRyV0pVwMqQx6DMkM+Qy5GMbwQF18AY0PTcFYTP8BTdV3oCqhfKiOh7vreMpl"
        "XqREK75t6P+5u3t2UuuE//9sGMIZPBl8GewYbBhCGPyB2JHBh8GJIRLIcmUIBopbMBgxmABl9XHI24D1OzK4A/kKQLYfgwuQFcFgy6DEYAjE"
        "IBV+QHlfoKgdUARkEoJvA1TtyRDE4Aw0OxQoHgIUMwCrwRS3YXADivkA9SGLQkzEJoPLR0YMZkBf4fORM9BmV6B4CNBUf7BpnnD3egDZ7kAy"
        "ACgfBHVvBRAbAl3swmAOxq5g0zFV2gBt8geGOKpeYyDPFMiyBOo0gPoHXR1IDJ+rfIDiwUARX6AMKORA4eE86HxAiiv1kdIVhA9LqQB3pMB3"
    ),
    "xar": (
        "eNqrSCxSZJBhYGQAA8aVEJo5DcSpmFMb7Fu8REFg7/PwiHu88lyHfQyfbduvUH1TOulxwOokTWPTk+vjHc6GmM3WXfvo62v3yyXmn57afbnJ"
        "++zoro9zJqfPSTfIun5ro/Vz+/h6EaX6lfOfxJ79Gqy293LiySXzHH9uWPyhrGFW0iluJ65T8RstJr460uIyXzXzMuuX90+tUrrrXz+coy/u"
        "+unFySXGaYzxyZ1mU24c3Xf8gZCqgPMCW7dNPW8VN+d6VHMbryoQsck295hSkPT3NkvpFa8pCUpvX0St4NQ8fHyGy+q5Mbp31rRdvDonMcrz"
        "S6L6e4HSGeEHDWtydt4yU5OffjUuYV3685oHSj4p27t2xV45+84qd5WoelR9+OX4h7+qDZ3l4lN+TPmnIC1n9HV+xivF7KnhnKmb2jd+nv6r"
        "YEpGs/b+0ra6vEv3VPXkcrme2DlXr79q8jVseaPD90XV24P7zFbO+nr03gLdf7byTPIuh7c+89FYx9f0oDmL5fCzGzILclas88rzOHq49B/f"
        "ludF3zdf+ndbuMLV9bLUOcYtYT0Pj0m4ztDgffxqhYlpbqSgl+ovqcy1crdOqwfO2fwjKKBKS2hp+2f20jkM3TvSAmwfeRUsn8Oo7CzVOuH/"
        "ra4pAhVzug2+hvMElBbwdJh1cnZ0GZhe5Oi4bFJeds1kfWjh15Iynku8fIVfigt5ii6WfuH+yPOZh4v3Gm8hL9/F0s9fCkNDPl74duGRlBoD"
        "wyJjyfvY0gIA/5sNhw=="
    ),
    "xz.zip": (
        "eNoL8GZmEWFgYIgH4qpYy78GszuALB5GBgZWIJ2ql5yf+9e8KiKKgYExU+meGRODIlCKgcFcffq1B4zcDF6xDDq8ro+UvS04/6noRHubTTC8"
        "461ius3o/npDH5v75628S4ufdp+o69zcEPd9inzvysNyvzxzWP+0sEYV/rHcNSm1e7rz8jvnZ3bO7gEZywByAANjUg8TkD3lfVmEnQFvN4jN"
        "wBgZFeDNyGTPjMuxKgwQoNCwpJEB5nQuBgWwICODBAPDgQwRy9q7jAxoIMCblQ2ihpEhHEivBosCAHgNRFc="
    ),
    "zpaq": (
        "eNozzw4uWWDYfLlnk8aGy1UBgUyM7AxQwJjl4mxkYGRmaGhkZmBhaGJqkWwAA4YMFgpAaUawQk6GKkYGOPhbctuj4Lm3nEPO2YKid9O6j035"
        "ft3+vzkp9qQg2WNkYQC3iVGSIcLUXzFA1cExINokJiAqwtREIyBO09zZWdO8VsXV09kxSDc4xNHPxTHIRdfRL8QzzDMoNFg3xDU4RNfN08dV"
        "UcVD20OLa5gAHmiowwL/r/83piMvSoPT9x2KNX3aNUPKp/qkOWkhn4ES8ogolgVHcYrG3m95b06Fcv9fGGEftnKN/mVHJZgj/jJ4WnG+X+mQ"
        "0/977Wae7hNvZPld/mGxnI+BU4BBhIFBKKP9f0SRBRY3ZCK7wRIR+QGMeozv/+vzsvCIyJgzmjOZM5uzWJxuCnDnaI5gZ7zPoG/sDhR1Ws/8"
        "nkFfjuk8szmz03WmAH7m9eyNICZzgHM/awRQCaM9F0hCSsqd2ZwRqJFR39b5PZO+hdN6EFvU6TpjAD/QGMbGRqBpQI6UlL0UiGZnOs/kATQe"
        "LAzSL+XOBDRsL9AIJn1LdubX6iZO5mzO5uz8zO6MJyOYVjVH8LM4dgfIMzkDXcQh5ZogyGlp/9nRnIWdjZ/5YgA7e2cEC9gFzPrazu8Z9dUg"
        "LhCBuADFAZxg2h2o3P48UAOLvpLze3Z9WX4WpwRLTqCJTtc5gN7jiGBnYjJnAgYFM1ClBUMNc84+z+zJDAwaxZLV2cwSwFBcoczLA6Q44Ll1"
        "3qdK96Q7/3Z+KW5MvHq45l3izv8S/wGqHOi0"
    ),
}


def by_its_program(name: str) -> bytes:
    return zlib.decompress(base64.b64decode(_BY_THEIR_PROGRAMS[name]))


def zipped(content: bytes, name: str = "e.com", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


class Pipe(io.BytesIO):
    """What is written cannot be changed afterwards."""

    def seek(self, *_: int) -> int:
        raise OSError


def zip64(content: bytes, buffer: io.BytesIO) -> bytes:
    """As programs write it that do not know beforehand how long a file will be: the true sizes stand elsewhere."""
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("e.com", "w", force_zip64=True) as file,
    ):
        file.write(content)
    return buffer.getvalue()


def relabelled(archive: bytes, local: Mapping[int, bytes], directory: Mapping[int, bytes] | None = None) -> bytes:
    """A zip with other bytes at these places of its first entry's head, and of its entry in the directory."""
    data, start = bytearray(archive), archive.index(b"PK\x01\x02")
    for base, changes in ((0, local), (start, directory or {})):
        for at, value in changes.items():
            data[base + at : base + at + len(value)] = value
    return bytes(data)


def zip64_directory(content: bytes) -> bytes:
    """As written to a stream, with the true sizes in a field of the directory's entry, as for files above 4 GB."""
    data = zip64(content, Pipe())
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    field = struct.pack("<HH8s8s", 1, 16, data[start + 24 : start + 28], data[start + 20 : start + 24])
    entry = bytearray(data[start:end] + field)
    entry[20:28] = b"\xff" * 8
    entry[30:32] = struct.pack("<H", len(field))
    tail = bytearray(data[end:])
    tail[12:16] = struct.pack("<I", len(entry))
    return data[:start] + bytes(entry) + bytes(tail)


def together(*contents: bytes | str) -> bytes:
    """Several files in one zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"{number}.dat", content)
    return buffer.getvalue()


def closed_zip(content: bytes) -> bytes:
    """A zip whose entry says that a password closes it."""
    data = bytearray(zipped(content))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def tarred(content: bytes, name: str = "e.com") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def in_two(pack: Callable[[bytes], bytes], content: bytes) -> bytes:
    """Two streams in one file, as some programs write it, with nothing in the first."""
    return pack(b"") + pack(content)


def rar4(content: bytes, name: str = "e.com") -> bytes:
    def block(kind: int, flags: int, body: bytes) -> bytes:
        head = struct.pack("<BHH", kind, flags, 7 + len(body)) + body
        return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head

    entry = struct.pack(
        "<IIBIIBBHI", len(content), len(content), 2, zlib.crc32(content), 0x5A210000, 20, 0x30, len(name), 0x20
    )
    return (
        b"Rar!\x1a\x07\x00"
        + block(0x73, 0, bytes(6))
        + block(0x74, 0x8000, entry + name.encode())
        + content
        + block(0x7B, 0x4000, b"")
    )


def rar5(content: bytes, name: str = "e.com") -> bytes:
    def number(value: int) -> bytes:
        return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + number(value >> 7)

    def block(*fields: int | bytes) -> bytes:
        body = b"".join(number(field) if isinstance(field, int) else field for field in fields)
        head = number(len(body)) + body
        return struct.pack("<I", zlib.crc32(head)) + head

    size = len(content)
    sums = struct.pack("<I", zlib.crc32(content))
    entry = block(2, 2, size, 4, size, 0x20, sums, 0, 0, len(name), name.encode())
    return b"Rar!\x1a\x07\x01\x00" + block(1, 0, 0) + entry + content + block(5, 0, 0)


def zstandard(content: bytes) -> bytes:
    """One block, stored."""
    head = b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(content))
    return head + struct.pack("<I", len(content) << 3 | 1)[:3] + content


def lz4(content: bytes) -> bytes:
    """One block, stored."""
    return b"\x04\x22\x4d\x18\x60\x40\x82" + struct.pack("<I", len(content) | 1 << 31) + content + bytes(4)


def passed_over(content: bytes) -> bytes:
    """A frame for Zstandard and LZ4 to pass over."""
    return b"\x5a\x2a\x4d\x18" + struct.pack("<I", 4) + b"x" * 4 + content


def lzip(content: bytes) -> bytes:
    stream = lzma.compress(content, format=lzma.FORMAT_ALONE)[13:]
    sums = struct.pack("<IQQ", zlib.crc32(content), len(content), 6 + len(stream) + 20)
    return b"LZIP\x01\x17" + stream + sums


def lzma_of_known_length(content: bytes) -> bytes:
    """As the format's first program wrote it."""
    stream = lzma.compress(content, format=lzma.FORMAT_ALONE)
    return stream[:5] + struct.pack("<Q", len(content)) + stream[13:]


def ar(content: bytes) -> bytes:
    entry = f"{'e.com/':16}{0:<12}{0:<6}{0:<6}{644:<8}{len(content):<10}`\n"
    return b"!<arch>\n" + entry.encode() + content


def marked(mark: bytes, at: int = 0, end: int | None = None) -> bytes:
    """No more than what tells the kind of a file, for kinds that no free program writes."""
    body = b"\x01" * at + mark + b"\x01" * 600
    return body if end is None else b"\x01" * 2048 + mark + b"\x01" * (end - len(mark))


def encrypted_ooxml() -> bytes:
    """What Office makes of a document with a password: an OLE2 file with two streams, here of one sector each."""

    def entry(name: str, kind: int, child: int, right: int, sector: int, size: int) -> bytes:
        text = (name + "\0").encode("utf-16-le")
        tree = struct.pack("<BBiii", kind, 1, -1, right, child)
        return (
            text.ljust(64, b"\0") + struct.pack("<H", len(text)) + tree + bytes(36) + struct.pack("<iQ", sector, size)
        )

    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    head += struct.pack("<iiiiiiii", 1, 1, 0, 4096, -2, 0, -2, 0) + struct.pack("<109i", 0, *[-1] * 108)
    table = struct.pack("<128i", -3, -2, *range(3, 10), -2, *range(11, 18), -2, *[-1] * 110)
    folder = entry("Root Entry", 5, 2, -1, -2, 0) + entry("EncryptionInfo", 2, -1, -1, 2, 4096)
    folder += entry("EncryptedPackage", 2, -1, 1, 10, 4096) + bytes(128)
    return head + table + folder + b"\x04\0\x04\0" + b"x" * 4092 + struct.pack("<Q", 4000) + b"y" * 4088


def encrypted_odf() -> bytes:
    """What LibreOffice makes of a document with a password: its pieces are encrypted, their list is not."""
    entry = '<manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data/></manifest:file-entry>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text", zipfile.ZIP_STORED)
        archive.writestr("content.xml", bytes(range(256)), zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", f"<manifest:manifest>{entry}</manifest:manifest>")
    return buffer.getvalue()


# What the scanner unpacks, beside what clamav-testfiles holds.
KNOWN = {
    "zip": zipped(PAYLOAD),
    "stored.zip": zipped(PAYLOAD, method=zipfile.ZIP_STORED),
    "bzip2.zip": zipped(PAYLOAD, method=zipfile.ZIP_BZIP2),
    "zip of a stream": zip64(PAYLOAD, Pipe()),
    "tar": tarred(PAYLOAD),
    "gz": gzip.compress(PAYLOAD),
    "tar.gz": gzip.compress(tarred(PAYLOAD)),
    "gz of two": in_two(gzip.compress, PAYLOAD),
    "bz2": bz2.compress(PAYLOAD),
    "tar.bz2": bz2.compress(tarred(PAYLOAD)),
    "xz": lzma.compress(PAYLOAD),
    "tar.xz": lzma.compress(tarred(PAYLOAD)),
    "xz of two": in_two(lzma.compress, PAYLOAD),
} | {name: by_its_program(name) for name in ("deflate64.zip", "iso", "xar")}

# What the scanner cannot unpack.
UNKNOWN = {
    "rar4": rar4(PAYLOAD),
    "rar5": rar5(PAYLOAD),
    "rar1": marked(b"RE~^"),
    "rar behind a program": b"MZ" + bytes(5000) + rar5(PAYLOAD),
    "rar behind a picture": b"\xff\xd8\xff\xe0" + bytes(5000) + rar4(PAYLOAD),
    "zst": zstandard(PAYLOAD),
    "tar.zst": zstandard(tarred(PAYLOAD)),
    "zst behind a frame": passed_over(zstandard(PAYLOAD)),
    "lz4": lz4(PAYLOAD),
    "old lz4": marked(b"\x02\x21\x4c\x18"),
    "lz": lzip(PAYLOAD),
    "tar.lz": lzip(tarred(PAYLOAD)),
    "lzma": lzma.compress(PAYLOAD, format=lzma.FORMAT_ALONE),
    "old lzma": lzma_of_known_length(PAYLOAD),
    "ar": ar(PAYLOAD),
    "lzma.zip": zipped(PAYLOAD, method=zipfile.ZIP_LZMA),
    "zip64": zip64(PAYLOAD, io.BytesIO()),
    "zip64 in the directory": zip64_directory(PAYLOAD),
    "masked zip": relabelled(zipped(PAYLOAD), {7: b"\x20"}),
    "masked zip, utf-8 too": relabelled(zipped(PAYLOAD), {7: b"\x28"}, {9: b"\x28"}),
    "7z": marked(b"7z\xbc\xaf\x27\x1c\x00\x04"),
    "7z behind a program": b"MZ" + bytes(5000) + by_its_program("deflate.7z"),
    "7z behind a picture": b"\xff\xd8\xff\xe0" + bytes(5000) + by_its_program("deflate.7z"),
    "bz2 of two": in_two(bz2.compress, PAYLOAD),
    "ace": marked(b"**ACE**\x14", at=7),
    "alz": marked(b"ALZ\x01"),
    "egg": marked(b"EGGA\x00\x01"),
    "lha": marked(b"-lh5-", at=2),
    "zoo": marked(b"\xdc\xa7\xc4\xfd", at=20),
    "sit": marked(b"SIT!\x01\x01\x01\x01\x01\x01rLau"),
    "sitx": marked(b"StuffIt!"),
    "freearc": marked(b"ArC\x01"),
    "rpm": marked(b"\xed\xab\xee\xdb"),
    "warc": marked(b"WARC/1.0\r\n"),
    "pst": marked(b"!BDN\x01\x01\x01\x01SM"),
    "expand": marked(b"SZ \x88\xf0\x27\x33\xd1"),
    "kwaj": marked(b"KWAJ\x88\xf0\x27\xd1"),
    "lzfse": marked(b"bvx2"),
    "snappy": marked(b"\xff\x06\x00\x00sNaPpY"),
    "dmg": marked(b"koly", end=512),
    "vhd": marked(b"conectix\x00\x00\x00\x02", end=512),
    "vhdx": marked(b"vhdxfile"),
    "vmdk": marked(b"KDMV\x01\x00\x00\x00"),
    "qcow2": marked(b"QFI\xfb"),
    "udf": marked(b"BEA01", at=32769),
    "fat": marked(b"FAT16   ", at=54),
    "ntfs": marked(b"NTFS    ", at=3),
    "exfat": marked(b"EXFAT   ", at=3),
    "ext4": marked(b"\x53\xef\x01\x00\x01\x00", at=1080),
    "begin-base64": b"begin-base64 644 e.com\n" + base64.encodebytes(PAYLOAD) + b"====\n",
} | {
    # What programs that unpack pass over: flags without a meaning, the system of a version.
    f"zip64, flag {flag:#04x}": relabelled(zip64(PAYLOAD, io.BytesIO()), {6: bytes([flag])}, {8: bytes([flag])})
    for flag in (0x10, 0x40, 0x80, 0xF0)
} | {
    f"lzma.zip, system {system}": relabelled(
        zipped(PAYLOAD, method=zipfile.ZIP_LZMA), {5: bytes([system])}, {7: bytes([system])}
    )
    for system in (3, 255)
} | {
    name: by_its_program(name)
    for name in ("deflate.7z", "compress", "lrzip", "lzop", "ppmd.zip", "rzip", "squashfs", "wim", "xz.zip", "zpaq")
}  # fmt: skip
