// What the API description says about the routes of the operator's pages: signing in and the audit.

import { errors, operatorRoute, type RouteDescription } from "./route-descriptions.ts";

const jsonBody = (properties: Record<string, { type: "string"; description: string }>) => ({
  required: true,
  content: {
    "application/json": { schema: { type: "object" as const, properties, additionalProperties: false } },
  },
});

const configText = (statuses: readonly string[]) => ({
  requestBody: jsonBody({ text: { type: "string", description: "The whole text, at most 512 KB." } }),
  responses: {
    "200": {
      description: "The report",
      content: { "application/json": { schema: { type: "object" as const } } },
    },
    ...errors("OpenAIError", statuses),
  },
});

const whole = (name: string, description: string, schema: object = { type: "string" }) => ({
  name,
  in: "query" as const,
  required: false,
  description,
  schema,
});

export const operatorDescriptions = {
  session: operatorRoute(
    "What this browser may do",
    "`signed_in`, `can_read`, `can_write`, whether an admin key is configured, and when the session ends (`expires_ms`, UTC milliseconds). Answers everybody.",
    { security: [] },
  ),
  signIn: operatorRoute(
    "Sign in on the dashboard",
    "With the admin key, or with the one-time code that `clawgate dashboard` prints. Sets the cookie `clawgate_session` (HttpOnly, SameSite=Strict, 12 hours), which has the operator's rights until the gateway restarts or the admin key changes.",
    {
      security: [],
      requestBody: jsonBody({
        key: { type: "string", description: "The admin key." },
        code: { type: "string", description: "The one-time code, in its place." },
      }),
      responses: {
        "200": { description: "Signed in", content: { "application/json": { schema: { type: "object" } } } },
        ...errors("OpenAIError", ["400", "401", "403", "413", "415"]),
      },
    },
  ),
  signOut: operatorRoute("Sign out", "Ends the session of the cookie. Nothing happens without one.", {
    security: [],
    responses: { "204": { description: "Signed out" }, ...errors("OpenAIError", ["403"]) },
  }),
  signInCode: operatorRoute(
    "Make a one-time code for signing in",
    "For `clawgate dashboard`: `code` holds for two minutes and once; the next one replaces it. Needs the admin key or the state directory's token; a session gets none.",
  ),
  checkConfig: operatorRoute(
    "Check a text in place of the config file",
    "Nothing is written. The loader of a start reads the text: `problems` (dotted key `path`, `line`, `message`, `severity`), `diff` against the file with secrets masked, and what of it takes effect only after a restart. Placeholders of masked secrets stand for the secrets as long as they stay at their places.",
    configText(["400", "401", "403", "413", "415"]),
  ),
  saveConfig: operatorRoute(
    "Write the config file",
    "The text is checked as by /api/config/check; if it is valid, the file is replaced as a whole, the old one is kept (`<name>.bak` to `.bak.5`), and the gateway reloads. `If-Match` must be the `etag` of GET /api/config: 412 if the file changed since, 428 without it, 409 if there is no file or it cannot be written.",
    {
      ...configText(["400", "401", "403", "413", "415"]),
      parameters: [{ name: "if-match", in: "header", required: true, schema: { type: "string" } }],
    },
  ),
  undoConfig: operatorRoute(
    "Go back to the version before",
    "The newest kept version becomes the config file again, once it is checked, and the gateway reloads; what it replaces stays as `<name>.undone`. With `If-Match` only if the file is still that version.",
  ),
  createKey: operatorRoute(
    "Make a key for a tenant",
    "`key` is shown only now; the config file gets its SHA-256, and the gateway reloads. 409 if the file cannot be changed.",
    {
      requestBody: {
        ...jsonBody({
          expires_at: { type: "string", description: "From then on it is refused. Absent: never." },
        }),
        required: false,
      },
    },
  ),
  rotateKey: operatorRoute(
    "Replace a tenant's key",
    "The answer is that of a new key. The old one, named by its fingerprint, is refused from now on, or from `old_expires_at` on.",
    {
      requestBody: {
        ...jsonBody({
          expires_at: { type: "string", description: "Of the new key. Absent: never." },
          old_expires_at: {
            type: "string",
            description: "How long the old key is still accepted. Absent: no longer.",
          },
        }),
        required: false,
      },
    },
  ),
  revokeKey: operatorRoute(
    "Revoke a tenant's key",
    "It is removed from the config file, and the gateway reloads. 409 for the tenant's last key.",
  ),
  audit: operatorRoute(
    "Who changed what",
    "Changes of the config and of keys, reloads, resets, tests, cancels and sign-ins, newest first. Kept over restarts: the last 2,000, at most 180 days. Send `next` of the answer as `cursor` to get older ones.",
    {
      parameters: [
        whole("limit", "1 to 500.", { type: "integer", minimum: 1, maximum: 500, default: 50 }),
        whole("cursor", "`next` of the answer before."),
      ],
    },
  ),
} satisfies Readonly<Record<string, RouteDescription>>;
