// The fleet as the page knows it: GPUs with their newest values, and what is computed from them.

// A GPU that computes draws more than this share of its highest seen board power; one that does not
// is waiting for something, whatever its utilisation says.
const BUSY_PERCENT = 90;
const LOW_POWER_W = 200;
const HELD_MIB = 1024;
const LISTED = 8;

export class Fleet {
  constructor() {
    this.gpus = new Map();
  }

  // Takes rows of the API or of the live stream; each has a `uuid`, and what it leaves out stays.
  merge(rows) {
    for (const row of rows) {
      const known = this.gpus.get(row.uuid);
      if (known) Object.assign(known, row);
      else this.gpus.set(row.uuid, { ...row });
    }
  }

  get size() {
    return this.gpus.size;
  }

  // The hosts with the GPUs that match, in order: [{name, cluster, gpus: […]}].
  hosts(filter, order) {
    const hosts = new Map();
    for (const gpu of this.gpus.values()) {
      if (!matches(gpu, filter)) continue;
      const key = `${gpu.cluster}/${gpu.hostname}`;
      let host = hosts.get(key);
      if (!host) hosts.set(key, (host = { key, name: gpu.hostname, cluster: gpu.cluster, gpus: [] }));
      host.gpus.push(gpu);
    }
    const list = [...hosts.values()];
    for (const host of list) host.gpus.sort((a, b) => a.gpu_id - b.gpu_id || compare(a.uuid, b.uuid));
    return list.sort(orderOf(order));
  }
}

const compare = (a, b) => a.localeCompare(b, undefined, { numeric: true });

function matches(gpu, filter) {
  return (
    (!filter.cluster || gpu.cluster === filter.cluster) &&
    (!filter.model || gpu.model_name === filter.model) &&
    (!filter.state || gpu.state === filter.state) &&
    (!filter.text ||
      `${gpu.hostname} ${gpu.uuid} ${gpu.model_name}`.toLowerCase().includes(filter.text.toLowerCase()))
  );
}

// By host, or by a metric: the host with the highest value first.
function orderOf({ sort }) {
  const byName = (a, b) => compare(a.cluster, b.cluster) || compare(a.name, b.name);
  if (!sort || sort === "host") return byName;
  const highest = (host) => Math.max(...host.gpus.map((gpu) => gpu[sort] ?? -Infinity));
  return (a, b) => highest(b) - highest(a) || byName(a, b);
}

// Sums over GPUs; a value that was not reported adds nothing.
export function totals(gpus) {
  const sum = { gpus: 0, reporting: 0, power_w: 0, used_mib: 0, total_mib: 0, utilization: 0, utilized: 0 };
  for (const gpu of gpus) {
    sum.gpus += 1;
    if (gpu.state !== "reporting") continue; // what it reported once is not what it does now
    sum.reporting += 1;
    sum.power_w += gpu.power_draw ?? 0;
    sum.used_mib += gpu.memory_used_mib ?? 0;
    sum.total_mib += (gpu.memory_used_mib ?? 0) + (gpu.memory_free_mib ?? 0);
    if (gpu.gpu_utilization !== null && gpu.gpu_utilization !== undefined) {
      sum.utilization += gpu.gpu_utilization;
      sum.utilized += 1;
    }
  }
  return { ...sum, mean: sum.utilized ? sum.utilization / sum.utilized : null };
}

// What operators act on: [{title, why, metric, gpus, count}].
export function findings(gpus) {
  const live = gpus.filter((gpu) => gpu.state === "reporting");
  return [
    list("Silent", "no sample when one was due", "timestamp",
      gpus.filter((gpu) => gpu.state && gpu.state !== "reporting"),
      (a, b) => compare(a.timestamp ?? "", b.timestamp ?? "")),
    list("Hottest", "highest core temperature", "temperature",
      live.filter((gpu) => gpu.temperature > 0), (a, b) => b.temperature - a.temperature),
    list("Looks busy, is not", `utilisation of ${BUSY_PERCENT} % or more at less than ${LOW_POWER_W} W`,
      "power_draw",
      live.filter((gpu) => gpu.gpu_utilization >= BUSY_PERCENT && gpu.power_draw !== null && gpu.power_draw < LOW_POWER_W),
      (a, b) => a.power_draw - b.power_draw),
    list("Holds memory, does nothing", "more than 1 GiB in use at 0 % utilisation", "memory_used_mib",
      live.filter((gpu) => gpu.gpu_utilization === 0 && gpu.memory_used_mib > HELD_MIB),
      (a, b) => b.memory_used_mib - a.memory_used_mib),
  ];
}

function list(title, why, metric, found, order) {
  return { title, why, metric, count: found.length, gpus: found.sort(order).slice(0, LISTED) };
}
