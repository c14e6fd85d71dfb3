// A search without hits, in the list of mail or of addresses: Elastic has a sentence for empty folders, and is silent then.
"use strict";

if (window.rcmail) {
  const tell = () => {
    const table = document.querySelector("#messagelist, #contacts-table");
    if (!table) {
      return;
    }
    let box = document.getElementById("hanam-nohits");
    if (!box) {
      box = document.createElement("div");
      box.id = "hanam-nohits";
      box.className = "listing-info";
      box.setAttribute("role", "status");
      table.after(box);
    }
    box.hidden = !rcmail.env.search_request || table.querySelector("tbody tr") !== null;
    // Written when it is so, that it is read out then.
    box.textContent = box.hidden ? "" : rcmail.get_label("hanam.nohits");
  };
  rcmail.addEventListener("listupdate", tell);
  rcmail.addEventListener("responseaftersearch", tell);
}
