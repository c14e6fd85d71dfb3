// Lists of messages that are chosen by boxes (hanam_list.php): all at once, and how many they are, on the button.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("hanam-chosen");
  const all = document.getElementById("hanam-all");
  if (!form || !all) {
    return;
  }
  const boxes = [...form.querySelectorAll("input[name='_chosen[]']")];
  const buttons = [...form.querySelectorAll(".hanam-buttons button")];
  const words = buttons.map((button) => button.textContent);
  const count = () => {
    const number = boxes.filter((box) => box.checked).length;
    all.checked = number === boxes.length;
    all.indeterminate = number > 0 && number < boxes.length;
    buttons.forEach((button, place) => {
      button.disabled = number === 0;
      button.textContent = number === 0 ? words[place] : `${words[place]} (${number})`;
    });
  };
  let last = null;
  form.addEventListener("click", (event) => {
    const place = boxes.indexOf(event.target);
    if (place < 0) {
      return;
    }
    // With Shift all between the last one and this one, as in the list of mail.
    if (event.shiftKey && last !== null) {
      boxes.slice(Math.min(last, place), Math.max(last, place) + 1).forEach((box) => { box.checked = event.target.checked; });
    }
    last = place;
    count();
  });
  all.addEventListener("change", () => {
    boxes.forEach((box) => { box.checked = all.checked; });
    count();
  });
  count();
});
