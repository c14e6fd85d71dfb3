<?php

/**
 * A page of the settings with a list of messages that are in no folder, a choice among them and what to do with it: deleted mail
 * (hanam_deleted.php) and held mail (hanam_held.php). Plain forms, so that it works by keyboard and without scripts.
 */
abstract class hanam_list
{
    /** The page's name among Roundcube's actions, and the start of its texts' names. */
    protected const ACTION = '';
    protected const NAME = '';
    /** Rows on a page. */
    protected const ROWS = 50;

    protected rcmail $rcmail;

    public function __construct(protected rcube_plugin $plugin)
    {
        $this->rcmail = rcmail::get_instance();
    }

    public function init(): void
    {
        if ($this->rcmail->task === 'settings') {
            $this->plugin->add_hook('settings_actions', [$this, 'menu']);
            $this->plugin->register_action(static::ACTION, [$this, 'show']);
            $this->plugin->register_action(static::ACTION . '-do', [$this, 'answer']);
        } elseif ($this->rcmail->task === 'mail' && $this->rcmail->action === '') {
            // In the menu of folders, beside "empty".
            $this->plugin->add_button([
                'type' => 'link-menuitem', 'href' => $this->address(), 'label' => 'hanam.' . static::NAME . 'title',
                'class' => 'hanam-' . static::NAME . ' active', 'innerclass' => 'inner',
            ], 'mailboxoptions');
        }
    }

    public function menu(array $hook): array
    {
        $hook['actions'][] = [
            'action' => static::ACTION, 'class' => 'hanam-' . static::NAME, 'label' => static::NAME . 'title',
            'title' => static::NAME . 'title', 'domain' => 'hanam',
        ];
        return $hook;
    }

    public function show(): void
    {
        $this->plugin->register_handler('plugin.body', [$this, 'body']);
        $this->plugin->include_stylesheet('/styles/lists.css');
        $this->plugin->include_script('lists.js');
        $this->rcmail->output->set_pagetitle($this->text('title'));
        $this->rcmail->output->send('plugin');
    }

    /** What was chosen is done, and the page comes back with what it came to. */
    public function answer(): void
    {
        if ($_SERVER['REQUEST_METHOD'] === 'POST') {
            [$said, $kind] = $this->act((array) rcube_utils::get_input_value('_chosen', rcube_utils::INPUT_POST, true));
            // A message that is no label is shown as it is, and this one may hold a folder's name.
            $this->rcmail->output->show_message(rcube::Q($said), $kind, null, true, 10);
        }
        $this->rcmail->overwrite_action(static::ACTION);
        $this->show();
    }

    public function body(): string
    {
        return html::div('formcontainer scroller', html::div('formcontent hanam-list',
            html::tag('h2', ['id' => 'hanam-list-title'], html::quote($this->text('title')))
            . html::p(null, html::quote($this->text('intro', $this->facts()))) . $this->content()));
    }

    abstract protected function content(): string;

    /** Numbers that the page's first words name. */
    abstract protected function facts(): array;

    /** @return array{string, string} What is told, and as what: confirmation, warning, error. */
    abstract protected function act(array $chosen): array;

    protected function text(string $name, array $words = []): string
    {
        return $this->plugin->gettext(['name' => static::NAME . $name, 'vars' => $words]);
    }

    protected function address(array $more = []): string
    {
        return $this->rcmail->url(['_task' => 'settings', '_action' => static::ACTION] + $more);
    }

    /** What is chosen goes from this form to answer(), with the page that it came from. */
    protected function form(string $content, array $asked = []): string
    {
        $hidden = new html_hiddenfield();
        foreach ($asked as $name => $value) {
            $hidden->add(['name' => $name, 'value' => $value]);
        }
        return $this->rcmail->output->request_form(
            ['name' => 'chosen', 'id' => 'hanam-chosen', 'method' => 'post', 'task' => 'settings', 'action' => static::ACTION . '-do'],
            ($asked ? $hidden->show() : '') . $content);
    }

    protected function all(): string
    {
        return html::div('hanam-all', html::tag('input', ['type' => 'checkbox', 'id' => 'hanam-all'], null, ['type', 'id'])
            . html::label('hanam-all', html::quote($this->plugin->gettext('listall'))));
    }

    /** A button of the form: what becomes of what is chosen. `$label` names one of the page's texts. */
    protected function button(string $decision, string $label, string $kind): string
    {
        return html::tag('button', ['type' => 'submit', 'name' => '_decision', 'value' => $decision, 'class' => "btn $kind"],
            html::quote($this->text($label)), ['type', 'name', 'value', 'class']);
    }

    /**
     * The rows, each with a box that chooses it and a button for each of its `buttons`. With an empty list it has no box.
     *
     * @param array<string, array{subject: string, author: string, lines: string[], buttons?: string[]}> $rows By what the box sends.
     */
    protected function rows(array $rows): string
    {
        $items = '';
        $number = 0;
        foreach ($rows as $value => $row) {
            $id = 'hanam-row-' . ++$number;
            $box = html::tag('input', ['type' => 'checkbox', 'name' => '_chosen[]', 'value' => $value, 'id' => $id], null,
                ['type', 'name', 'value', 'id']);
            $lines = html::span('subject', html::quote($row['subject'] === '' ? $this->plugin->gettext('listnosubject') : $row['subject']))
                . html::span('author', html::quote($row['author']));
            foreach ($row['lines'] as $line) {
                $lines .= html::span('fact', html::quote($line));
            }
            $buttons = '';
            foreach ($row['buttons'] ?? [] as $name) {
                $buttons .= html::tag('button', [
                    'type' => 'submit', 'name' => '_decision', 'value' => "$name $value", 'class' => 'btn btn-secondary',
                    'aria-label' => $this->text($name) . ': ' . $row['subject'],
                ], html::quote($this->text($name)), ['type', 'name', 'value', 'class']);
            }
            $items .= html::tag('li', null, ($row['buttons'] ?? null) === []
                ? html::div('hanam-row', $lines) : $box . html::label($id, $lines) . ($buttons ? html::div('hanam-row-buttons', $buttons) : ''));
        }
        return html::tag('ul', ['class' => 'hanam-rows', 'aria-label' => $this->text('title')], $items, ['class', 'aria-label']);
    }
}
