// Notices above a page (hanam_notices.php) can be put away: they come again with the next step or the next window.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const bar = document.getElementById("hanam-notices");
  if (!bar) {
    return;
  }
  const settle = () => {
    bar.hidden = ![...bar.children].some((each) => !each.hidden);
    // Elastic measures its lists when the window changes.
    window.dispatchEvent(new Event("resize"));
  };
  for (const notice of bar.children) {
    const key = `${notice.id}:${notice.dataset.step}`;
    notice.hidden = sessionStorage.getItem(key) !== null;
    notice.querySelector("button.away").addEventListener("click", () => {
      sessionStorage.setItem(key, "away");
      notice.hidden = true;
      settle();
      const next = document.querySelector("#hanam-notices .notice:not([hidden]) a, .hanam-skip, #taskmenu a");
      if (next) {
        next.focus();
      }
    });
  }
  settle();
});
