// Which OpenClaw an instance runs, and what its config may say: the shape of our entry follows from it. It must never guess from
// anything but a version that OpenClaw itself wrote or printed.

/** "current": OpenClaw 2026.9 and later; "older": what came before it. */
export type ConfigShape = "current" | "older";

type OpenclawVersion = readonly [year: number, month: number, patch: number];

/** The first version in a text such as `OpenClaw 2026.9.6 (eb377ac)`; null: there is none. */
export function versionIn(text: string): string | null {
  return /(?:^|[^\d.])(20\d\d\.\d{1,2}\.\d{1,3}(?:-[0-9A-Za-z.]+)?)(?![\d.])/.exec(text)?.[1] ?? null;
}

function numbersOf(version: string): OpenclawVersion | null {
  const [, year, month, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  return year === undefined || month === undefined || patch === undefined
    ? null
    : [Number(year), Number(month), Number(patch)];
}

/** Unknown versions count as recent: an old one writes its version into its config. */
function isBefore(version: string | null, year: number, month: number): boolean {
  const numbers = version === null ? null : numbersOf(version);
  if (numbers === null) return false;
  return numbers[0] < year || (numbers[0] === year && numbers[1] < month);
}

export const shapeFor = (version: string | null): ConfigShape =>
  isBefore(version, 2026, 9) ? "older" : "current";

/** The bundled plugin `clawrouter` came with 2026.7. */
export const hasClawrouter = (version: string | null): boolean => !isBefore(version, 2026, 7);

/** What OpenClaw notes in its own config. */
export function writtenVersion(config: Readonly<Record<string, unknown>>): string | null {
  const meta = config["meta"];
  if (typeof meta !== "object" || meta === null || !("lastTouchedVersion" in meta)) return null;
  const { lastTouchedVersion: written } = meta;
  return typeof written === "string" ? versionIn(written) : null;
}
