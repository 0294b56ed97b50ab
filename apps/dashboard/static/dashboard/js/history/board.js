// A page's charts, one per metric that was reported, all over the same window.

import { label as nameOf } from "../format.js";
import { h, showEmpty } from "../page.js";
import { draw } from "./chart.js";
import { columns, isEmpty } from "./series.js";

const HOUR_S = 3600;

export class Charts {
  constructor(place, onZoom) {
    Object.assign(this, { place, onZoom, charts: new Map(), shown: null, lines: [], metrics: [] });
    addEventListener("themechange", () => this.redraw());
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
    const found = this.metrics
      .map((metric) => ({ metric, list: this.lines.map(({ label, rows }) => ({ label, columns: columns(rows, metric.name) })) }))
      .map(({ metric, list }) => ({ metric, list: list.filter((one) => !isEmpty(one.columns)) }))
      .filter(({ list }) => list.length);
    for (const chart of this.charts.values()) chart.destroy();
    this.charts.clear();
    if (!found.length) {
      showEmpty(this.place, "Nothing was reported in this window. Choose a longer one, or another time.");
      if (this.lastSeen) this.place.lastChild.append(this.lastButton());
      return;
    }
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
