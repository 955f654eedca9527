// Files of another program -> a config of ours, the variables for its `.env`, and a line about every setting. Text in, text out: it
// must never read or write a file.

import { basename, dirname } from "node:path";
import type { Path } from "../config/document.ts";
import { dotted } from "../config/document.ts";
import { isTree, type Tree, valueAt } from "../config/values.ts";
import { fromCcGateway } from "./cc-gateway.ts";
import { fromClaudeProxy, takeMcpServers } from "./claude-proxy.ts";
import { fromClawGatePy } from "./clawgate-py.ts";
import { fromCliProxyApi } from "./cli-proxy-api.ts";
import { ConfigDraft } from "./config-draft.ts";
import { MigrationProblem, type Program } from "./finding.ts";
import { fromOpenClaw } from "./openclaw-provider.ts";
import { type FileKind, fileKind, mayBeForeign, type SourceFile } from "./source-files.ts";
import { takeVariables, type Variables } from "./variables.ts";

export type MigrationInput = {
  /** The files of one folder, or one file: the config first, if there is one. */
  readonly files: readonly SourceFile[];
  /** A folder `skills` beside them; null: none. */
  readonly skillsFolder: string | null;
};

export type Migration = {
  readonly program: Program;
  readonly draft: ConfigDraft;
  /** For `.env`. */
  readonly variables: Variables;
};

type Known = { readonly file: SourceFile; readonly kind: FileKind };
type KindOf<K extends FileKind["kind"]> = Extract<FileKind, { kind: K }>;

/** Throws MigrationProblem: no file is of a program that is known. */
export function migrate({ files, skillsFolder }: MigrationInput): Migration {
  const known = files.flatMap((file): Known[] => {
    const kind = fileKind(file);
    return kind === null ? [] : [{ file, kind }];
  });
  const of = <K extends FileKind["kind"]>(wanted: K) => {
    const found = known.find(({ kind }) => kind.kind === wanted);
    return found === undefined ? null : { file: found.file, kind: found.kind as KindOf<K> };
  };
  const [yaml, environment, servers, openclaw] = [of("yaml"), of("variables"), of("mcp"), of("openclaw")];
  const first = yaml ?? servers ?? openclaw ?? environment;
  const program = first?.kind.program ?? null;
  if (first === null || program === null) throw new MigrationProblem(unknownFiles(files));
  const variables: Variables = new Map();
  const values = environment?.kind.values ?? {};
  let draft = ConfigDraft.empty();
  if (yaml !== null && program !== "cliproxyapi") draft = ConfigDraft.of(yaml.file.path, yaml.file.text);
  const folder = dirname(first.file.path);
  if (yaml !== null && program === "cliproxyapi") fromCliProxyApi(draft, yaml.kind.value);
  else if (program === "cc-gateway") fromCcGateway(draft, { folder, skillsFolder });
  else if (program === "clawgate-py") fromClawGatePy(draft, folder);
  else if (program === "claude-proxy" && openclaw?.file !== first.file)
    fromClaudeProxy(draft, values, variables);
  if (openclaw !== null && yaml === null)
    fromOpenClaw(
      draft,
      openclaw.file.path,
      openclaw.kind.value,
      program === "claude-proxy" ? program : "cliproxyapi",
    );
  if (program !== "claude-proxy") takeVariables(draft, values, variables);
  if (servers !== null) takeMcpServers(draft, servers.file.path, servers.kind.value);
  const used = new Set([yaml, environment, servers, openclaw].map((each) => each?.file.path));
  for (const { path } of files)
    if (!used.has(path))
      draft.say("left out", basename(path), "it is no file of a program that is known here");
  for (const [key] of Object.entries(yaml !== null && program !== "cliproxyapi" ? yaml.kind.value : {}))
    draft.say("kept", key, `the section ${key}, where no other line says more`);
  return { program, draft, variables };
}

const unknownFiles = (files: readonly SourceFile[]): string =>
  files.length === 0
    ? "there is no config.yaml, .env, mcp-servers.json or openclaw.json"
    : `${files.map(({ path }) => path).join(", ")}: not a file of ClawGate (Python), openclaw-cc-gateway, claude-code-proxy, CLIProxyAPI or an OpenClaw with such a provider`;

/**
 * A file that only another program understands, as a config: for `--config`. Null: it is read as it is. Throws MigrationProblem.
 */
export function foreignConfig(
  file: SourceFile,
): { readonly value: Tree; readonly notices: readonly string[] } | null {
  if (!mayBeForeign(file)) return null;
  const kind = fileKind(file);
  if (kind === null || kind.program === null) return null;
  if (kind.kind === "yaml" && kind.program !== "cliproxyapi") return null;
  const { draft } = migrate({ files: [file], skillsFolder: null });
  const notices = draft.findings
    .filter(({ verdict }) => verdict === "left out" || verdict === "refused")
    .map(({ verdict, what, why }) => `${file.path}: ${what}: ${verdict}: ${why}`);
  return { value: draft.value, notices };
}

/** Places whose loss would open the gateway or change who may use it. */
const guarded = new Set(["auth", "tenants"]);

/**
 * Takes out what the gateway would refuse at this dotted key. False: it is not in the config, or too important to be left out without a
 * person's decision.
 */
export function leaveOut(draft: ConfigDraft, key: string, why: string): boolean {
  const path = pathOf(draft.value, key);
  if (path.length === 0 || (guarded.has(String(path[0])) && !/unknown key/.test(why))) return false;
  if (path[0] === "server" && (path[1] === "host" || path.length === 1)) return false;
  const gone = isWayOfKey(path) ? path.slice(0, 2) : path;
  draft.delete(gone);
  draft.say("left out", dotted(gone), gone === path ? why : `without its ${String(path[2])}: ${why}`);
  return true;
}

/** Without it a provider's key would go to another address, or around the proxy that it was meant to take. */
const isWayOfKey = ([section, , key]: Path): boolean =>
  section === "providers" && (key === "base_url" || key === "proxy");

/** The deepest place that exists; names may hold dots. */
function pathOf(value: unknown, key: string): Path {
  const path: (string | number)[] = [];
  let rest = key;
  while (rest !== "") {
    const here = valueAt(value, path);
    const index = /^\[(\d+)\]\.?/.exec(rest);
    if (Array.isArray(here) && index !== null && Number(index[1]) < here.length) {
      path.push(Number(index[1]));
      rest = rest.slice(index[0].length);
      continue;
    }
    const names = isTree(here) ? Object.keys(here) : [];
    const name = names
      .filter((each) => rest === each || rest.startsWith(`${each}.`) || rest.startsWith(`${each}[`))
      .toSorted((a, b) => b.length - a.length)[0];
    if (name === undefined) break;
    path.push(name);
    rest = rest.slice(name.length).replace(/^\./, "");
  }
  return path;
}
