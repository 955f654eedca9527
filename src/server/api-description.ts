// The API description: OpenAPI JSON from the table of routes and our zod schemas, and its page, both served by the binary.
// The page must never load anything from another host.

import { Elysia } from "elysia";
import { endpoints } from "../pipeline/endpoints.ts";
import { components } from "./api-components.ts";
import { pageHeaders } from "./page-headers.ts";
import { readingPaths } from "./reading-descriptions.ts";
import { keptPaths } from "./response-descriptions.ts";
import { routeDescriptions } from "./route-descriptions.ts";
import { scalarScript } from "./scalar-script.ts";
import type { ServerPort } from "./server-port.ts";
import type { Route } from "./routes.ts";

const pagePath = "/swagger";
const documentPath = "/swagger/json";
const scriptPath = "/swagger/scalar.js";

// Scalar styles itself inline and has no nonce for it; scripts stay limited to our own file.
const pagePolicy = [
  "default-src 'none'",
  // The hash is that of the plugin's configuration element, a script of five spaces.
  "script-src 'self' 'sha256-TcUB1mzXiQO4GxpTRZ0EMpOXKMU3u+n/q1WrgVIcs1I='",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** `/swagger`, `/swagger/json` and the script of the page. */
export function descriptionRoutes(gateway: ServerPort, described: readonly Route[]): readonly Route[] {
  // Built on the first request: the schemas of all dialects take milliseconds that the start must not spend.
  let made: Promise<{ readonly page: string; readonly document: string }> | null = null;
  const description = () => (made ??= makeDescription(gateway, described));
  const row = (path: string, answer: Route["answer"]): Route => ({
    method: "GET",
    path,
    routeClass: "public",
    takesBody: false,
    isEndpoint: false,
    detail: routeDescriptions.hidden,
    answer,
  });
  return [
    row(
      pagePath,
      async () =>
        new Response((await description()).page, {
          headers: { ...pageHeaders(pagePolicy), "content-type": "text/html; charset=utf-8" },
        }),
    ),
    row(
      documentPath,
      async () =>
        new Response((await description()).document, {
          headers: { "content-type": "application/json", "cache-control": "no-cache" },
        }),
    ),
    row(scriptPath, ({ request }) => scalarScript(request)),
  ];
}

/** The plugin reads the routes of the Elysia that it is attached to, so it gets a separate one that never listens. */
async function makeDescription(gateway: ServerPort, described: readonly Route[]) {
  // Loaded here and not at the start: the plugin takes 9 MB that most runs never need.
  const { swagger } = await import("@elysiajs/swagger");
  const documented = new Elysia({ strictPath: true });
  for (const route of described) {
    // Elysia accepts no wildcard in the middle of a path; `pathEndpoints` describes these.
    if (route.path.includes("*:")) continue;
    documented.route(route.method, documentedPath(route.path), () => "", { detail: route.detail });
  }
  documented.use(
    swagger({
      path: pagePath,
      specPath: documentPath,
      scalarCDN: scriptPath,
      scalarConfig: scalarSettings,
      excludeMethods: ["OPTIONS", "HEAD"],
      documentation: documentation(gateway, await gateway.apiSchemas()),
    }),
  );
  const read = async (path: string) =>
    (await documented.handle(new Request(`http://localhost${path}`))).text();
  return { page: await read(pagePath), document: await read(documentPath) };
}

/** Of two names in a path the second one is a key's fingerprint; the router wants the first one to be called alike everywhere. */
const documentedPath = (path: string): string =>
  path.replace(/\*(?=\/)/, ":id").replace(/(:id\/.*)\*/, "$1:fingerprint");

// Everything that would make Scalar contact its own servers is switched off; the policy above would block it anyway.
const scalarSettings: Record<string, unknown> = {
  url: documentPath,
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  hideClientButton: true,
  showDeveloperTools: "never",
  customCss: ":root { --scalar-font: system-ui, sans-serif; --scalar-font-code: ui-monospace, monospace; }",
};

function documentation(gateway: ServerPort, schemas: Awaited<ReturnType<ServerPort["apiSchemas"]>>) {
  return {
    info: {
      title: "ClawGate",
      version: gateway.version,
      description:
        "One local endpoint between AI clients and AI models. Every answer carries x-request-id and request-id.",
    },
    tags: [
      { name: "OpenAI", description: "OpenAI's wire format" },
      { name: "Anthropic", description: "Anthropic's wire format" },
      { name: "Google", description: "Google's wire format" },
      { name: "Model list", description: "Names that clients may use" },
      { name: "Operator", description: "For the person who runs the gateway" },
      { name: "Public", description: "For probes" },
    ],
    paths: {
      "/api/request-log/{id}": { get: routeDescriptions.loggedRequest },
      "/v1/models/{model}": { get: routeDescriptions.model },
      "/v1beta/models/{model}": { get: routeDescriptions.googleModel },
      ...routeDescriptions.pathEndpoints(endpoints),
      ...keptPaths,
      ...readingPaths,
    },
    components: {
      schemas: components(schemas),
      securitySchemes: {
        bearer: { type: "http" as const, scheme: "bearer", description: "A client key of auth.keys" },
        apiKey: { type: "apiKey" as const, in: "header", name: "x-api-key", description: "The same key" },
        googleKey: {
          type: "apiKey" as const,
          in: "header",
          name: "x-goog-api-key",
          description: "The same key",
        },
        clawgateKey: {
          type: "apiKey" as const,
          in: "header",
          name: "x-clawgate-key",
          description: "The same key, for when the other headers carry another key",
        },
        adminKey: {
          type: "http" as const,
          scheme: "bearer",
          description: "auth.admin_key, or the state directory's token",
        },
      },
    },
  };
}
