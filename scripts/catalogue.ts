// Generates src/catalog/models.generated.ts from the model lists of @earendil-works/pi-ai, which its authors generate from
// models.dev and the vendors' own lists. Nothing of that package is installed or bundled. `--version X` uses another one.
// Then src/catalog/takes.generated.ts from the installed packages; `--takes` writes only that one, offline.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { inheritedEnvironment, runCommand } from "../src/system/process.ts";
import { takesText } from "./takes-table.ts";

const packageName = "@earendil-works/pi-ai";
const target = new URL("../src/catalog/models.generated.ts", import.meta.url).pathname;

/** The package's lists of the vendors that vendors.ts knows, by the host they are sold at; a later list only adds. */
const lists: Readonly<Record<string, readonly string[]>> = {
  "api.anthropic.com": ["anthropic"],
  "api.cerebras.ai": ["cerebras"],
  "api.deepseek.com": ["deepseek"],
  "api.githubcopilot.com": ["github-copilot"],
  "generativelanguage.googleapis.com": ["google"],
  "api.groq.com": ["groq"],
  "router.huggingface.co": ["huggingface"],
  "api.kimi.com": ["kimi-coding"],
  "api.minimax.io": ["minimax"],
  "api.minimaxi.com": ["minimax-cn"],
  "api.mistral.ai": ["mistral"],
  "api.moonshot.ai": ["moonshotai"],
  "api.moonshot.cn": ["moonshotai-cn"],
  "api.openai.com": ["openai"],
  "opencode.ai": ["opencode", "opencode-go"],
  "openrouter.ai": ["openrouter"],
  "ai-gateway.vercel.sh": ["vercel-ai-gateway"],
  "api.x.ai": ["xai"],
  "api.z.ai": ["zai"],
  "open.bigmodel.cn": ["zai-coding-cn"],
};

/** Sold as a subscription: the package's prices are only what others would charge. */
const withoutPrices = new Set(["api.githubcopilot.com", "api.kimi.com"]);

const manifest = z.object({ generatedAt: z.iso.datetime() });

const listedModel = z.object({
  id: z.string().regex(/^[^\s`\\$]+$/),
  type: z.string(),
  reasoning: z.boolean().optional(),
  input: z.array(z.string()).optional(),
  contextWindow: z.number().optional(),
  maxTokens: z.number().optional(),
  cost: z
    .object({
      input: z.number(),
      output: z.number(),
      cacheRead: z.number(),
      cacheWrite: z.number(),
      tiers: z.array(z.unknown()).optional(),
    })
    .optional(),
});

type ListedModel = z.infer<typeof listedModel>;

const modelList = z.record(z.string(), z.record(z.string(), listedModel));

/** The package's value for a model whose source names no limit. */
const standIn = 4_096;
const limit = (tokens: number | undefined): string =>
  tokens === undefined || tokens <= 0 || tokens === standIn ? "-" : String(tokens);

/**
 * The package cuts OpenAI's windows off where the more expensive price tier begins; OpenRouter's list has the whole window.
 */
const wholeWindows = { host: "api.openai.com", list: "openrouter", prefix: "openai/" };

function priceOf({ cost }: ListedModel, host: string): string {
  // A price with tiers is left to the price package; all zero means unknown.
  if (cost === undefined || cost.tiers !== undefined || withoutPrices.has(host)) return "";
  if (cost.input === 0 && cost.output === 0) return "";
  const parts = [cost.input, cost.output, cost.cacheRead || "-", cost.cacheWrite || "-"];
  return ` ${parts.join(" ")}`;
}

/** `id flags context output [input output cacheRead cacheWrite]`, as src/catalog/model-capabilities.ts reads it. */
function lineOf(model: ListedModel, host: string): string {
  // The package lists only models that support tools.
  const flags = `t${model.input?.includes("image") === true ? "v" : ""}${model.reasoning === true ? "r" : ""}`;
  return `${model.id} ${flags} ${limit(model.contextWindow)} ${limit(model.maxTokens)}${priceOf(model, host)}`;
}

async function run(argv: readonly string[], cwd: string): Promise<string> {
  const result = await runCommand(argv, {
    cwd,
    timeoutMs: 120_000,
    env: inheritedEnvironment(process.env),
  });
  if (result.code !== 0) throw new Error(`${argv.join(" ")} failed: ${result.stderr.trim()}`);
  return result.stdout;
}

async function unpacked(folder: string, version: string): Promise<string> {
  const printed = await run(["npm", "pack", "--json", `${packageName}@${version}`], folder);
  const [packed] = z.array(z.object({ filename: z.string() })).parse(JSON.parse(printed));
  if (packed === undefined) throw new Error("npm packed nothing");
  await run(["tar", "xzf", packed.filename], folder);
  return join(folder, "package");
}

async function textOf(folder: string): Promise<string> {
  const { version } = z
    .object({ version: z.string() })
    .parse(await Bun.file(join(folder, "package.json")).json());
  const data = join(folder, "dist", "providers", "data");
  const { generatedAt } = manifest.parse(await Bun.file(join(data, ".manifest.json")).json());
  const chatModels = async (name: string): Promise<readonly ListedModel[]> =>
    Object.values(modelList.parse(await Bun.file(join(data, `${name}.json`)).json()))
      .flatMap((models) => Object.values(models))
      .filter((model) => model.type === "chat");
  const whole = new Map(
    (await chatModels(wholeWindows.list)).map((model) => [model.id, model.contextWindow]),
  );
  const blocks: string[] = [];
  for (const [host, names] of Object.entries(lists)) {
    const lines = new Map<string, string>();
    for (const name of names) {
      for (const model of await chatModels(name)) {
        const other = host === wholeWindows.host ? whole.get(wholeWindows.prefix + model.id) : undefined;
        const contextWindow = Math.max(model.contextWindow ?? 0, other ?? 0);
        if (!lines.has(model.id)) lines.set(model.id, lineOf({ ...model, contextWindow }, host));
      }
    }
    blocks.push(`  "${host}": \`\n${[...lines.values()].toSorted().join("\n")}\n\`,\n`);
  }
  return [
    "// Written by scripts/catalogue.ts; change that, not this. One line for each model that a vendor sells:",
    "// id, what it takes (t tools, v images, r thinking), context window, longest answer and, where known, USD per million",
    "// tokens: input, output, cache read, cache write. A dash is unknown.",
    "",
    `export const modelsSource = "${packageName} ${version}";`,
    `export const modelsDate = "${generatedAt.slice(0, 10)}";`,
    "",
    "export const modelsByHost: Readonly<Record<string, string>> = {",
    `${blocks.join("")}};`,
    "",
  ].join("\n");
}

async function writeModels(): Promise<void> {
  const given = process.argv.indexOf("--version");
  const folder = await mkdtemp(join(tmpdir(), "clawgate-catalogue-"));
  try {
    const version = given === -1 ? "latest" : (process.argv[given + 1] ?? "latest");
    const text = await textOf(await unpacked(folder, version));
    await Bun.write(target, text);
    console.log(`src/catalog/models.generated.ts: ${text.split("\n").length} lines`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (!process.argv.includes("--takes")) await writeModels();
// Read now: it may just have been written.
const { modelsByHost } = await import("../src/catalog/models.generated.ts");
const takes = await takesText(modelsByHost);
await Bun.write(new URL("../src/catalog/takes.generated.ts", import.meta.url).pathname, takes);
console.log(`src/catalog/takes.generated.ts: ${takes.split("\n").length} lines`);
