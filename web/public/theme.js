// Runs before the first paint so that a dark console does not flash white. A file of its own because the
// content security policy allows no inline script.
(function applyTheme() {
  var chosen = null;
  try {
    chosen = window.localStorage.getItem("patchbay.theme");
  } catch {
    // Storage may be blocked; the system's theme is then the theme.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
