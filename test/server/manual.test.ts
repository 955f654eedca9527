import { afterAll, describe, expect, test } from "bun:test";
import { topics } from "../../src/manual/topics.ts";
import { createServer } from "../../src/server/server.ts";
import { fakeGateway } from "./fake-gateway.ts";

const gateway = fakeGateway();
const server = createServer(gateway, { hostname: "127.0.0.1", port: 0 });
afterAll(() => server.stop(0));
const base = `http://127.0.0.1:${server.port}`;
const get = (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> =>
  fetch(base + path, { headers, method });

describe("the manual", () => {
  test.each(["", ...topics.map(({ name }) => `/${name}`)])("/docs%s is there for everybody", async (path) => {
    const answer = await get(`/docs${path}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(await answer.text()).toContain("<h1");
    expect(gateway.classes.at(-1)).toBe("public");
  });

  test("its policy lets in one stylesheet from here and nothing else", async () => {
    const { headers } = await get("/docs/routing");
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    const style = await get("/docs/style.css");
    expect(style.headers.get("content-type")).toBe("text/css; charset=utf-8");
    const text = await style.text();
    expect(text).toContain("prefers-color-scheme: dark");
    expect(text).not.toMatch(/url\(|@import/);
  });

  test("a page that the reader has is not sent again", async () => {
    const etag = (await get("/docs/models")).headers.get("etag") ?? "";
    expect(etag).toMatch(/^"\w+"$/);
    const again = await get("/docs/models", { "if-none-match": `W/${etag}` });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    expect((await get("/docs/models", { "if-none-match": '"other"' })).status).toBe(200);
  });

  test.each(["/docs", "/docs/models", "/docs/style.css", "/"])("HEAD %s has no body", async (path) => {
    const answer = await get(path, {}, "HEAD");
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  });

  test("a page's markdown is there too", async () => {
    const answer = await get("/docs/terms.md");
    expect(answer.headers.get("content-type")).toBe("text/markdown; charset=utf-8");
    expect(await answer.text()).toStartWith("# Terms of use\n");
  });

  test("a page that is not there names the nearest; a slash too many, the path that was meant", async () => {
    const answer = await get("/docs/rotuing");
    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain('Did you mean <a href="/docs/routing">');
    for (const path of ["/docs/%3Cb%3E", "/docs/a/b", "/docs/..%2f..%2fetc", "/docs/style.css/"])
      expect([(await get(path)).status, await (await get(path)).text()]).toEqual([
        404,
        expect.not.stringContaining("<b>"),
      ]);
    expect(await (await get("/docs/")).text()).toContain("Did you mean /docs?");
  });

  test("GET / leads there: as text, and as a page for browsers", async () => {
    const plain = await get("/");
    expect(plain.headers.get("content-type")).toStartWith("text/plain");
    const text = await plain.text();
    for (const path of ["/docs", "/swagger", "/health"]) expect(text).toContain(path);
    const shown = await get("/", { accept: "text/html,application/xhtml+xml;q=0.9" });
    expect(shown.headers.get("content-type")).toStartWith("text/html");
    const html = await shown.text();
    for (const path of ["/docs", "/swagger", "/health"]) expect(html).toContain(`href="${path}"`);
  });
});
