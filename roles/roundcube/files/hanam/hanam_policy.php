<?php

/**
 * The sign-in runs no handler in an attribute and no foreign file: the page is the one that strangers see, and where passwords are typed.
 * Its inline scripts are allowed by their hashes, whatever they are: an element "script" that got into the page would get one too. Pages
 * behind it cannot be held so: Roundcube's buttons are attributes with scripts, and answers are evaluated.
 */
class hanam_policy
{
    private const WITHOUT_SCRIPT = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self';"
        . " base-uri 'none'; form-action 'self'; frame-ancestors 'self'";
    private const INLINE = '~<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>~is';

    public function __construct(private rcube_plugin $plugin)
    {
    }

    public function init(): void
    {
        $this->plugin->add_hook('send_page', [$this, 'send_page']);
    }

    public function send_page(array $page): array
    {
        // After a sign-in that was refused too; whoever is signed in gets the webmail's own pages.
        if (rcmail::get_instance()->task === 'login') {
            preg_match_all(self::INLINE, $page['content'], $found);
            $hashes = array_map(fn ($script) => "'sha256-" . base64_encode(hash('sha256', str_replace("\r\n", "\n", $script), true)) . "'", $found[1]);
            header('Content-Security-Policy: ' . self::WITHOUT_SCRIPT . "; script-src 'self' " . implode(' ', array_unique($hashes)));
        }
        return $page;
    }
}
