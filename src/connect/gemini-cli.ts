// gemini-cli: the address and the key in its .env, which is where it reads them, and the way of signing in and the model in settings.json.

import { isAbsolute, join } from "node:path";
import type { Client, Gateway, Surroundings } from "./client.ts";
import { contextOf, defaultModel } from "./offered-models.ts";

/** What it takes every unknown model's window to be, and the share of it at which it compresses a conversation. */
const assumedContext = 1_048_576;
const usualShare = 0.5;

const variables = ({ url, key }: Gateway): Readonly<Record<string, string>> => ({
  GOOGLE_GEMINI_BASE_URL: url,
  GEMINI_API_KEY: key,
});

/** Its own word `auto` is Google's: it would ask for a Gemini model. */
const modelName = (gateway: Gateway): string => {
  const { id } = defaultModel(gateway);
  return id === "auto" ? "clawgate/auto" : id;
};

function settings(gateway: Gateway) {
  const context = contextOf(defaultModel(gateway), gateway);
  const share = Math.floor((usualShare * 1000 * context) / assumedContext) / 1000;
  return {
    signIn: { path: ["security", "auth", "selectedType"], value: "gemini-api-key" },
    model: { path: ["model", "name"], value: modelName(gateway) },
    compression:
      context < assumedContext
        ? [{ path: ["model", "compressionThreshold"], value: Math.max(share, 0.01), isOptional: true }]
        : [],
  };
}

function geminiFolder(
  { environment, homeDirectory, workingDirectory }: Surroundings,
  scope: "user" | "project",
): string {
  const own = environment["GEMINI_CLI_HOME"];
  const home = own !== undefined && isAbsolute(own) ? own : homeDirectory;
  return join(scope === "user" ? home : workingDirectory, ".gemini");
}

/** A variable of the terminal is preferred to the file. */
const rivals = [
  "GEMINI_API_KEY",
  "GOOGLE_GEMINI_BASE_URL",
  "GEMINI_MODEL",
  "GOOGLE_GENAI_USE_VERTEXAI",
  "GOOGLE_GENAI_USE_GCA",
];

export const geminiCli: Client = {
  id: "gemini-cli",
  title: "Gemini CLI",
  programs: ["gemini"],
  scopes: ["user", "project"],
  files(around, scope, gateway) {
    const folder = geminiFolder(around, scope);
    const { signIn, model, compression } = settings(gateway);
    // Otherwise a project's own .env hides the one with the address.
    const ignore = { path: ["advanced", "ignoreLocalEnv"], value: true, isOptional: true };
    const edits = [signIn, model, ...compression, ...(scope === "user" ? [ignore] : [])];
    return [
      {
        path: join(folder, ".env"),
        format: "env",
        edits: Object.entries(variables(gateway)).map(([name, value]) => ({ path: [name], value })),
      },
      { path: join(folder, "settings.json"), format: "json", edits },
    ];
  },
  notes: ({ environment }, scope) => [
    ...rivals
      .filter((name) => environment[name])
      .map((name) => `${name} is set in this terminal and is preferred by Gemini CLI: unset it`),
    "Gemini CLI reads the address in folders that it trusts; a script says so with --skip-trust",
    ...(scope === "project" ? ["`.gemini/.env` holds the key: keep it out of your repository"] : []),
  ],
  run(_around, gateway, folder) {
    const { signIn, model, compression } = settings(gateway);
    const own = Object.fromEntries([
      ["security", { auth: { selectedType: signIn.value } }],
      [
        "model",
        {
          name: model.value,
          ...Object.fromEntries(compression.map(({ value }) => ["compressionThreshold", value])),
        },
      ],
    ]);
    return {
      args: [],
      // Its way of signing in can only be chosen in a file. A home of its own leaves the user's untouched.
      variables: { ...variables(gateway), GEMINI_CLI_HOME: folder },
      unset: rivals.filter((name) => !(name in variables(gateway))),
      files: [{ name: ".gemini/settings.json", text: JSON.stringify(own) }],
    };
  },
};
