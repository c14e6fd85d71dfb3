<?php

/**
 * The archive's folder bears its Vietnamese name wherever the other folders do: Roundcube translates four names and the inbox's, its
 * plugin "archive" one more in one of several lists. Selectors of the settings show the mail store's names to nobody.
 */
class hanam_folders
{
    public function __construct(private rcube_plugin $plugin)
    {
    }

    public function init(): void
    {
        $this->plugin->add_hook('render_mailboxlist', [$this, 'tree']);
        $this->plugin->add_hook('render_folder_selector', [$this, 'tree']);
        $this->plugin->add_hook('folders_list', [$this, 'settings']);
        $this->plugin->add_hook('folder_form', [$this, 'form']);
        $this->plugin->add_hook('render_page', [$this, 'title']);
        // Pages without a title of their own would bear Roundcube's word for their task.
        $rcmail = rcmail::get_instance();
        if ($label = ['mail' => 'mail', 'addressbook' => 'contacts', 'settings' => 'settings'][$rcmail->task] ?? null) {
            $rcmail->output->set_pagetitle($rcmail->gettext($label));
        }
    }

    public function tree(array $hook): array
    {
        $archive = $this->archive();
        if (isset($hook['list'][$archive])) {
            $hook['list'][$archive]['name'] = $this->plugin->gettext('archive');
        }
        $hook['attribs']['realnames'] = false;
        return $hook;
    }

    public function settings(array $hook): array
    {
        $archive = $this->archive();
        if (isset($hook['list'][$archive])) {
            $row = &$hook['list'][$archive];
            $name = rcube::Q($this->plugin->gettext('archive'));
            $row['content'] = str_replace('>' . $row['display'] . '<', ">$name<", $row['content']);
            $row['display'] = $name;
            $row['class'] = trim($row['class'] . ' archive');
        }
        return $hook;
    }

    public function form(array $hook): array
    {
        $name = &$hook['form']['props']['fieldsets']['location']['content']['name']['value'];
        $theirs = rcube::Q($this->archive());
        if ($hook['name'] === $this->archive() && str_starts_with($name, $theirs)) {
            $name = rcube::Q($this->plugin->gettext('archive')) . substr($name, strlen($theirs));
        }
        return $hook;
    }

    /** The title of the window while the archive is open. */
    public function title(array $page): array
    {
        $rcmail = rcmail::get_instance();
        if ($rcmail->task === 'mail' && $page['template'] === 'mail' && $rcmail->get_storage()->get_folder() === $this->archive()) {
            $rcmail->output->set_pagetitle($this->plugin->gettext('archive'));
        }
        return $page;
    }

    private function archive(): string
    {
        return (string) rcube::get_instance()->config->get('archive_mbox');
    }
}
