// Enters ClawGate into the openclaw.json of a container's volume, before OpenClaw starts. Only what is missing is added: a provider
// or a main model of the user's own stays. It runs on the Node of OpenClaw's image, and has nothing else.

import { chownSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2] ?? "/home/node/.openclaw";
const path = join(folder, "openclaw.json");
/** The user "node" of OpenClaw's image. */
const owner = 1000;

function give(target) {
  if (process.getuid?.() === 0 && statSync(target).uid === 0) chownSync(target, owner, owner);
}

function write(target, text) {
  const file = openSync(target, "w", 0o600);
  writeFileSync(file, text);
  fsyncSync(file);
  closeSync(file);
  give(target);
}

const isMap = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** The map at this key, made where there is none. */
function section(parent, key) {
  parent[key] ??= {};
  if (!isMap(parent[key])) throw new Error(`${key} is not a map`);
  return parent[key];
}

const provider = {
  baseUrl: "http://clawgate:8090/v1",
  // OpenClaw expands it; the key itself is in no file.
  apiKey: "${CLAWGATE_API_KEY}",
  api: "openai-completions",
  models: [
    {
      id: "auto",
      name: "ClawGate auto",
      reasoning: false,
      input: ["text", "image"],
      contextWindow: 200_000,
      maxTokens: 8192,
      compat: {
        sendSessionAffinityHeaders: true,
        sendSessionIdHeader: true,
        supportsPromptCacheKey: true,
        supportsUsageInStreaming: true,
      },
    },
  ],
};

function enter(config) {
  section(section(config, "models"), "providers").clawgate ??= provider;
  section(section(config, "agents"), "defaults").model ??= { primary: "clawgate/auto" };
  section(config, "gateway").mode ??= "local";
}

function stop(reason) {
  console.error(`${path} was not changed: ${reason}. Add the provider by hand: clawgate help openclaw`);
  process.exit(1);
}

mkdirSync(folder, { recursive: true, mode: 0o700 });
give(folder);
const text = existsSync(path) ? readFileSync(path, "utf8") : "{}";
let config;
try {
  config = JSON.parse(text);
  if (!isMap(config)) throw new Error("it is not a map");
  enter(config);
} catch (error) {
  // With comments it is OpenClaw's JSON5, which a rewrite would lose. Whoever has the provider in it needs nothing from here.
  if (/["']?\bclawgate["']?\s*:/.test(text)) process.exit(0);
  stop(error.message);
}
if (JSON.stringify(config) !== JSON.stringify(JSON.parse(text))) {
  write(`${path}.new`, `${JSON.stringify(config, null, 2)}\n`);
  if (existsSync(path)) write(`${path}.before-clawgate`, text);
  renameSync(`${path}.new`, path);
  console.log(`${path}: ClawGate is entered as a provider`);
}
