// Where the viewer is: path and query of the address bar. Everything that a page can show is in it, so that a view can be sent to a
// colleague, and Back goes to the view before.

import { useLayoutEffect, useState } from "preact/hooks";

export const home = "/dashboard";

export type Place = { readonly path: string; readonly query: URLSearchParams };
export type QueryChanges = Readonly<Record<string, string | null>>;

const placeNow = (): Place => ({
  path: location.pathname.replace(/\/+$/, "") || home,
  query: new URLSearchParams(location.search),
});

const changed = "clawgate:place";
const arriving = "clawgate:arriving";

/** True once for a place that a link led to; never for Back, which keeps its place on the page. */
export function hasJustArrived(): boolean {
  const isNew = history.state === arriving;
  if (isNew) history.replaceState(null, "");
  return isNew;
}

/** `replaces`: no step of its own for Back. */
export function navigate(address: string, replaces = false): void {
  if (replaces) history.replaceState(null, "", address);
  else history.pushState(arriving, "", address);
  dispatchEvent(new Event(changed));
}

/** An address with some of its query changed; null takes a key away. */
export function addressWith({ path, query }: Place, changes: QueryChanges): string {
  const next = new URLSearchParams(query);
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === "") next.delete(key);
    else next.set(key, value);
  }
  const text = next.toString();
  return text === "" ? path : `${path}?${text}`;
}

export function usePlace(): Place {
  const [place, setPlace] = useState(placeNow);
  // Before the first picture: a link that is followed at once must be heard.
  useLayoutEffect(() => {
    const update = (): void => setPlace(placeNow());
    addEventListener("popstate", update);
    addEventListener(changed, update);
    return () => {
      removeEventListener("popstate", update);
      removeEventListener(changed, update);
    };
  }, []);
  return place;
}

/** The range goes along from page to page, the other filters do not. */
export function withRange(path: string, query: URLSearchParams): string {
  const kept = new URLSearchParams();
  for (const key of ["from", "to"]) {
    const value = query.get(key);
    if (value !== null) kept.set(key, value);
  }
  return kept.size === 0 ? path : `${path}?${kept.toString()}`;
}

/** An id or a name as one segment of a path. */
export const segment = (name: string): string => encodeURIComponent(name);
