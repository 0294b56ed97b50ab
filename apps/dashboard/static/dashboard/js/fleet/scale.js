// The ends of a metric's colour scale: what GPUs do, not what the registry allows.

const ENDS = {
  temperature: [20, 95], memory_temperature: [20, 110], power_draw: [0, 700], sm_clock_mhz: [0, 2000], memory_clock_mhz: [0, 3000],
};
// Its end is the memory that a GPU has.
const MEMORY = ["memory_used_mib", "memory_free_mib"];

// {least, most}; wider where a GPU of this fleet does more.
export function scaleOf(metric, fleet) {
  if (MEMORY.includes(metric.name)) return { least: 0, most: wholeMemory(fleet) };
  const [least, most] = ENDS[metric.name] ?? [metric.minimum ?? 0, metric.maximum ?? 100];
  return { least, most: metric.name in ENDS ? Math.max(most, fleet.highest(metric.name)) : most };
}

function wholeMemory(fleet) {
  let most = 1024;
  for (const gpu of fleet.gpus.values()) most = Math.max(most, (gpu.memory_used_mib ?? 0) + (gpu.memory_free_mib ?? 0));
  return most;
}
