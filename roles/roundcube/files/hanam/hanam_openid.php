<?php

require_once __DIR__ . '/hanam_accounts.php';

/**
 * Sign-in with an account of the province's account service. Roundcube gets the token and keeps it as the session's password; Dovecot
 * judges it each time and the accounts database decides who comes in. What Roundcube lacks for it is here: its user is a mailbox id
 * (virtuser_query), and a token names an address, so the address is what it signs in under; and an answer that nobody here has
 * asked for is not heard. docs/decisions/0082-openid-connect.md
 */
class hanam_openid
{
    private const FAILED = './?_task=login&ly-do=tai-khoan-tinh';

    /** Whom the token names, while somebody signs in and no session knows it yet. */
    private static ?string $coming = null;

    public function __construct(private rcube_plugin $plugin)
    {
    }

    public function init(): void
    {
        if (!rcube::get_instance()->config->get('oauth_provider')) {
            return;
        }
        $this->plugin->add_hook('startup', [$this, 'startup']);
        $this->plugin->add_hook('oauth_login', [$this, 'oauth_login']);
        $this->plugin->add_hook('login_failed', [$this, 'login_failed']);
        $this->plugin->add_hook('storage_connect', [$this, 'storage_connect']);
        $this->plugin->add_hook('managesieve_connect', [$this, 'managesieve_connect']);
        $this->plugin->add_hook('smtp_connect', [$this, 'smtp_connect']);
    }

    /** The address under which this session signs in by a token; null for one that was opened with a password. */
    public static function address(): ?string
    {
        return self::$coming ?? $_SESSION['oauth_token']['identity'] ?? null;
    }

    /**
     * What comes back from the account service. Roundcube heeds its state only where the session has one, and would let a stranger's
     * link sign somebody in as the stranger; and it shows as a message whatever a link says.
     */
    public function startup(array $request): array
    {
        if ($request['task'] !== 'login' || $request['action'] !== 'oauth' || !array_intersect_key($_GET, ['code' => 1, 'error' => 1])) {
            return $request;
        }
        $state = $_SESSION['oauth_state'] ?? '';
        $said = rcube_utils::get_input_string('state', rcube_utils::INPUT_GET);
        if ($state === '' || !hash_equals($state, $said) || isset($_GET['error'])) {
            rcmail::get_instance()->session->remove('oauth_state');
            $this->leave();
        }
        return $request;
    }

    /** Without the database Roundcube would find nobody of that address. */
    public function oauth_login(array $token): array
    {
        self::$coming = is_string($token['username'] ?? null) ? $token['username'] : null;
        if (self::$coming === null) {
            $this->leave();
        }
        if (hanam_accounts::rows('SELECT 1 FROM mail.webmail_session_openid(?)', self::$coming) === null) {
            hanam_session::unavailable();
        }
        // Somebody else may be signed in here, and Roundcube would go on with his secret: by it his session is known (hanam_visits.php).
        unset($_SESSION['auth_secret']);
        return $token;
    }

    /** After hanam_session, which knows what the state of a mailbox leads to. */
    public function login_failed(array $failure): array
    {
        if (self::$coming !== null) {
            rcmail::get_instance()->kill_session();
            $this->leave();
        }
        return $failure;
    }

    public function storage_connect(array $connection): array
    {
        return self::named($connection, 'user');
    }

    public function managesieve_connect(array $connection): array
    {
        return self::named($connection, 'user');
    }

    public function smtp_connect(array $connection): array
    {
        return self::named($connection, 'smtp_user');
    }

    private static function named(array $connection, string $field): array
    {
        $address = self::address();
        return $address === null ? $connection : [$field => $address] + $connection;
    }

    private function leave(): never
    {
        header('Location: ' . self::FAILED, true, 303);
        exit;
    }
}
