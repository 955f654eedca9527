// What the API description says about the paths of OpenClaw's plugin `clawrouter`.

import { errors, type RouteDescription } from "./route-descriptions.ts";

const json = (description: string): RouteDescription["responses"] => ({
  "200": { description, content: { "application/json": { schema: { type: "object" } } } },
});

const clientKey: NonNullable<RouteDescription["security"]> = [
  { bearer: [] },
  { apiKey: [] },
  { clawgateKey: [] },
];

export const clawrouterDescriptions = {
  catalog: {
    tags: ["OpenClaw"],
    summary: "The models for OpenClaw's plugin clawrouter",
    description:
      "Only what the key may use. Each model with its context window, longest answer, prices in micro-USD per million tokens, and the path that speaks its format.",
    security: clientKey,
    responses: {
      ...json("`providers`, each with `models` and `routes`"),
      ...errors("OpenAIError", ["401", "403"]),
    },
  },
  usage: {
    tags: ["OpenClaw"],
    summary: "Budget, and spending of this UTC month, for OpenClaw's plugin clawrouter",
    description:
      "Of the key's tenant; without a tenant of all requests that have none. `budget` is what the tenant has left least of: its day or its month in micro-USD, by `windowKey`; where it has neither, the cap of one session. `budget.tokens`: the same of its tokens.",
    security: clientKey,
    responses: { ...json("`budget` and `usage`"), ...errors("OpenAIError", ["401", "403"]) },
  },
  health: {
    tags: ["OpenClaw"],
    summary: "Whether the gateway runs, for OpenClaw's plugin clawrouter",
    description: "Always 200, with the state in `status`, as /health has it.",
    security: [],
    responses: { ...json("The state") },
  },
} as const satisfies Readonly<Record<string, RouteDescription>>;
