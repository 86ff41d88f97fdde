"use strict";

/* The panes of the page, in two groups: the images, and the spectra.

   A group shares one centre, in units of its pictures, and one zoom; 1 shows the whole
   picture in every pane. The scripts of the page share their names, in this order:
   panes, atoms, moving, controls. */

const data = JSON.parse(document.getElementById("data").textContent);
const find = (selector, root = document) => root.querySelector(selector);
const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const NARROWEST = 12; // pixels of a picture across a pane at the largest zoom

const add = (parent, tag, name) => {
  const element = document.createElement(tag);
  element.className = name;
  element.hidden = true;
  return parent.appendChild(element);
};

const before = find("#before-layer"), after = find("#after-layer");
const panePicture = (key) => find(`.pane[data-key="${key}"] .layer`);
const showAs = (layer, key) => {
  const picture = panePicture(key);
  layer.src = picture.src;
  Object.assign(layer.dataset, picture.dataset);
};
showAs(before, "input");
showAs(after, find("#after").value);
document.documentElement.classList.add("scripted");
findAll(".toolbar, .compare, .keys").forEach((element) => { element.hidden = false; });

const makePane = (view) => {
  const layers = findAll(".layer", view);
  for (const layer of layers) {
    layer.style.width = `${layer.dataset.width}px`;
    layer.style.height = `${layer.dataset.height}px`;
  }
  const canvas = view.insertBefore(
    document.createElement("canvas"), find(".divider", view),
  );
  canvas.setAttribute("aria-hidden", "true");
  return {
    view, layers, canvas, bar: add(view, "div", "scale-bar"),
    crosshair: add(view, "span", "crosshair"), pointers: new Map(),
  };
};

const makeGroup = (name) => {
  const panes = findAll(`.view[data-group="${name}"]`).map(makePane);
  const { width, height, magnification } = panes[0].layers[0].dataset;
  const group = {
    name, panes, width: Number(width), height: Number(height),
    magnification: Number(magnification), zoom: 1, waiting: false,
    position: find(".position", panes[0].view.closest("section")),
  };
  group.largest = Math.max(group.width / group.magnification / NARROWEST, 1);
  group.x = group.width / 2;
  group.y = group.height / 2;
  for (const pane of panes) { pane.group = group; }
  return group;
};
const groups = [makeGroup("image"), makeGroup("spectrum")];
const [images] = groups;

// Screen pixels per unit, and where the unit 0 lies in the pane.
const placeOf = ({ view, group }) => {
  const { clientWidth, clientHeight } = view;
  const fit = Math.min(clientWidth / group.width, clientHeight / group.height);
  const scale = fit * group.zoom;
  return {
    scale,
    left: clientWidth / 2 - group.x * scale,
    top: clientHeight / 2 - group.y * scale,
  };
};
const toUnits = (pane, event) => {
  const { scale, left, top } = placeOf(pane);
  const box = pane.view.getBoundingClientRect();
  return {
    x: (event.clientX - box.left - left) / scale,
    y: (event.clientY - box.top - top) / scale,
  };
};

// Scale bars and positions

const perUnit = ({ name }) => {
  const size = data.pixelSize ?? 1;
  return name === "image" ? size : 1 / (data.unitsPerCycle * size);
};
const lengthName = (length, { name }) => {
  const inverse = name === "image" ? "" : "⁻¹";
  if (data.pixelSize === null) { return `${length} px${inverse}`; }
  if (inverse || length < 10) { return `${length} Å${inverse}`; }
  return `${Number((length / 10).toPrecision(3))} nm`;
};
const drawBar = (pane, scale) => {
  const unit = perUnit(pane.group);
  const longest = (pane.view.clientWidth / 3 / scale) * unit;
  const power = 10 ** Math.floor(Math.log10(longest));
  const digit = [5, 2, 1].find((step) => step * power <= longest) ?? 1;
  const length = Number((digit * power).toPrecision(1));
  pane.bar.hidden = false;
  pane.bar.style.width = `${(length / unit) * scale}px`;
  pane.bar.textContent = lengthName(length, pane.group);
};
const both = (pixels) =>
  `${pixels.toFixed(1)} px`
  + (data.pixelSize === null ? "" : ` (${(pixels * data.pixelSize).toFixed(2)} Å)`);
const positionText = (group, { x, y }) => {
  // The centre of the first pixel is 0.
  if (group.name === "image") { return `x ${both(x - 0.5)}, y ${both(y - 0.5)}`; }
  const right = x - data.zero[0], down = y - data.zero[1];
  const frequency = Math.hypot(right, down) * perUnit(group);
  const unit = data.pixelSize === null ? "px" : "Å";
  const angle = (Math.atan2(-down, right) * 180) / Math.PI;
  return `${frequency.toFixed(3)} ${unit}⁻¹, spacing ${(1 / frequency).toFixed(2)} `
    + `${unit}, ${angle.toFixed(0)}°`;
};

// Drawing and moving

const draw = (group) => {
  group.waiting = false;
  for (const pane of group.panes) {
    const place = placeOf(pane);
    for (const layer of pane.layers) {
      layer.style.transform =
        `translate(${place.left}px, ${place.top}px) scale(${place.scale})`;
    }
    pane.view.classList.toggle("zoomed", group.zoom > 1);
    pane.view.classList.toggle(
      "magnified", place.scale * group.magnification > 1.5,
    );
    drawBar(pane, place.scale);
    if (group === images) { drawMarks(pane, place); }
  }
  if (group === images) { find("#zoom").value = `${group.zoom.toFixed(1)} ×`; }
};
const schedule = (group) => {
  if (!group.waiting) {
    group.waiting = true;
    requestAnimationFrame(() => draw(group));
  }
};
const move = (group, x, y) => {
  const wide = group.width / group.zoom / 2, tall = group.height / group.zoom / 2;
  group.x = clamp(x, wide, group.width - wide);
  group.y = clamp(y, tall, group.height - tall);
  schedule(group);
};
const zoomBy = (group, factor, fixed = group) => {
  // `fixed` stays where it is on the screen.
  const zoom = clamp(group.zoom * factor, 1, group.largest);
  const ratio = group.zoom / zoom;
  group.zoom = zoom;
  move(
    group,
    fixed.x + (group.x - fixed.x) * ratio, fixed.y + (group.y - fixed.y) * ratio,
  );
};
const reset = (group) => {
  group.zoom = 1;
  choose(-1);
  move(group, group.width / 2, group.height / 2);
};
