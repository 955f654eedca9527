// `clawgate init --write-example`: `.env.example` and `openclaw-integration.jsonc` in the working directory.
// They must never hold a key, nor a value of this machine's variables.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "../../system/files.ts";
import { type CommandContext, exitCodes } from "../command.ts";
import { integrationFile } from "../integration-file.ts";
import { plain } from "../terminal.ts";
import { keyedVendors } from "./findings.ts";

/** The vendors of the stock routing and the best known ones: their lines need only a value. */
const usualVendors: ReadonlySet<string> = new Set([
  "openai",
  "anthropic",
  "gemini",
  "deepseek",
  "openrouter",
]);

const settings = `# Where the gateway listens, and how much it logs; they win over the config file.
#HOST=127.0.0.1
#PORT=8090
#LOG_LEVEL=info
`;

function environmentExample(): string {
  const lineOf = ({ id, name, keyVariable }: (typeof keyedVendors)[number]): string =>
    `# ${name}\n${usualVendors.has(id) ? "" : "#"}${keyVariable}=\n`;
  const lines = keyedVendors.map(lineOf);
  return `# The variables of ClawGate: copy this file to .env next to config.yaml, and let only yourself read it (chmod 600 .env).
# A vendor whose key is empty is left out. Variables of the environment win over this file.

${lines.join("")}
${settings}`;
}

type ExampleOptions = { readonly hasForce: boolean; readonly isJson: boolean };

/** Throws ConfigProblem, GatewayProblem. */
export async function writeExamples(
  context: CommandContext,
  { hasForce, isJson }: ExampleOptions,
): Promise<number> {
  const examples = [
    { name: ".env.example", text: environmentExample() },
    {
      name: "openclaw-integration.jsonc",
      text: await integrationFile(context, undefined, "openai-completions"),
    },
  ].map((each) => ({ ...each, path: join(context.workingDirectory, each.name) }));
  const existing = examples.filter(({ path }) => existsSync(path));
  if (existing.length > 0 && !hasForce) {
    const names = existing.map(({ name }) => name).join(" and ");
    context.stderr.write(`clawgate: ${names} exists already; --force replaces it and keeps the old one.\n`);
    return exitCodes.failed;
  }
  for (const { path, text } of examples) await replaceFile(path, text, { mode: 0o644, keepOld: true });
  const paths = examples.map(({ path }) => path);
  context.stdout.write(
    isJson
      ? `${JSON.stringify({ written: paths }, null, 2)}\n`
      : paths.map((path) => `Written: ${plain(path)}\n`).join(""),
  );
  return exitCodes.ok;
}
