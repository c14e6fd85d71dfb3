<?php

require_once __DIR__ . '/hanam_accounts.php';

/**
 * What the accounts database knows of this session, so that its person sees it from another one and can end it there
 * (docs/decisions/0086-where-signed-in.md). It is known by a word that only the session can make, and leaves nothing in the session.
 */
class hanam_visits
{
    /** What a page asks by itself, whether somebody sits before it or not. */
    private const BY_ITSELF = ['keep-alive', 'refresh', 'getunread', 'plugin.hanam-counts'];
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

    /**
     * Made of what Roundcube draws at the sign-in and asks back in a cookie: the same for requests at once, and for a session of a former
     * release. Of the word nobody makes that again.
     */
    public static function word(): ?string
    {
        $secret = (string) ($_SESSION['auth_secret'] ?? '');
        return $secret === '' ? null : hash_hmac('sha256', "hanam visit $secret", (string) rcube::get_instance()->config->get('des_key'));
    }

    /** A request is noted where its answer (hanam_session.php) says that it is time. */
    public function asked(string $action, array $answer): void
    {
        $used = !in_array($action, self::BY_ITSELF, true);
        if ($used ? $answer['due'] : $answer['fading']) {
            $this->note($used);
        }
    }

    /** What could not be noted, and is logged, is noted with the next request: nothing waits for it. */
    public function note(bool $used): void
    {
        if (self::word() !== null) {
            hanam_accounts::writing('SELECT mail.webmail_visit_note(?, ?, ?, ?, CAST(? AS boolean))',
                rcmail::get_instance()->get_user_name(), self::word(), $_SERVER['REMOTE_ADDR'] ?? '',
                self::program($_SERVER['HTTP_USER_AGENT'] ?? ''), $used ? 'true' : 'false');
        }
    }

    public function session_destroy(array $hook): array
    {
        if (self::word() !== null) {
            hanam_accounts::writing('SELECT mail.webmail_visit_left(?)', self::word());
        }
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
}
