<?php

require_once __DIR__ . '/hanam_accounts.php';

/**
 * What the accounts database knows of this session, so that its person sees it from another one and can end it there
 * (docs/decisions/0086-where-signed-in.md). It is known by a digest of a word that stands in the session alone.
 */
class hanam_visits
{
    /** Seconds between two notes that a session is used. */
    private const NOTED = 60;
    /** The first that a browser's own name for itself holds: most of them name others too. */
    private const BROWSERS = [
        'coc_coc_browser' => 'Cốc Cốc', 'Edg' => 'Edge', 'OPR/' => 'Opera', 'SamsungBrowser' => 'Samsung Internet', 'Firefox' => 'Firefox',
        'FxiOS' => 'Firefox', 'CriOS' => 'Chrome', 'Chrome' => 'Chrome', 'Safari' => 'Safari',
    ];
    private const SYSTEMS = [
        'Windows' => 'Windows', 'Android' => 'Android', 'iPhone' => 'iPhone', 'iPad' => 'iPad', 'Macintosh' => 'máy Mac', 'CrOS' => 'ChromeOS',
        'Linux' => 'Linux',
    ];

    public function __construct(private rcube_plugin $plugin)
    {
    }

    public function init(): void
    {
        $this->plugin->add_hook('session_destroy', [$this, 'session_destroy']);
    }

    public static function word(): ?string
    {
        return $_SESSION['hanam_visit'] ?? null;
    }

    /** Another person may have had the session before the sign-in, or the same one another mailbox. */
    public function begin(): void
    {
        $this->leave();
        $_SESSION['hanam_visit'] = bin2hex(random_bytes(16));
        $this->note();
    }

    /** A session of a former release gets its word with its next click. */
    public function note(): void
    {
        if (self::word() === null) {
            $this->begin();
        } elseif (time() - ($_SESSION['hanam_visit_noted'] ?? 0) >= self::NOTED) {
            // What could not be noted, and is logged, is noted a minute later: nothing waits for it.
            $_SESSION['hanam_visit_noted'] = time();
            hanam_accounts::writing('SELECT mail.webmail_visit_note(?, ?, ?, ?)', rcmail::get_instance()->get_user_name(), self::word(),
                $_SERVER['REMOTE_ADDR'] ?? '', self::program($_SERVER['HTTP_USER_AGENT'] ?? ''));
        }
    }

    public function session_destroy(array $hook): array
    {
        $this->leave();
        return $hook;
    }

    /** As people name a browser and what it runs on: "Chrome, Windows". */
    public static function program(string $agent): string
    {
        $found = [];
        foreach ([self::BROWSERS, self::SYSTEMS] as $names) {
            foreach ($names as $mark => $name) {
                if (str_contains($agent, $mark)) {
                    $found[] = $name;
                    break;
                }
            }
        }
        return implode(', ', $found);
    }

    private function leave(): void
    {
        if (self::word() !== null) {
            hanam_accounts::writing('SELECT mail.webmail_visit_left(?)', self::word());
            unset($_SESSION['hanam_visit'], $_SESSION['hanam_visit_noted']);
        }
    }
}
