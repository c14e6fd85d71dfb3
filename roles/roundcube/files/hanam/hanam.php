<?php

/**
 * What the province adds to Roundcube, by its own hooks only.
 *
 * - The name of the mail store in the table of users stays the same wherever the store is (hanam_imap).
 * - The mail store learns the client's address, so that guesses are counted where they come from (Đ4.6).
 * - Nobody becomes a user under anything but a mailbox id.
 * - Whoever must change his password, or is locked, is sent to the page that tells him what to do (Đ8.2a, Đ7): from the login,
 *   and from an open session at the next click. When the database or the mail store is away, nginx shows its page of that, in
 *   Vietnamese (hanam_session.php).
 * - People are told that their password ends or their mailbox fills (hanam_notices.php), and helped to tidy up (hanam_tidy.php, Đ12.4).
 * - Names, addresses and places to which mail may lead are those of the registry and the regulation (hanam_sender.php).
 * - What pages show instead of Roundcube's, and whom to ask for help (hanam_look.php, Đ10.8); what is lacking for keyboards and
 *   screen readers (access.js).
 * - Clerks go from their own mailbox to their agency's and back (hanam_boxes.php), and see who of them answered (hanam_answers.php, Đ9.2).
 * - Searches are kept, and what they find is marked (hanam_search.php).
 * - People report spam, viruses, unlawful mail and faults (hanam_report.php, Đ12.8).
 * - Whoever has a second factor is asked for it after the password (hanam_factor.php).
 * - People sign in with an account of the province's account service, where there is one (hanam_openid.php).
 * - Why the server did not take a message is said in the words of offices (hanam_refusals.php).
 * - The address book of the administration, where a message comes from and who wrote it (hanam_book.php).
 * - Links that are not what they seem are told, and opened attachments run nothing (hanam_links.php).
 * - The sign-in runs no handler in an attribute and no foreign file (hanam_policy.php).
 * - Pages of the settings: what was deleted for good comes back (hanam_deleted.php), held spam is taken or dropped
 *   (hanam_held.php), sessions that are open elsewhere end (hanam_places.php), letters that leave at a chosen hour (hanam_scheduled.php), and rules say beforehand where mail may lead by itself (hanam_rules.php, Đ4.5).
 * - Requests of one session at once lose nothing of each other (hanam_session_store.php).
 * - A message that was sent is not called a connection error (hanam.js).
 * - What helps who writes: signature, texts, recipients, attachments (hanam_writing.php), folders with numbers (hanam_numbers.php).
 * - Texts that Roundcube lacks in Vietnamese or that the regulation gives a number for.
 */
require_once __DIR__ . '/hanam_answers.php';
require_once __DIR__ . '/hanam_book.php';
require_once __DIR__ . '/hanam_boxes.php';
require_once __DIR__ . '/hanam_deleted.php';
require_once __DIR__ . '/hanam_factor.php';
require_once __DIR__ . '/hanam_folders.php';
require_once __DIR__ . '/hanam_held.php';
require_once __DIR__ . '/hanam_links.php';
require_once __DIR__ . '/hanam_look.php';
require_once __DIR__ . '/hanam_notices.php';
require_once __DIR__ . '/hanam_numbers.php';
require_once __DIR__ . '/hanam_openid.php';
require_once __DIR__ . '/hanam_places.php';
require_once __DIR__ . '/hanam_policy.php';
require_once __DIR__ . '/hanam_refusals.php';
require_once __DIR__ . '/hanam_report.php';
require_once __DIR__ . '/hanam_rules.php';
require_once __DIR__ . '/hanam_scheduled.php';
require_once __DIR__ . '/hanam_search.php';
require_once __DIR__ . '/hanam_sender.php';
require_once __DIR__ . '/hanam_session.php';
require_once __DIR__ . '/hanam_session_store.php';
require_once __DIR__ . '/hanam_tidy.php';
require_once __DIR__ . '/hanam_writing.php';

class hanam extends rcube_plugin
{
    /** Pages on which a person writes under a name: they show what the registry says today. */
    private const WRITING = ['compose', 'identities', 'add-identity', 'edit-identity', 'save-identity'];

    private hanam_sender $sender;

    /** Before the session is begun. The package's own clean-up of old sessions (gc.sh) must find Roundcube's name, "db", or it leaves them. */
    public function onload(): void
    {
        if (PHP_SAPI !== 'cli') {
            rcube::get_instance()->config->set('session_storage', 'hanam');
        }
    }

    public function init(): void
    {
        // Roundcube would call this a success and say it in English.
        if (rcube::get_instance()->db->is_error()) {
            hanam_session::unavailable();
        }
        $this->texts();
        $factor = new hanam_factor($this);
        ($session = new hanam_session($this, $factor))->init();
        (new hanam_openid($this))->init();
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
        // What the second step asks for takes the place of what the look made of the login's fields.
        $factor->init();
        (new hanam_folders($this))->init();
        (new hanam_book($this))->init();
        (new hanam_links($this))->init();
        (new hanam_policy($this))->init();
        (new hanam_notices($this, $session))->init();
        (new hanam_tidy($this))->init();
        (new hanam_boxes($this))->init();
        (new hanam_answers($this))->init();
        (new hanam_search($this))->init();
        (new hanam_deleted($this))->init();
        // After the sender's own checks of a message.
        (new hanam_scheduled($this))->init();
        (new hanam_held($this))->init();
        (new hanam_places($this))->init();
        (new hanam_rules($this))->init();
        (new hanam_numbers($this))->init();
        (new hanam_writing($this))->init();
        (new hanam_report($this))->init();
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

    public function login_after(array $next): array
    {
        $this->sender->follow();
        return $next;
    }

    public function message_send_error(array $failure): array
    {
        $failure['error'] = hanam_refusals::told($failure['error']);
        return $failure;
    }

    public function ready(array $request): array
    {
        $rcmail = rcmail::get_instance();
        if (in_array($request['action'], self::WRITING)) {
            $this->sender->follow();
        }
        if ($fault = $this->sender->filter_fault($request['action'])) {
            $rcmail->output->show_message(rcube::Q($fault), 'error');
            $rcmail->output->send('iframe');
        }
        return $request;
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
