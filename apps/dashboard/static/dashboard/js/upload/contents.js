// What a file held, as links: its GPUs in the fleet as it left them, and the charts of each over its time.

import { count, time } from "../format.js";
import { h } from "../page.js";

// The API names no more.
const MANY = 1000;
const LINKED = 100;
// A file that ends so long ago says nothing of now: the fleet is shown as it was then.
const RECENT_MS = 60_000;
const LEAST_WINDOW_MS = 60_000;

export function contents({ id, gpus, first_sample_at: first, last_sample_at: last }) {
  if (!gpus.length) return [];
  const number = gpus.length < MANY ? count(gpus.length) : `${count(MANY)} or more`;
  const at = Date.now() - Date.parse(last) > RECENT_MS ? { at: last } : {};
  const charts = windowOf(first, last);
  const links = gpus.slice(0, LINKED).map((uuid) => h("li", {}, h("a", { href: `/gpus/${encodeURIComponent(uuid)}?${charts}` }, uuid)));
  const rest = gpus.length > LINKED ? h("p", { class: "muted" }, `The first ${LINKED}; all are in the fleet.`) : null;
  return [
    h("p", {}, h("a", { href: `/?${new URLSearchParams({ upload: id, ...at })}` }, `See its ${number} ${gpus.length === 1 ? "GPU" : "GPUs"} in the fleet`),
      h("span", { class: "muted" }, " from ", time(first), " to ", time(last))),
    h("details", {}, h("summary", {}, "Charts of each"), h("ul", { class: "gpus name" }, ...links), rest),
  ];
}

// The file's time with some air, so that its ends are seen.
function windowOf(first, last) {
  const [start, end] = [Date.parse(first), Date.parse(last)];
  const air = Math.max((end - start) * 0.02, LEAST_WINDOW_MS / 2);
  return new URLSearchParams({ start: new Date(start - air).toISOString(), end: new Date(end + air).toISOString() });
}
