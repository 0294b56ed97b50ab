// One chart of one metric: lines with gaps, a band from least to most, a cursor that all charts of the
// page share, zoom by dragging.

import uPlot from "/static/vendor/uplot/uPlot.esm.js";

import { chartStyle } from "../colours.js";
import { value } from "../format.js";
import { aligned } from "./series.js";

const HEIGHT = 180;
const FEW = 40;

// `list`: [{label, columns}]; `onZoom(start, end)` when a stretch of time is dragged over.
export function draw(place, metric, list, shown, onZoom) {
  const { lines, axis } = chartStyle();
  const series = [{ value: (_, seconds) => (seconds === null ? "" : new Date(seconds * 1000).toLocaleString()) }];
  const bands = [];
  const points = { show: list.every(({ columns }) => columns.times.length < FEW) };
  const write = (_, number) => value(number, metric);
  list.forEach(({ label, columns }, number) => {
    const colour = lines[number % lines.length];
    const name = label || (columns.most ? "average" : "value");
    series.push({ label: name, stroke: colour, width: 1.5, value: write, points });
    if (!columns.most) return;
    const at = series.length;
    const hidden = { stroke: "transparent", points: { show: false }, value: write };
    series.push({ ...hidden, label: `${name} most` }, { ...hidden, label: `${name} least` });
    bands.push({ series: [at, at + 1], fill: `${colour}2e` });
  });
  place.replaceChildren();
  return new uPlot({
    width: Math.max(240, place.clientWidth),
    height: HEIGHT,
    series,
    bands,
    axes: [{ ...axis, space: 72 }, { ...axis, size: room, values: (_, ticks) => ticks.map((tick) => short(tick)) }],
    scales: { x: { min: shown.start, max: shown.end }, y: { range: (_, least, most) => range(metric, least, most) } },
    cursor: { sync: { key: "page" }, drag: { x: true, y: false, setScale: false } },
    legend: { live: true },
    hooks: { setSelect: [(chart) => select(chart, onZoom)] },
  }, aligned(list.map((one) => one.columns)), place);
}

// New values in a chart of the same lines; where the cursor is, it stays.
export function update(chart, list, shown) {
  chart.batch(() => {
    chart.setData(aligned(list.map((one) => one.columns)), false);
    chart.setScale("x", { min: shown.start, max: shown.end });
  });
}

// What must be the same for `update`: the lines, their bands, and whether they are of points.
export function shapeOf(list) {
  return JSON.stringify(list.map(({ label, columns }) => [label, Boolean(columns.most), columns.times.length < FEW]));
}

function select(chart, onZoom) {
  const { left, width } = chart.select;
  if (width < 5) return;
  const [start, end] = [chart.posToVal(left, "x"), chart.posToVal(left + width, "x")];
  chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  onZoom(start, end);
}

// A little air above, where the metric can be higher; zero is in view unless values are far from it.
function range(metric, least, most) {
  if (least === null || most === null) return [0, 1];
  const air = (most - least || Math.abs(most) || 1) * 0.1;
  const low = least >= 0 && (least < most * 0.6 || most === 0) ? 0 : least - air;
  return [low, most < metric.maximum ? Math.min(most + air, metric.maximum) : most + air];
}

// As wide as the labels of an axis need, in pixels.
function room(_, labels) {
  return Math.max(64, 20 + 7 * Math.max(...(labels ?? []).map((text) => text.length)));
}

function short(tick) {
  const size = Math.abs(tick);
  if (size >= 1e9) return `${tick / 1e9}G`;
  if (size >= 1e6) return `${tick / 1e6}M`;
  if (size >= 1e4) return `${tick / 1e3}k`;
  return String(Math.round(tick * 1000) / 1000);
}
