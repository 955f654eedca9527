// The one stretch of text that an edit replaced, with a little of what stood around it, so that it can be put back byte for byte even
// where the rest of the file has changed since.

export type Hunk = {
  /** Its position in the text after the edit. */
  readonly at: number;
  readonly removed: string;
  readonly inserted: string;
  readonly left: string;
  readonly right: string;
};

const contextLength = 80;
/** More places than this are not compared: a text that is so uniform cannot tell them apart. */
const mostPlaces = 2_000;

export function hunkBetween(before: string, after: string): Hunk {
  const most = Math.min(before.length, after.length);
  let at = 0;
  while (at < most && before[at] === after[at]) at += 1;
  let end = 0;
  while (end < most - at && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return {
    at,
    removed: before.slice(at, before.length - end),
    inserted: after.slice(at, after.length - end),
    left: after.slice(Math.max(0, at - contextLength), at),
    right: after.slice(after.length - end, after.length - end + contextLength),
  };
}

/**
 * The text with the hunk taken back where it fits best; null: what was inserted is not there any more. `isWhole`: all that stood around
 * it still does.
 */
export function reversed(
  text: string,
  hunk: Hunk,
): { readonly text: string; readonly isWhole: boolean } | null {
  const { at, removed, inserted, left, right } = hunk;
  let best: { readonly place: number; readonly score: number } | null = null;
  for (const place of placesOf(text, hunk)) {
    const score = sameBefore(text, place, left) + sameAfter(text, place + inserted.length, right);
    const isNearer = best !== null && Math.abs(place - at) < Math.abs(best.place - at);
    if (best === null || score > best.score || (score === best.score && isNearer)) best = { place, score };
  }
  if (best === null) return null;
  const rest = text.slice(best.place + inserted.length);
  // The last line had no line break, and the user has added lines since: they must not be joined.
  const isJoined = right === "" && rest !== "" && best.place > 0 && text[best.place - 1] !== "\n";
  const lineBreak = isJoined ? (/^\r?\n/.exec(inserted)?.[0] ?? "") : "";
  return {
    text: text.slice(0, best.place) + removed + lineBreak + rest,
    isWhole: best.score === left.length + right.length,
  };
}

function placesOf(text: string, { at, inserted, left, right }: Hunk): readonly number[] {
  const places: number[] = [];
  // Where nothing was inserted, only what stood around it tells the place.
  const [near, after] = inserted === "" ? [left.slice(-20), right.slice(0, 20)] : ["", ""];
  const wanted = near + inserted + after;
  if (wanted === "") return text === "" ? [0] : [];
  for (let from = text.indexOf(wanted); from >= 0 && places.length < mostPlaces;) {
    places.push(from + near.length);
    from = text.indexOf(wanted, from + 1);
  }
  if (text.startsWith(inserted, at) && !places.includes(at) && inserted !== "") places.push(at);
  return places;
}

function sameBefore(text: string, end: number, wanted: string): number {
  let same = 0;
  while (same < wanted.length && text[end - 1 - same] === wanted.at(-1 - same)) same += 1;
  return same;
}

function sameAfter(text: string, from: number, wanted: string): number {
  let same = 0;
  while (same < wanted.length && text[from + same] === wanted[same]) same += 1;
  return same;
}
