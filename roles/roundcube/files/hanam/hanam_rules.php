<?php

/**
 * Pages of rules (filters, reply in absence, forwarding) say beforehand what is allowed and why (Đ4.5), and how a day is written. What is
 * posted is judged by hanam_sender.php and, for every program, by the mail store.
 */
class hanam_rules
{
    /** Which of our texts stands above which form. */
    private const NOTES = ['forwardform' => ['rulesforward'], 'vacationform' => ['rulesabsence', 'rulesforward'], 'filterform' => ['rulesforward']];

    public function __construct(private rcube_plugin $plugin)
    {
    }

    public function init(): void
    {
        if (str_starts_with(rcmail::get_instance()->action, 'plugin.managesieve')) {
            foreach (array_keys(self::NOTES) as $form) {
                $this->plugin->add_hook("template_object_$form", fn (array $hook) => $this->told($form, $hook));
            }
        }
    }

    private function told(string $form, array $hook): array
    {
        $domains = rcube::get_instance()->config->get('hanam_forward_domains');
        $notes = '';
        foreach (self::NOTES[$form] as $text) {
            $said = $this->plugin->gettext(['name' => $text, 'vars' => ['domains' => implode(', ', $domains)]]);
            $notes .= html::p('hanam-note', html::quote($said));
        }
        $hook['content'] = $notes . $hook['content'];
        return $hook;
    }
}
