<?php

require_once __DIR__ . '/hanam_accounts.php';
require_once __DIR__ . '/hanam_list.php';
require_once __DIR__ . '/hanam_waiting.php';

/**
 * "Gửi lúc…" and "Thư chờ gửi": a letter leaves at an hour that its writer chooses, and until then its hour can be changed and it can be
 * called off (docs/decisions/0080-scheduled-sending.md). It lies in a folder of the mailbox; the accounts database knows the hours, and a
 * service on another host sends. The page's part is schedule.js.
 */
class hanam_scheduled extends hanam_list
{
    protected const ACTION = 'plugin.hanam-scheduled';
    protected const NAME = 'scheduled';
    /** For schedule.js. */
    private const SCRIPT = [
        'scheduledlater', 'scheduledlatertitle', 'scheduledhour', 'scheduledquick', 'scheduledsend', 'scheduledwill', 'scheduledchange',
        'scheduleddrop', 'scheduledwrong',
    ];
    private const FAULTS = [
        'past', 'far', 'underway', 'closed', 'locked', 'revoked', 'must_change', 'second_factor', 'folder', 'away',
    ];

    private hanam_waiting $waiting;

    public function init(): void
    {
        parent::init();
        $this->waiting = new hanam_waiting();
        if ($this->rcmail->task !== 'mail') {
            return;
        }
        $this->plugin->add_hook('message_before_send', [$this, 'keep']);
        if ($this->rcmail->action === 'compose' && $this->rcmail->output->type === 'html') {
            $times = $this->times();
            if ($times) {
                $this->plugin->include_script('schedule.js');
                $this->rcmail->output->set_env('hanam_times', $times);
                $this->rcmail->output->add_label('cancel', ...array_map(fn (string $name) => "hanam.$name", self::SCRIPT));
            }
        }
    }

    /** A letter with an hour is laid down instead of sent; Roundcube goes on as after a sending. */
    public function keep(array $hook): array
    {
        $hour = self::hour('_hanam_due');
        if ($hour === '' || !empty($hook['abort']) || $hook['message'] instanceof rcmail_resend_mail) {
            return $hook;
        }
        [$fault, $at] = $hour === null ? ['past', ''] : $this->laid($hook['message'], $hour, !empty($hook['options']['dsn']));
        if ($fault !== null) {
            return ['abort' => true, 'result' => false, 'error' => $this->fault($fault)] + $hook;
        }
        // It is in its place; a copy among what was sent comes when it was.
        $_POST['_store_target'] = '';
        rcube::get_instance()->load_language($_SESSION['language'] ?? null, [], ['messagesent' => $this->text('laid', ['at' => $at])]);
        return ['abort' => true, 'result' => true] + $hook;
    }

    protected function facts(): array
    {
        return ['folder' => $this->waiting->folder()];
    }

    protected function content(): string
    {
        $known = hanam_accounts::rows('SELECT * FROM mail.webmail_scheduled(?)', $this->rcmail->get_user_name());
        $letters = $this->waiting->letters();
        if ($known === null || $letters === null) {
            return html::p('hanam-none', html::quote($this->text('away')));
        }
        $rows = [];
        $places = array_combine(array_map(fn (array $one) => "$one[validity]:$one[uid]", $known), $known);
        foreach ($letters as $place => $header) {
            $row = $places[$place] ?? ['state' => 'none', 'at' => '', 'hour' => '', 'why' => ''];
            $rows[$place] = ['at' => $row['at'], 'subject' => trim((string) $header->get('subject')),
                'author' => $this->text('to') . ' ' . self::receivers($header), 'lines' => $this->lines($row),
                'buttons' => match ($row['state']) {
                    'waiting', 'stopped' => ['now', 'draft'],
                    'taken', 'doubt', 'none' => ['draft'],
                    default => [],
                }];
        }
        if (!$rows) {
            return html::p('hanam-none hanam-empty', html::quote($this->text('none')));
        }
        // What has no hour any more comes first.
        uasort($rows, fn (array $one, array $other) => $one['at'] <=> $other['at']);
        return $this->form($this->all() . $this->rows($rows) . html::div('hanam-buttons', $this->bottom()));
    }

    protected function act(array $chosen): array
    {
        $decision = rcube_utils::get_input_string('_decision', rcube_utils::INPUT_POST);
        // A row's own button names the row: "now 17:4".
        if (preg_match('/^(now|draft) (\d{1,10}:\d{1,10})$/', $decision, $one)) {
            [$decision, $chosen] = [$one[1], [$one[2]]];
        }
        $places = array_filter($chosen, fn ($place) => preg_match('/^\d{1,10}:\d{1,10}$/', (string) $place));
        if (!$places || !in_array($decision, ['now', 'draft', 'time'], true)) {
            return [$this->plugin->gettext('listnochoice'), 'warning'];
        }
        $hour = $decision === 'time' ? self::hour('_hour') : null;
        if ($decision === 'time' && !$hour) {
            return [$this->text('wrong'), 'warning'];
        }
        $done = 0;
        $at = '';
        foreach ($places as $place) {
            [$validity, $uid] = array_map('intval', explode(':', $place));
            if ($decision === 'time') {
                [$fault, $at] = $this->scheduled($validity, $uid, $hour, false);
                if ($fault !== null) {
                    return [$this->fault($fault), 'error'];
                }
            } elseif (($fault = $this->decided($validity, $uid, $decision)) !== null) {
                return [$this->fault($fault), 'error'];
            }
            $done++;
        }
        return [$this->text("done$decision", ['number' => $done, 'at' => $at]), 'confirmation'];
    }

