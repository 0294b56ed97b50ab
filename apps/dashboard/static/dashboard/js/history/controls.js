// The buttons above charts that choose their window, and the rows that fill it.

import { get } from "../api.js";
import { time } from "../format.js";
import { byId, h } from "../page.js";
import { LENGTHS, iso, moved } from "./range.js";

const POINTS = 1000;

// All rows of a GPU in the window, as fine as fits into a chart: {results, resolution}.
export function readRows(uuid, shown, signal) {
  const parameters = { start_time: iso(shown.start), end_time: iso(shown.end), resolution: "auto", limit: POINTS };
  return get(`gpus/${encodeURIComponent(uuid)}/telemetry`, parameters, { signal });
}

export function bindRanges(choose, shown) {
  const lengths = Object.keys(LENGTHS).map((range) =>
    h("button", { type: "button", "data-range": range, onclick: () => choose({ range, start: "", end: "" }) }, range));
  const step = (text, label, share, times) =>
    h("button", { type: "button", title: label, "aria-label": label, onclick: () => choose(moved(shown(), share, times)) }, text);
  byId("ranges").replaceChildren(step("←", "Earlier", -0.5), ...lengths, step("→", "Later", 0.5), step("−", "Twice as long", 0, 2),
    h("span", { id: "window", class: "muted" }));
}

export function showRanges(state, shown) {
  for (const button of byId("ranges").querySelectorAll("[data-range]")) {
    button.setAttribute("aria-pressed", String(shown.live && button.dataset.range === state.range));
  }
  if (shown.live) byId("window").replaceChildren("up to now");
  else byId("window").replaceChildren(time(shown.start * 1000), " – ", time(shown.end * 1000));
}
