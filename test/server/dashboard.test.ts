import { afterAll, describe, expect, test } from "bun:test";
import { createServer } from "../../src/server/server.ts";
import { fakeGateway } from "./fake-gateway.ts";

const gateway = fakeGateway();
const server = createServer(gateway, { hostname: "127.0.0.1", port: 0 });
afterAll(() => server.stop(0));
const base = `http://127.0.0.1:${server.port}`;
const get = (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> =>
  fetch(base + path, { headers, method });

const page = await (await get("/dashboard")).text();
const assets = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = ""]) => path);

describe("the dashboard", () => {
  test.each([
    "/dashboard",
    "/dashboard/",
    "/dashboard/requests",
    "/dashboard/requests/01ABC",
    "/dashboard/sessions/a%2Fb",
    "/dashboard/nothing",
  ])("%s is the same page for everybody", async (path) => {
    const answer = await get(path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(await answer.text()).toBe(page);
    expect(gateway.classes.at(-1)).toBe("public");
  });

  test("its policy lets in its own files and its own API, and nothing inline", async () => {
    const { headers } = await get("/dashboard");
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("cache-control")).toBe("no-cache");
    expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|https?:/);
  });

  test("its files have the names of what they hold, and are kept by the browser", async () => {
    expect(assets.map((path) => path.replace(/^.*\./, "")).toSorted()).toEqual(["css", "js", "svg"]);
    for (const path of assets) {
      expect(path).toMatch(/^\/dashboard\/assets\/\w+\.(?:js|css|svg)$/);
      const answer = await get(path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    }
    const types = await Promise.all(
      assets.map(async (path) => (await get(path)).headers.get("content-type")),
    );
    expect(types.toSorted()).toEqual([
      "image/svg+xml",
      "text/css; charset=utf-8",
      "text/javascript; charset=utf-8",
    ]);
  });

  test("all of it is less than 300 kB on the wire, and whole without compression too", async () => {
    let bytes = page.length;
    for (const path of assets) {
      const packed = await fetch(base + path, {
        headers: { "accept-encoding": "br, gzip" },
        decompress: false,
      });
      expect([packed.headers.get("content-encoding"), packed.headers.get("vary")]).toEqual([
        "gzip",
        "accept-encoding",
      ]);
      const body = await packed.bytes();
      bytes += body.length;
      const plain = await fetch(base + path, { headers: { "accept-encoding": "identity" } });
      expect(plain.headers.get("content-encoding")).toBe(null);
      expect(await plain.text()).toBe(new TextDecoder().decode(Bun.gunzipSync(body)));
    }
    expect(bytes).toBeLessThan(300_000);
    expect(bytes).toBeGreaterThan(20_000);
  });

  test("it loads nothing from another host, and evaluates no text", async () => {
    for (const path of assets.filter((each) => /\.(?:js|css)$/.test(each))) {
      const text = await (await get(path)).text();
      const addresses = text.match(/https?:\/\/[^\s"'`)]+/g) ?? [];
      // Names of XML, not addresses.
      expect(addresses.filter((each) => !each.startsWith("http://www.w3.org/"))).toEqual([]);
      expect(text).not.toMatch(/@import|\beval\(|new Function\(|dangerouslySetInnerHTML:/);
    }
  });

  test("a file of an older version is not there, and says what helps", async () => {
    const answer = await get("/dashboard/assets/old.js");
    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain("Reload the page");
    expect((await get("/dashboard/assets/")).status).toBe(404);
    expect((await get("/dashboard/assets/..%2f..%2fpackage.json")).status).toBe(404);
  });

  test("nothing but reading is answered, and / leads to it", async () => {
    const head = await get("/dashboard/live", {}, "HEAD");
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect((await get("/dashboard", {}, "POST")).status).toBe(405);
    expect(await (await get("/", { accept: "text/html" })).text()).toContain('href="/dashboard"');
    expect(await (await get("/")).text()).toContain("/dashboard");
  });
});
