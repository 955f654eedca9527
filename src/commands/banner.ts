// What the terminal shows when the gateway listens: what was found, where it is, and a line to try.

import type { Summary } from "../app/gateway.ts";
import { buildAgeHint } from "../system/build-age.ts";
import { systemClock } from "../system/clock.ts";
import type { MadeKey } from "../app/own-key.ts";
import { fullVersion } from "../system/identity.ts";
import type { CommandContext } from "./command.ts";
import { notLoadedLines } from "./not-loaded.ts";
import { plain } from "./terminal.ts";

export function banner(summary: Summary, context: Pick<CommandContext, "stdout" | "environment">): string {
  const hasColour = context.stdout.isTTY && !context.environment["NO_COLOR"];
  const bold = (text: string): string => (hasColour ? `\u001b[1m${text}\u001b[0m` : text);
  const dim = (text: string): string => (hasColour ? `\u001b[2m${text}\u001b[0m` : text);
  const lines = ["", bold(`ClawGate ${fullVersion}`), ""];
  if (summary.configPath !== null) lines.push(`  Config     ${summary.configPath}`);
  else {
    lines.push("  Config     none; found on this machine:");
    for (const { what, detail } of summary.found) lines.push(`               ${what}: ${detail}`);
  }
  for (const line of summary.distrusted) lines.push(bold(`             ! ${plain(line)}`));
  for (const source of summary.sources) lines.push(`             ${plain(source)}`);
  const providers = summary.providers.map(({ id, model, isDown }) => {
    const named = model === id ? id : `${id} (${model})`;
    return isDown === true ? bold(`${named}, down: see the log`) : named;
  });
  lines.push(`  Providers  ${providers.length === 0 ? "none loaded" : providers.join(", ")}`);
  for (const line of notLoadedLines(summary.skipped)) lines.push(dim(`             not loaded: ${line}`));
  lines.push(`  OpenAI     ${bold(`${summary.url}/v1`)}`);
  lines.push(`  Anthropic  ${bold(summary.url)}`);
  lines.push(`  Gemini     ${summary.url}`);
  lines.push(`  Dashboard  ${summary.url}/dashboard`);
  lines.push(`  API page   ${summary.url}/swagger`);
  lines.push(`  Health     ${summary.url}/health`);
  if (summary.providers.length === 0)
    lines.push(
      "",
      "  No provider is loaded, so no model can answer yet. Set the key of one in the",
      "  environment or in .env and start again. clawgate init helps with that;",
      "  clawgate serve --demo serves the built-in demonstration.",
      "",
    );
  else lines.push("", "  Try it:", "", ...tryIt(summary).map((line) => `    ${line}`), "");
  if (summary.providers.length > 0 && summary.providers.every(({ id }) => id === "demo"))
    lines.push(
      "  Only the built-in demonstration is being served: it asks no AI model.",
      ...(summary.distrusted.length > 0
        ? ["  The lines above name what was ignored in this folder, and what to do about it."]
        : []),
      "  Stop it (Ctrl-C) and run clawgate init, which asks for what is missing; or set a",
      "  key such as OPENAI_API_KEY, or start a model server such as Ollama, and start again.",
      "",
    );
  const age = buildAgeHint(systemClock.nowMs(), context.environment);
  if (age !== null) lines.push(dim(`  ${age}`), "");
  return `${lines.join("\n")}\n`;
}

export function madeKeyText({ key, path }: MadeKey, isJson: boolean): string {
  if (isJson) return `${JSON.stringify({ msg: "a client key was made; it is shown only now", key, path })}\n`;
  return [
    "",
    "No key is configured, so this gateway has made one. It is shown only now:",
    "",
    `    ${key}`,
    "",
    'Clients send it as "Authorization: Bearer <key>" or "x-api-key: <key>". Its hash is kept in',
    `${plain(path)}; remove that file and start again for another one. Keys or tenants`,
    "in the config, or PROXY_API_KEYS, take its place.",
    "",
    "",
  ].join("\n");
}

function tryIt(summary: Summary): string[] {
  return [
    `curl ${summary.url}/v1/chat/completions \\`,
    ...(summary.needsKey ? [`  -H "Authorization: Bearer <one of your keys>" \\`] : []),
    `  -H "Content-Type: application/json" \\`,
    `  -d '{"model":"auto","messages":[{"role":"user","content":"Hello"}]}'`,
  ];
}
