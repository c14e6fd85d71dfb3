<?php

require_once __DIR__ . '/hanam_accounts.php';
require_once __DIR__ . '/hanam_openid.php';

/**
 * A clerk's way between his own mailbox and his agencies' (Đ9.2), without typing his password again.
 *
 * The session has the password already, encrypted as Roundcube keeps it. A switch signs in with it as the login form would, as
 * agency*person: the mail store judges it anew, notes who opened the mailbox, and the session that was is gone.
 *
 * How much is unread elsewhere is asked of the mail store seldom, and with a login that is no use of the mailbox (mail.login_only_counts).
 */
class hanam_boxes
{
    private const SWITCH = 'plugin.hanam-mailbox';
    private const COUNT = 'plugin.hanam-counts';
    /** Unread mail elsewhere is counted anew after so many seconds, of so many mailboxes, in so many seconds. */
    private const AFTER = 300;
    private const MOST = 12;
    private const PATIENCE = 5;

    public function __construct(private hanam $plugin)
    {
    }

    public function init(): void
    {
        $rcmail = rcmail::get_instance();
        if ($rcmail->task !== 'mail') {
            return;
        }
        $this->plugin->register_action(self::SWITCH, [$this, 'go']);
        $this->plugin->register_action(self::COUNT, [$this, 'counts']);
        if ($rcmail->output->type === 'html' && !$rcmail->action) {
            $this->plugin->add_hook('template_object_mailboxlist', [$this, 'show']);
            $this->plugin->include_stylesheet('/styles/boxes.css');
            $this->plugin->include_script('boxes.js');
        }
    }

    /** Above the folders: the mailboxes that this person opens, the one that is open among them. */
    public function show(array $list): array
    {
        $mailboxes = $this->mailboxes();
        if (count($mailboxes) < 2) {
            return $list;
        }
        $output = rcmail::get_instance()->output;
        $known = $this->known();
        $rows = '';
        foreach ($mailboxes as $number => $mailbox) {
            $name = $number ? $mailbox['name'] : $this->plugin->gettext('ownmailbox');
            $inner = html::span('name', rcube::Q($name)) . ($number ? $this->badge($known['of'][$mailbox['id']] ?? 0) : '');
            $attributes = ['class' => 'hanam-box', 'data-box' => $mailbox['id']];
            if ($mailbox['id'] === $this->opened()) {
                $rows .= html::tag('li', null, html::span($attributes + ['aria-current' => 'true'], $inner));
                continue;
            }
            // Roundcube writes its token into every form that is posted.
            $button = html::tag('button', $attributes + ['type' => 'submit', 'name' => '_box', 'value' => $mailbox['id']], $inner);
            $rows .= html::tag('li', null, html::tag('form', [
                'method' => 'post', 'action' => './?_task=mail&_action=' . self::SWITCH,
            ], $button));
        }
        $title = rcube::Q($this->plugin->gettext('agencymailboxes'));
        $list['content'] = html::tag('div', ['id' => 'hanam-boxes', 'role' => 'group', 'aria-labelledby' => 'hanam-boxes-title'],
            html::tag('h3', ['id' => 'hanam-boxes-title'], $title) . html::tag('ul', null, $rows))
            . $list['content'];
        $output->set_env('hanam_counts', ['wait' => max(0, $known['at'] + self::AFTER - time()), 'after' => self::AFTER]);
        $output->add_label('hanam.unreadthere');
        return $list;
    }

