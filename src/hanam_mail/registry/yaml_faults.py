"""What is wrong with a file that is no YAML, in Vietnamese: the parser (libyaml) says it in English."""

import yaml

from hanam_mail.errors import Problem

# By libyaml's own text. What clerks do: a tab, a quote or bracket left open, a colon in a value, a line that is
# indented otherwise than its neighbours. The first that fits counts.
_FAULTS = {
    "found a tab character": "dùng phím Tab để lùi dòng: chỉ dùng dấu cách",
    "found character that cannot start any token": "giá trị bắt đầu bằng dấu Tab, @ hoặc `: đặt giá trị trong nháy kép",
    "mapping values are not allowed": "thừa dấu hai chấm: đặt giá trị trong nháy kép hoặc sửa dấu cách đầu dòng",
    "mapping keys are not allowed": "có tên trường ở chỗ không được có: xem lại dấu cách đầu dòng",
    "block sequence entries are not allowed": "có dấu gạch đầu dòng ở chỗ không được có: xem lại dấu cách đầu dòng",
    "did not find expected '-' indicator": "dòng lùi vào không bằng các mục cùng danh sách",
    "did not find expected key": "dòng lùi vào không bằng các trường cùng mục, hoặc thừa chữ sau giá trị",
    "did not find expected ',' or '}'": "thiếu dấu phẩy hoặc dấu }, hoặc dấu hai chấm không đặt trong nháy kép",
    "did not find expected ',' or ']'": "thiếu dấu phẩy hoặc dấu ]",
    "could not find expected ':'": "tên trường thiếu dấu hai chấm",
    "did not find expected node content": "thiếu giá trị",
    "found unexpected end of stream": "thiếu dấu nháy đóng",
    "found unexpected document indicator": "thiếu dấu nháy đóng trước dòng --- hoặc ...",
    "found unexpected ':'": "có dấu hai chấm ở chỗ không được có: đặt giá trị trong nháy kép",
    "but found another document": "có dòng --- thứ hai: mỗi tệp chỉ là một tài liệu",
    "did not find expected <document start>": "có chữ ở chỗ tài liệu đã hết",
    "found undefined alias": "giá trị bắt đầu bằng dấu *: đặt giá trị trong nháy kép",
    "found duplicate anchor": "dấu & ghi hai lần cùng một tên: đặt giá trị trong nháy kép",
    "did not find expected alphabetic or numeric character": "sau dấu & hoặc * phải có tên: đặt giá trị trong nháy kép",
    "found unknown escape character": "sau dấu \\ trong nháy kép là ký tự lạ: ghi \\\\ hoặc dùng nháy đơn",
    "did not find expected hexdecimal number": "sau \\x, \\u trong nháy kép phải là số thập lục phân",
    "found invalid Unicode character escape code": "mã ký tự sau \\u không có trong Unicode",
    "did not find expected comment or line break": "thừa chữ ở cuối dòng",
    "did not find expected whitespace": "thiếu dấu cách",
    "found an indentation indicator equal to 0": "số sau dấu | hoặc > phải từ 1 đến 9",
    "found undefined tag handle": "có dấu ! lạ: đặt giá trị trong nháy kép",
    "did not find expected tag URI": "có dấu ! lạ: đặt giá trị trong nháy kép",
    "did not find expected '!'": "có dấu ! lạ: đặt giá trị trong nháy kép",
    "did not find URI escaped octet": "có dấu ! lạ: đặt giá trị trong nháy kép",
    "found unknown directive name": "dòng bắt đầu bằng dấu %: bỏ dòng ấy",
    "found extremely long version number": "dòng bắt đầu bằng dấu %: bỏ dòng ấy",
    "found incompatible YAML document": "dòng %YAML có số phiên bản lạ: bỏ dòng ấy",
    "control characters are not allowed": "có ký tự điều khiển, không nhìn thấy được",
}


def problem(file: str, error: yaml.YAMLError) -> Problem:
    """What the parser found wrong with a file: one problem, at the line where it gave up."""
    line, began, found = 0, 0, " ".join(str(error).split())
    if isinstance(error, yaml.MarkedYAMLError):
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        began = error.context_mark.line + 1 if error.context_mark else 0
        found = error.problem or ""
    text = next((text for start, text in _FAULTS.items() if start in found), "sai cú pháp")
    # A quote or bracket left open is met at the end of the file, far from where it stands.
    place = f" (phần bắt đầu ở dòng {began})" if 0 < began < line else ""
    return Problem(file, line, "", f"không phải YAML hợp lệ: {text}{place}")
