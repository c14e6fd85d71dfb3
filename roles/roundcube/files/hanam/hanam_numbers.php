<?php

/**
 * Folders named as offices number documents: "Số 12/QĐ-UBND". The mail store parts folders by that stroke and cannot have it in a name, so
 * the look-alike of mathematics stands for it. A folder within another is made by choosing that, never by a stroke.
 */
class hanam_numbers
{
    /** U+2215. Not U+2044: letters of fonts make fractions of the figures around that. */
    public const STROKE = "\u{2215}";

    public function __construct(private rcube_plugin $plugin)
    {
    }

    public function init(): void
    {
        $this->plugin->add_hook('ready', [$this, 'ready']);
        $this->plugin->add_hook('folder_form', [$this, 'form']);
    }

    public function ready(array $request): array
    {
        if ($request['action'] === 'save-folder' && is_string($_POST['_name'] ?? null)) {
            $_POST['_name'] = self::name($_POST['_name']);
        }
        return $request;
    }

    /** The name that a folder gets. At an end a stroke says nothing. */
    public static function name(string $typed): string
    {
        return str_replace('/', self::STROKE, trim($typed, " /\t"));
    }

    public function form(array $hook): array
    {
        $name = &$hook['form']['props']['fieldsets']['location']['content']['name']['value'];
        // Only where there is a field.
        if (is_string($name) && str_contains($name, '<input')) {
            $name .= html::div('hint', html::quote($this->plugin->gettext('foldernumbers')));
        }
        return $hook;
    }
}
