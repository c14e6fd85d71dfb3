// What Elastic's and Roundcube's markup lacks for keyboards and screen readers (WCAG 2.1 AA as axe-core reads it). It is mended wherever
// it comes into a page, since both write most of their pages by script.
"use strict";

if (window.rcmail) {
  const label = (name) => rcmail.get_label(`hanam.${name}`);
  const named = (element) => element.getAttribute("aria-label") || element.getAttribute("aria-labelledby")
    || element.innerText.trim() || element.querySelector("img[alt]:not([alt=''])");
  const give = (element, name, value) => {
    if (value && element.getAttribute(name) !== value) {
      element.setAttribute(name, value);
    }
  };

  // The words beside a field: of its row, its table's row, its group, itself.
  const beside = (field) => {
    const row = field.closest("tr, .form-group, .input-group, .row, li");
    const words = row && [...row.querySelectorAll("label, td.title, .input-group-text")].find((each) => each.textContent.trim());
    const group = field.closest("fieldset, .propform, form");
    const head = group && group.querySelector("legend");
    return [field.title, words && words.textContent, field.placeholder, field.dataset.originalTitle, head && head.textContent]
      .map((text) => (text || "").trim()).find(Boolean) || label("unnamed");
  };

  const hidden = (each) => !each.getClientRects().length;

  const mends = {
    // Elastic makes menu items of a toolbar's buttons, in a list that is no menu.
    "li[role=menuitem]": (item) => {
      const list = item.parentElement;
      if (!list.matches("[role=menu], [role=menubar]") || list.matches(".toolbar")) {
        give(list, "role", "toolbar");
        item.setAttribute("role", "none");
      }
    },
    // A list within a menu.
    "#responseslist": (list) => {
      give(list, "role", "group");
      list.removeAttribute("tabindex");
    },
    "#responseslist > li": (item) => give(item, "role", "none"),
    "#responseslist > li > a": (link) => give(link, "role", "menuitem"),
    // Rows hold links, boxes and dates: a grid may, a list of options may not.
    "table[role=listbox]": (table) => table.setAttribute("role", "grid"),
    "table.listing tr[role=option]": (row) => {
      row.setAttribute("role", "row");
      row.querySelectorAll("td, th").forEach((cell) => give(cell, "role", cell.tagName === "TD" ? "gridcell" : ""));
    },
    "table.listing:not([role])": (table) => table.querySelector("tr[role=row]") && table.setAttribute("role", "grid"),
    "ul[role=tablist] > li": (item) => {
      give(item, "role", "none");
      item.removeAttribute("tabindex");
    },
    "[tabindex]": (each) => {
      if (each.tabIndex > 0) {
        each.tabIndex = 0;
      }
    },
    "input:not([type=hidden]):not([type=submit]):not([type=button]), select, textarea": (field) => {
      const seen = [...field.labels || []].some((each) => !hidden(each) && each.textContent.trim());
      if (!seen && !field.getAttribute("aria-label") && !field.getAttribute("aria-labelledby")) {
        const own = [...field.labels || []].map((each) => each.textContent.trim()).find(Boolean);
        field.setAttribute("aria-label", own || beside(field));
      }
    },
    "input[aria-expanded]:not([role])": (field) => {
      field.removeAttribute("aria-expanded");
      field.removeAttribute("aria-haspopup");
    },
    "a.disabled": (link) => give(link, "aria-disabled", "true"),
    "a:not(.disabled)[aria-disabled=true]": (link) => link.setAttribute("aria-disabled", "false"),
    ".ui-dialog-titlebar-close": (button) => give(button, "aria-label", label("closewindow")),
    "a[href], button, [role=button], [role=menuitem]": (button) => {
      if (!named(button)) {
        const kind = button.matches(".reset, .delete, .del") ? "clear" : "more";
        give(button, "aria-label", button.textContent.trim() || button.title || button.dataset.originalTitle || label(kind));
      }
    },
    // A span that is pressed like a button; the menus do the same for the keyboard.
    "span[aria-label]:not([role])": (mark) => mark.setAttribute("role", "img"),
    // A label that is hidden, while its field is not, names nothing.
    "label[for]": (each) => {
      if (each.control && hidden(each) && !hidden(each.control)) {
        give(each.control, "aria-label", each.textContent.trim());
        each.removeAttribute("for");
      }
    },
    // Written in English into the plugin zipdownload.
    "#aria-label-zipdownloadmenu": (head) => {
      if (head.textContent !== label("more")) {
        head.textContent = label("more");
      }
    },
    // The name that Roundcube gave to people's filters before ours.
    "#filtersetslist td.name, #filterset-name": (name) => {
      if (name.textContent === "roundcube") {
        name.textContent = label("myfilters");
      }
    },
    "iframe:not([title])": (frame) => {
      const dialog = frame.closest(".ui-dialog");
      const title = dialog && dialog.querySelector(".ui-dialog-title");
      give(frame, "title", (title && title.textContent.trim()) || label("emptyframe"));
    },
  };

  const mend = (place) => {
    for (const [selector, act] of Object.entries(mends)) {
      place.querySelectorAll(selector).forEach(act);
    }
  };

  // The first stop of the keyboard leads past the menus.
  const skip = () => {
    const content = document.querySelector("#layout-list:not(.hidden), #layout-content");
    if (!content || rcmail.env.framed || document.querySelector(".hanam-skip")) {
      return;
    }
    const link = document.createElement("a");
    link.className = "hanam-skip";
    link.href = `#${content.id}`;
    link.textContent = label("skip");
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const to = [...document.querySelectorAll("#layout-list, #layout-content")].find((each) => each.offsetParent) || content;
      // A row of the list before all else; buttons for narrower screens are there and not seen.
      const first = ["table.listing tbody [tabindex]", "input:not([type=hidden]), textarea, a[href]"]
        .flatMap((selector) => [...to.querySelectorAll(selector)]).find((each) => each.tabIndex >= 0 && !hidden(each));
      to.tabIndex = -1;
      (first || to).focus();
    });
    document.body.prepend(link);
  };

  let waiting = false;
  const soon = () => {
    if (!waiting) {
      waiting = true;
      setTimeout(() => {
        waiting = false;
        mend(document.body);
      }, 50);
    }
  };

  document.addEventListener("DOMContentLoaded", () => {
    // Attachments and options stand right of what is written: they come after it for the keyboard too.
    const side = document.querySelector("#layout-sidebar.sidebar-right");
    const content = document.querySelector("#layout-content");
    if (side && content) {
      content.after(side);
    }
    skip();
    mend(document.body);
    new MutationObserver(soon).observe(document.body, {
      childList: true, subtree: true, attributes: true, attributeFilter: ["role", "tabindex", "class", "style", "aria-expanded"],
    });
  });
}