    /** Leave one mailbox for another, by the same way in as the login form. */
    public function go(): void
    {
        $rcmail = rcmail::get_instance();
        $wanted = rcube_utils::get_input_string('_box', rcube_utils::INPUT_POST);
        $place = array_column($this->mailboxes(), 'signs_in', 'id')[$wanted] ?? null;
        $token = rcube_utils::get_input_string('_token', rcube_utils::INPUT_POST);
        if ($_SERVER['REQUEST_METHOD'] !== 'POST' || !hash_equals($rcmail->get_request_token(), $token)
            || $place === null || $wanted === $this->opened()) {
            $rcmail->output->redirect(['_task' => 'mail'], 0, true);
        }
        $former = array_intersect_key($_SESSION, ['username' => 1, 'password' => 1]);
        $password = $rcmail->decrypt($former['password']);
        $rcmail->logout_actions();
        $rcmail->get_storage()->close();
        // As rcmail::kill_session, but nobody signs out: hooks of that would end what the next session signs in with.
        $rcmail->session->kill();
        // To its person it goes on being the same session (hanam_visits.php).
        $_SESSION = ['language' => $rcmail->user->language, 'temp' => true] + array_intersect_key($_SESSION, ['auth_secret' => 1]);
        $rcmail->user->reset();
        // What other parts of the plugin read of a sign-in.
        $_POST['_user'] = $place;
        if (!$rcmail->login($place, $password, $rcmail->autoselect_host())) {
            $fault = (int) $rcmail->login_error();
            $_SESSION += $former;
            $rcmail->log_login($place, true, $fault);
            $rcmail->plugins->exec_hook('login_failed', ['code' => $fault, 'host' => $rcmail->autoselect_host(), 'user' => $place]);
            $rcmail->kill_session();
            header('Location: ./?_task=login&_err=session', true, 303);
            exit;
        }
        $rcmail->session->remove('temp');
        $rcmail->session->regenerate_id(false);
        $rcmail->session->set_auth_cookie();
        $rcmail->log_login();
        $next = $rcmail->plugins->exec_hook('login_after', ['_task' => 'mail']);
        unset($next['abort'], $next['_err']);
        $rcmail->output->redirect($next, 0, true);
    }

    /** Asked by script, a while after the page is there: a mail store that is slow keeps nobody from his own mail. */
    public function counts(): void
    {
        $known = $this->known();
        if ($known['at'] + self::AFTER <= time()) {
            $_SESSION['hanam_counts'] = $known = ['at' => time(), 'of' => $this->counted()];
        }
        $output = rcmail::get_instance()->output;
        $output->command('plugin.hanam_counts', $known['of']);
        $output->send();
    }

    /** Unread mail by mailbox, of those that are not open here. What does not answer has no number. */
    private function counted(): array
    {
        $rcmail = rcmail::get_instance();
        $elsewhere = array_filter($this->mailboxes(), fn ($each) => $each['counts'] && $each['id'] !== $this->opened());
        $end = microtime(true) + self::PATIENCE;
        $found = [];
        foreach (array_slice($elsewhere, 0, self::MOST) as $mailbox) {
            if (microtime(true) > $end) {
                break;
            }
            $client = new rcube_imap_generic();
            $place = $this->plugin->storage_connect([
                'host' => $rcmail->config->get('imap_host'), 'auth_type' => $rcmail->config->get('imap_auth_type'),
                'socket_options' => $rcmail->config->get('imap_conn_options'), 'timeout' => self::PATIENCE,
            ]);
            if ($client->connect($place['host'], $mailbox['counts'], $rcmail->decrypt($_SESSION['password']), $place)) {
                $status = $client->status('INBOX', ['UNSEEN']);
                if (isset($status['UNSEEN'])) {
                    $found[$mailbox['id']] = (int) $status['UNSEEN'];
                }
            }
            $client->closeConnection();
        }
        return $found;
    }

    private function known(): array
    {
        return $_SESSION['hanam_counts'] ?? ['at' => 0, 'of' => []];
    }

    private function badge(int $unread): string
    {
        $words = $this->plugin->gettext(['name' => 'unreadthere', 'vars' => ['count' => $unread]]);
        $attributes = ['class' => 'unreadcount', 'title' => $words] + ($unread ? [] : ['hidden' => 'hidden']);
        return html::tag('span', $attributes, (string) $unread);
    }

    /** The mailbox that is open: Roundcube's user is its id, or id*clerk. */
    private function opened(): string
    {
        return explode('*', (string) rcmail::get_instance()->get_user_name())[0];
    }

    /**
     * What this person opens, his own first; nothing when the accounts database does not answer. A token opens its person's mailbox
     * alone: a clerk signs in with his password.
     */
    private function mailboxes(): array
    {
        return hanam_openid::address() !== null ? [] : hanam_accounts::rows('SELECT * FROM mail.webmail_mailboxes(?)', rcmail::get_instance()->get_user_name()) ?? [];
    }
}