    /** @return array{?string, string} The fault, and the hour in words. */
    private function laid(Mail_mime $message, string $hour, bool $dsn): array
    {
        $place = $this->waiting->lay($message);
        if ($place === null) {
            return ['folder', ''];
        }
        [$validity, $uid] = $place;
        [$fault, $at] = $this->scheduled($validity, $uid, $hour, $dsn);
        if ($fault !== null) {
            // The draft is there still, and would be there twice.
            $this->waiting->forget($uid);
        }
        return [$fault, $at];
    }

    private function scheduled(int $validity, int $uid, string $hour, bool $dsn): array
    {
        $answer = hanam_accounts::writing(
            'SELECT fault, at FROM mail.webmail_schedule(?, ?, ?, CAST(? AS timestamp), CAST(? AS boolean))',
            $this->rcmail->get_user_name(), $validity, $uid, $hour, $dsn ? 'true' : 'false'
        );
        return $answer ? [$answer[0]['fault'], (string) $answer[0]['at']] : ['away', ''];
    }

    /** What stands in the way; null when it is done. Before a letter goes to the drafts the database gives it up. */
    private function decided(int $validity, int $uid, string $decision): ?string
    {
        $row = hanam_accounts::writing(
            'SELECT CAST(mail.webmail_scheduled_decide(?, ?, ?, ?) AS int) AS done,'
            . ' (SELECT count(*) FROM mail.webmail_scheduled(?) s WHERE s.validity = ? AND s.uid = ?) AS known',
            $this->rcmail->get_user_name(), $validity, $uid, $decision === 'draft' ? 'cancel' : $decision,
            $this->rcmail->get_user_name(), $validity, $uid
        );
        if (!$row) {
            return 'away';
        }
        // One without an hour is nobody's but its owner's.
        if (!(int) $row[0]['done'] && ($decision === 'now' || (int) $row[0]['known'])) {
            return 'underway';
        }
        return $decision === 'draft' && !$this->waiting->to_drafts($validity, $uid) ? 'folder' : null;
    }

    /** What a letter's row says of it. */
    private function lines(array $row): array
    {
        $why = (string) $row['why'];
        return array_filter([
            $this->text('is' . $row['state'], ['at' => $row['hour']]),
            $why === '' ? '' : $this->text($row['state'] === 'waiting' ? 'trying' : 'because', ['why' => $why]),
        ]);
    }

    private function bottom(): string
    {
        $times = $this->times();
        $field = html::tag('input', [
            'type' => 'datetime-local', 'name' => '_hour', 'id' => 'scheduled-hour', 'class' => 'form-control',
            'min' => $times['first'] ?? '', 'max' => $times['last'] ?? '', 'value' => $times['choices'][0]['at'] ?? '',
        ], null, ['type', 'name', 'id', 'class', 'min', 'max', 'value']);
        return html::div('hanam-hour', html::label('scheduled-hour', html::quote($this->text('newhour'))) . $field)
            . $this->button('time', 'alltime', 'btn-primary') . $this->button('draft', 'alldraft', 'btn-secondary');
    }

    /** First, last and quick hours, by the database's clock and calendar; null when it does not answer. */
    private function times(): ?array
    {
        $rows = hanam_accounts::rows('SELECT first, last, choices FROM mail.webmail_schedule_times()');
        if (!$rows) {
            return null;
        }
        $minute = fn (string $moment) => str_replace(' ', 'T', substr($moment, 0, 16));
        return ['first' => $minute($rows[0]['first']), 'last' => $minute($rows[0]['last']), 'choices' => json_decode($rows[0]['choices'], true)];
    }

    /** A posted hour as the database takes it; '' for none, null for what is no hour. */
    private static function hour(string $name): ?string
    {
        $posted = trim(rcube_utils::get_input_string($name, rcube_utils::INPUT_POST));
        if ($posted === '') {
            return '';
        }
        $parsed = DateTimeImmutable::createFromFormat('!Y-m-d\TH:i', substr($posted, 0, 16));
        return $parsed && $parsed->format('Y-m-d\TH:i') === substr($posted, 0, 16) ? $parsed->format('Y-m-d H:i') : null;
    }

    private function fault(string $fault): string
    {
        return $this->text('fault' . (in_array($fault, self::FAULTS, true) ? $fault : 'away'));
    }

    private static function receivers(rcube_message_header $header): string
    {
        $list = implode(', ', array_filter([$header->get('to', false), $header->get('cc', false)]));
        $people = rcube_mime::decode_address_list($list, 4, true);
        $names = array_map(fn (array $one) => $one['name'] !== '' ? $one['name'] : $one['mailto'], $people);
        return count($names) > 3 ? implode(', ', array_slice($names, 0, 3)) . '…' : implode(', ', $names);
    }
}
