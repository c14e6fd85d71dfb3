<?php

require_once __DIR__ . '/hanam_letters.php';

/**
 * Why the server did not take a message, in the words of offices: its replies are ASCII (Vietnamese without accents, and English).
 * What nobody foresaw is told with the server's code, for whoever is asked for help.
 */
class hanam_refusals
{
    /** Our own replies, with their accents. Folded, each is what the filter, the database or Postfix says. */
    private const SENTENCES = [
        'Thư có virus, bị từ chối',
        'Chưa quét được virus, xin gửi lại sau',
        'Tệp đính kèm quá lớn hoặc nén quá nhiều lớp, không quét virus được',
        'Tệp nén kiểu này (RAR, 7z, zst...) không quét virus được, xin dùng ZIP',
        'Cấu trúc (MIME) của thư không quét virus được',
        'Phần đầu của thư quá dài',
        'Tệp đính kèm đặt mật khẩu, không quét virus được',
        'Tệp đính kèm có chứa macro, không được phép gửi',
        'Tệp đính kèm là chương trình (exe, js, iso...), không được nhận',
        'Thư bị từ chối vì có dấu hiệu thư rác',
        'Thư của người gửi chưa quen, xin máy chủ tự gửi lại sau ít phút',
        'Tệp đính kèm quá lớn',
        'Tổng dung lượng tệp đính kèm vượt quá',
        'Địa chỉ người gửi (From), hoặc địa chỉ trong tên người gửi, khác với hộp thư đã đăng nhập',
        'Dòng From phải có đúng một địa chỉ hợp lệ',
        'Bộ lọc thư đang có lỗi, xin gửi lại sau',
        'Chưa kiểm tra được tên miền người gửi, xin gửi lại sau',
        'Một dòng đầu thư có hai lần',
        'Nội dung thư chỉ có khoảng trắng hoặc ký tự sang trang',
        'Đã gửi quá nhiều thư hoặc người nhận trong một giờ, xin gửi lại sau',
        'Đã gửi quá nhiều thư hoặc người nhận trong một ngày, xin gửi lại ngày mai',
        'Hộp thư đã bị thu hồi',
        'Hộp thư đã đầy',
        'Thư lớn hơn dung lượng hộp thư',
        'Tạm thời chưa kiểm tra được hộp thư, xin gửi lại sau',
        'Thư quá lớn, tổng dung lượng tệp đính kèm tối đa',
        'Máy chủ tạm hết chỗ chứa thư, xin gửi lại sau',
        'Địa chỉ thư phải đầy đủ, có @ và tên miền',
        'Địa chỉ thư viết sai, xin kiểm tra lại',
        'Địa chỉ có chữ ngoài ASCII, chương trình gửi thư phải dùng SMTPUTF8',
        'Địa chỉ người gửi không thuộc hộp thư đã đăng nhập',
        'Không được để trống địa chỉ người gửi',
        'Quá nhiều lần trong một lúc, xin thử lại sau ít phút',
    ];
    /** By the code of RFC 3463, the first that fits; "$to" is the recipient that was refused. */
    private const CODES = [
        '/\b5\.1\.1\b/' => 'Không có địa chỉ $to. Hãy kiểm tra lại từng chữ.',
        '/\b5\.1\.[23]\b/' => 'Địa chỉ $to không đúng. Hãy kiểm tra lại từng chữ.',
        '/\b4\.1\.[0-9]+\b/' => 'Chưa kiểm tra được địa chỉ $to. Hãy gửi lại sau ít phút.',
        '/\b[45]\.2\.2\b/' => 'Hộp thư của $to đã đầy.',
        '/\b5\.2\.1\b/' => 'Hộp thư của $to không nhận thư nữa.',
        '/\b5\.(2\.3|3\.4)\b/' => 'Thư quá lớn. Hãy gửi ít tệp đính kèm hơn.',
        '/\b4\.5\.3\b/' => 'Thư có quá nhiều người nhận. Hãy chia thành nhiều thư.',
    ];
    /** Roundcube's for a reply to an address or to the message. What is wrong before that, or with the form, it says itself. */
    private const LABELS = ['smtpfromerror', 'smtptoerror', 'smtperror'];
    private const LATER = 'Máy chủ chưa nhận được thư. Hãy gửi lại sau ít phút; thư còn trong trang soạn thảo.';
    private const NEVER = 'Máy chủ không nhận thư này.';

    /**
     * What to tell the person whose message was not taken.
     *
     * @param mixed $error Roundcube's: a text that a plugin gave, or label and words ("code", "msg", "to")
     * @return mixed the sentence; what is no reply of a server stays as it is
     */
    public static function told(mixed $error): mixed
    {
        if (!is_array($error) || !in_array($error['label'] ?? '', self::LABELS)) {
            return $error;
        }
        $words = $error['vars'] ?? [];
        $said = trim(preg_replace('/^\[?(\d{3})\]?/', '$1', (string) ($words['msg'] ?? '')));
        $code = (int) ($words['code'] ?? 0) ?: (int) $said;
        $sentence = self::ours($said) ?? self::by_code($said, $code);
        $to = rcube::Q((string) ($words['to'] ?? ''));
        $sentence = str_contains($sentence, '$to')
            ? str_replace('$to', $to === '' ? 'người nhận' : $to, $sentence)
            : ($to === '' ? $sentence : "$to: $sentence");
        $number = preg_match('/\b[245]\.\d{1,3}\.\d{1,3}\b/', $said, $found) ? " $found[0]" : '';
        return "$sentence (mã $code$number)";
    }

    private static function ours(string $said): ?string
    {
        // The longest first: one sentence may begin another.
        $sentences = self::SENTENCES;
        usort($sentences, fn ($one, $other) => strlen($other) - strlen($one));
        foreach ($sentences as $sentence) {
            $at = stripos($said, $folded = hanam_letters::unmarked($sentence));
            if ($at !== false) {
                // A limit, which is the policy's to say.
                preg_match('/^ \d+ MB/', substr($said, $at + strlen($folded)), $limit);
                return $sentence . ($limit[0] ?? '') . '.';
            }
        }
        return null;
    }

    private static function by_code(string $said, int $code): string
    {
        foreach (self::CODES as $pattern => $sentence) {
            if (preg_match($pattern, $said)) {
                return $sentence;
            }
        }
        return $code >= 400 && $code < 500 ? self::LATER : self::NEVER;
    }
}
