<?php

require_once __DIR__ . '/hanam_accounts.php';
require_once __DIR__ . '/hanam_list.php';
require_once __DIR__ . '/hanam_visits.php';

/**
 * "Nơi đang đăng nhập": a person's open sessions of the webmail, and from where he signed in of late; he ends what he does not know
 * (docs/decisions/0086-where-signed-in.md).
 */
class hanam_places extends hanam_list
{
    protected const ACTION = 'plugin.hanam-places';
    protected const NAME = 'places';
    /** As officials call what signs in; the rest is written as it is. */
    private const PROTOCOLS = ['smtp' => 'gửi thư', 'submission' => 'gửi thư', 'sieve' => 'bộ lọc', 'imap' => 'IMAP', 'pop3' => 'POP3'];

    /** A page of the settings alone: it is about the person, not about a folder. */
    public function init(): void
    {
        if ($this->rcmail->task === 'settings') {
            parent::init();
        }
    }

    protected function facts(): array
    {
        return [];
    }

    protected function content(): string
    {
        $user = $this->rcmail->get_user_name();
        $sessions = hanam_accounts::rows(
            'SELECT * FROM mail.webmail_visits(?, ?, ?)', $user, hanam_visits::word(), (int) $this->rcmail->config->get('session_lifetime'));
        $places = hanam_accounts::rows('SELECT * FROM mail.webmail_sign_ins(?, ?)', $user, hanam_visits::word());
        // Without its own session the list is not true.
        if (!$sessions || $places === null) {
            return html::p('hanam-none', html::quote($this->text('away')));
        }
        $rows = [];
        foreach ($sessions as $one) {
            $here = (bool) $one['here'];
            $rows[$one['key']] = [
                'subject' => $one['program'] ?: $this->text('unknown'),
                'author' => $this->text('at', ['address' => $one['address'] ?? '?']),
                'lines' => array_filter([
                    $here ? $this->text('here') : '',
                    $one['opened'] ? $this->text('opened', ['address' => $one['opened']]) : '',
                    $this->text('times', ['begun' => $one['begun'], 'used' => $one['used']]),
                ]),
                'buttons' => $here ? [] : ['end'],
            ];
        }
        $others = array_filter($rows, fn (array $row) => $row['buttons'] !== []);
        return $this->form(
            ($others ? $this->all() : '') . $this->rows($rows)
            . ($others ? html::div('hanam-buttons', $this->button('chosen', 'chosen', 'btn-secondary')) : '')
            // Outside of what waits for a choice (lists.js).
            . html::div('hanam-everything', $this->button('everything', 'everything', 'btn-primary'))
            . html::p('hint', html::quote($this->text('everythinghint')))
            . $this->addresses($places));
    }

    protected function act(array $chosen): array
    {
        $decision = rcube_utils::get_input_string('_decision', rcube_utils::INPUT_POST);
        if (preg_match('/^end ([0-9a-f]{64})$/', $decision, $one)) {
            [$decision, $chosen] = ['chosen', [$one[1]]];
        }
        if ($decision === 'everything') {
            return $this->everything();
        }
        $chosen = array_filter($chosen, fn ($key) => is_string($key) && preg_match('/^[0-9a-f]{64}$/', $key));
        if ($chosen === [] || $decision !== 'chosen') {
            return [$this->plugin->gettext('listnochoice'), 'warning'];
        }
        $done = $this->end('{' . implode(',', $chosen) . '}', false);
        if (!$done) {
            return [$this->text('notended'), 'error'];
        }
        return $done['ended'] ? [$this->text('ended', ['number' => (int) $done['ended']]), 'confirmation']
            : [$this->text('endedbefore'), 'warning'];
    }

    private function everything(): array
    {
        $done = $this->end(null, true);
        if (!$done) {
            return [$this->text('notended'), 'error'];
        }
        return [$this->text($done['cut'] ? 'allended' : 'allendedagain'), 'confirmation'];
    }

    /** What it came to; nothing when this session may not, or nobody knows. Without keys: all others. */
    private function end(?string $keys, bool $programs): ?array
    {
        $rows = hanam_accounts::writing(
            'SELECT ended, cut FROM mail.webmail_visits_end(?, ?, CAST(? AS text[]), CAST(? AS boolean))',
            $this->rcmail->get_user_name(), hanam_visits::word(), $keys, $programs ? 'true' : 'false');
        return $rows[0] ?? null;
    }

    private function addresses(array $places): string
    {
        $rows = '';
        foreach ($places as $place) {
            $ways = array_map(fn (string $name) => self::PROTOCOLS[$name] ?? $name, explode(' ', (string) $place['protocols']));
            $rows .= html::tag('li', null, html::div('hanam-row',
                html::span('subject', html::quote($place['address']))
                . html::span('fact', html::quote($this->text('place', ['ways' => implode(', ', array_unique($ways)), 'day' => $place['day']])))));
        }
        return html::tag('h3', null, html::quote($this->text('known'))) . html::p(null, html::quote($this->text('knownintro')))
            . ($rows ? html::tag('ul', ['class' => 'hanam-rows hanam-known', 'aria-label' => $this->text('known')], $rows, ['class', 'aria-label'])
                : html::p('hanam-none hanam-empty', html::quote($this->text('knownnone'))));
    }
}
