// "Dọn hộp thư": all boxes at once, and one request at a time. Without scripts the page works as well.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const page = document.getElementById("tidy");
  const every = document.getElementById("tidy-every");
  if (every) {
    const boxes = [...page.querySelectorAll("input[name='_pick[]']")];
    every.closest("label").hidden = false;
    every.addEventListener("change", () => boxes.forEach((box) => { box.checked = every.checked; }));
    boxes.forEach((box) => box.addEventListener("change", () => { every.checked = boxes.every((each) => each.checked); }));
  }
  let sent = false;
  page.addEventListener("submit", (event) => {
    if (sent) {
      event.preventDefault();
    }
    sent = true;
    page.setAttribute("aria-busy", "true");
  });
  // Back from another page, as the browser kept this one.
  window.addEventListener("pageshow", () => {
    sent = false;
    page.removeAttribute("aria-busy");
  });
});
