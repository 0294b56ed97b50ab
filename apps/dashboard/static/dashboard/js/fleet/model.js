// The fleet as the page knows it: GPUs with their newest values, and what is computed from them.

// At such utilisation a GPU that computes draws far more than this: one that does not waits for
// something, whatever its utilisation says.
const BUSY_PERCENT = 90;
const LOW_POWER_W = 200;
const HELD_MIB = 1024;
const LISTED = 8;

const collator = new Intl.Collator(undefined, { numeric: true });

export class Fleet {
  constructor() {
    this.gpus = new Map();
  }

  // Takes rows of the live stream; each has a `uuid`, and what it leaves out stays.
  merge(rows) {
    for (const row of rows) {
      const known = this.gpus.get(row.uuid);
      if (known) Object.assign(known, row);
      else this.gpus.set(row.uuid, { ...row });
    }
  }

  // Takes the whole list; a GPU is as it says, unless the stream has told newer values meanwhile.
  // What is not in it is gone, but for GPUs whose newest sample is from `since` (RFC 3339) on.
  take(rows, since) {
    const listed = new Set();
    for (const row of rows) {
      listed.add(row.uuid);
      const known = this.gpus.get(row.uuid);
      if (!known) this.gpus.set(row.uuid, { ...row });
      else if ((known.timestamp ?? "") <= row.timestamp) Object.assign(known, row);
      else Object.assign(known, { model_name: row.model_name, device: row.device, state: row.state });
    }
    for (const [uuid, gpu] of this.gpus) {
      if (!listed.has(uuid) && !(gpu.timestamp >= since)) this.gpus.delete(uuid);
    }
  }

  get size() {
    return this.gpus.size;
  }

  // The different values of a fact, in order.
  distinct(fact) {
    const found = new Set();
    for (const gpu of this.gpus.values()) if (gpu[fact]) found.add(gpu[fact]);
    return [...found].sort(collator.compare);
  }

  // The highest value of a metric, 0 where there is none.
  highest(metric) {
    let highest = 0;
    for (const gpu of this.gpus.values()) if (gpu[metric] > highest) highest = gpu[metric];
    return highest;
  }

  // The hosts with the GPUs that match, in order: [{name, cluster, gpus: […]}].
  hosts(filter) {
    const hosts = new Map();
    for (const gpu of this.gpus.values()) {
      if (!matches(gpu, filter)) continue;
      const key = `${gpu.cluster}/${gpu.hostname}`;
      let host = hosts.get(key);
      if (!host) hosts.set(key, (host = { name: gpu.hostname, cluster: gpu.cluster, gpus: [] }));
      host.gpus.push(gpu);
    }
    const list = [...hosts.values()];
    for (const host of list) host.gpus.sort((a, b) => a.gpu_id - b.gpu_id || collator.compare(a.uuid, b.uuid));
    return list.sort(orderOf(list, filter.sort));
  }
}

function matches(gpu, filter) {
  return (
    (!filter.cluster || gpu.cluster === filter.cluster) &&
    (!filter.model || gpu.model_name === filter.model) &&
    (!filter.only || filter.only.has(gpu.uuid)) &&
    (!filter.state || gpu.state === filter.state) &&
    (!filter.text ||
      `${gpu.hostname} ${gpu.uuid} ${gpu.model_name}`.toLowerCase().includes(filter.text.toLowerCase()))
  );
}

// By host, or by a metric: the host with the highest value first.
function orderOf(hosts, sort) {
  const byName = (a, b) => collator.compare(a.cluster, b.cluster) || collator.compare(a.name, b.name);
  if (!sort || sort === "host") return byName;
  const highest = new Map(hosts.map((host) => [host, Math.max(...host.gpus.map((gpu) => gpu[sort] ?? -1e300))]));
  return (a, b) => highest.get(b) - highest.get(a) || byName(a, b);
}

// Sums over GPUs; a value that was not reported adds nothing. `known` tells whether states are.
export function totals(gpus) {
  const sum = { gpus: 0, known: 0, reporting: 0, power_w: 0, used_mib: 0, total_mib: 0, utilization: 0, utilized: 0 };
  for (const gpu of gpus) {
    sum.gpus += 1;
    if (gpu.state) sum.known += 1;
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

// What operators act on: [{title, why, metric, gpus, count}]; `gpus` are the first of them.
export function findings(gpus) {
  const live = gpus.filter((gpu) => gpu.state === "reporting");
  return [
    list("Silent", "No sample when one was due; longest first.", "timestamp",
      gpus.filter((gpu) => gpu.state && gpu.state !== "reporting"), (gpu) => -Date.parse(gpu.timestamp ?? 0)),
    list("Hottest", "Highest core temperature.", "temperature",
      live.filter((gpu) => gpu.temperature > 0), (gpu) => gpu.temperature),
    list("Looks busy, is not", `Utilisation of ${BUSY_PERCENT} % or more at less than ${LOW_POWER_W} W.`, "power_draw",
      live.filter((gpu) => gpu.gpu_utilization >= BUSY_PERCENT && gpu.power_draw !== null && gpu.power_draw < LOW_POWER_W),
      (gpu) => -gpu.power_draw),
    list("Holds memory, does nothing", "More than 1 GiB in use at 0 % utilisation.", "memory_used_mib",
      live.filter((gpu) => gpu.gpu_utilization === 0 && gpu.memory_used_mib > HELD_MIB), (gpu) => gpu.memory_used_mib),
  ];
}

function list(title, why, metric, found, weight) {
  return { title, why, metric, count: found.length, gpus: heaviest(found, weight) };
}

// The first few by weight, without sorting ten thousand of them; equal ones in the order given.
function heaviest(found, weight) {
  const best = [];
  for (const gpu of found) {
    const own = weight(gpu);
    if (best.length === LISTED && own <= best.at(-1).own) continue;
    const place = best.findIndex((one) => one.own < own);
    best.splice(place < 0 ? best.length : place, 0, { own, gpu });
    best.length = Math.min(best.length, LISTED);
  }
  return best.map((one) => one.gpu);
}
