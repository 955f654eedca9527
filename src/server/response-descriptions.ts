// What the API description says about kept answers of the Responses API.

import { errors, operatorRoute, type RouteDescription } from "./route-descriptions.ts";

const clientKey: NonNullable<RouteDescription["security"]> = [{ bearer: [] }, { clawgateKey: [] }];
const id = { name: "id", in: "path" as const, required: true, schema: { type: "string" as const } };
type Parameter = Extract<NonNullable<RouteDescription["parameters"]>[number], { in: string }>;

const inQuery = (name: string, description: string, schema: Parameter["schema"]): Parameter => ({
  name,
  in: "query",
  required: false,
  description,
  ...(schema === undefined ? {} : { schema }),
});

const clientRoute = (
  summary: string,
  description: string,
  more: NonNullable<RouteDescription["parameters"]> = [],
) => ({
  tags: ["OpenAI"],
  summary,
  description: `${description} An id that is unknown or another tenant's: 404; with responses_store.mode off: 400.`,
  security: clientKey,
  parameters: [id, ...more],
  responses: {
    "200": { description: "JSON", content: { "application/json": { schema: { type: "object" as const } } } },
    ...errors("OpenAIError", ["400", "401", "403", "404"]),
  },
});

const rows = {
  "GET /v1/responses/*": clientRoute(
    "A kept response",
    "Of a request with store: true whose provider does not keep answers itself. While it is made its status is queued or in_progress. `stream` is refused: events are not kept.",
  ),
  "DELETE /v1/responses/*": clientRoute(
    "Delete a kept response",
    "Responses that continue it keep the items that they share with it.",
  ),
  "POST /v1/responses/*/cancel": clientRoute(
    "Cancel a response that is being made",
    "Also one without background: its upstream call is aborted, and what was finished is kept with the status cancelled.",
  ),
  "GET /v1/responses/*/input_items": clientRoute(
    "The items that led to a kept response",
    "All of them, also those of the responses that it continues.",
    [
      inQuery("after", "The id of the item before the page.", { type: "string" }),
      inQuery("limit", "Items in a page.", { type: "integer", minimum: 1, maximum: 100, default: 20 }),
      inQuery("order", "desc: the last item first.", {
        type: "string",
        enum: ["asc", "desc"],
        default: "desc",
      }),
    ],
  ),
  "GET /api/responses": operatorRoute(
    "How many responses are kept, and whose",
    "`mode`, `answers`, `bytes`, `max_bytes`, `ttl_h`, `refused` (larger than the whole store) and `tenants`. No text is in it.",
  ),
  "DELETE /api/responses": operatorRoute(
    "Delete the kept responses of a tenant",
    "From memory and from the file, where they are overwritten. Needs the admin key or the state directory's token.",
    {
      parameters: [
        {
          name: "tenant",
          in: "query",
          required: true,
          description: "A tenant's name, `*` for everybody, empty for callers without a tenant.",
          schema: { type: "string" },
        },
      ],
    },
  ),
} satisfies Readonly<Record<string, RouteDescription>>;

export const keptDescriptions: Readonly<Record<keyof typeof rows, RouteDescription>> = rows;

/** The plugin leaves out paths that end with a `*`. */
export const keptPaths = {
  "/v1/responses/{id}": { get: rows["GET /v1/responses/*"], delete: rows["DELETE /v1/responses/*"] },
};
