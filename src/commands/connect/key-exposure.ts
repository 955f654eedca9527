// Who else could read a key that is written into a client's file: other users of the machine by its mode, and everybody who gets the
// repository that it lies in. Git is only asked; nothing of the repository's own settings is started by that.

import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { ConnectionPlan } from "../../connect/connection.ts";
import { errorCode } from "../../system/files.ts";
import { findOnPath, runCommand } from "../../system/process.ts";
import type { Environment } from "../../system/state-directory.ts";

const othersMayRead = 0o077;
const limitMs = 5_000;

/** A sentence for each file that others could read the key in. `key`: as it stands in the planned texts. */
export async function keyExposures(
  { changes }: Pick<ConnectionPlan, "changes">,
  key: string,
  environment: Environment,
): Promise<readonly string[]> {
  const holding = changes.filter(({ after }) => after?.includes(key) === true);
  const sentences = await Promise.all(
    holding.map(async ({ file: { realPath, mode } }) => {
      const ways = [
        ...(mode !== null && (mode & othersMayRead) !== 0 ? [modeSentence(realPath, mode)] : []),
        await repositorySentence(realPath, environment),
      ];
      return ways.flatMap((each) => (each === null ? [] : [each]));
    }),
  );
  return sentences.flat();
}

const modeSentence = (path: string, mode: number): string =>
  `${path} holds a key and others may read it (mode ${mode.toString(8).padStart(4, "0")}): \`chmod 600\` it`;

async function repositorySentence(path: string, environment: Environment): Promise<string | null> {
  const top = repositoryOf(path);
  if (top === null) return null;
  const inside = `${path} holds a key and lies in the git repository ${top}`;
  const git = findOnPath("git", environment["PATH"]);
  if (git === null) return `${inside}: keep it out of commits`;
  // Without a colon at its beginning, which git would take for more than a name.
  const name = `./${relative(top, path)}`;
  const ask = (...args: readonly string[]): Promise<number | null> => exitOf(git, top, { args, environment });
  if ((await ask("--literal-pathspecs", "ls-files", "--error-unmatch", "--", name)) === 0)
    return `${inside}, which tracks it: do not commit it`;
  // 0: ignored. Anything else but 1 is no answer, and as good as none.
  if ((await ask("check-ignore", "--quiet", "--no-index", "--", name)) === 0) return null;
  return `${inside}, which does not ignore it: add it to .gitignore`;
}

/** The nearest folder above that git takes for a work tree; null: none. */
function repositoryOf(path: string): string | null {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) return folder;
    if (folder === dirname(folder)) return null;
  }
}

async function exitOf(
  git: string,
  folder: string,
  { args, environment }: { readonly args: readonly string[]; readonly environment: Environment },
): Promise<number | null> {
  // A repository that came as an archive may name a program that watches its files.
  const harmless = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"];
  const own = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined || name.startsWith("GIT_") ? [] : [[name, value] as const],
  );
  try {
    const { code, timedOut } = await runCommand([git, ...harmless, ...args], {
      timeoutMs: limitMs,
      env: { ...Object.fromEntries(own), GIT_OPTIONAL_LOCKS: "0" },
      cwd: folder,
    });
    return timedOut ? null : code;
  } catch (error) {
    // A git that cannot be started gives no answer.
    if (errorCode(error) === null) throw error;
    return null;
  }
}
