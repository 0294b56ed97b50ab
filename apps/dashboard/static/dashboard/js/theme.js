// Light or dark: as the system says until somebody chooses. Runs before the first paint.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {
    // Where pages may store nothing, a choice lasts as long as its page.
  }
  // The admin keeps its choice under the same name, and "auto" is none.
  if (!["light", "dark"].includes(chosen)) chosen = null;
  const show = () => {
    root.dataset.theme = chosen ?? (system.matches ? "dark" : "light");
    dispatchEvent(new Event("themechange"));
  };
  system.addEventListener("change", show);
  show();
  addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", () => {
      chosen = root.dataset.theme === "dark" ? "light" : "dark";
      show();
      try {
        localStorage.setItem("theme", chosen);
      } catch {
        // As above.
      }
    });
  });
})();
