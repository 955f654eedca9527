// What the shell gives to a page.

import type { Place } from "./location.ts";

export type PageProps = {
  readonly place: Place;
  /** What the address holds below the page's own, decoded: ["01J…"] of /dashboard/requests/01J… */
  readonly rest: readonly string[];
};
