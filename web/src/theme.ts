export type Theme = "system" | "light" | "dark";

/** The same key as in `public/theme.js`, which applies the theme before the first paint. */
const KEY = "patchbay.theme";

export function chosenTheme(): Theme {
  try {
    const stored = window.localStorage.getItem(KEY);
    return stored === "light" || stored === "dark" ? stored : "system";
  } catch {
    return "system";
  }
}

export function chooseTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  try {
    if (theme === "system") window.localStorage.removeItem(KEY);
    else window.localStorage.setItem(KEY, theme);
  } catch {
    // Blocked storage: the choice lasts until the page is closed.
  }
}
