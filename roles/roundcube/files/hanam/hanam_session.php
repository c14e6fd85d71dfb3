<?php

require_once __DIR__ . '/hanam_accounts.php';
require_once __DIR__ . '/hanam_openid.php';
require_once __DIR__ . '/hanam_visits.php';

/**
 * An open session goes on as long as its person would be let in with the password that opened it (Đ7.1, Đ8.2a); what ends it is told
 * on a page, never by a protocol's text over a list that stays.
 *
 * Each click asks the accounts database first: it knows at once, and counts no failure where a password is old. Without an answer the
 * session neither goes on nor ends: "try later" (503). Afterwards the mail store signs in, for those whose state came in between.
 */
class hanam_session
{
    /** Where a state of a mailbox leads; the accounts database ends its reason with "[state:cause]", for the right password only. */
    private const PAGES = ['must_change' => '', 'locked' => 'tam-khoa', 'revoked' => 'thu-hoi', 'second_factor' => 'hai-buoc'];
    /** What the login page says of a session that ended for another reason than a state. */
    private const SAID = [
        'doi-mat-khau' => 'endedchanged', 'khong-con-quyen' => 'endedclosed', 'xac-thuc-lai' => 'endedstep',
        'tai-khoan-tinh' => 'openidfailed', 'da-ket-thuc' => 'endedelsewhere',
    ];
    private const LOGIN = './?_task=login&ly-do=';

    /** The last day of the password and the days until then, while somebody is to be reminded of it. */
    public ?string $ends = null;
    public int $days = 0;

    private hanam_visits $visits;

    public function __construct(private rcube_plugin $plugin, private hanam_factor $factor)
    {
        $this->visits = new hanam_visits($plugin);
    }

    public function init(): void
    {
        $this->plugin->add_hook('ready', [$this, 'ready']);
        $this->plugin->add_hook('authenticate', [$this, 'authenticate']);
        $this->plugin->add_hook('login_after', [$this, 'login_after']);
        $this->plugin->add_hook('login_failed', [$this, 'login_failed']);
        $this->plugin->add_hook('unauthenticated', [$this, 'unauthenticated']);
        $this->visits->init();
    }

    /** When the database does not answer, Roundcube would find no user and say that address or password are wrong. */
    public function authenticate(array $sign_in): array
    {
        if ($sign_in['valid'] && !$this->asked(null)) {
            self::unavailable();
        }
        return $sign_in;
    }

    public function login_failed(array $failure): array
    {
        $this->factor->ask($failure['user']);
        if ($page = $this->told_by_store($failure['user'])) {
            rcmail::get_instance()->kill_session();
            header("Location: $page", true, 303);
            exit;
        }
        // Said after Roundcube's word of a wrong password, and in its place (hanam.js).
        if ($this->factor->is_programs()) {
            rcmail::get_instance()->output->show_message('hanam.apppassword', 'warning');
        }
        return $failure;
    }

    public function login_after(array $next): array
    {
        $_SESSION['hanam_login'] = $this->factor->login() ?? hanam_openid::address()
            ?? rcube_utils::get_input_string('_user', rcube_utils::INPUT_POST);
        $_SESSION['hanam_stamp'] = $this->asked(null)['stamp'] ?? null;
        $this->visits->note(true);
        return $next;
    }

    /** Every click, whatever it asks for. */
    public function ready(array $request): array
    {
        $answer = $this->asked($_SESSION['hanam_stamp'] ?? null);
        if (!$answer) {
            self::unavailable();
        }
        if ($answer['ended']) {
            $this->disarm();
            $this->leave(self::LOGIN . 'da-ket-thuc');
        }
        if ($answer['state'] !== 'active') {
            $this->leave(match ($answer['state']) {
                'changed' => self::LOGIN . 'doi-mat-khau',
                'second_step' => self::LOGIN . 'xac-thuc-lai',
                'closed' => self::LOGIN . 'khong-con-quyen',
                default => $this->page($answer['state'], (string) $answer['cause']) ?? './?_task=login&_err=session',
            });
        }
        $rcmail = rcmail::get_instance();
        if (!$rcmail->storage_connect()) {
            if ($page = $this->told_by_store($_SESSION['hanam_login'] ?? '')) {
                $this->leave($page);
            }
            if ($this->factor->is_asked() || $rcmail->get_storage()->conn->resultcode === 'AUTHENTICATIONFAILED') {
                // The mailbox's state is not the reason: a second step is asked for now, too many failures came from here, or the key is another.
                $this->leave('./?_task=login&_err=session');
            }
            self::unavailable();
        }
        // A session of a former release was told no stamp: the mail store has just let its password in.
        $_SESSION['hanam_stamp'] ??= $answer['stamp'];
        $this->visits->asked((string) $request['action'], $answer);
        $this->ends = $answer['ends'];
        $this->days = (int) $answer['days'];
        return $request;
    }

