// The media type of an image as vendors know it: other spellings of it, and what the bytes themselves say.
// It must never judge a type that it does not know.

const spellings: Readonly<Record<string, string>> = {
  "image/jpg": "image/jpeg",
  "image/pjpeg": "image/jpeg",
  "image/jpe": "image/jpeg",
  "image/jfif": "image/jpeg",
  "image/x-png": "image/png",
  "image/apng": "image/png",
};

/** How the base64 of each kind of file begins; vendors refuse an image that is not of the type it is said to be. */
const beginnings: readonly (readonly [start: string, type: string])[] = [
  ["/9j/", "image/jpeg"],
  ["iVBORw0KGgo", "image/png"],
  ["R0lGOD", "image/gif"],
  ["UklGR", "image/webp"],
];

export function mediaTypeOf(said: string, base64: string): string {
  const type = said.toLowerCase();
  const seen = beginnings.find(([start]) => base64.startsWith(start))?.[1];
  return seen ?? spellings[type] ?? type;
}
