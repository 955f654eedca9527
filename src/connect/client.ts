// What a client is to `connect`: how it is found, what is written where, how it is asked whether that is right, and how it is started
// connected for once. Everything that differs from client to client is in these rows.

import type { FormatName } from "./texts/format-table.ts";
import type { Edit } from "./texts/edit-text.ts";

export type Scope = "user" | "project";

/** The machine as the client sees it. */
export type Surroundings = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  /** The project of `--scope project`. */
  readonly workingDirectory: string;
  readonly platform: NodeJS.Platform;
  /** Whether something exists at this path. */
  exists(path: string): boolean;
  /** A file that connecting does not write, as far as it can be read; null: it cannot. Absent: none is looked into. */
  readText?(path: string): string | null;
  /** What the program said to `asks`. Absent: it was not asked, or could not say. */
  readonly told?: string | undefined;
};

export type OfferedModel = {
  readonly id: string;
  readonly name: string;
  /** Tokens; null: unknown. */
  readonly contextTokens: number | null;
  readonly outputTokens: number | null;
};

/** The gateway as a client reaches it. */
export type Gateway = {
  /** Without a path and without a slash at the end. */
  readonly url: string;
  readonly key: string;
  /** Those that it offers, `auto` first where it routes. */
  readonly models: readonly OfferedModel[];
  /** How this program is started by a shell: for clients that call it. */
  readonly command: string;
  /** The cache of Anthropic's API may be asked to last an hour: its use is billed by key. */
  readonly isBilledByKey: boolean;
};

export type FilePlan = {
  readonly path: string;
  readonly format: FormatName;
  readonly edits: readonly Edit[];
};

/** A start with nothing written but into `folder`, which is removed afterwards. */
export type RunPlan = {
  /** Before the user's own arguments. */
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** Variables of the user that would lead it elsewhere. */
  readonly unset?: readonly string[];
  readonly files?: readonly { readonly name: string; readonly text: string }[];
};

/** The client's own checker: it must need no model and change nothing. */
export type Check = {
  readonly args: readonly string[];
  /** What is wrong, in words for the user; null: nothing. */
  problemIn(result: {
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
  }): string | null;
};

export type Client = {
  readonly id: string;
  readonly title: string;
  /** Names on PATH, the usual one first. Empty: it is no program of the command line. */
  readonly programs: readonly string[];
  readonly scopes: readonly Scope[];
  /** Places that exist where it is installed without being on PATH. */
  found?(around: Surroundings): string | null;
  /** What the program is asked before files are planned; `emptyFolder`: the variable that keeps it from the user's config. */
  readonly asks?: { readonly args: readonly string[]; readonly emptyFolder: string };
  /** What connecting writes; also asked with the gateway of an earlier connection. */
  files(around: Surroundings, scope: Scope, gateway: Gateway): readonly FilePlan[];
  /** Said after connecting, a sentence each: what the user has to do. */
  notes?(around: Surroundings, scope: Scope, gateway: Gateway): readonly string[];
  readonly check?: Check;
  /** What counts before what was written, a phrase each; `url`: the gateway's. */
  rivals?(around: Surroundings, scope: Scope, url: string): readonly string[];
  /** Why it cannot be started for once with these arguments, at the gateway of this URL; null: it can. */
  runProblem?(around: Surroundings, args: readonly string[], url: string): string | null;
  /** Absent: it cannot be started for once. */
  run?(around: Surroundings, gateway: Gateway, folder: string): RunPlan;
};

/** The word that names a client to a gateway on loopback that asks for no key. */
export const keyWord = (id: string): string => `clawgate-${id}`;
