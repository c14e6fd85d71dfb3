<?php

require_once __DIR__ . '/hanam_letters.php';

/**
 * Why the server did not take a message, in the words of offices: its replies are ASCII (Vietnamese without accents, and English).
 * What nobody foresaw is told with the server's code, for whoever is asked for help. The sentences stand in refusals.json, since letters that
 * leave at a chosen hour are refused out of the webmail's sight (src/hanam_mail/host/scheduled/refusals.py).
 */
class hanam_refusals
{
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
        $sentences = self::table()['sentences'];
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
        foreach (self::table()['codes'] as [$pattern, $sentence]) {
            if (preg_match("/\\b$pattern\\b/", $said)) {
                return $sentence;
            }
        }
        return $code >= 400 && $code < 500 ? self::LATER : self::NEVER;
    }

    /**
     * "sentences": our own replies, with their accents; folded, each is what the filter, the database or Postfix says. "codes": by the code of
     * RFC 3463 what to say of others, the first that fits; "$to" is the recipient that was refused.
     */
    private static function table(): array
    {
        static $table = null;
        return $table ??= json_decode(file_get_contents(__DIR__ . '/refusals.json'), true, 512, JSON_THROW_ON_ERROR);
    }
}
