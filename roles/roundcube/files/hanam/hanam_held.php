<?php

require_once __DIR__ . '/hanam_accounts.php';
require_once __DIR__ . '/hanam_list.php';

/**
 * "Thư đang bị giữ": spam that the filter holds for the open mailbox: its person takes it or drops it
 * (docs/decisions/0073-undelete-and-rules.md). The accounts database says which it is and what may be decided.
 */
class hanam_held extends hanam_list
{
    protected const ACTION = 'plugin.hanam-held';
    protected const NAME = 'held';
    private const DECISIONS = ['release', 'drop'];

    protected function facts(): array
    {
        return [];
    }

    protected function content(): string
    {
        $held = hanam_accounts::rows('SELECT * FROM mail.webmail_held(?)', $this->rcmail->get_user_name());
        if ($held === null) {
            return html::p('hanam-none', html::quote($this->text('away')));
        }
        if (!$held) {
            return html::p('hanam-none hanam-empty', html::quote($this->text('none')));
        }
        $rows = [];
        foreach ($held as $copy) {
            $refused = (bool) (int) $copy['refused'];
            $rows[$copy['number']] = [
                'subject' => trim($copy['subject']),
                'author' => $copy['author'],
                'lines' => array_filter([
                    $this->text('arrived', ['at' => $copy['arrived']]),
                    $copy['state'] !== 'held' ? $this->text('underway')
                        : ($refused ? $this->text('refused') : ($copy['until'] ? $this->text('until', ['day' => $copy['until']]) : '')),
                ]),
                'buttons' => $copy['state'] !== 'held' ? [] : ($refused ? ['drop'] : self::DECISIONS),
            ];
        }
        $open = array_filter($rows, fn (array $row) => $row['buttons'] !== []);
        $all = $open ? $this->all() : '';
        $buttons = $open ? html::div('hanam-buttons', $this->button('release', 'releaseall', 'btn-primary') . $this->button('drop', 'dropall', 'btn-secondary')) : '';
        return $this->form($all . $this->rows($rows) . $buttons);
    }

    protected function act(array $chosen): array
    {
        $decision = rcube_utils::get_input_string('_decision', rcube_utils::INPUT_POST);
        // A row's own button names the row: "release 17".
        if (preg_match('/^(release|drop) (\d{1,18})$/', $decision, $one)) {
            [$decision, $chosen] = [$one[1], [$one[2]]];
        }
        $numbers = array_filter($chosen, fn ($number) => preg_match('/^\d{1,18}$/', (string) $number));
        if (!$numbers || !in_array($decision, self::DECISIONS, true)) {
            return [$this->plugin->gettext('listnochoice'), 'warning'];
        }
        $answer = hanam_accounts::writing(
            'SELECT * FROM mail.webmail_held_decide(?, CAST(? AS bigint[]), ?)',
            $this->rcmail->get_user_name(), '{' . implode(',', $numbers) . '}', $decision
        );
        if (!$answer) {
            return [$this->text('away'), 'error'];
        }
        [$decided, $late] = [(int) $answer[0]['decided'], (int) $answer[0]['late']];
        if ($late > 0) {
            return [$this->text('late', ['number' => $decided]), 'warning'];
        }
        if ($decided === 0) {
            return [$this->text('decidedbefore'), 'warning'];
        }
        return [$this->text($decision === 'release' ? 'released' : 'dropped', ['number' => $decided]), 'confirmation'];
    }
}
