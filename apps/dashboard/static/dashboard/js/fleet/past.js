// The time machine: the fleet at a moment of the past, and the way back.

import { get } from "../api.js";
import { time } from "../format.js";
import { say } from "../live.js";
import { byId } from "../page.js";

const MINUTE_MS = 60_000;
const SETTLED_MS = 250;

export class Past {
  // `onChoose(at)`: RFC 3339, or "" for now.
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.at = "";
    this.due = null;
    this.ends = null;
    byId("look-back").addEventListener("click", () => this.choose(Date.now() - MINUTE_MS));
    byId("to-live").addEventListener("click", () => this.onChoose(""));
    byId("earlier").addEventListener("click", () => this.choose(Date.parse(this.at) - MINUTE_MS));
    byId("later").addEventListener("click", () => this.choose(Date.parse(this.at) + MINUTE_MS));
    byId("moment").addEventListener("change", () => this.choose(new Date(byId("moment").value).getTime()));
    byId("slider").addEventListener("input", () => {
      clearTimeout(this.due);
      this.due = setTimeout(() => this.choose(Number(byId("slider").value) * MINUTE_MS), SETTLED_MS);
    });
  }

  choose(milliseconds) {
    if (Number.isNaN(milliseconds)) return;
    const last = Date.now();
    const first = this.ends?.first ?? -Infinity;
    this.onChoose(new Date(Math.max(first, Math.min(last, milliseconds))).toISOString());
  }

  // Says which moment is shown; "" is now.
  async show(at) {
    this.at = at;
    byId("past").hidden = !at;
    byId("look-back").hidden = Boolean(at);
    if (!at) return;
    const moment = new Date(at);
    say("past", "Not live: a moment of the past");
    byId("past-at").replaceChildren(time(at));
    byId("moment").value = local(moment);
    this.ends ??= await stored().catch(() => null);
    const slider = byId("slider");
    slider.hidden = !this.ends; // the list's own answer says what is wrong
    if (!this.ends) return;
    slider.min = Math.ceil(this.ends.first / MINUTE_MS);
    slider.max = Math.floor(Date.now() / MINUTE_MS);
    slider.value = Math.round(moment / MINUTE_MS);
    slider.setAttribute("aria-valuetext", byId("past-at").textContent);
  }
}

// From when on there are samples; where the archive has too many of a day, to the hour.
async function stored() {
  const first = { limit: 1, order: "asc", metrics: "gpu_utilization" };
  const page = await get("telemetry", first).catch(() => get("telemetry", { ...first, resolution: "1h" }));
  return { first: Date.parse(page.results[0]?.timestamp ?? new Date().toISOString()) };
}

// What an <input type="datetime-local"> takes: the viewer's zone, to the second.
function local(moment) {
  const shifted = new Date(moment.getTime() - moment.getTimezoneOffset() * MINUTE_MS);
  return shifted.toISOString().slice(0, 19);
}
