<?php

/**
 * What the province adds to Roundcube, by its own hooks only.
 *
 * - The name of the mail store in the table of users stays the same wherever the store is (hanam_imap).
 * - The mail store learns the client's address, so that guesses are counted where they come from (Đ4.6).
 * - Nobody becomes a user under anything but a mailbox id.
 * - Whoever must change his password, or is locked, is sent from the login to the page that tells him what to do (Đ8.2a, Đ7).
 * - Whom to ask for help stands below the login form (Đ10.8).
 * - A message that was sent is not called a connection error (hanam.js).
 * - Texts that Roundcube lacks in Vietnamese or that the regulation gives a number for.
 */
class hanam extends rcube_plugin
{
    /** Relative: the skin takes paths from the root for its own. */
    private const CHANGE_PAGE = './mat-khau/';
    /** Where a state of a mailbox leads; the accounts database ends its reason with "[state:cause]", for the right password only. */
    private const PAGES = ['must_change' => '', 'locked' => 'tam-khoa', 'revoked' => 'thu-hoi'];

    public function init(): void
    {
        $this->texts();
        $this->add_hook('storage_connect', [$this, 'storage_connect']);
        $this->add_hook('user_create', [$this, 'user_create']);
        $this->add_hook('template_container', [$this, 'template_container']);
        $this->include_script('hanam.js');
        if (rcube::get_instance()->config->get('hanam_change_page')) {
            $this->add_hook('login_failed', [$this, 'login_failed']);
            $this->include_stylesheet('hanam.css');
            $this->add_button([
                'type' => 'link', 'href' => self::CHANGE_PAGE, 'label' => 'hanam.changepassword',
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
        $rcmail = rcmail::get_instance();
        $told = (string) $rcmail->get_storage()->get_error_str();
        if (preg_match('/\[(must_change|locked|revoked)(?::(\w+))?\]/', $told, $found)) {
            $query = http_build_query(['ly-do' => $found[2] ?? '', 'dang-nhap' => $failure['user']]);
            $rcmail->kill_session();
            header('Location: ' . self::CHANGE_PAGE . self::PAGES[$found[1]] . "?$query", true, 303);
            exit;
        }
        return $failure;
    }

    public function template_container(array $container): array
    {
        if ($container['name'] !== 'loginfooter') {
            return $container;
        }
        $support = rcube::get_instance()->config->get('hanam_support', []);
        $lines = array_filter([
            html::quote($support['name'] ?? ''),
            empty($support['phone']) ? '' : $this->gettext('phone') . ': ' . html::quote($support['phone']),
            empty($support['email']) ? '' : 'Email: ' . html::a('mailto:' . $support['email'], html::quote($support['email'])),
        ]);
        if (rcube::get_instance()->config->get('hanam_change_page')) {
            $container['content'] = ($container['content'] ?? '')
                . html::div(null, html::a(self::CHANGE_PAGE, $this->gettext('changepassword')));
        }
        if ($lines) {
            $container['content'] = ($container['content'] ?? '')
                . html::div(['class' => 'hanam-support'], $this->gettext('support') . ': ' . implode(' &bull; ', $lines));
        }
        return $container;
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
        $rcube->load_language($_SESSION['language'] ?? null, [], $texts);
    }
}
