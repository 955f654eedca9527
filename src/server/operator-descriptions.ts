// What the API description says about the routes of the operator's pages: signing in and the audit.

import { errors, operatorRoute, type RouteDescription } from "./route-descriptions.ts";

const jsonBody = (properties: Record<string, { type: "string"; description: string }>) => ({
  required: true,
  content: {
    "application/json": { schema: { type: "object" as const, properties, additionalProperties: false } },
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
