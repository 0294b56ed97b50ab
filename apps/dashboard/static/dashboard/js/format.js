// Numbers with their units, and times in the viewer's zone.

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const one = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

const MEGAJOULE = 1e9;
const joules = new Intl.NumberFormat(undefined, { minimumFractionDigits: 3, maximumFractionDigits: 3 });

export const NOTHING = "–";

// A value of a metric of the registry (`{unit, kind}`), as people write it.
export function value(number, metric) {
  if (number === null || number === undefined) return NOTHING;
  if (metric?.kind === "bitmask") return `0x${number.toString(16)}`;
  if (metric?.unit === "mJ" && number >= MEGAJOULE) return `${joules.format(number / MEGAJOULE)} MJ`;
  const text = Math.abs(number) < 100 ? one.format(number) : whole.format(number);
  return metric?.unit ? `${text} ${metric.unit}` : text;
}

const CAPITALS = new Set(["gpu", "sm", "xid", "ecc", "sbe", "dbe", "pcie"]);

// "gpu_utilization" as "GPU utilization", "memory_used_mib" as "Memory used".
export function label(metric) {
  const words = metric.name.replace(/_(mib|mhz|mj|total)$/, "").split("_");
  const written = words.map((word) => (CAPITALS.has(word) ? word.toUpperCase() : word)).join(" ");
  return written[0].toUpperCase() + written.slice(1);
}

export const count = (number) => whole.format(number);

export function watts(number) {
  if (number === null || number === undefined) return NOTHING;
  return number >= 10_000 ? `${one.format(number / 1000)} kW` : `${whole.format(number)} W`;
}

export function mebibytes(number) {
  if (number === null || number === undefined) return NOTHING;
  return number >= 1 << 20 ? `${one.format(number / (1 << 20))} TiB`
    : number >= 1024 ? `${one.format(number / 1024)} GiB` : `${whole.format(number)} MiB`;
}

export function bytes(number) {
  return mebibytes(number / (1 << 20));
}

// "14 s", "3 min", "5 h", "2 d": how long ago.
export function age(at, now = Date.now()) {
  const seconds = Math.max(0, (now - Date.parse(at)) / 1000);
  if (seconds < 90) return `${whole.format(seconds)} s`;
  if (seconds < 5400) return `${whole.format(seconds / 60)} min`;
  if (seconds < 129_600) return `${whole.format(seconds / 3600)} h`;
  return `${whole.format(seconds / 86_400)} d`;
}

// A <time> in the viewer's zone, with UTC on hover.
export function time(at, short = false) {
  const element = document.createElement("time");
  if (!at) {
    element.textContent = NOTHING;
    return element;
  }
  const date = new Date(at);
  element.dateTime = date.toISOString();
  element.title = `${date.toISOString().replace("T", " ").replace("Z", "")} UTC`;
  element.textContent = (short ? clock : moment).format(date);
  return element;
}
