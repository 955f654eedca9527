// The browser's entry: applies the theme before the first picture, then draws the shell.

import { render } from "preact";
import { DraftContext } from "./operator/config-draft.ts";
import { Shell } from "./shell.tsx";
import { applyTheme, savedTheme } from "./theme.ts";

applyTheme(savedTheme());
const root = document.querySelector("#app");
if (root !== null)
  render(
    <DraftContext.Provider value={{ draft: null }}>
      <Shell />
    </DraftContext.Provider>,
    root,
  );
