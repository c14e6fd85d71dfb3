<?php

/**
 * The button "Báo cáo" (Đ10.6, Đ12.8): what a person reports is kept in the accounts database under a number; he, his agency and the operator
 * get a letter (docs/decisions/0071-reports-of-people.md). Agency and operator get the message as an attachment, unless it is a virus; spam and viruses
 * move to Junk, where the filter learns.
 */
require_once __DIR__ . '/hanam_accounts.php';
require_once __DIR__ . '/hanam_report_letter.php';

class hanam_report
{
    private const ACTION = 'plugin.hanam.report';
    private const KINDS = ['spam', 'virus', 'unlawful', 'fault'];
    /** These leave the folder where they are read. */
    private const TO_JUNK = ['spam', 'virus'];
    /** For report.js. */
    private const SCRIPT = [
        'report', 'reportsend', 'reportkind', 'reportwords', 'reportwordshint', 'reportneedswords', 'reportnomessage', 'reportmessage',
        'reportspam', 'reportvirus', 'reportunlawful', 'reportfault', 'reportspamthen', 'reportvirusthen', 'reportunlawfulthen',
        'reportfaultthen',
    ];

    public function __construct(private rcube_plugin $plugin)
    {
    }

    public function init(): void
    {
        $rcmail = rcmail::get_instance();
        if ($rcmail->task !== 'mail') {
            return;
        }
        $this->plugin->register_action(self::ACTION, [$this, 'report']);
        if (!in_array($rcmail->action, ['', 'show']) || $rcmail->output->type !== 'html') {
            return;
        }
        $this->plugin->include_script('report.js');
        $rcmail->output->add_label(...array_map(fn ($name) => "hanam.$name", self::SCRIPT));
        $button = ['command' => self::ACTION, 'label' => 'hanam.report', 'title' => 'hanam.reporttitle'];
        $this->plugin->add_button($button + [
            'type' => 'link', 'class' => 'button hanam-report disabled', 'classact' => 'button hanam-report', 'innerclass' => 'inner',
        ], 'toolbar');
        // Where the window is too narrow for another button (webmail.css).
        $this->plugin->add_button($button + [
            'type' => 'link-menuitem', 'class' => 'hanam-report disabled', 'classact' => 'hanam-report active',
        ], 'messagemenu');
    }

    /** A report that report.js hands in. */
    public function report(): void
    {
        $posted = fn (string $name) => rcube_utils::get_input_string($name, rcube_utils::INPUT_POST, true);
        $kind = $posted('_kind');
        $folder = $posted('_mbox');
        $uid = $posted('_uid');
        if (!in_array($kind, self::KINDS) || !preg_match('/^[0-9a-f]{32}$/', $posted('_token'))) {
            $this->fail('reportfailed');
        }
        $message = $uid === '' ? null : $this->message($folder, $uid);
        $words = str_replace("\0", '', $posted('_words'));
        $taken = hanam_accounts::writing(
            "SELECT number, result, array_to_string(agency, ',') AS agency FROM mail.user_report_take(?, ?, ?, ?, ?)",
            $this->login(), $posted('_token'), $kind, $words, $message ? $this->json($message) : null
        )[0] ?? null;
        if (!$taken) {
            $this->fail('unavailable');
        }
        if (in_array($taken['result'], ['none', 'limit'])) {
            $this->fail($taken['result'] === 'limit' ? 'reportlimit' : 'reportfailed');
        }
        $number = (int) $taken['number'];
        if ($message && $kind !== 'virus' && in_array($taken['result'], ['new', 'again'])) {
            $letter = new hanam_report_letter();
            $letter->prepare($number, $this->plugin->gettext("report$kind"), $folder, $uid, array_filter(explode(',', $taken['agency'])));
            $login = $this->login();
            // Where the mail server did not answer nothing is noted: whoever reports it again has it sent on then.
            $letter->send_afterwards(fn (string $fault) => hanam_accounts::writing(
                'SELECT mail.user_report_attached(?, ?, ?, ?)', $login, $number, $fault === '' ? 'true' : 'false', $fault
            ));
        }
        // Also of what was reported before: it may not have been moved then, or have been moved back.
        $moved = $message && in_array($kind, self::TO_JUNK) && $this->move($folder, $uid);
        $text = $taken['result'] === 'new' ? 'reported' : 'reportknown';
        $told = $this->plugin->gettext(['name' => $text, 'vars' => ['number' => $number]]);
        $output = rcmail::get_instance()->output;
        $output->command('plugin.hanam_reported', ['moved' => $moved, 'folder' => $folder]);
        $output->command('display_message', rcube::Q($told), 'confirmation', 15000);
        $output->send();
    }

    /** What the message says of itself; where it is gone the person is told so. */
    private function message(string $folder, string $uid): array
    {
        $storage = rcmail::get_instance()->get_storage();
        $storage->set_folder($folder);
        // What a list asks for has no Message-ID.
        $storage->set_options(['all_headers' => true]);
        $headers = ctype_digit($uid) ? $storage->get_message_headers($uid, $folder, true) : null;
        if (!$headers) {
            $this->fail('reportgone');
        }
        return [
            // As people see it: the letters have it.
            'folder' => $this->shown($folder),
            // Roundcube's own is "mid:" and a number.
            'message_id' => str_starts_with($id = (string) $headers->messageID, 'mid:') ? '' : $id,
            'author' => (string) $headers->get('from'),
            'subject' => (string) $headers->get('subject'),
            // Our servers' own lines are in it, so that it is one message's alone wherever it is moved.
            'digest' => ($raw = (string) $storage->get_raw_headers($uid)) === '' ? '' : hash('sha256', $raw),
        ];
    }

    /** As the button for spam does it: the mail store teaches the filter what arrives there. */
    private function move(string $folder, string $uid): bool
    {
        $rcmail = rcmail::get_instance();
        $junk = (string) $rcmail->config->get('junk_mbox');
        if ($junk === '' || $folder === $junk) {
            return false;
        }
        $storage = $rcmail->get_storage();
        $storage->set_flag($uid, 'JUNK', $folder);
        $storage->unset_flag($uid, 'NONJUNK', $folder);
        return (bool) $storage->move_message($uid, $junk, $folder);
    }

    private function shown(string $folder): string
    {
        $rcmail = rcmail::get_instance();
        $archive = (string) $rcmail->config->get('archive_mbox');
        if ($archive === '' || !str_starts_with($folder . ($mark = $rcmail->get_storage()->get_hierarchy_delimiter()), $archive . $mark)) {
            return $rcmail->localize_folderpath($folder);
        }
        // Roundcube has no name of its own for it.
        return $this->plugin->gettext('archive') . rcube_charset::convert(substr($folder, strlen($archive)), 'UTF7-IMAP');
    }

    private function login(): string
    {
        return (string) rcmail::get_instance()->get_user_name();
    }

    private function json(array $message): string
    {
        $clean = array_map(fn ($text) => str_replace("\0", '', $text), $message);
        return json_encode($clean, JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_UNICODE);
    }

    private function fail(string $text): never
    {
        $output = rcmail::get_instance()->output;
        $output->command('display_message', rcube::Q($this->plugin->gettext($text)), 'error', 15000);
        $output->send();
        exit;
    }
}
