// In the list of messages: which come from outside the administration. And what is offered while one types, for screen readers.
"use strict";

if (window.rcmail) {
  rcmail.addEventListener("insertrow", ({ uid, row }) => {
    const flags = uid && rcmail.env.messages && rcmail.env.messages[uid] && rcmail.env.messages[uid].flags;
    const place = flags && flags.hanam_outside && row.obj && row.obj.querySelector("td.subject .fromto, td.fromto");
    if (place && !place.querySelector(".hanam-outside")) {
      const mark = document.createElement("span");
      mark.className = "hanam-outside";
      mark.textContent = rcmail.get_label("hanam.outside");
      mark.title = rcmail.get_label("hanam.outsidelong");
      place.prepend(mark, " ");
    }
  });

  // The list is the list of options, not what it stands in.
  rcmail.addEventListener("autocomplete_create", ({ obj }) => {
    obj.removeAttr("role");
    document.querySelectorAll("input[role=combobox]").forEach((field) => field.setAttribute("aria-controls", obj.attr("id")));
    obj.find("ul").attr({ role: "listbox", "aria-label": rcmail.get_label("hanam.suggested") });
  });
}
