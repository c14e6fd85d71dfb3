<?php

/**
 * What the province's pages show instead of Roundcube's, and what Elastic's markup lacks for people who see or point badly. Colours and
 * letters are the skin's (skins/hanam).
 */
class hanam_look
{
    /** Relative: the skin takes paths from the root for its own. */
    public const CHANGE_PAGE = './mat-khau/';
    /** Which of our texts stands for Roundcube's in a task: an empty list says what is not there. */
    public const BY_TASK = [
        'mail' => ['listempty' => 'emptyfolder'],
        'addressbook' => ['listempty' => 'emptybook'],
    ];
    /** Sent by Roundcube before a plugin may speak. */
    private const EARLY = [
        'loading', 'servererror', 'connerror', 'requesttimedout', 'refreshing', 'windowopenerror', 'uploadingmany', 'uploading', 'close',
        'save', 'cancel', 'alerttitle', 'confirmationtitle', 'delete', 'continue', 'ok',
    ];
    /** For hanam.js and access.js. */
    private const SCRIPT = [
        'hanam.unavailable', 'hanam.archive', 'hanam.skip', 'hanam.closewindow', 'hanam.unnamed', 'hanam.emptyframe', 'hanam.clear',
        'hanam.more', 'hanam.myfilters', 'hanam.closed', 'hanam.closedwriting',
    ];

    public function __construct(private rcube_plugin $plugin)
    {
    }

    public function init(): void
    {
        $output = rcmail::get_instance()->output;
        $this->plugin->add_hook('html_editor', [$this, 'html_editor']);
        $this->plugin->add_hook('loginform_content', [$this, 'loginform_content']);
        $this->plugin->add_hook('template_container', [$this, 'template_container']);
        $this->plugin->add_hook('template_object_logo', [$this, 'template_object_logo']);
        if ($output->type !== 'html') {
            return;
        }
        // After Elastic's, by the skin's own paths.
        $this->plugin->include_stylesheet('/styles/look.css');
        $this->plugin->include_stylesheet('/styles/webmail.css');
        $this->plugin->include_script('access.js');
        $output->add_label(...self::EARLY, ...self::SCRIPT);
        if (isset(self::BY_TASK[$output->get_env('task')]) && !$output->get_env('framed')) {
            $this->plugin->include_script('empty.js');
            $output->add_label('hanam.nohits');
        }
    }

    /** The editor's own words, once its script is there. */
    public function html_editor(array $editor): array
    {
        $this->plugin->include_script('editor.js');
        return $editor;
    }

    /** What to type stands under the field, and a refusal beside it (hanam.js). */
    public function loginform_content(array $form): array
    {
        $domain = rcube::get_instance()->config->get('mail_domain');
        $hint = html::span(['class' => 'hint', 'id' => 'login-hint'],
            html::quote($this->plugin->gettext(['name' => 'loginhint', 'vars' => ['domain' => $domain]]))
            . html::br() . html::quote($this->plugin->gettext('loginclerk')));
        $fault = '<div id="login-fault" role="alert" hidden></div>';
        $described = fn (string $field, string $by) => preg_replace('/<input /', "<input aria-describedby=\"$by\" ", $field, 1);
        foreach (['user' => 'login-hint', 'password' => 'login-fault'] as $name => $by) {
            $form['inputs'][$name]['content'] = $described($form['inputs'][$name]['content'], $by);
        }
        $form['inputs']['user']['content'] .= $hint;
        $form['inputs']['password']['content'] .= $fault;
        return $form;
    }

    public function template_container(array $container): array
    {
        if ($container['name'] !== 'loginfooter') {
            return $container;
        }
        $config = rcube::get_instance()->config;
        $support = $config->get('hanam_support', []);
        $lines = array_filter([
            html::quote($support['name'] ?? ''),
            empty($support['phone']) ? '' : $this->plugin->gettext('phone') . ': ' . html::quote($support['phone']),
            empty($support['email']) ? '' : 'Email: ' . html::a('mailto:' . $support['email'], html::quote($support['email'])),
        ]);
        $rows = [];
        if ($config->get('hanam_change_page')) {
            $rows[] = html::div(null, html::a(self::CHANGE_PAGE, $this->plugin->gettext('changepassword')));
        }
        if ($setup = $config->get('hanam_setup_page')) {
            // Relative, as CHANGE_PAGE.
            $rows[] = html::div(null, html::a(".$setup", $this->plugin->gettext('clientsetup')));
        }
        if ($help = $config->get('hanam_help_page')) {
            $rows[] = html::div(null, html::a(".$help", $this->plugin->gettext('helppage')));
        }
        if ($directory = $config->get('hanam_directory_page')) {
            $rows[] = html::div(null, html::a(".$directory", $this->plugin->gettext('directory')));
        }
        if ($lines) {
            $rows[] = html::div(['class' => 'hanam-support'], $this->plugin->gettext('support') . ': ' . implode(' &bull; ', $lines));
        }
        $container['content'] = ($container['content'] ?? '') . implode('', $rows);
        return $container;
    }

    /** The emblem stands beside the name of what it is the emblem of. */
    public function template_object_logo(array $logo): array
    {
        // Relative, since Elastic's templates look for it in Elastic.
        $logo['content'] = html::img(['src' => '.' . rcube::get_instance()->config->get('hanam_look') . 'emblem.svg', 'id' => 'logo', 'alt' => '']);
        return $logo;
    }

}
