// Which options models accept, for src/catalog/takes.generated.ts: read from the capability tables inside the installed packages
// @ai-sdk/anthropic, @ai-sdk/openai and @ai-sdk/google (and pi-ai's "reasoning" marks), corrected where measured facts disagree.
// It must run without a network; if a package's table has moved it must fail, never guess.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getModels } from "@mariozechner/pi-ai";
import { z } from "zod";
import { type Effort, efforts as allEfforts } from "../src/canon/effort.ts";
import { type Takes, takesAnything } from "../src/canon/takes.ts";
import { vendorModelName } from "../src/catalog/model-name.ts";

const modules = new URL("../node_modules/", import.meta.url).pathname;

const effortList = z.array(z.enum(allEfforts));
const claudeEntry = z.object({
  capabilities: z.object({
    language: z.object({
      tools: z.object({ forcedChoice: z.boolean() }),
      reasoning: z.object({
        efforts: effortList.optional(),
        adaptive: z.boolean(),
        budget: z.boolean(),
        canDisable: z.boolean(),
        canDisableAboveHighEffort: z.boolean(),
      }),
      sampling: z.object({ temperature: z.unknown() }),
      structuredOutput: z.object({ native: z.boolean() }),
    }),
  }),
  providerOptions: z.object({ language: z.object({ effort: z.unknown() }) }),
});
const openaiEntry = z.object({
  capabilities: z.object({
    language: z.object({
      reasoning: z.object({
        support: z.union([z.boolean(), z.literal("unknown")]),
        efforts: effortList.optional(),
        sampling: z.string(),
      }),
    }),
  }),
});
const googleEntry = z.object({
  capabilities: z.object({
    language: z.object({
      tools: z.object({ functionResponseParts: z.boolean() }),
      reasoning: z.object({
        efforts: effortList.optional(),
        minBudget: z.number(),
        maxBudget: z.number(),
      }),
    }),
  }),
  requestConfig: z.object({ language: z.object({ thinkingFormat: z.enum(["level", "budget"]) }) }),
});

type Vendor = "anthropic" | "openai" | "google";

const read: Readonly<Record<Vendor, (entry: unknown, id: string) => Takes>> = {
  anthropic(entry) {
    const { capabilities, providerOptions } = claudeEntry.parse(entry);
    const { reasoning, sampling, structuredOutput, tools } = capabilities.language;
    const withEffort: readonly Effort[] = reasoning.adaptive
      ? ["low", "medium", "high", "max"]
      : providerOptions.language.effort === true
        ? ["low", "medium", "high"]
        : [];
    return {
      ...takesAnything,
      sampling: sampling.temperature === true ? "all" : "none",
      thinking: reasoning.adaptive ? "adaptive" : reasoning.budget ? "budget" : "none",
      efforts: reasoning.efforts ?? withEffort,
      forcedTools: tools.forcedChoice,
      schemas: structuredOutput.native,
      thinkingOff: reasoning.canDisable,
      thinkingOffAboveHigh: reasoning.canDisableAboveHighEffort,
    };
  },
  openai(entry, id) {
    const { reasoning } = openaiEntry.parse(entry).capabilities.language;
    if (reasoning.support !== true)
      return { ...takesAnything, thinking: "none", efforts: [], verbosity: false };
    const { efforts = null } = reasoning;
    const isSeriesO = /^o\d/.test(id);
    return {
      ...takesAnything,
      sampling: "none",
      samplesUnthinking: reasoning.sampling === "reasoning-effort-none",
      thinking: "adaptive",
      efforts: efforts ?? (isSeriesO ? ["low", "medium", "high"] : null),
      thinkingOff: efforts?.includes("none") ?? false,
      penalties: false,
      stops: false,
      verbosity: !isSeriesO,
      newerLimit: true,
    };
  },
  google(entry) {
    const { capabilities, requestConfig } = googleEntry.parse(entry);
    const { reasoning, tools } = capabilities.language;
    const hasLevels = requestConfig.language.thinkingFormat === "level";
    return {
      ...takesAnything,
      thinking: hasLevels ? "adaptive" : "budget",
      efforts: hasLevels ? (reasoning.efforts ?? null) : null,
      budgets: hasLevels ? null : { least: reasoning.minBudget, most: reasoning.maxBudget },
      thinkingOff: !hasLevels && reasoning.minBudget === 0,
      signedCalls: tools.functionResponseParts,
    };
  },
};

const entryFunctions: Readonly<Record<Vendor, string>> = {
  anthropic: "getAnthropicLanguageModelEntry",
  openai: "createOpenAILanguageModelEntry",
  google: "getGoogleLanguageModelEntry",
};

