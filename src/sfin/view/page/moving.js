"use strict";

/* Wheel, pointers and keys move all panes of a group. */

const showCrosshair = (group, point, own) => {
  group.position.value = point ? positionText(group, point) : "";
  for (const pane of group.panes) {
    pane.crosshair.hidden = !point || pane === own;
    if (point) {
      const { scale, left, top } = placeOf(pane);
      pane.crosshair.style.left = `${left + point.x * scale}px`;
      pane.crosshair.style.top = `${top + point.y * scale}px`;
    }
  }
};
const middleOf = (pointers) => {
  const points = [...pointers.values()];
  const sum = (name) => points.reduce((total, point) => total + point[name], 0);
  const clientX = sum("clientX") / points.length;
  const clientY = sum("clientY") / points.length;
  const [first] = points;
  const spread = Math.hypot(first.clientX - clientX, first.clientY - clientY);
  return { clientX, clientY, spread };
};
const drag = (pane, event) => {
  const { pointers, group } = pane;
  const old = middleOf(pointers);
  pointers.set(event.pointerId, event);
  const now = middleOf(pointers);
  const { scale } = placeOf(pane);
  move(
    group,
    group.x - (now.clientX - old.clientX) / scale,
    group.y - (now.clientY - old.clientY) / scale,
  );
  if (old.spread > 0 && now.spread > 0) {
    zoomBy(group, now.spread / old.spread, toUnits(pane, now));
  }
};
const listen = (pane) => {
  const { view, group, pointers } = pane;
  const point = (event) => {
    const place = toUnits(pane, event);
    showCrosshair(group, place, pane);
    if (group === images) { choose(nearestAtom(pane, place), pane); }
  };
  view.addEventListener("wheel", (event) => {
    event.preventDefault();
    // Wheels count pixels, lines or pages.
    const turned = event.deltaY * [1, 33, 400][event.deltaMode];
    zoomBy(group, 2 ** (-clamp(turned, -400, 400) / 240), toUnits(pane, event));
  }, { passive: false });
  view.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) { return; }
    view.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event);
    view.classList.add("dragged");
  });
  view.addEventListener("pointermove", (event) => {
    if (pointers.has(event.pointerId)) { drag(pane, event); }
    point(event);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    view.addEventListener(name, (event) => {
      pointers.delete(event.pointerId);
      view.classList.toggle("dragged", pointers.size > 0);
      if (name === "pointerup") { point(event); }
    });
  }
  view.addEventListener("pointerleave", (event) => {
    // A finger leaves when it is lifted; what it pointed at is still to be read.
    if (event.pointerType === "touch") { return; }
    showCrosshair(group, null);
    if (group === images) { choose(-1); }
  });
  view.addEventListener("keydown", (event) => {
    if (event.target !== view || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const across = group.width / group.zoom / 10;
    const down = group.height / group.zoom / 10;
    const actions = {
      "+": () => zoomBy(group, 1.5), "=": () => zoomBy(group, 1.5),
      "-": () => zoomBy(group, 1 / 1.5), 0: () => reset(group),
      ArrowLeft: () => move(group, group.x - across, group.y),
      ArrowRight: () => move(group, group.x + across, group.y),
      ArrowUp: () => move(group, group.x, group.y - down),
      ArrowDown: () => move(group, group.x, group.y + down),
    };
    if (group === images) {
      actions.n = () => stepTo(chosen + 1, pane);
      actions.p = () => stepTo(Math.max(chosen, 0) - 1, pane);
    }
    if (event.key in actions) {
      event.preventDefault();
      actions[event.key]();
    }
  });
  new ResizeObserver(() => schedule(group)).observe(view);
};
groups.forEach((group) => group.panes.forEach(listen));
