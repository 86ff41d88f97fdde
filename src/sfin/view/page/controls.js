"use strict";

/* The divider and the toolbar. */

const divider = find(".divider"), covered = find(".after");
const rightName = () => find("#after").selectedOptions[0].text;
const divide = (percent) => {
  const place = clamp(percent, 0, 100);
  const text = `${Math.round(place)} % from the left, ${rightName()} right of it`;
  divider.style.left = `${place}%`;
  covered.style.clipPath = `inset(0 0 0 ${place}%)`;
  divider.setAttribute("aria-valuenow", String(Math.round(place)));
  divider.setAttribute("aria-valuetext", text);
};
const slide = (event) => {
  if (divider.hasPointerCapture(event.pointerId)) {
    const box = divider.parentElement.getBoundingClientRect();
    divide(((event.clientX - box.left) / box.width) * 100);
    event.stopPropagation();
  }
};
divider.addEventListener("pointerdown", (event) => {
  divider.setPointerCapture(event.pointerId);
  event.stopPropagation();
});
divider.addEventListener("pointermove", slide);
divider.addEventListener("keydown", (event) => {
  const now = Number(divider.getAttribute("aria-valuenow"));
  const step = event.shiftKey ? 10 : 1;
  const places = {
    ArrowLeft: now - step, ArrowDown: now - step,
    ArrowRight: now + step, ArrowUp: now + step,
    PageDown: now - 10, PageUp: now + 10, Home: 0, End: 100,
  };
  if (event.key in places) {
    event.preventDefault();
    divide(places[event.key]);
  }
});
divide(50);

// The toolbar

for (const button of findAll("button[data-zoom]")) {
  button.addEventListener("click", () => zoomBy(images, Number(button.dataset.zoom)));
}
find("#reset").addEventListener("click", () => {
  groups.forEach(reset);
  divide(50);
});
find("#after").addEventListener("change", (event) => {
  showAs(after, event.target.value);
  find("#after-title").textContent = rightName();
  after.alt = `${rightName()}, right of the divider`;
  divider.setAttribute(
    "aria-label", `Divider between input and ${rightName().toLowerCase()}`,
  );
  divide(Number(divider.getAttribute("aria-valuenow")));
});
for (const box of findAll(".toolbar input")) {
  box.addEventListener("change", () => { choose(-1); schedule(images); });
}
