// The page of one host: its GPUs now, and what they did side by side.

import { get } from "./api.js";
import { age, label, NOTHING, value } from "./format.js";
import { Live } from "./live.js";
import { badge, byId, h, morph, part, readState, showError, writeState } from "./page.js";
import { Charts } from "./history/board.js";
import { bindRanges, readRows, showRanges } from "./history/controls.js";
import { iso, moved, windowOf } from "./history/range.js";

const DEFAULTS = { range: "1h", start: "", end: "", cluster: "" };
const COLUMNS = ["gpu_utilization", "memory_used_mib", "power_draw", "temperature", "sm_clock_mhz"];
const READ_MS = 15_000;
const STATE_MS = 10_000;

const hostname = part("hostname");
const state = readState(DEFAULTS);
const charts = new Charts(byId("charts"), (start, end) => choose({ start: iso(start), end: iso(end) }));
const newest = new Map();
let registry = [];
let gpus = [];
let reading = null;

start();

async function start() {
  document.title = `${hostname} · GPU telemetry`;
  byId("title").textContent = hostname;
  try {
    const [metrics, found] = await Promise.all([get("metrics"), readGpus()]);
    registry = metrics.results;
    gpus = found;
  } catch (error) {
    showError(byId("message"), error, () => location.reload());
    return;
  }
  bindRanges(choose, () => windowOf(state), moved);
  drawTable();
  const live = new Live("/ws/telemetry/", { rows: takeRows });
  live.subscribe({ filters: { host: hostname, ...(state.cluster ? { cluster: state.cluster } : {}), metrics: COLUMNS } });
  await read();
  setInterval(() => windowOf(state).live && !document.hidden && read(), READ_MS);
  setInterval(() => document.hidden || readStates(), STATE_MS);
}

async function readGpus() {
  return (await get(`hosts/${encodeURIComponent(hostname)}/gpus`, { cluster: state.cluster, limit: 1000 })).results;
}

// States change by silence too, which no sample tells.
async function readStates() {
  try {
    gpus = await readGpus();
    drawTable();
  } catch {
    // The light in the head says that the gateway is away.
  }
}

function takeRows(rows) {
  for (const row of rows) newest.set(row.uuid, row);
  drawTable();
}

function choose(changes) {
  Object.assign(state, changes);
  writeState(state, DEFAULTS);
  read();
}

async function read() {
  reading?.abort();
  reading = new AbortController();
  const shown = windowOf(state);
  showRanges(state, shown);
  try {
    const pages = await Promise.all(gpus.map((gpu) => readRows(gpu.uuid, shown, reading.signal)));
    const lines = gpus.map((gpu, number) => ({ label: `GPU ${gpu.gpu_id}`, rows: pages[number].results }));
    charts.show(registry, lines, shown, gpus.map((gpu) => gpu.last_seen_at).filter(Boolean).sort().at(-1));
  } catch (error) {
    if (error.name !== "AbortError") charts.fail(error, read);
  }
}

function drawTable() {
  const metrics = COLUMNS.map((name) => registry.find((metric) => metric.name === name)).filter(Boolean);
  morph(byId("gpus").tHead, h("tr", {}, h("th", {}, "GPU"), h("th", {}, "State"), h("th", {}, "Model"),
    ...metrics.map((metric) => h("th", { class: "number", title: metric.description }, label(metric))), h("th", {}, "Seen")));
  morph(byId("gpus").tBodies[0], ...gpus.map((gpu) => {
    const row = newest.get(gpu.uuid);
    const seen = row?.timestamp ?? gpu.last_seen_at;
    return h("tr", { "data-uuid": gpu.uuid },
      h("td", {}, h("a", { href: `/gpus/${encodeURIComponent(gpu.uuid)}` }, `GPU ${gpu.gpu_id}`)), h("td", {}, badge(gpu.state)),
      h("td", { class: "name" }, gpu.model_name),
      ...metrics.map((metric) => h("td", { class: "number" }, row ? value(row[metric.name], metric) : NOTHING)),
      h("td", {}, seen ? `${age(seen)} ago` : "never"));
  }));
}
