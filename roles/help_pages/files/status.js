// Which of the declared stops goes on now, by the reader's clock. Without this script the page shows their times alone.
"use strict";
const now = Date.now();
const running = [];
let ahead = 0;
for (const stop of document.querySelectorAll(".stop")) {
  const begin = Date.parse(stop.dataset.begin);
  const end = Date.parse(stop.dataset.end);
  const state = stop.querySelector(".state");
  if (now >= end) {
    state.textContent = "Đã xong";
    stop.classList.add("over");
  } else if (now >= begin) {
    state.textContent = "Đang diễn ra";
    stop.classList.add("running");
    running.push(stop);
  } else {
    state.textContent = "Sắp tới";
    ahead += 1;
  }
  state.hidden = false;
}
const line = document.getElementById("now");
if (line) {
  line.textContent = running.length ? "Dịch vụ đang tạm ngừng theo thông báo dưới đây."
    : ahead ? "Hiện không có lần tạm ngừng nào. Có lần tạm ngừng sắp tới, xem dưới đây."
      : "Hiện không có lần tạm ngừng nào.";
}
