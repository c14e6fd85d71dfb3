<?php

/**
 * What stands above every page while it concerns its person: that his password ends (Đ8.2a), that his mailbox fills (Đ8.1, Đ12.4). When
 * each begins is the regulation's to say; each leads to where something can be done about it.
 */
class hanam_notices
{
    /** Pages for the printer, of another program's content, or for frames: they stand in or beside a page that has the notices. */
    private const WITHOUT = ['print', 'get', 'preview', 'viewsource'];

    public function __construct(private rcube_plugin $plugin, private hanam_session $session)
    {
    }

    public function init(): void
    {
        $output = rcmail::get_instance()->output;
        if ($output->type !== 'html') {
            return;
        }
        $this->plugin->include_stylesheet('/styles/notices.css');
        $this->plugin->include_script('notices.js');
        $this->plugin->add_hook('render_page', [$this, 'render_page']);
    }

    public function render_page(array $page): array
    {
        $rcmail = rcmail::get_instance();
        if (empty($_SESSION['user_id']) || !empty($_REQUEST['_framed']) || in_array($rcmail->action, self::WITHOUT)
            || in_array($page['template'], ['login', 'error', 'dialog'])) {
            return $page;
        }
        $notices = array_filter([$this->password(), $this->space()]);
        if ($notices) {
            $bar = html::tag('section', ['id' => 'hanam-notices', 'aria-label' => $this->plugin->gettext('notices')], implode('', $notices));
            $page['content'] = preg_replace_callback('/<body class="([^"]*)">/',
                fn ($found) => "<body class=\"hanam-noticed $found[1]\">$bar", $page['content'], 1);
        }
        return $page;
    }

    private function password(): string
    {
        if ($this->session->ends === null) {
            return '';
        }
        $days = $this->session->days;
        $text = $this->plugin->gettext([
            'name' => $days > 0 ? 'passwordends' : 'passwordendstoday',
            'vars' => ['date' => date('d/m/Y', strtotime($this->session->ends)), 'left' => $days],
        ]);
        $page = rcube::get_instance()->config->get('hanam_change_page') ? hanam_look::CHANGE_PAGE : '';
        return $this->notice('password', $days > 1 ? 'warning' : 'urgent', $text, $page, 'changepassword', $this->session->ends);
    }

    private function space(): string
    {
        $rcmail = rcmail::get_instance();
        $limits = (array) $rcmail->config->get('hanam_quota_warning_percent');
        $quota = $rcmail->get_storage()->get_quota();
        if (!$limits || empty($quota['total'])) {
            return '';
        }
        $used = $quota['used'] * 100 / $quota['total'];
        $passed = array_filter($limits, fn ($limit) => $used >= $limit);
        if (!$passed) {
            return '';
        }
        $text = $this->plugin->gettext([
            'name' => $used >= 100 ? 'mailboxfull' : 'mailboxfills',
            'vars' => [
                'percent' => hanam_tidy::percent($quota),
                // Quotas are in KiB.
                'used' => rcmail_action::show_bytes($quota['used'] * 1024), 'total' => rcmail_action::show_bytes($quota['total'] * 1024),
            ],
        ]);
        return $this->notice('space', $used >= max($limits) ? 'urgent' : 'warning', $text, hanam_tidy::url(), 'tidy', (string) max($passed));
    }

    /** `step`: a notice that somebody put away comes again with the next one. */
    private function notice(string $name, string $kind, string $text, string $page, string $label, string $step): string
    {
        $act = $page === '' ? '' : html::a(['href' => $page], html::quote($this->plugin->gettext($label)));
        $away = html::tag('button', ['type' => 'button', 'class' => 'away', 'aria-label' => $this->plugin->gettext("putaway$name")],
            html::quote($this->plugin->gettext('putaway')));
        return html::div(['class' => "notice $kind", 'id' => "notice-$name", 'data-step' => $step],
            html::span('text', html::quote($text)) . ' ' . $act . $away);
    }
}
