// What a system without POSIX (Windows) lacks is said in words: such a feature is refused there, and never fails in the middle.

/** Null where it can be had. */
export function missingPosix(what: string, platform: NodeJS.Platform = process.platform): string | null {
  if (platform !== "win32") return null;
  return `${what} needs Linux or macOS; on Windows it works inside WSL, with the Linux build of ClawGate`;
}
