// What was typed into the config's editor, while the viewer looks at another page of the dashboard. It is gone with the page.

import { createContext } from "preact";

export type Draft = {
  /** Of the file that the text began as. */
  readonly etag: string;
  readonly text: string;
};

/** The entry of the program gives the pages one of these. Null: nothing was typed. */
export type KeptDraft = { draft: Draft | null };

export const DraftContext = createContext<KeptDraft>({ draft: null });
