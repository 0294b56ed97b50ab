// Colour scales that people with any colour vision can read, and their legend.

// Cividis, by Nuñez, Anderton and Renslow (2018): rises in lightness for everybody.
const CIVIDIS = [
  [0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 92, 109], [112, 113, 115], [138, 134, 120],
  [165, 156, 116], [195, 179, 105], [225, 204, 85], [254, 232, 56],
];

// Of 256 steps, as CSS colours; step 0 is the least.
export const STEPS = Array.from({ length: 256 }, (_, step) => {
  const place = (step / 255) * (CIVIDIS.length - 1);
  const low = Math.min(CIVIDIS.length - 2, Math.floor(place));
  const part = place - low;
  const mix = (channel) => Math.round(CIVIDIS[low][channel] * (1 - part) + CIVIDIS[low + 1][channel] * part);
  return `rgb(${mix(0)} ${mix(1)} ${mix(2)})`;
});

// The step of a value between `least` and `most`; null where there is no value.
export function step(value, least, most) {
  if (!Number.isFinite(value)) return null;
  if (most <= least) return 0;
  return Math.max(0, Math.min(255, Math.round(((value - least) / (most - least)) * 255)));
}

// The colours of lines: Okabe and Ito's, apart for any colour vision, and lighter ones for the dark.
const LINES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8c564b", "#7f7f7f"];
const DARK_LINES = ["#56b4e9", "#ff9f5a", "#4fc79f", "#e3a6c9", "#9ad1f5", "#f5c45e", "#c49a91", "#b4bcc4"];

// What a chart is drawn with in the theme of the moment; `axis` is one of uPlot's.
export function chartStyle() {
  const dark = document.documentElement.dataset.theme === "dark";
  const style = getComputedStyle(document.documentElement);
  const grid = { stroke: style.getPropertyValue("--line"), width: 1 };
  return { lines: dark ? DARK_LINES : LINES, axis: { stroke: style.getPropertyValue("--muted"), grid, ticks: grid } };
}

// States have a colour and a shape of their own, so that neither is needed alone.
export const STATES = {
  reporting: { colour: "#2e8b6e", sign: "" },
  silent: { colour: "#d98e04", sign: "!" },
  lost: { colour: "#b3261e", sign: "×" },
  never_seen: { colour: "#7b8794", sign: "?" },
};
