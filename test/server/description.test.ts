import { afterAll, describe, expect, test } from "bun:test";
import { endpoints } from "../../src/pipeline/endpoints.ts";
import { createServer } from "../../src/server/server.ts";
import { fakeGateway } from "./fake-gateway.ts";

const server = createServer(fakeGateway(), { hostname: "127.0.0.1", port: 0 });
afterAll(() => server.stop(0));
const base = `http://127.0.0.1:${server.port}`;

type Operation = {
  summary?: string;
  tags?: string[];
  security?: unknown[];
  responses?: Record<string, unknown>;
};
type Document = {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Record<string, unknown>>; securitySchemes: Record<string, unknown> };
};

const read = async (): Promise<Document> => (await fetch(`${base}/swagger/json`)).json() as Promise<Document>;

describe("the document", () => {
  test("describes every endpoint, the models and the operator's routes", async () => {
    const { paths } = await read();
    for (const endpoint of endpoints)
      expect(paths[endpoint.path.replace("*", "{model}")]?.post?.summary).toBe(endpoint.summary);
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining([
        "/health",
        "/v1/models",
        "/v1/models/{model}",
        "/api/stats",
        "/api/recent",
        "/api/live",
        "/api/logs",
        "/api/tenants",
        "/api/reload",
        "/api/providers/{id}/reset",
        "/api/requests/{id}/cancel",
      ]),
    );
  });

  test("every operation has a summary, a tag, a word on keys, and answers", async () => {
    for (const methods of Object.values((await read()).paths))
      for (const operation of Object.values(methods)) {
        expect(operation.summary).toBeString();
        expect(operation.tags?.length).toBe(1);
        expect(operation.security).toBeArray();
        expect(Object.keys(operation.responses ?? {}).some((status) => /^20[04]$/.test(status))).toBe(true);
      }
  });

  test("both dialects' errors are described at their endpoints", async () => {
    const { paths } = await read();
    expect(JSON.stringify(paths["/v1/messages"]?.post?.responses?.["429"])).toContain(
      "schemas/AnthropicError",
    );
    expect(JSON.stringify(paths["/v1/chat/completions"]?.post?.responses?.["429"])).toContain(
      "schemas/OpenAIError",
    );
  });

  test("schemas are JSON Schema, not zod's insides, and every reference leads somewhere", async () => {
    const document = await read();
    const { schemas } = document.components;
    expect(schemas.ChatRequest).toMatchObject({ type: "object", required: ["model", "messages"] });
    expect(schemas["ChatRequest.__schema0"]).toMatchObject({
      properties: { text: { type: "string", nullable: true } },
    });
    expect(schemas.MessagesRequest).toMatchObject({ required: ["model", "max_tokens"] });
    const text = JSON.stringify(document);
    for (const inside of ['"def"', '"shape"', '"_zod"', '"~standard"', "$defs", "#/definitions"])
      expect(text).not.toContain(inside);
    const references = [...text.matchAll(/"\$ref":"([^"]*)"/g)].map((match) => match[1] ?? "");
    expect(references.length).toBeGreaterThan(10);
    for (const reference of references) {
      expect(reference).toStartWith("#/components/schemas/");
      expect(schemas).toHaveProperty([reference.slice("#/components/schemas/".length)]);
    }
  });
});

describe("the page", () => {
  test("loads from here and nowhere else", async () => {
    const answer = await fetch(`${base}/swagger`);
    const page = await answer.text();
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page).not.toMatch(/(?:src|href|url)\s*[=:(]\s*["']?(?:https?:)?\/\//i);
    const scripts = [...page.matchAll(/<script[^>]*\ssrc="([^"]*)"/g)].map((match) => match[1]);
    expect(scripts).toEqual(["/swagger/scalar.js"]);
  });

  test("its policy lets nothing in from outside and nobody frame it", async () => {
    const { headers } = await fetch(`${base}/swagger`);
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/https?:|script-src[^;]*unsafe/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("its configuration element is the one script that the policy's hash lets stand", async () => {
    const answer = await fetch(`${base}/swagger`);
    const inline = /<script[^>]*data-url[^>]*>([^<]*)<\/script>/.exec(await answer.text())?.[1] ?? "";
    const hash = new Bun.CryptoHasher("sha256").update(inline).digest("base64");
    expect(answer.headers.get("content-security-policy")).toContain(`'sha256-${hash}'`);
  });

  test("its script is Scalar's own bundle", async () => {
    const answer = await fetch(`${base}/swagger/scalar.js`);
    expect(answer.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(answer.headers.get("cache-control")).toContain("max-age=86400");
    expect((await answer.text()).length).toBeGreaterThan(1_000_000);
  });
});
