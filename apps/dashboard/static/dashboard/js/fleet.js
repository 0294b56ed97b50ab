// The fleet page: reads the fleet once, then lives on the stream.

import { all, get } from "./api.js";
import { Board } from "./fleet/board.js";
import { findings, Fleet, totals } from "./fleet/model.js";
import { age, count, label, mebibytes, NOTHING, value, watts } from "./format.js";
import { Live } from "./live.js";
import { byId, h, readState, showEmpty, showError, writeState } from "./page.js";
import { STATES, STEPS } from "./colours.js";

const DEFAULTS = { metric: "gpu_utilization", cluster: "", model: "", state: "", text: "", sort: "host" };
// What totals and lists need, beside the metric that is shown.
const NEEDED = ["gpu_utilization", "memory_used_mib", "memory_free_mib", "power_draw", "temperature"];
// The ends of a colour scale, where the registry's bounds are wider than what GPUs do.
const ENDS = { temperature: [20, 95], memory_temperature: [20, 110], power_draw: [0, 700],
  sm_clock_mhz: [0, 2000], memory_clock_mhz: [0, 3000], memory_used_mib: [0, 81920], memory_free_mib: [0, 81920] };
const SUMMARY_MS = 500;
const STATES_MS = 10_000;

const state = readState(DEFAULTS);
const fleet = new Fleet();
const board = new Board(byId("board"), byId("cells"), byId("spacer"), { onOpen: openGpu, onHover: hover });
let registry = [];
let live = null;
let summaryDue = null;

start();

// The list of GPUs and their newest values are asked for at once; each alone is enough to begin.
async function start() {
  live = new Live("/ws/telemetry/", { rows: takeRows });
  subscribe();
  const list = readFleet();
  try {
    registry = (await get("metrics")).results;
    if (fleet.size) refresh();
    await list;
  } catch (error) {
    showError(byId("message"), error, () => location.reload());
    return;
  }
  fillControls();
  refresh();
  setInterval(readStates, STATES_MS);
}

async function readFleet() {
  fleet.merge((await all("gpus")).map((gpu) => ({ ...gpu, timestamp: gpu.last_seen_at })));
}

// States change by silence too, which no sample tells.
async function readStates() {
  try {
    await readFleet();
    refresh();
  } catch {
    // The light in the head says that the gateway is away.
  }
}

function subscribe() {
  const metrics = [...new Set([...NEEDED, state.metric])].filter((name) => name !== "state");
  live.subscribe({ filters: { metrics } });
}

function takeRows(rows) {
  const unknown = rows.some((row) => !fleet.gpus.has(row.uuid));
  for (const row of rows) row.state = "reporting";
  fleet.merge(rows);
  if (!registry.length) return;
  if (unknown) refresh();
  else {
    board.draw();
    summarise();
  }
}

// The board anew: after a change of the filter, the order or the fleet itself.
function refresh() {
  const hosts = fleet.hosts(state, state);
  byId("message").replaceChildren();
  if (!fleet.size) {
    showEmpty(byId("message"), "No GPU has reported yet. Stream a file, scrape exporters, or see the demo fleet:",
      "python manage.py runstreamer --help");
  } else if (!hosts.length) {
    showEmpty(byId("message"), "No GPU matches these filters.");
  }
  const metric = registry.find((entry) => entry.name === state.metric);
  board.show(hosts, metric ? { name: metric.name, ...ends(metric) } : null);
  drawLegend(metric);
  summarise();
}

function ends(metric) {
  const [least, most] = ENDS[metric.name] ?? [metric.minimum ?? 0, metric.maximum ?? 100];
  return { least, most };
}

function drawLegend(metric) {
  const legend = byId("legend");
  if (!metric) {
    legend.replaceChildren(...Object.entries(STATES).map(([name, { colour, sign }]) => {
      const swatch = h("i", {}, sign);
      swatch.style.background = colour;
      return h("span", { class: "key" }, swatch, name.replace("_", " "));
    }));
    return;
  }
  const { least, most } = ends(metric);
  const ramp = h("span", { class: "ramp" });
  ramp.style.background = `linear-gradient(to right, ${[0, 64, 128, 192, 255].map((at) => STEPS[at]).join(",")})`;
  const none = h("i", {});
  none.style.background = "var(--empty)";
  legend.replaceChildren(value(least, metric), ramp, value(most, metric), h("span", { class: "key" }, none, "not reported"));
}