type Table = {
  readonly version: string;
  readonly ids: readonly string[];
  readonly entryOf: (id: string) => unknown;
};

const loadedTable = z.object({
  catalog: z.record(z.string(), z.unknown()),
  entryOf: z.function({ input: [z.string(), z.unknown()], output: z.unknown() }),
});

/** The package's bundle names its source files: the part that was the table's file is evaluated alone. */
async function tableOf(vendor: Vendor, folder: string): Promise<Table> {
  const home = join(modules, "@ai-sdk", vendor);
  const { version } = z
    .object({ version: z.string() })
    .parse(await Bun.file(join(home, "package.json")).json());
  const bundle = await Bun.file(join(home, "dist", "index.js")).text();
  const start = bundle.indexOf(`//#region src/${vendor}-model-catalog.ts`);
  const end = bundle.indexOf("//#endregion", start);
  if (start < 0 || end < 0)
    throw new Error(`@ai-sdk/${vendor} ${version} no longer contains a table of models`);
  const path = join(folder, `${vendor}.js`);
  const catalog = vendor === "openai" ? "openaiLanguageModelEntries" : `${vendor}ModelCatalog`;
  const names = `{ ${entryFunctions[vendor]} as entryOf, ${catalog} as catalog }`;
  await Bun.write(path, `${bundle.slice(start, end)}\nexport ${names};\n`);
  const loaded: unknown = await import(path);
  const table = loadedTable.parse({ ...(loaded as object) });
  const { catalog: entries } = table;
  return {
    version,
    ids: Object.keys(entries),
    entryOf: (id) => entries[id] ?? table.entryOf(id, undefined),
  };
}

/** Names that no table lists any more, or that mean a whole model series. */
const moreIds: Readonly<Record<Vendor, readonly string[]>> = {
  anthropic:
    "claude-instant claude-instant-1 claude-instant-1-2 claude-v2 claude-2 claude-2-0 claude-2-1 claude-3 claude-3-5 claude-3-7".split(
      " ",
    ),
  openai:
    "gpt-3.5-turbo gpt-35-turbo gpt-4 gpt-4-turbo gpt-4.5-preview gpt-4o gpt-4o-mini gpt-5-codex gpt-5-pro gpt-5.1-codex gpt-5.1-codex-max gpt-5.1-codex-mini gpt-5.2-codex gpt-5.3-codex o1 o1-mini o1-pro o3 o3-mini o3-pro o4-mini".split(
      " ",
    ),
  google:
    "gemini-1.0-pro gemini-1.5 gemini-1.5-flash gemini-1.5-pro gemini-2.0 gemini-2.0-flash gemini-2.5 gemini-2.5-flash gemini-2.5-flash-lite gemini-2.5-pro gemini-3-pro gemini-3-flash gemini-flash-latest gemini-flash-lite-latest gemini-pro-latest gemini-robotics-er-1.5-preview gemma-3 gemma-2 gemma-4".split(
      " ",
    ),
};

type Correction = { readonly models: RegExp; readonly change: Partial<Takes>; readonly source: string };

