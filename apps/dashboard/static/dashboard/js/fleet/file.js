// The GPUs of an uploaded file alone, as the upload page links to them.

import { get } from "../api.js";
import { byId, h, showError } from "../page.js";

// Their UUIDs, null without such a file; the page says whose they are. `onAll()` when all are wanted again.
export async function gpusOf(id, onAll) {
  if (!id) return null;
  try {
    const { filename, gpus } = await get(`csv/uploads/${encodeURIComponent(id)}`);
    byId("file").replaceChildren(h("div", { class: "notice row" }, h("span", {}, "Only GPUs of the file ", h("b", { class: "name" }, filename)),
      h("button", { type: "button", onclick: onAll }, "Show all")));
    return new Set(gpus);
  } catch (error) {
    showError(byId("file"), error);
    return null;
  }
}
