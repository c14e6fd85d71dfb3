// Unread mail in a clerk's other mailboxes, asked for seldom (hanam_boxes.php); who of the clerks answered, in the list
// (hanam_answers.php).
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
      // Whoever is on his way to another mailbox has another session there.
      let leaves = false;
      document.querySelectorAll("#hanam-boxes form").forEach((form) => form.addEventListener("submit", () => {
        leaves = true;
      }));
      const ask = () => {
        // A page that nobody looks at asks nothing.
        if (!document.hidden && !leaves) {
          rcmail.http_post("plugin.hanam-counts", {});
        }
        setTimeout(ask, after * 1000);
      };
      setTimeout(ask, wait * 1000 + 500);
    }
  });
  rcmail.addEventListener("plugin.hanam_counts", show);

  rcmail.addEventListener("insertrow", ({ uid, row }) => {
    const told = rcmail.env.messages?.[uid]?.flags?.hanam_told;
    const cell = told && row.obj.querySelector("td.subject");
    if (cell && !cell.querySelector(".hanam-told")) {
      const line = document.createElement("span");
      line.className = "hanam-told";
      line.textContent = told;
      cell.append(line);
    }
  });
}
