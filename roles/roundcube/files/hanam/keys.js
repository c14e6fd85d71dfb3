// The keys that Roundcube listens to, told on one page: nobody finds them otherwise.
"use strict";

if (window.rcmail) {
  const label = (name) => rcmail.get_label(`hanam.${name}`);

  window.hanam_keys = () => {
    const place = document.createElement("div");
    place.className = "hanam-keys";
    // The list is longer than the dialog: the keyboard scrolls it.
    place.tabIndex = 0;
    for (const part of ["keyslist", "keyswriting", "keyseverywhere"]) {
      const head = document.createElement("h3");
      head.textContent = label(part);
      const table = document.createElement("table");
      const body = table.appendChild(document.createElement("tbody"));
      // A line for each: the keys, a bar, what they do.
      for (const line of label(`${part}text`).split("\n")) {
        const [keys, act] = line.split("|").map((text) => text.trim());
        const row = body.insertRow();
        const cell = row.appendChild(document.createElement("th"));
        cell.scope = "row";
        cell.textContent = keys;
        row.insertCell().textContent = act;
      }
      place.append(head, table);
    }
    rcmail.simple_dialog(place, "hanam.keys", null, { cancel_button: "close" });
    return false;
  };
}
