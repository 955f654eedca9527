// What `clawgate connect` shows: the change of each file, what is to be said beside it, and what would be written into an empty file.
// It must never show a key.

import type { Client, Gateway, Scope, Surroundings } from "../../connect/client.ts";
import type { ConnectionPlan } from "../../connect/connection.ts";
import { formats } from "../../connect/texts/format-table.ts";
import { goesThroughProxy } from "../../system/proxy.ts";
import type { CommandContext } from "../command.ts";
import { plain, terminalStyle } from "../terminal.ts";
import {
  type ClientGateway,
  configuredModels,
  isBilledByKey,
  modelsAt,
  ownCommand,
} from "./client-gateway.ts";
import { programOf } from "./client-program.ts";
import { diffLines, keyToCome, paintedDiff } from "./client-text.ts";
import { keyExposures } from "./key-exposure.ts";

export type Target = {
  readonly context: CommandContext;
  readonly client: Client;
  readonly scope: Scope;
  readonly values: {
    readonly yes: boolean;
    readonly "dry-run": boolean;
    readonly print: boolean;
    readonly json: boolean;
    readonly config?: string | undefined;
    readonly "state-dir"?: string | undefined;
  };
  readonly around: Surroundings;
  readonly gateway: ClientGateway;
};

/** As the client reaches it with this key. Throws GatewayProblem. */
export async function gatewayFor(
  { context, values, gateway }: Pick<Target, "context" | "values" | "gateway">,
  key: string,
): Promise<Gateway> {
  const isKnown = gateway.running !== null && key !== keyToCome;
  const answer = isKnown ? await modelsAt(gateway.url, key) : null;
  const models = answer === null || answer.status !== 200 ? configuredModels(gateway.loaded) : answer.models;
  return {
    url: gateway.url,
    key,
    models,
    command: ownCommand(context, values),
    isBilledByKey: isBilledByKey(gateway.loaded),
  };
}

/** What an empty file would get. Nothing of the user's is read. */
export async function print(work: Target, shownKey: string): Promise<void> {
  const { client, around, scope, context, gateway, values } = work;
  const target = await gatewayFor(work, shownKey);
  const files = client.files(around, scope, target).map(({ path, format, edits }) => {
    const chosen = formats[format];
    const text = edits.reduce(
      (each, edit) => ("value" in edit ? chosen.set(each, edit.path, edit.value) : each),
      "",
    );
    return { path, text };
  });
  const notes = [
    ...(shownKey === keyToCome ? [`put one of the gateway's keys in the place of ${keyToCome}`] : []),
    ...(client.notes?.(around, scope, target) ?? []),
  ];
  const report = { client: client.id, scope, url: gateway.url, written: false, files, notes };
  const lines = [
    ...files.map(({ path, text }) => `# ${plain(path)}\n${text}`),
    ...notes.map((note) => `# ${plain(note)}\n`),
  ];
  context.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : lines.join(""));
}

/** A sentence each. */
export async function notesOf(
  { client, around, scope, gateway }: Target,
  plan: ConnectionPlan,
  shownKey: string,
): Promise<readonly string[]> {
  const links = plan.changes.flatMap(({ file }) =>
    file.realPath === file.path ? [] : [`${file.path} is a link: ${file.realPath} is changed`],
  );
  const program = programOf(client, around);
  const absent = program === null ? [`${client.title} was not found on this machine`] : [];
  const target = { url: gateway.url, key: "", models: [], command: "", isBilledByKey: false };
  const own = client.notes?.(around, scope, target) ?? [];
  const { hostname } = new URL(gateway.url);
  const proxied =
    client.programs.length > 0 && goesThroughProxy(new URL(gateway.url), around.environment)
      ? [
          `a proxy is set in this terminal, and ${client.title} would ask it for the gateway: add ${hostname} to NO_PROXY`,
        ]
      : [];
  // The word that only names a client is no secret.
  const exposed = gateway.asksForKeys ? await keyExposures(plan, shownKey, around.environment) : [];
  const kept = plan.kept.map((place) => `your own ${place} is kept`);
  return [...links, ...absent, ...kept, ...exposed, ...proxied, ...own];
}

export function show(
  { context, client }: Target,
  { changes }: ConnectionPlan,
  { shownKey, notes }: { readonly shownKey: string; readonly notes: readonly string[] },
): void {
  const style = terminalStyle(context);
  const diffs = changes.map((change) => paintedDiff(diffLines(change, shownKey), style)).join("");
  const isSame = changes.length > 0 && diffs === "";
  context.stdout.write(isSame ? `${client.title} is connected already; nothing changes.\n` : diffs);
  for (const note of notes) context.stdout.write(`${style.yellow("note")}  ${plain(note)}\n`);
}

export function writeJson(
  { client, scope, gateway, context }: Target,
  plan: ConnectionPlan,
  {
    shownKey,
    notes,
    isWritten,
    problem,
  }: {
    readonly shownKey: string;
    readonly notes: readonly string[];
    readonly isWritten: boolean;
    readonly problem: string | null;
  },
): void {
  const report = {
    client: client.id,
    scope,
    url: gateway.url,
    written: isWritten,
    ok: problem === null,
    problem,
    files: plan.changes.map((change) => ({
      path: change.file.path,
      real_path: change.file.realPath,
      diff: diffLines(change, shownKey),
    })),
    notes,
  };
  context.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}
