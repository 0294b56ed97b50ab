// The fleet page: reads the fleet, then lives on the stream; or shows it as it was at a moment.

import { get, Problem } from "./api.js";
import { STATES } from "./colours.js";
import { Board } from "./fleet/board.js";
import { fillControls, followControls, offerFacts } from "./fleet/controls.js";
import { gpusOf } from "./fleet/file.js";
import { findings, Fleet, totals } from "./fleet/model.js";
import { Past } from "./fleet/past.js";
import { scaleOf } from "./fleet/scale.js";
import { showFindings, showLegend, showTip, showTotals } from "./fleet/summary.js";
import { Live } from "./live.js";
import { begin, byId, failPage, h, readState, showEmpty, showError, writeState } from "./page.js";

const DEFAULTS = { metric: "gpu_utilization", cluster: "", model: "", state: "", text: "", sort: "host", at: "", upload: "" };
// What totals and lists need, beside the metric that is shown.
const NEEDED = ["gpu_utilization", "memory_used_mib", "memory_free_mib", "power_draw", "temperature"];
const SUMMARY_MS = 500;
// States change by silence too, which no sample tells; and back, which is asked for sooner.
const STATES_MS = 10_000;
const SOON_MS = 2000;

const state = readState(DEFAULTS);
const board = new Board(byId("board"), byId("cells"), byId("spacer"), { onOpen: openGpu, onOpenHost: openHost, onHover: hover });
const past = new Past((at) => choose("at", at));
let fleet = new Fleet();
let registry = [];
let live = null;
let summaryDue = null;
let listDue = null;
let reading = null;
let hovered = null;
let isListed = false; // an answer may be empty
let only = null; // the UUIDs that a file leaves

start();

async function start() {
  checkMoment();
  if (state.at) past.show(state.at);
  else goLive();
  // What is asked for first is asked at once; each answer alone is enough to begin.
  const list = readList();
  try {
    const [metrics, found] = await Promise.all([get("metrics"), gpusOf(state.upload, clearFilters)]);
    registry = metrics.results;
    only = found;
    checkChoices();
    fillControls(registry, state);
    followControls(Object.keys(DEFAULTS), choose);
    if (isListed || fleet.size) refresh();
  } catch (error) {
    failPage(error);
    return;
  }
  await list;
}

// An old link may name a metric that is no more, and any link what never was: that is left out.
function checkChoices() {
  const known = { metric: ["state", ...registry.map((metric) => metric.name)], state: ["", ...Object.keys(STATES)] };
  known.sort = ["host", ...known.metric];
  const wrong = Object.keys(known).filter((name) => !known[name].includes(state[name]));
  for (const name of wrong) state[name] = DEFAULTS[name];
  if (wrong.length) changeMetrics();
}

// A moment that is none is now.
function checkMoment() {
  if (!state.at || !Number.isNaN(Date.parse(state.at))) return;
  showError(byId("file"), new Error(`“${state.at}” is no moment, such as 2026-01-31T12:00:00Z. This is the fleet now.`));
  state.at = "";
}

function metricsShown() {
  return [...new Set([...NEEDED, state.metric, state.sort])].filter((name) => name !== "state" && name !== "host");
}

function goLive() {
  live = new Live("/ws/telemetry/", { rows: takeRows });
  subscribe();
}

function subscribe() {
  live.subscribe({ filters: { metrics: metricsShown() } });
}

// The whole list with its states, now or at the chosen moment; then again after a while.
async function readList() {
  clearTimeout(listDue);
  reading?.abort();
  reading = new AbortController();
  const { at } = state;
  const since = new Date().toISOString();
  try {
    // Of the past, no more than a chosen cluster: the archive may have too much of all.
    const cluster = at ? state.cluster : "";
    const page = await get("telemetry/latest", { metrics: metricsShown().join(","), at, cluster }, { signal: reading.signal });
    if (at) fleet = new Fleet();
    fleet.take(page.results, since);
    isListed = true;
    if (registry.length) refresh();
    byId("board").removeAttribute("aria-busy");
  } catch (error) {
    if (error.name === "AbortError") return;
    // While it was read before, the light in the head says that the gateway is away.
    if (!fleet.size || at || !(error instanceof Problem)) {
      begin();
      showError(byId("message"), error, readList);
    }
  }
  if (!at) listDue = setTimeout(readListUnlessHidden, STATES_MS);
}

function readListUnlessHidden() {
  if (!document.hidden) readList();
  else document.addEventListener("visibilitychange", readListUnlessHidden, { once: true });
}

