// Unread mail in a clerk's other mailboxes, asked for seldom (hanam_boxes.php).
"use strict";

if (window.rcmail) {
  const show = (counts) => {
    for (const [id, count] of Object.entries(counts)) {
      const badge = document.querySelector(`#hanam-boxes [data-box="${CSS.escape(id)}"] .unreadcount`);
      if (badge) {
        badge.textContent = count;
        badge.title = rcmail.get_label("hanam.unreadthere").replace("$count", count);
        badge.hidden = !count;
      }
    }
  };

  rcmail.addEventListener("init", () => {
    const { wait, after } = rcmail.env.hanam_counts || {};
    if (after) {
      const ask = () => {
        // A page that nobody looks at asks nothing.
        if (!document.hidden) {
          rcmail.http_post("plugin.hanam-counts", {});
        }
        setTimeout(ask, after * 1000);
      };
      setTimeout(ask, wait * 1000 + 500);
    }
  });
  rcmail.addEventListener("plugin.hanam_counts", show);
}
