// What the API description says about the routes of records and events. The parameters come from the table that reads them.

import {
  exportParameters,
  filterParameters,
  type Parameter,
  seriesParameters,
} from "../canon/request-filters.ts";
import { operatorRoute, type RouteDescription } from "./route-descriptions.ts";

type Parameters = NonNullable<RouteDescription["parameters"]>;
type Schema = Extract<Parameters[number], { in: string }>["schema"];

const schemas: Readonly<Record<Parameter["kind"], Schema>> = {
  time: { type: "string", example: "now-24h" },
  zone: { type: "string", example: "Europe/Berlin" },
  text: { type: "string" },
  status: { type: "string", example: "failed" },
  usd: { type: "string", example: "0.05" },
  cursor: { type: "string" },
  count: { type: "integer", minimum: 1 },
  choice: { type: "string" },
  switch: { type: "string", enum: ["1", "0"] },
};

const queryOf = (parameters: readonly Parameter[]): Parameters =>
  parameters.map(({ name, kind, description, choices, most }) => ({
    name,
    in: "query",
    required: false,
    description: kind === "time" ? `${description} ${timeWords}` : description,
    schema: {
      ...schemas[kind],
      ...(choices === undefined ? {} : { enum: [...choices] }),
      ...(kind === "count" && most !== undefined ? { maximum: most } : {}),
      ...(kind === "text" && most !== undefined ? { maxLength: most } : {}),
    },
  }));

const timeWords = "Milliseconds since 1970, an ISO 8601 time or date, `now` or `now-24h`.";
const inPath = (name: string, description: string): Parameters => [
  { name, in: "path", required: true, description, schema: { type: "string" } },
];
const onlyOf = (...names: readonly string[]): readonly Parameter[] =>
  filterParameters.filter(({ name }) => names.includes(name));
const pageless = filterParameters.filter(({ name }) => name !== "cursor");

const withText = (type: string, description: string): NonNullable<RouteDescription["responses"]> => ({
  ...operatorRoute("", "").responses,
  "200": { description, content: { [type]: { schema: { type: "string" } } } },
});

export const readingDescriptions = {
  series: operatorRoute(
    "Sums of requests over time",
    "Requests, tokens, cost and latency by step and by group, with the same totals as /api/stats. What a request would have cost otherwise, and `waste`, are estimates.",
    { parameters: queryOf([...pageless, ...seriesParameters]) },
  ),
  requests: operatorRoute(
    "Requests that match a filter, newest first",
    "`complete` false: the search stopped at its time limit, and `next` goes on from there.",
    { parameters: queryOf(filterParameters) },
  ),
  request: operatorRoute(
    "Everything that is known of one request",
    "By the id of its x-request-id header, or by the number of its row: attempts, candidates, usage, the parts of its cost.",
    { parameters: inPath("id", "The request's id, or its number.") },
  ),
  sessions: operatorRoute("Conversations that match a filter", "The one with the latest request first.", {
    parameters: queryOf(filterParameters),
  }),
  session: operatorRoute(
    "One conversation",
    "Its sums, its agents, the tools that ran, and its requests, newest first.",
    {
      parameters: [
        ...inPath("id", "The client's id of the conversation, percent-encoded."),
        ...queryOf(onlyOf("tenant", "cursor")),
      ],
    },
  ),
  export: operatorRoute(
    "Every request that matches a filter, as a file",
    "Oldest first, streamed. CSV follows RFC 4180; a text that a spreadsheet would take for a formula begins with an apostrophe. If the connection breaks before its end, the file is not complete.",
    {
      parameters: queryOf([...pageless, ...exportParameters]),
      responses: withText("text/csv", "One line for each request; `application/jsonl` with format=jsonl"),
    },
  ),
  events: operatorRoute(
    "What happens, as server-sent events",
    "Events `live`, `request` (at most 200 each half second), `log`, `health`, `alert` and `config`. The lines of the log carry an id: send the last one back as Last-Event-ID to get what came since. At most 32 readers at a time; one that does not keep up is cut off.",
    {
      parameters: [
        {
          name: "only",
          in: "query",
          required: false,
          description: "Kinds of events, separated by commas. Absent: all.",
          schema: { type: "string", example: "live,request" },
        },
      ],
      responses: withText("text/event-stream", "The events"),
    },
  ),
  rules: operatorRoute(
    "Routing rules in the order of evaluation",
    "Aliases, static rules, heuristics, categories of the classifier and the chain, with their conditions. How often each decided: /api/series?by=rule&bucket=total.",
  ),
  claude: operatorRoute(
    "The Claude Code programs",
    "Version, processes and state of the login for each provider and tenant; asked again after a minute.",
  ),
  doctor: operatorRoute(
    "Examine everything",
    "What `clawgate doctor --json` reports. It takes seconds; one run at a time. Needs the admin key or the state directory's token.",
  ),
} as const;

/** Paths that end in a name, as OpenAPI writes them: the plugin leaves out paths with a `*`. */
export const readingPaths = {
  "/api/requests/{id}": { get: pathOperation(readingDescriptions.request) },
  "/api/sessions/{id}": { get: pathOperation(readingDescriptions.session) },
};

function pathOperation({ responses = {}, ...detail }: RouteDescription) {
  return { ...detail, responses };
}
