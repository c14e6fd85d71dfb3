<?php

/**
 * What the province adds to Roundcube, by its own hooks only.
 *
 * - The name of the mail store in the table of users stays the same wherever the store is (hanam_imap).
 * - The mail store learns the client's address, so that guesses are counted where they come from (Đ4.6).
 * - Nobody becomes a user under anything but a mailbox id.
 * - Whoever must change his password, or is locked, is sent to the page that tells him what to do (Đ8.2a, Đ7): from the login,
 *   and from an open session at the next click.
 * - When the database or the mail store is away, nginx shows its page of that, in Vietnamese.
 * - Names, addresses and places to which mail may lead are those of the registry and the regulation (hanam_sender.php).
 * - What pages show instead of Roundcube's, and whom to ask for help (hanam_look.php, Đ10.8); what is lacking for keyboards and
 *   screen readers (access.js).
 * - Whoever has a second factor is asked for it after the password (hanam_factor.php).
 * - Why the server did not take a message is said in the words of offices (hanam_refusals.php).
 * - A message that was sent is not called a connection error (hanam.js).
 * - Texts that Roundcube lacks in Vietnamese or that the regulation gives a number for.
 */
require_once __DIR__ . '/hanam_factor.php';
require_once __DIR__ . '/hanam_folders.php';
require_once __DIR__ . '/hanam_look.php';
require_once __DIR__ . '/hanam_refusals.php';
require_once __DIR__ . '/hanam_sender.php';

class hanam extends rcube_plugin
{
    /** Where a state of a mailbox leads; the accounts database ends its reason with "[state:cause]", for the right password only. */
    private const PAGES = ['must_change' => '', 'locked' => 'tam-khoa', 'revoked' => 'thu-hoi', 'second_factor' => 'hai-buoc'];
    /** Pages on which a person writes under a name: they show what the registry says today. */
    private const WRITING = ['compose', 'identities', 'add-identity', 'edit-identity', 'save-identity'];

    private hanam_sender $sender;
    private hanam_factor $factor;

    public function init(): void
    {
        // Roundcube would call this a success and say it in English.
        if (rcube::get_instance()->db->is_error()) {
            $this->unavailable();
        }
        $this->texts();
        $this->sender = new hanam_sender($this);
        $this->add_hook('storage_connect', [$this, 'storage_connect']);
        $this->add_hook('user_create', [$this, 'user_create']);
        $this->add_hook('ready', [$this, 'ready']);
        $this->add_hook('login_after', [$this, 'login_after']);
        $this->add_hook('identity_form', [$this->sender, 'identity_form']);
        $this->add_hook('identity_create', [$this->sender, 'identity_save']);
        $this->add_hook('identity_update', [$this->sender, 'identity_save']);
        $this->add_hook('message_before_send', [$this->sender, 'message_before_send']);
        $this->add_hook('message_send_error', [$this, 'message_send_error']);
        $this->include_script('hanam.js');
        (new hanam_look($this))->init();
        (new hanam_folders($this))->init();
        $this->factor = new hanam_factor($this);
        $this->factor->init();
        $this->add_hook('login_failed', [$this, 'login_failed']);
        if (rcube::get_instance()->config->get('hanam_change_page')) {
            $this->add_button([
                'type' => 'link', 'href' => hanam_look::CHANGE_PAGE, 'label' => 'hanam.changepassword',
                'class' => 'hanam-password', 'innerclass' => 'inner',
            ], 'taskbar');
        }
    }

    public function storage_connect(array $connection): array
    {
        $place = rcube::get_instance()->config->get('hanam_imap', []);
        return array_merge($connection, $place, [
            'preauth_ident' => ['x-originating-ip' => $_SERVER['REMOTE_ADDR'] ?? ''],
        ]);
    }

    /** A login that the accounts database did not turn into an id (it was out of reach, say) is an address still. */
    public function user_create(array $user): array
    {
        $user['abort'] = str_contains($user['user'], '@') || empty($user['email_list']);
        return $user;
    }

    public function login_failed(array $failure): array
    {
        $this->factor->ask($failure['user']);
        if ($page = $this->page_of_state($failure['user'])) {
            rcmail::get_instance()->kill_session();
            header("Location: $page", true, 303);
            exit;
        }
        return $failure;
    }

    public function login_after(array $next): array
    {
        $_SESSION['hanam_login'] = $this->factor->login() ?? rcube_utils::get_input_string('_user', rcube_utils::INPUT_POST);
        $this->sender->follow();
        return $next;
    }

    public function message_send_error(array $failure): array
    {
        $failure['error'] = hanam_refusals::told($failure['error']);
        return $failure;
    }

    /** Every click signs in at the mail store, whatever it asks for: a session is open no longer than its mailbox. */
    public function ready(array $request): array
    {
        $rcmail = rcmail::get_instance();
        if (!$rcmail->storage_connect()) {
            if ($page = $this->page_of_state($_SESSION['hanam_login'] ?? '')) {
                $this->leave($page);
            }
            if ($this->factor->is_asked() || $rcmail->get_storage()->conn->resultcode === 'AUTHENTICATIONFAILED') {
                $this->leave('./?_task=login&_err=session');  // the password was changed elsewhere
            }
            $this->unavailable();
        }
        if (in_array($request['action'], self::WRITING)) {
            $this->sender->follow();
        }
        if ($fault = $this->sender->filter_fault($request['action'])) {
            $rcmail->output->show_message($fault, 'error');
            $rcmail->output->send('iframe');
        }
        return $request;
    }

    /** The page for the state of a mailbox into which nobody was let just now; null when its state is not the reason. */
    private function page_of_state(string $login): ?string
    {
        $rcmail = rcmail::get_instance();
        $told = (string) $rcmail->get_storage()->get_error_str();
        if (!$rcmail->config->get('hanam_change_page')
            || !preg_match('/\[(must_change|locked|revoked|second_factor(?=:required))(?::(\w+))?\]/', $told, $found)) {
            return null;
        }
        $query = http_build_query(['ly-do' => $found[2] ?? '', 'dang-nhap' => $login]);
        return hanam_look::CHANGE_PAGE . self::PAGES[$found[1]] . "?$query";
    }

    /**
     * End the session and go to another page. A frame or a list that asked sends its whole window to ask once more: of several
     * that ask at once none may find the session ended and say only that.
     */
    private function leave(string $page): void
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

    /** The body is nginx's: a page that depends on nothing. */
    private function unavailable(): void
    {
        http_response_code(503);
        exit;
    }

    /** Texts of this plugin, and those that stand in for Roundcube's own (their names begin with "core."). */
    private function texts(): void
    {
        $rcube = rcube::get_instance();
        $size = rcmail_action::show_bytes($rcube->config->get('hanam_attachment_limit'));
        $texts = [];
        foreach ($rcube->read_localization($this->home . '/localization') as $name => $text) {
            $name = str_starts_with($name, 'core.') ? substr($name, 5) : "hanam.$name";
            $texts[$name] = str_replace('$limit', $size, $text);
        }
        foreach (hanam_look::BY_TASK[rcmail::get_instance()->task] ?? [] as $name => $ours) {
            $texts[$name] = $texts["hanam.$ours"];
        }
        $rcube->load_language($_SESSION['language'] ?? null, [], $texts);
    }
}
