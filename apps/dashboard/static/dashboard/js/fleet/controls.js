// The choices above the board: what is shown, which GPUs, in which order.

import { STATES } from "../colours.js";
import { label } from "../format.js";
import { byId, h, morph } from "../page.js";

// Those of the registry; `state` is what is chosen.
export function fillControls(registry, state) {
  const named = registry.filter((metric) => metric.kind === "gauge").map((metric) => [metric.name, label(metric)]);
  fill("metric", [...named, ["state", "State"]], state);
  fill("sort", [["host", "Host"], ...named.map(([key, text]) => [key, `Highest ${text}`])], state);
  fill("state", [["", "Any state"], ...Object.keys(STATES).map((name) => [name, name.replace("_", " ")])], state);
  byId("text").value = state.text;
}

// Those of the fleet, which grows; what a link chose is offered even if nobody has it.
export function offerFacts(fleet, state) {
  offer("cluster", "All clusters", fleet.distinct("cluster"), state);
  offer("model", "All models", fleet.distinct("model_name"), state);
}

// `choose(name, value)` at every change.
export function followControls(names, choose) {
  for (const name of names) {
    const control = byId(name);
    control?.addEventListener(name === "text" ? "input" : "change", () => choose(name, control.value));
  }
}

function offer(name, all, found, state) {
  const values = state[name] && !found.includes(state[name]) ? [...found, state[name]] : found;
  fill(name, [["", all], ...values.map((value) => [value, value])], state);
}

function fill(name, entries, state) {
  morph(byId(name), ...entries.map(([value, text]) => h("option", { value }, text)));
  byId(name).value = state[name];
}
