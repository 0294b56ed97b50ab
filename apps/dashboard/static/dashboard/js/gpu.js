// The page of one GPU: what it is, what it does now, and what it did.

import { get, url } from "./api.js";
import { label as nameOf, NOTHING, time, value } from "./format.js";
import { Live } from "./live.js";
import { badge, begin, byId, failPage, h, morph, part } from "./page.js";
import { History } from "./history/page.js";
import { iso } from "./history/range.js";

// What is older is not called now.
const RECENT_MS = 10 * 60_000;

const uuid = part("uuid");
const history = new History({ peers: "" }, { linesOf, onShow: drawLinks });
let registry = [];
let gpu = null;
let peers = [];

start();

async function start() {
  byId("title").textContent = uuid;
  try {
    const [metrics, found] = await Promise.all([get("metrics"), get(`gpus/${encodeURIComponent(uuid)}`)]);
    registry = metrics.results;
    gpu = found;
    peers = (await get(`hosts/${encodeURIComponent(gpu.hostname)}/gpus`, { cluster: gpu.cluster, limit: 1000 })).results;
  } catch (error) {
    failPage(error);
    return;
  }
  begin();
  drawHead();
  byId("peers").checked = history.state.peers === "1";
  byId("peers").addEventListener("change", () => history.choose({ peers: byId("peers").checked ? "1" : "" }));
  new Live("/ws/telemetry/", { rows: takeRows }).subscribe({ filters: { gpu_uuid: uuid } });
  await history.begin(registry, readHead);
}

function linesOf() {
  const wanted = history.state.peers === "1" ? peers : [gpu];
  const label = (one) => (wanted.length > 1 ? `GPU ${one.gpu_id}${one.uuid === uuid ? " (this)" : ""}` : "");
  return wanted.map((one) => ({ uuid: one.uuid, label: label(one), lastSeen: one.last_seen_at }));
}

function takeRows(rows) {
  const row = rows.find((one) => one.uuid === uuid);
  if (!row) return;
  drawNow(row);
  history.append(row);
}

async function readHead() {
  gpu = await get(`gpus/${encodeURIComponent(uuid)}`);
  drawHead();
}

function drawHead() {
  document.title = `${gpu.hostname} · GPU ${gpu.gpu_id} · GPU telemetry`;
  byId("title").textContent = `${gpu.hostname} · GPU ${gpu.gpu_id}`;
  byId("host").textContent = `All GPUs of ${gpu.hostname}`;
  morph(byId("state"), ...[badge(gpu.state)].filter(Boolean));
  const refused = gpu.quarantined;
  byId("quarantined").replaceChildren(...refused.count
    ? [`${refused.count} of its records were refused and are kept as dead letters, the newest of `, time(refused.last_at), `: ${refused.last_reason}`] : []);
  const facts = [["Model", gpu.model_name], ["UUID", gpu.uuid], ["Cluster", gpu.cluster], ["Device", gpu.device],
    ["Driver", gpu.driver_version], ["PCI address", gpu.pci_bus_id], ["First seen", time(gpu.first_seen_at)], ["Last seen", time(gpu.last_seen_at)]];
  morph(byId("facts"), ...facts.map(([name, fact]) => h("div", {}, h("dt", {}, name), h("dd", {}, fact || NOTHING))));
}

function drawNow(row) {
  const reported = registry.filter((metric) => row[metric.name] !== null && row[metric.name] !== undefined);
  const isRecent = Date.now() - Date.parse(row.timestamp) < RECENT_MS;
  byId("now-title").replaceChildren(isRecent ? "Now " : "Last reported ", h("span", { class: "muted" }, time(row.timestamp, isRecent)));
  morph(byId("now"), ...reported.map((metric) =>
    h("div", { "data-metric": metric.name }, h("dt", { title: metric.description }, nameOf(metric)), h("dd", {}, value(row[metric.name], metric)))));
}

function drawLinks(shown) {
  byId("host").href = `/hosts/${encodeURIComponent(gpu.hostname)}?cluster=${encodeURIComponent(gpu.cluster)}&${history.query}`;
  const path = `gpus/${encodeURIComponent(uuid)}/telemetry`;
  const bounds = { start_time: iso(shown.start), end_time: iso(shown.end) };
  byId("as-json").href = url(path, { ...bounds, resolution: "auto", limit: 1000 });
  byId("as-csv").href = url(path, { ...bounds, format: "csv" });
  byId("as-parquet").href = url(path, { ...bounds, format: "parquet" });
}
