"use strict";

/* Marks of atoms, what is said about the one that is pointed at, and their list. */

const ATOM = "#e69f00", CROSS = "#ff5cb4", SQUARE = "#2fe0a4", CHOSEN = "#56d4ff";
const REACH = 14; // screen pixels from an atom within which it is pointed at
let chosen = -1; // index of the atom that is pointed at

const spacing = (() => {
  // Median distance of a hundred atoms to their nearest neighbours.
  const nearest = data.atoms.slice(0, 100).map(([x, y]) => {
    let least = Infinity;
    for (const [u, v] of data.atoms) {
      const distance = Math.hypot(u - x, v - y);
      if (distance > 0) { least = Math.min(least, distance); }
    }
    return least;
  }).sort((a, b) => a - b);
  return nearest.length > 1 ? nearest[nearest.length >> 1] : 20;
})();
const isShown = (name) => find(`#show-${name}`)?.checked ?? false;
const drawMarks = (pane, { scale, left, top }) => {
  const { view, canvas } = pane;
  const density = window.devicePixelRatio || 1;
  canvas.width = Math.round(view.clientWidth * density);
  canvas.height = Math.round(view.clientHeight * density);
  const pen = canvas.getContext("2d");
  const radius = clamp(0.3 * spacing * scale, 2.5, 11);
  pen.setTransform(density, 0, 0, density, 0, 0);
  const trace = ([x, y], shape) => {
    const across = left + (x + 0.5) * scale, down = top + (y + 0.5) * scale;
    const inside = across > -20 && down > -20
      && across < view.clientWidth + 20 && down < view.clientHeight + 20;
    if (inside) { shape(across, down); }
  };
  const stroke = (colour, width) => {
    // A dark edge tells marks from white atoms.
    for (const [style, thickness] of [["rgb(0 0 0 / 60%)", width + 1.5], [colour, width]]) {
      pen.strokeStyle = style;
      pen.lineWidth = thickness;
      pen.stroke();
    }
  };
  const circle = (size) => (x, y) => {
    pen.moveTo(x + size, y);
    pen.arc(x, y, size, 0, 2 * Math.PI);
  };
  if ("marks" in view.dataset && isShown("atoms")) {
    pen.beginPath();
    for (const atom of data.atoms) { trace(atom, circle(radius)); }
    stroke(ATOM, 1.25);
  }
  if ("marks" in view.dataset && isShown("unsupported")) {
    pen.beginPath();
    const arm = Math.max(radius, 4);
    for (const maximum of data.unsupported) {
      trace(maximum, (x, y) => {
        for (const sign of [1, -1]) {
          pen.moveTo(x - arm, y - sign * arm);
          pen.lineTo(x + arm, y + sign * arm);
        }
      });
    }
    stroke(CROSS, 2);
  }
  if ("marks" in view.dataset && isShown("lost")) {
    pen.beginPath();
    for (const place of data.lost) {
      trace(place, (x, y) => pen.rect(x - radius, y - radius, 2 * radius, 2 * radius));
    }
    stroke(SQUARE, 2);
  }
  if (chosen >= 0) {
    pen.beginPath();
    trace(data.atoms[chosen], circle(radius + 3));
    stroke(CHOSEN, 2.5);
  }
};
const atomLines = (index) => {
  const [x, y, amplitude, confidence] = data.atoms[index];
  const length = (name, pixels) => {
    const known = data.pixelSize !== null;
    const size = known ? `  ${(pixels * data.pixelSize).toFixed(2)} Å` : "";
    return `${name} ${pixels.toFixed(2)} px${size}`;
  };
  return [
    `Atom ${index + 1} of ${data.atoms.length}`, length("x", x), length("y", y),
    `amplitude ${amplitude.toFixed(2)}`,
    `confidence ${(100 * confidence).toFixed(1)} %`,
  ];
};
const nearestAtom = (pane, { x, y }) => {
  let found = -1, least = REACH / placeOf(pane).scale;
  if (!isShown("atoms")) { return found; }
  data.atoms.forEach(([u, v], index) => {
    const distance = Math.hypot(u + 0.5 - x, v + 0.5 - y);
    if (distance < least) { [found, least] = [index, distance]; }
  });
  return found;
};
const tip = add(images.panes[0].view, "div", "tip");
const choose = (index, pane) => {
  if (index !== chosen) {
    chosen = index;
    schedule(images);
  }
  tip.hidden = index < 0;
  if (index < 0) { return; }
  tip.textContent = atomLines(index).join("\n");
  pane.view.append(tip);
  const { scale, left, top } = placeOf(pane);
  const [x, y] = data.atoms[index];
  const across = left + x * scale + 18, down = top + y * scale + 18;
  const { clientWidth, clientHeight } = pane.view;
  const right = clientWidth - tip.offsetWidth - 4;
  const low = clientHeight - tip.offsetHeight - 4;
  // To the other side of the atom where there is no room.
  const beside = across > right ? across - tip.offsetWidth - 36 : across;
  tip.style.left = `${clamp(beside, 4, Math.max(right, 4))}px`;
  tip.style.top = `${clamp(down, 4, Math.max(low, 4))}px`;
};
const stepTo = (index, pane) => {
  const count = data.atoms.length;
  if (count === 0) { return; }
  const wanted = (index + count) % count;
  const [x, y] = data.atoms[wanted];
  const { scale } = placeOf(pane);
  const hidden = Math.abs(x - images.x) * scale > pane.view.clientWidth / 2
    || Math.abs(y - images.y) * scale > pane.view.clientHeight / 2;
  if (hidden) { move(images, x, y); }
  choose(wanted, pane);
  find("#atom").textContent = atomLines(wanted).join(", ");
};

const list = find("#atom-list");
list?.addEventListener("toggle", () => {
  const known = data.pixelSize !== null;
  const heads = ["Atom", "x, px", "y, px", ...(known ? ["x, Å", "y, Å"] : []),
    "Amplitude", "Confidence"];
  const row = (tag, cells) => {
    const line = document.createElement("tr");
    for (const cell of cells) {
      const item = line.appendChild(document.createElement(tag));
      item.className = "number";
      item.append(cell);
    }
    return line;
  };
  find("thead", list).replaceChildren(row("th", heads));
  find("tbody", list).replaceChildren(...data.atoms.map(([x, y, height, sure], index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = String(index + 1);
    button.setAttribute("aria-label", `Show atom ${index + 1}`);
    button.addEventListener("click", () => {
      const [pane] = images.panes;
      zoomBy(images, Math.max(images.largest / 6 / images.zoom, 1));
      move(images, x, y);
      stepTo(index, pane);
      pane.view.scrollIntoView({ block: "nearest" });
    });
    const lengths = known
      ? [x * data.pixelSize, y * data.pixelSize].map((value) => value.toFixed(2))
      : [];
    return row("td", [button, x.toFixed(2), y.toFixed(2), ...lengths,
      height.toFixed(2), `${(100 * sure).toFixed(1)} %`]);
  }));
}, { once: true });
