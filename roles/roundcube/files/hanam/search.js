// Marks what a search found, and keeps searches under a name (hanam_search.php).
"use strict";

if (window.rcmail) {
  const label = (name, words = {}) =>
    Object.entries(words).reduce((text, [word, value]) => text.replace(`$${word}`, value), rcmail.get_label(`hanam.${name}`));
  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  // --- Marks: words as the mail store's index has them: small letters without accents; what is typed is the beginning of a word. ---

  // The text folded, and for each of its letters the place in the text that it comes from.
  const fold = (text) => {
    const places = [];
    let folded = "";
    for (let place = 0; place < text.length; place += 1) {
      const plain = text[place].toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replace(/đ/g, "d");
      for (const letter of plain) {
        folded += letter;
        places.push(place);
      }
    }
    places.push(text.length);
    return { folded, places };
  };

  // What to look for; nothing when no search stands behind the page.
  const pattern = () => {
    const typed = (rcmail.env.hanam_hits || "").replace(/^(from|to|reply-to|cc|bcc|subject|body):/i, "");
    const words = [...new Set(fold(typed).folded.split(/[^\p{L}\p{N}]+/u).filter(Boolean))];
    if (!words.length) {
      return null;
    }
    // A syllable of one or two letters begins too many others: it is marked where it stands alone.
    const forms = words.sort((one, other) => other.length - one.length).map((word) => (word.length > 2 ? word : `${word}(?![\\p{L}\\p{N}])`));
    return new RegExp(`(?<![\\p{L}\\p{N}])(?:${forms.join("|")})`, "gu");
  };

  const MOST = 1000;
  const mark = (place, wanted) => {
    const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT, {
      acceptNode: (node) => (node.parentElement.closest("style, script, textarea, mark") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT),
    });
    const texts = [];
    while (walker.nextNode()) {
      texts.push(walker.currentNode);
    }
    let marked = 0;
    for (const node of texts) {
      const text = node.data;
      const { folded, places } = fold(text);
      const parts = [];
      let done = 0;
      for (const hit of folded.matchAll(wanted)) {
        const [from, to] = [places[hit.index], places[hit.index + hit[0].length]];
        parts.push(text.slice(done, from), element("mark", { className: "hanam-hit", textContent: text.slice(from, to) }));
        done = to;
        marked += 1;
      }
      if (parts.length) {
        node.replaceWith(...parts, text.slice(done));
      }
      if (marked > MOST) {
        break;
      }
    }
    return marked;
  };

  rcmail.addEventListener("insertrow", ({ row }) => {
    const wanted = row.obj && rcmail.env.task === "mail" && pattern();
    if (wanted) {
      row.obj.querySelectorAll("span.subject a span, span.fromto, td.fromto").forEach((cell) => mark(cell, wanted));
    }
  });

  const inMessage = () => {
    const wanted = pattern();
    const places = [...document.querySelectorAll("#message-header .subject, #messagebody")];
    if (!wanted || !places.length) {
      return;
    }
    const marked = places.reduce((sum, place) => sum + mark(place, wanted), 0);
    const objects = document.getElementById("message-objects");
    if (!marked && objects && document.querySelector("#attachment-list li")) {
      objects.append(element("div", { className: "ui alert boxinformation hanam-elsewhere", textContent: label("hitsinattachments") }));
    }
  };

  // --- Searches under a name ---

  const FIELDS = { q: "#mailsearchform", interval: "#s_interval", filter: "#searchfilter", scope: "#s_scope" };
  const set = (selector, value) => {
    const field = document.querySelector(selector);
    if (field && [...(field.options || [{ value }])].some((each) => each.value === value)) {
      field.value = value;
    }
  };

  const run = (saved) => {
    if (saved.scope !== "all") {
      rcmail.env.mailbox = saved.folder;
      rcmail.select_folder(saved.folder, "", true);
    }
    Object.entries(FIELDS).forEach(([field, selector]) => set(selector, saved[field]));
    rcmail.env.search_scope = saved.scope;
    rcmail.env.search_interval = saved.interval;
    rcmail.set_searchmods(Object.fromEntries(saved.mods.split(",").filter(Boolean).map((each) => [each, 1])));
    // Where folders and list have no room beside each other.
    if (!document.documentElement.classList.contains("layout-large")) {
      UI.show_list();
    }
    rcmail.command("search");
  };

  const post = (values) => rcmail.http_post(
    "plugin.hanam-searches", Object.fromEntries(Object.entries(values).map(([field, value]) => [`_${field}`, value])),
    rcmail.set_busy(true, "loading"),
  );

  const list = (searches) => {
    document.getElementById("hanam-searches")?.remove();
    const folders = document.getElementById("folderlist-content");
    if (!folders || !searches.length) {
      return;
    }
    const rows = searches.map((saved) => {
      const start = element("button", { type: "button", className: "run", title: label("runsearch", { words: saved.q }), textContent: saved.name });
      start.addEventListener("click", () => run(saved));
      const drop = element("button", { type: "button", className: "drop", title: label("deletesearch", { name: saved.name }) });
      drop.setAttribute("aria-label", drop.title);
      drop.addEventListener("click", () => post({ name: saved.name, delete: 1 }));
      return element("li", {}, start, drop);
    });
    const box = element("div", { id: "hanam-searches" },
      element("h3", { id: "hanam-searches-title", textContent: label("savedsearches") }), element("ul", {}, ...rows));
    box.setAttribute("role", "group");
    box.setAttribute("aria-labelledby", "hanam-searches-title");
    folders.append(box);
  };

  // The search as it stands in the field and its options.
  const keep = (name) => {
    const values = rcmail.search_params(rcmail.gui_objects.qsearchbox.value);
    if (!name || !(values._q || values._interval)) {
      rcmail.display_message(label("nosearchtosave"), "warning");
      return;
    }
    post({
      name, q: values._q || "", scope: document.querySelector("#s_scope").value, mods: values._headers || "", interval: values._interval || "",
      filter: values._filter || "", folder: values._mbox || "",
    });
  };

  const form = () => {
    const place = document.querySelector("#searchmenu .formcontent");
    if (!place) {
      return;
    }
    const field = element("input", { type: "text", id: "hanam-search-name", className: "form-control", maxLength: 60, placeholder: label("savesearchname") });
    field.setAttribute("aria-label", label("savesearchname"));
    const button = element("button", { type: "button", className: "btn btn-secondary", textContent: label("savesearch") });
    button.addEventListener("click", () => keep(field.value.trim()));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        keep(field.value.trim());
      }
    });
    place.append(element("div", { className: "input-group hanam-save-search" }, field, element("div", { className: "input-group-append" }, button)));
  };

  rcmail.addEventListener("init", () => {
    if (rcmail.env.hanam_searches) {
      list(rcmail.env.hanam_searches);
      form();
    }
    inMessage();
  });
  rcmail.addEventListener("plugin.hanam_searches", (searches) => {
    rcmail.env.hanam_searches = searches;
    // Whoever deleted one by the keyboard goes on with the next.
    const within = document.getElementById("hanam-searches")?.contains(document.activeElement);
    list(searches);
    if (within) {
      (document.querySelector("#hanam-searches .drop") || rcmail.gui_objects.qsearchbox).focus();
    }
    const field = document.getElementById("hanam-search-name");
    if (field) {
      field.value = "";
    }
  });
}
