<?php

/** Vietnamese letters as people type them when they look for something. */
class hanam_letters
{
    /** Small letters without marks, as mail.fold makes them in the accounts database. */
    public static function folded(string $text): string
    {
        return self::unmarked(mb_strtolower($text));
    }

    /** Without marks, large letters staying large. */
    public static function unmarked(string $text): string
    {
        $letters = Normalizer::normalize(strtr($text, ['đ' => 'd', 'Đ' => 'D']), Normalizer::FORM_D);
        return preg_replace('/\p{Mn}+/u', '', $letters === false ? $text : $letters);
    }
}
