// Light or dark: the system's choice until the viewer makes one. The only thing that the dashboard keeps in the browser.

export type Theme = "system" | "light" | "dark";

const key = "clawgate-theme";
const themes: readonly Theme[] = ["system", "light", "dark"];

export function savedTheme(): Theme {
  try {
    return themes.find((each) => each === localStorage.getItem(key)) ?? "system";
  } catch {
    // Storage can be switched off in the browser.
    return "system";
  }
}

export function applyTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

export function saveTheme(theme: Theme): void {
  applyTheme(theme);
  try {
    localStorage.setItem(key, theme);
  } catch {
    // It holds until the page is closed.
  }
  dispatchEvent(new Event("clawgate:theme"));
}

export const themeAfter = (theme: Theme): Theme =>
  themes[(themes.indexOf(theme) + 1) % themes.length] ?? "system";
