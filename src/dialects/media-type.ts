// The media type of an image as vendors know it: normalizes aliases and checks the bytes themselves. It must never
// judge a type that it does not know.

const spellings: Readonly<Record<string, string>> = {
  "image/jpg": "image/jpeg",
  "image/pjpeg": "image/jpeg",
  "image/jpe": "image/jpeg",
  "image/jfif": "image/jpeg",
  "image/x-png": "image/png",
  "image/apng": "image/png",
};

/** How the base64 of each file type begins; vendors refuse an image whose type differs from the named one. */
const beginnings: readonly (readonly [start: string, type: string])[] = [
  ["/9j/", "image/jpeg"],
  ["iVBORw0KGgo", "image/png"],
  ["R0lGOD", "image/gif"],
  ["UklGR", "image/webp"],
];

/** Type names that vendors refuse, quoted as in a body, for formats whose bodies contain the bare type. */
export const refusedTypeWords: readonly Buffer[] = [
  ...Object.keys(spellings),
  "image/JPG",
  "image/JPEG",
  "image/PNG",
  "IMAGE/JPG",
  "IMAGE/JPEG",
  "IMAGE/PNG",
].map((type) => Buffer.from(`"${type}"`));

export function mediaTypeOf(declared: string, base64: string): string {
  const [named = ""] = declared.split(";", 1);
  const type = named.trim().toLowerCase();
  const seen = beginnings.find(([start]) => base64.startsWith(start))?.[1];
  return seen ?? spellings[type] ?? type;
}