function takeRows(rows, kind) {
  if (state.at) return;
  let unknown = false;
  let returned = false;
  for (const row of rows) {
    const known = fleet.gpus.get(row.uuid);
    unknown ||= !known;
    returned ||= kind === "update" && known?.state !== "reporting";
  }
  fleet.merge(rows);
  if (returned && fleet.size) readSoon();
  if (!registry.length) return;
  if (unknown) refresh();
  else {
    board.draw();
    summarise();
  }
}

// Only the gateway says who reports; whoever was silent may do so again.
let soonAt = 0;
function readSoon() {
  if (performance.now() < soonAt) return;
  soonAt = performance.now() + 2 * SOON_MS;
  clearTimeout(listDue);
  listDue = setTimeout(readListUnlessHidden, SOON_MS);
}

const metricOf = (name) => registry.find((entry) => entry.name === name);
const moment = () => (state.at ? Date.parse(state.at) : Date.now());

// The board anew: after a change of the filter, the order or the fleet itself.
function refresh() {
  const hosts = fleet.hosts({ ...state, only });
  begin();
  document.body.toggleAttribute("data-empty", !fleet.size);
  if (!fleet.size) sayEmpty();
  else if (!hosts.length) {
    showEmpty(byId("message"), "No GPU matches these filters.");
    byId("message").lastChild.append(h("button", { type: "button", onclick: clearFilters }, "Show all"));
  }
  const metric = metricOf(state.metric);
  const ends = metric && scaleOf(metric, fleet);
  board.show(hosts, metric ? { name: metric.name, ...ends } : null);
  showLegend(byId("legend"), metric, ends);
  offerFacts(fleet, state);
  summarise();
}

function sayEmpty() {
  if (state.at) showEmpty(byId("message"), "Nothing is stored of this moment and the ten minutes before it.");
  else showEmpty(byId("message"), "No GPU has reported yet. Stream a file, or begin with a simulated fleet:",
    ".venv/bin/python manage.py runstreamer --path metrics.csv", "make run");
}

// Totals and lists cost a pass over the fleet: a few times a second is enough.
function summarise() {
  summaryDue ??= setTimeout(() => {
    summaryDue = null;
    const shown = board.hosts.flatMap((host) => host.gpus);
    showTotals(byId("totals"), totals(shown));
    showFindings(byId("findings"), findings(shown), { metricOf, hrefOf: gpuUrl, now: moment() });
    if (hovered) hover(...hovered);
  }, SUMMARY_MS);
}

function choose(name, chosen) {
  state[name] = chosen;
  writeState(state, DEFAULTS);
  if (name === "at") changeTime();
  else if (name === "metric" || name === "sort") changeMetrics();
  else if (name === "cluster" && state.at) readList();
  refresh();
}

function changeTime() {
  if (state.at) {
    live?.close();
    live = null;
  } else {
    fleet = new Fleet();
    goLive();
  }
  past.show(state.at);
  readList();
}

// Both bring what was not asked for before; the list has the states too.
function changeMetrics() {
  if (live) subscribe();
  readList();
}

function clearFilters() {
  for (const name of ["cluster", "model", "state", "text"]) state[name] = byId(name).value = "";
  state.upload = "";
  only = null;
  byId("file").replaceChildren();
  writeState(state, DEFAULTS);
  refresh();
}

const HALF_WINDOW_MS = 30 * 60_000;

// Of a past moment, a link leads to what was around it.
function around() {
  if (!state.at) return "";
  const [start, end] = [moment() - HALF_WINDOW_MS, moment() + HALF_WINDOW_MS].map((at) => new Date(at).toISOString());
  return new URLSearchParams({ start, end }).toString();
}

function gpuUrl(gpu) {
  const query = around();
  return `/gpus/${encodeURIComponent(gpu.uuid)}${query && `?${query}`}`;
}

function openGpu(gpu) {
  location.assign(gpuUrl(gpu));
}

function openHost(host) {
  const query = around();
  location.assign(`/hosts/${encodeURIComponent(host.name)}?cluster=${encodeURIComponent(host.cluster)}${query && `&${query}`}`);
}

function hover(gpu, at) {
  hovered = gpu && [gpu, at];
  const metrics = [...new Set([state.metric, ...NEEDED])].map(metricOf).filter(Boolean);
  showTip(byId("tip"), gpu, { metrics, chosen: state.metric, now: moment() }, at);
}