/** Corrections where measured facts and vendors' references disagree with the packages, or add to them. */
const corrections: readonly Correction[] = [
  {
    models: /^claude-(?:opus-4-1|(?:opus|sonnet|haiku)-4-[56])$/,
    change: { sampling: "one" },
    source:
      "`temperature` and `top_p` cannot both be specified for this model (CLIProxyAPI#193, #1125, new-api#5122)",
  },
  {
    models: /^claude-(?:instant|v?2|3)(?!-7)(?:-|$)/,
    change: { thinking: "none" },
    source: "extended thinking came with Claude 3.7 (pi-ai: reasoning false)",
  },
  {
    models: /^claude-(?:(?:opus|sonnet)-4-[6-9]|[a-z]+-[5-9])(?:-|$)/,
    change: { prefill: false },
    source: "does not support assistant message prefill (opencode#13768, deepagents#1585, claude-code#52433)",
  },
  {
    models: /^gpt-(?:3\.5|35|4(?:-|$))/,
    change: { schemas: false },
    source: "OpenAI's structured outputs begin with gpt-4o-2024-08-06; before, JSON mode",
  },
  {
    models: /^o\d/,
    change: { parallelChoice: false },
    source:
      "Unsupported parameter: 'parallel_tool_calls' (langchain#29704, tensorzero#2805, llama_index#20865, litellm#8980)",
  },
  {
    models: /^gpt-35-turbo/,
    change: {
      ...takesAnything,
      thinking: "none",
      efforts: [],
      verbosity: false,
      schemas: false,
    },
    source: "Azure's spelling of gpt-3.5-turbo",
  },
  {
    models: /^gpt-5(?:\.1)?-codex(?:-mini)?$/,
    change: { efforts: ["low", "medium", "high"] },
    source:
      "OpenAI's model pages: codex models know no minimal and no none; xhigh came with gpt-5.1-codex-max",
  },
  {
    models: /^gpt-5\.(?:1-codex-max|[23]-codex.*)$/,
    change: { efforts: ["low", "medium", "high", "xhigh"] },
    source: "pi-ai's thinkingLevelMap: off null, xhigh xhigh",
  },
  { models: /^gpt-5-pro$/, change: { efforts: ["high"] }, source: "OpenAI's model page: high only" },
  {
    models: /^gpt-5\.[2-9]-pro$/,
    change: { efforts: ["medium", "high", "xhigh"] },
    source: "OpenAI's model pages and pi-ai's thinkingLevelMap: off null, xhigh xhigh",
  },
  {
    models: /^gem(?:ini-(?:1|2\.0)|ma-[1-3])/,
    change: { thinking: "none", efforts: null, budgets: null, signedCalls: false },
    source: "Thinking is not enabled for this model (pi-ai: reasoning false)",
  },
  {
    models: /^gemma-4/,
    change: { thinking: "adaptive", efforts: ["minimal", "high"], budgets: null },
    source: "pi-ai's thinkingLevelMap: minimal MINIMAL, high HIGH, the rest null",
  },
  {
    models: /^gemini-pro$/,
    change: { efforts: ["low", "medium", "high"] },
    source: "no Pro knows MINIMAL (pi-ai's thinkingLevelMap)",
  },
  {
    models: /^gemini-(?:live-2\.5|robotics-er-1\.5)/,
    change: {
      thinking: "budget",
      efforts: null,
      budgets: { least: 1, most: 24_576 },
      thinkingOff: true,
      signedCalls: false,
    },
    source: "models of the 2.5 generation under other names",
  },
  {
    models: /^gemini-2\.5-flash-lite/,
    change: { budgets: { least: 512, most: 24_576 } },
    source: "ai.google.dev/gemini-api/docs/thinking: 512 to 24576",
  },
  {
    models: /^gemini-2\.5(?!-pro|-flash-lite)/,
    change: { budgets: { least: 1, most: 24_576 } },
    source: "ai.google.dev/gemini-api/docs/thinking: 0 switches it off, so the least that thinks is 1",
  },
  {
    models: /^gemini-3-pro(?!-image)/,
    change: { efforts: ["low", "high"] },
    source: "pi-ai's thinkingLevelMap: minimal and medium null",
  },
];

function corrected(name: string, takes: Takes): Takes {
  return corrections.reduce(
    (now, { models, change }) => (models.test(name) ? { ...now, ...change } : now),
    takes,
  );
}

function rowOf(takes: Takes): string {
  const flags = Object.entries(takes).flatMap(([key, value]) =>
    typeof value === "boolean" && value !== takesAnything[key as keyof Takes]
      ? [`${value ? "+" : "-"}${key}`]
      : [],
  );
  return [
    takes.sampling,
    takes.thinking,
    ...(takes.efforts === null ? [] : [`efforts=${takes.efforts.join(",")}`]),
    ...(takes.budgets === null ? [] : [`budgets=${takes.budgets.least}-${takes.budgets.most}`]),
    ...flags,
  ].join(" ");
}

/** What all of its newest members accept. `version` is the group of its number. */
type Family = { readonly pattern: RegExp; readonly version: RegExp };

/** The more specific first. An unknown name gets the first pattern that matches. */
const families: readonly Family[] = [
  ...["opus", "sonnet", "haiku", "fable"].map((tier) => ({
    pattern: new RegExp(`^claude-${tier}(?:-|$)`),
    version: new RegExp(`^claude-${tier}-(\\d+(?:-\\d+)?)$`),
  })),
  { pattern: /^claude-/, version: /^claude-[a-z]+-(\d+(?:-\d+)?)$/ },
  { pattern: /^gpt-\d/, version: /^gpt-(\d(?:\.\d+)?)(?:-|$)/ },
  { pattern: /^o\d/, version: /^o(\d+)(?:-|$)/ },
  { pattern: /^gemini-.*flash-lite(?:-|$)/, version: /^gemini-(\d+(?:\.\d+)?)-flash-lite(?:-|$)/ },
  { pattern: /^gemini-.*flash(?:-|$)/, version: /^gemini-(\d+(?:\.\d+)?)-flash(?!-lite)(?:-|$)/ },
  { pattern: /^gemini-.*pro(?:-|$)/, version: /^gemini-(\d+(?:\.\d+)?)-pro(?:-|$)/ },
  { pattern: /^gemini-/, version: /^gemini-(\d+(?:\.\d+)?)(?:-|$)/ },
  { pattern: /^gemma-/, version: /^gemma-(\d+)(?:-|$)/ },
];

