// Folders of skills for tests, and a container that is a folder too: `docker cp` is the machine's own tar there.

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DockerForSkills } from "../../src/openclaw/skill-container.ts";
import { runForBytes } from "../../src/system/process.ts";

/** Path -> content, below a folder; folders that hold nothing do not count. */
export function treeIn(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(root, { recursive: true, encoding: "utf8" }))
    if (statSync(join(root, name)).isFile()) found[name] = readFileSync(join(root, name), "utf8");
  return found;
}

export function writeTree(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

export const skillText = (name: string, body = "Words.\n"): string =>
  `---\nname: ${name}\ndescription: What ${name} does.\n---\n${body}`;

export type FakeContainer = {
  readonly docker: DockerForSkills;
  /** What it was asked. */
  readonly asked: readonly (readonly string[])[];
  /** Answers a call in its place; null: as usual. */
  intercept:
    | ((
        args: readonly string[],
      ) => { readonly stdout?: Uint8Array; readonly stderr?: string; readonly code: number } | null)
    | null;
};

/** Absolute paths of the container lie below `root`. */
export function fakeContainer(root: string, name: string): FakeContainer {
  const asked: (readonly string[])[] = [];
  const inside = (path: string): string => join(root, path);
  const self: FakeContainer = {
    asked,
    intercept: null,
    async docker(args, options) {
      asked.push(args);
      const answer = self.intercept?.(args) ?? null;
      const plain = { stdout: "", stdoutBytes: new Uint8Array(), stderr: "", timedOut: false, wasCut: false };
      if (answer !== null)
        return {
          ...plain,
          code: answer.code,
          stdoutBytes: answer.stdout ?? new Uint8Array(),
          stderr: answer.stderr ?? "",
        };
      const [verb, first = "", second = ""] = args;
      const own = { timeoutMs: options.timeoutMs, maxOutputBytes: options.maxOutputBytes };
      if (verb === "cp" && second === "-") {
        const path = inside(first.slice(name.length + 1));
        const said = await runForBytes(
          ["tar", "-C", dirname(path), "-cf", "-", path.slice(dirname(path).length + 1)],
          own,
        );
        return said.code === 0 ? said : { ...said, code: 1, stderr: `Could not find the file ${first}` };
      }
      if (verb === "cp" && first === "-")
        return runForBytes(
          ["tar", "-C", inside(second.slice(name.length + 1)), "--no-same-owner", "-xf", "-"],
          {
            ...own,
            ...(options.input === undefined ? {} : { input: options.input }),
          },
        );
      return runForBytes(
        args.slice(2).map((word) => (word.startsWith("/") ? inside(word) : word)),
        own,
      );
    },
  };
  return self;
}
