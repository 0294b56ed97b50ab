// What the fleet page says in words: totals, the lists that operators act on, the legend, and the facts
// of the cell under the pointer.

import { STATES, STEPS } from "../colours.js";
import { age, count, label, mebibytes, NOTHING, value, watts } from "../format.js";
import { badge, h, morph, showTiles } from "../page.js";

export function showTotals(place, sum) {
  const known = sum.known || !sum.gpus;
  showTiles(place, [
    [known ? `${count(sum.reporting)} of ${count(sum.gpus)}` : NOTHING, "GPUs reporting", "Of those that the filters leave."],
    [known ? count(sum.gpus - sum.reporting) : NOTHING, "not reporting", "Silent, lost or never seen. Their last values are in no total."],
    [watts(sum.reporting ? sum.power_w : null), "power", "Sum of the GPUs that report."],
    [sum.total_mib ? `${mebibytes(sum.used_mib)} of ${mebibytes(sum.total_mib)}` : NOTHING, "memory in use", "Of the GPUs that report."],
    [sum.mean === null ? NOTHING : `${sum.mean.toFixed(1)} %`, "mean utilisation", "Of the GPUs that report it."],
  ]);
}

// `now` in milliseconds: the moment that is shown. `hrefOf(gpu)` is where a GPU's page is.
export function showFindings(place, lists, { metricOf, hrefOf, now }) {
  const figure = (list, gpu) => (list.metric !== "timestamp" ? value(gpu[list.metric], metricOf(list.metric))
    : gpu.timestamp ? `${age(gpu.timestamp, now)} ago` : "never");
  morph(place, ...lists.map((list) =>
    h("section", { class: "card" },
      h("h2", {}, `${list.title} `, h("span", { class: "muted" }, count(list.count))),
      h("p", { class: "muted why" }, list.why),
      list.gpus.length
        ? h("ul", {}, ...list.gpus.map((gpu) => h("li", {}, h("a", { class: "name", href: hrefOf(gpu) }, `${gpu.hostname} · ${gpu.gpu_id}`),
            h("span", { class: "number" }, figure(list, gpu)))))
        : h("p", { class: "muted" }, "None."))));
}

// `metric` is null where cells are coloured by state.
export function showLegend(place, metric, ends) {
  if (!metric) {
    place.replaceChildren(...Object.entries(STATES).map(([name, { colour, sign }]) => key(colour, name.replace("_", " "), sign)));
    return;
  }
  const ramp = h("span", { class: "ramp" });
  ramp.style.background = `linear-gradient(to right, ${[0, 64, 128, 192, 255].map((at) => STEPS[at]).join(",")})`;
  place.replaceChildren(value(ends.least, metric), ramp, value(ends.most, metric), key("var(--empty)", "not reported"),
    ...Object.entries(STATES).filter(([, { sign }]) => sign).map(([name, { colour, sign }]) => key(colour, name.replace("_", " "), sign)));
}

function key(colour, text, sign = "") {
  const swatch = h("i", {}, sign);
  if (sign) swatch.style.border = `2px solid ${colour}`;
  else swatch.style.background = colour;
  return h("span", { class: "key" }, swatch, text);
}

// `at` is a point of the window beside which there is room.
export function showTip(tip, gpu, { metrics, chosen, now }, at) {
  tip.hidden = !gpu;
  if (!gpu) return;
  morph(tip, h("b", { class: "name" }, `${gpu.hostname} · GPU ${gpu.gpu_id}`), h("span", { class: "name" }, gpu.model_name ?? ""),
    h("span", {}, ...[badge(gpu.state)].filter(Boolean), gpu.timestamp ? ` ${age(gpu.timestamp, now)} ago` : " no sample"),
    ...metrics.map((metric) => h("span", metric.name === chosen ? { class: "chosen" } : {}, `${label(metric)}: ${value(gpu[metric.name], metric)}`)));
  const left = Math.max(4, Math.min(at.x + 14, innerWidth - tip.offsetWidth - 8));
  const top = Math.max(4, Math.min(at.y + 14, innerHeight - tip.offsetHeight - 8));
  tip.style.transform = `translate(${left}px, ${top}px)`;
}