// Totals and lists cost a pass over the fleet: a few times a second is enough.
function summarise() {
  summaryDue ??= setTimeout(() => {
    summaryDue = null;
    const shown = board.hosts.flatMap((host) => host.gpus);
    drawTotals(totals(shown));
    drawFindings(findings(shown));
  }, SUMMARY_MS);
}

function drawTotals(sum) {
  const tiles = [
    [`${count(sum.reporting)} of ${count(sum.gpus)}`, "GPUs reporting"],
    [count(sum.gpus - sum.reporting), "not reporting"],
    [watts(sum.power_w), "power"],
    [sum.total_mib ? `${mebibytes(sum.used_mib)} of ${mebibytes(sum.total_mib)}` : NOTHING, "memory in use"],
    [sum.mean === null ? NOTHING : `${sum.mean.toFixed(1)} %`, "mean utilisation"],
  ];
  byId("totals").replaceChildren(...tiles.map(([text, what]) => h("div", { class: "tile" }, h("b", {}, text), h("span", {}, what))));
}

function drawFindings(lists) {
  byId("findings").replaceChildren(...lists.map((list) =>
    h("section", { class: "card" },
      h("h2", { title: list.why }, `${list.title} `, h("span", { class: "muted" }, count(list.count))),
      h("p", { class: "muted why" }, list.why),
      list.gpus.length
        ? h("ul", {}, ...list.gpus.map((gpu) => h("li", {}, h("a", { href: gpuUrl(gpu) }, `${gpu.hostname} · ${gpu.gpu_id}`),
            h("span", { class: "number" }, list.metric === "timestamp" ? (gpu.timestamp ? `${age(gpu.timestamp)} ago` : "never")
              : value(gpu[list.metric], registry.find((entry) => entry.name === list.metric))))))
        : h("p", { class: "muted" }, "None."))));
}

function fillControls() {
  const options = (select, entries) => select.replaceChildren(...entries.map(([key, text]) => h("option", { value: key }, text)));
  const gauges = registry.filter((metric) => metric.kind === "gauge");
  const named = gauges.map((metric) => [metric.name, label(metric)]);
  options(byId("metric"), [...named, ["state", "State"]]);
  const distinct = (key) => [...new Set([...fleet.gpus.values()].map((gpu) => gpu[key]))].filter(Boolean).sort();
  options(byId("cluster"), [["", "All clusters"], ...distinct("cluster").map((name) => [name, name])]);
  options(byId("model"), [["", "All models"], ...distinct("model_name").map((name) => [name, name])]);
  options(byId("state"), [["", "Any state"], ...Object.keys(STATES).map((name) => [name, name.replace("_", " ")])]);
  options(byId("sort"), [["host", "Host"], ...named.map(([key, text]) => [key, `Highest ${text.toLowerCase()}`])]);
  for (const name of Object.keys(DEFAULTS)) {
    const control = byId(name);
    control.value = state[name];
    control.addEventListener(name === "text" ? "input" : "change", () => choose(name, control.value));
  }
}

function choose(name, chosen) {
  state[name] = chosen;
  writeState(state, DEFAULTS);
  if (name === "metric") subscribe();
  refresh();
}

const gpuUrl = (gpu) => `/gpus/${encodeURIComponent(gpu.uuid)}`;

function openGpu(gpu) {
  location.assign(gpuUrl(gpu));
}

function hover(gpu, event) {
  const tip = byId("tip");
  tip.hidden = !gpu;
  if (!gpu) return;
  const metric = registry.find((entry) => entry.name === state.metric);
  const rows = [...new Set([state.metric, ...NEEDED])].map((name) => registry.find((entry) => entry.name === name)).filter(Boolean);
  tip.replaceChildren(h("b", {}, `${gpu.hostname} · GPU ${gpu.gpu_id}`), h("span", {}, gpu.model_name),
    h("span", {}, `${(gpu.state ?? "").replace("_", " ")}, ${gpu.timestamp ? `${age(gpu.timestamp)} ago` : "no sample"}`),
    ...rows.map((entry) => h("span", entry === metric ? { class: "chosen" } : {}, `${label(entry)}: ${value(gpu[entry.name], entry)}`)));
  if (!event) return;
  const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  const top = Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8);
  tip.style.transform = `translate(${left}px, ${top}px)`;
}
