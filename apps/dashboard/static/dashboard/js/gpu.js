// The page of one GPU: what it is, what it does now, and what it did.

import { get, url } from "./api.js";
import { label as nameOf, NOTHING, time, value } from "./format.js";
import { Live } from "./live.js";
import { badge, byId, h, morph, part, readState, showError, writeState } from "./page.js";
import { Charts } from "./history/board.js";
import { iso, moved, windowOf } from "./history/range.js";
import { bindRanges, readRows, showRanges } from "./history/controls.js";

const DEFAULTS = { range: "1h", start: "", end: "", peers: "" };
const READ_MS = 15_000;
const STATE_MS = 10_000;

const uuid = part("uuid");
const state = readState(DEFAULTS);
const charts = new Charts(byId("charts"), (start, end) => choose({ start: iso(start), end: iso(end) }));
let registry = [];
let gpu = null;
let peers = [];
let reading = null;
let drawn = null; // what the charts show: {lines, shown, resolution}

start();

async function start() {
  try {
    const [metrics, found] = await Promise.all([get("metrics"), get(`gpus/${encodeURIComponent(uuid)}`)]);
    registry = metrics.results;
    gpu = found;
    peers = (await get(`hosts/${encodeURIComponent(gpu.hostname)}/gpus`, { cluster: gpu.cluster, limit: 1000 })).results;
  } catch (error) {
    showError(byId("message"), error, () => location.reload());
    return;
  }
  drawHead();
  bindRanges(choose, () => windowOf(state), moved);
  byId("peers").checked = state.peers === "1";
  byId("peers").addEventListener("change", () => choose({ peers: byId("peers").checked ? "1" : "" }));
  const live = new Live("/ws/telemetry/", { rows: takeRows });
  live.subscribe({ filters: { gpu_uuid: uuid } });
  await read();
  setInterval(() => windowOf(state).live && !document.hidden && read(), READ_MS);
  setInterval(() => document.hidden || readHead(), STATE_MS);
}

function takeRows(rows) {
  const row = rows.find((one) => one.uuid === uuid);
  if (!row) return;
  drawNow(row);
  if (!drawn?.shown.live || drawn.resolution !== "raw") return;
  // The tail: what was just stored, until the window is read again.
  const own = drawn.lines.find((line) => line.uuid === uuid);
  if (own.rows.length && row.timestamp <= own.rows.at(-1).timestamp) return;
  own.rows.push(row);
  charts.show(registry, drawn.lines, windowOf(state), row.timestamp);
}

// Its state changes by silence too, which no sample tells.
async function readHead() {
  try {
    gpu = await get(`gpus/${encodeURIComponent(uuid)}`);
    drawHead();
  } catch {
    // The light in the head says that the gateway is away.
  }
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
  const wanted = state.peers === "1" ? peers : [gpu];
  showRanges(state, shown);
  drawLinks(shown);
  try {
    const pages = await Promise.all(wanted.map((one) => readRows(one.uuid, shown, reading.signal)));
    const label = (one) => (wanted.length > 1 ? `GPU ${one.gpu_id}${one.uuid === uuid ? " (this)" : ""}` : "average");
    const lines = wanted.map((one, number) => ({ uuid: one.uuid, label: label(one), rows: pages[number].results }));
    drawn = { lines, shown, resolution: pages[wanted.findIndex((one) => one.uuid === uuid)].resolution };
    charts.show(registry, lines, shown, gpu.last_seen_at);
  } catch (error) {
    if (error.name === "AbortError") return;
    drawn = null;
    charts.fail(error, read);
  }
}

function drawHead() {
  document.title = `${gpu.hostname} · GPU ${gpu.gpu_id} · GPU telemetry`;
  byId("title").textContent = `${gpu.hostname} · GPU ${gpu.gpu_id}`;
  byId("host").href = `/hosts/${encodeURIComponent(gpu.hostname)}?cluster=${encodeURIComponent(gpu.cluster)}`;
  byId("host").textContent = `All GPUs of ${gpu.hostname}`;
  morph(byId("state"), ...[badge(gpu.state)].filter(Boolean));
  const facts = [["Model", gpu.model_name], ["UUID", gpu.uuid], ["Cluster", gpu.cluster], ["Device", gpu.device],
    ["Driver", gpu.driver_version], ["PCI address", gpu.pci_bus_id], ["First seen", time(gpu.first_seen_at)], ["Last seen", time(gpu.last_seen_at)]];
  morph(byId("facts"), ...facts.map(([name, fact]) => h("div", {}, h("dt", {}, name), h("dd", {}, fact || NOTHING))));
}

function drawNow(row) {
  const reported = registry.filter((metric) => row[metric.name] !== null && row[metric.name] !== undefined);
  byId("now-at").replaceChildren(time(row.timestamp, true));
  morph(byId("now"), ...reported.map((metric) =>
    h("div", { "data-metric": metric.name }, h("dt", { title: metric.description }, nameOf(metric)), h("dd", {}, value(row[metric.name], metric)))));
}

function drawLinks(shown) {
  const path = `gpus/${encodeURIComponent(uuid)}/telemetry`;
  const bounds = { start_time: iso(shown.start), end_time: iso(shown.end) };
  byId("as-json").href = url(path, { ...bounds, resolution: "auto", limit: 1000 });
  byId("as-csv").href = url(path, { ...bounds, format: "csv" });
  byId("as-parquet").href = url(path, { ...bounds, format: "parquet" });
}