    /** Why somebody stands before the login who was signed in a moment ago. */
    public function unauthenticated(array $page): array
    {
        $why = self::SAID[rcube_utils::get_input_string('ly-do', rcube_utils::INPUT_GET)] ?? null;
        if ($why && $_SERVER['REQUEST_METHOD'] === 'GET') {
            rcmail::get_instance()->output->show_message("hanam.$why", 'error');
        }
        return $page;
    }

    /** The body is nginx's: a page that depends on nothing. */
    public static function unavailable(): never
    {
        http_response_code(503);
        exit;
    }

    /** What the accounts database says of the session; nothing when it does not answer. */
    private function asked(?string $stamp): ?array
    {
        $user = (string) rcmail::get_instance()->get_user_name();
        $columns = 'SELECT s.state, s.cause, s.stamp, s.ends, s.days, v.ended, v.due, v.fading FROM mail.webmail_visit_asked(?) v CROSS JOIN';
        $visit = hanam_visits::word();
        $rows = hanam_openid::address() === null
            ? hanam_accounts::rows("$columns mail.webmail_session(?, ?, ?) s", $visit, $user, $stamp, $this->factor->digest())
            : hanam_accounts::rows("$columns mail.webmail_session_openid(?) s", $visit, $user);
        return $rows[0] ?? null;
    }

    /** The page for the state of a mailbox into which the mail store let nobody just now; null when its state is not the reason. */
    private function told_by_store(string $login): ?string
    {
        $told = (string) rcmail::get_instance()->get_storage()->get_error_str();
        return preg_match('/\[(must_change|locked|revoked|second_factor(?=:required))(?::(\w+))?\]/', $told, $found)
            ? $this->page($found[1], $found[2] ?? '', $login)
            : null;
    }

    private function page(string $state, string $cause, ?string $login = null): ?string
    {
        if (!isset(self::PAGES[$state]) || !rcube::get_instance()->config->get('hanam_change_page')) {
            return null;
        }
        $query = http_build_query(['ly-do' => $cause, 'dang-nhap' => $login ?? $_SESSION['hanam_login'] ?? '']);
        return hanam_look::CHANGE_PAGE . self::PAGES[$state] . "?$query";
    }

    /**
     * Take from a session that its person ended what opens his mailbox. A frame or a list leaves it open (see below), and whoever has its
     * cookies may go on asking as one.
     */
    private function disarm(): void
    {
        // The word of the second step is in the password's place, and ends with it.
        $this->factor->session_destroy([]);
        $_SESSION['password'] = '';
        if (isset($_SESSION['oauth_token'])) {
            // By the address the next request is known (hanam_openid.php).
            $_SESSION['oauth_token'] = array_intersect_key($_SESSION['oauth_token'], ['identity' => 1]);
        }
    }

    /**
     * End the session and go to another page. A frame or a list that asked sends its whole window to ask once more: of several
     * that ask at once none may find the session ended and say only that.
     */
    private function leave(string $page): never
    {
        $rcmail = rcmail::get_instance();
        if ($rcmail->output->ajax_call || !empty($_REQUEST['_framed'])) {
            $rcmail->output->reset();
            $rcmail->output->command('redirect', './');
            $rcmail->output->send('iframe');
        }
        $rcmail->kill_session();
        header("Location: $page", true, 303);
        exit;
    }
}
