// A page's charts, one per metric that was reported, all over the same window.

import { label as nameOf } from "../format.js";
import { h, showEmpty, showError } from "../page.js";
import { draw, shapeOf, update } from "./chart.js";
import { clockOf, columns, isEmpty } from "./series.js";

const HOUR_S = 3600;

export class Charts {
  constructor(place, onZoom) {
    Object.assign(this, { place, onZoom, charts: new Map(), shape: null, shown: null, lines: [], metrics: [] });
    addEventListener("themechange", () => this.forget().redraw());
    let due = null;
    new ResizeObserver(() => {
      clearTimeout(due);
      due = setTimeout(() => this.resize(), 100);
    }).observe(place);
  }

  // `lines`: [{label, rows}]; the rows of each are in order of time. `lastSeen` is where to look if
  // there are none.
  show(metrics, lines, shown, lastSeen) {
    Object.assign(this, { metrics, lines, shown, lastSeen });
    this.redraw();
  }

  redraw() {
    const clocks = this.lines.map(({ rows }) => clockOf(rows));
    const found = this.metrics
      .map((metric) => ({ metric, list: this.lines.map(({ label, rows }, number) => ({ label, columns: columns(rows, clocks[number], metric.name) })) }))
      .map(({ metric, list }) => ({ metric, list: list.filter((one) => !isEmpty(one.columns)) }))
      .filter(({ list }) => list.length);
    const shape = JSON.stringify(found.map(({ metric, list }) => [metric.name, shapeOf(list)]));
    if (found.length && shape === this.shape) {
      for (const { metric, list } of found) update(this.charts.get(metric.name), list, this.shown);
      return;
    }
    this.forget();
    if (!found.length) {
      showEmpty(this.place, "Nothing was reported in this window. Choose a longer one, or another time.");
      if (this.lastSeen) this.place.lastChild.append(this.lastButton());
      return;
    }
    this.begin(found);
    this.shape = shape;
  }

  begin(found) {
    const cards = found.map(({ metric }) => {
      const unit = metric.kind === "counter" ? perSecond(metric, this.lines) : metric.unit;
      return h("section", { class: "card chart", "data-metric": metric.name },
        h("h2", { title: metric.description }, nameOf(metric), h("span", { class: "muted" }, unit ? ` ${unit}` : "")), h("div", {}));
    });
    this.place.replaceChildren(...cards);
    found.forEach(({ metric, list }, number) => {
      this.charts.set(metric.name, draw(cards[number].lastChild, metric, list, this.shown, this.onZoom));
    });
  }

  // The next drawing begins anew.
  forget() {
    for (const chart of this.charts.values()) chart.destroy();
    this.charts.clear();
    this.shape = null;
    return this;
  }

  // Instead of charts: what went wrong.
  fail(error, again) {
    this.forget();
    showError(this.place, error, again);
  }

  lastButton() {
    const last = Date.parse(this.lastSeen) / 1000;
    return h("button", { type: "button", onclick: () => this.onZoom(last - HOUR_S, last + 1) }, "Show the last hour that it reported");
  }

  resize() {
    for (const chart of this.charts.values()) {
      const width = chart.root.parentElement.clientWidth;
      if (Math.abs(width - chart.width) > 1) chart.setSize({ width, height: chart.height });
    }
  }
}

// Aggregated counters are drawn as what they grow per second.
function perSecond(metric, lines) {
  const rated = lines.some(({ rows }) => rows.some((row) => row[metric.name]?.rate !== undefined));
  return rated ? `${metric.unit}/s` : metric.unit;
}