function newestOf({ pattern, version }: Family, rows: ReadonlyMap<string, Takes>): Takes {
  const members = [...rows].flatMap(([name, takes]) => {
    const number = version.exec(name)?.[1];
    const [major = 0, minor = 0] = (number ?? "").split(/[.-]/).map(Number);
    return number === undefined ? [] : [{ takes, rank: major * 1_000 + minor }];
  });
  const newest = Math.max(...members.map(({ rank }) => rank));
  const [first, ...others] = members.filter(({ rank }) => rank === newest).map(({ takes }) => takes);
  if (first === undefined) throw new Error(`no model of the family ${pattern.source}`);
  return others.reduce(strictest, first);
}

/** Accepts only what both accept. */
function strictest(one: Takes, other: Takes): Takes {
  const rank = ["all", "one", "none"] as const;
  return {
    sampling: rank[Math.max(rank.indexOf(one.sampling), rank.indexOf(other.sampling))] ?? "none",
    samplesUnthinking: one.samplesUnthinking && other.samplesUnthinking,
    thinking: one.thinking,
    efforts: one.efforts?.filter((each) => other.efforts?.includes(each) ?? true) ?? other.efforts,
    budgets: one.budgets,
    forcedTools: one.forcedTools && other.forcedTools,
    prefill: one.prefill && other.prefill,
    thinkingOff: one.thinkingOff && other.thinkingOff,
    thinkingOffAboveHigh: one.thinkingOffAboveHigh && other.thinkingOffAboveHigh,
    penalties: one.penalties && other.penalties,
    stops: one.stops && other.stops,
    parallelChoice: one.parallelChoice && other.parallelChoice,
    schemas: one.schemas && other.schemas,
    verbosity: one.verbosity && other.verbosity,
    newerLimit: one.newerLimit || other.newerLimit,
    signedCalls: one.signedCalls || other.signedCalls,
  };
}

const listedAt: Readonly<Record<Vendor, string>> = {
  anthropic: "api.anthropic.com",
  openai: "api.openai.com",
  google: "generativelanguage.googleapis.com",
};
const vendors: readonly Vendor[] = ["anthropic", "openai", "google"];

/** The generated file. `modelsByHost`: the generated list of models, for the current names. */
export async function takesText(modelsByHost: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "clawgate-takes-"));
  try {
    const rows = new Map<string, Takes>();
    const sources: string[] = [];
    for (const vendor of vendors) {
      const { version, ids, entryOf } = await tableOf(vendor, folder);
      sources.push(`@ai-sdk/${vendor} ${version}`);
      const list = modelsByHost[listedAt[vendor]] ?? "";
      const listed = list.split("\n").flatMap((line) => line.split(" ").slice(0, 1));
      const known = getModels(vendor).map(({ id }) => id);
      for (const id of [...ids, ...known, ...listed, ...moreIds[vendor]].toSorted()) {
        const name = vendorModelName(id);
        if (name === null || rows.has(name)) continue;
        rows.set(name, corrected(name, read[vendor](entryOf(id), id)));
      }
    }
    return [
      "// Written by scripts/catalogue.ts (scripts/takes-table.ts); change those, not this. What each model takes: sampling",
      "// parameters, its way of thinking, and what differs from a model that takes anything (canon/takes.ts).",
      "//",
      "// Corrected, because:",
      ...corrections.map(({ models, source }) => `// ${models.source}: ${source}`),
      "",
      `export const takesSource = "${sources.join(", ")}";`,
      "",
      "export const modelRows = `",
      ...[...rows]
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
        .map(([name, takes]) => `${name} ${rowOf(takes)}`),
      "`;",
      "",
      "/** The newest of each family, for names that are not listed; the first pattern that fits counts. */",
      "export const familyRows = String.raw`",
      ...families.map((family) => `${family.pattern.source} ${rowOf(newestOf(family, rows))}`),
      "`;",
      "",
    ].join("\n");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
