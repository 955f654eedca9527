// Secrets that an operator may have put into a config, and everything that the gateway says of itself and of a vendor that
// repeats them: none of it shows one.

import { describe, expect, test } from "bun:test";
import { startTestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";

const inPath = "Zq7Xw2Lk9Rt4Yb8Nc3Vf";
const vendorKey = "vendor-KEY-99f3a1c7";
const inHeader = "header-KEY-51b2d4e8f0aa";
const proxyPassword = "proxy-Pass-7a7b7c";
const serverToken = "mcp-Token-1f2e3d4c5b";

describe("an app with secrets in every place", () => {
  const open = async () => {
    const vendor = startUpstream();
    // It repeats what it was sent, as plain text, as a link and in base64.
    vendor.script(({ path, headers }) => ({
      status: 500,
      body: {
        error: {
          message: [
            `no route for ${path} (${encodeURIComponent(path)})`,
            headers["authorization"],
            headers["x-team-token"],
            Buffer.from(`user:${vendorKey}`).toString("base64"),
            "the local model must be a text",
          ].join(" | "),
        },
      },
    }));
    const gateway = await startTestGateway({
      environment: { HTTPS_PROXY: `http://user:${proxyPassword}@127.0.0.1:1` },
      config: {
        health: { check_interval_seconds: 0 },
        providers: {
          one: {
            base_url: `${vendor.url}/${inPath}/v1`,
            api_key: vendorKey,
            model: "m",
            headers: { "x-team-token": inHeader, "x-team": "research", accept: "application/json" },
          },
          two: { base_url: vendor.url, api_key: "local", model: "m", fallback: false },
          three: { base_url: "https://vendor.example", api_key: "local", model: "m", fallback: false },
        },
        mcp_servers: { tools: { type: "sse", url: `https://tools.example/${serverToken}/sse` } },
        fallback_chain: ["one"],
      },
    });
    const ask = (model: string, stream: boolean): Promise<Response> =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model, stream, messages: [{ role: "user", content: "hi" }] }),
      });
    return { vendor, gateway, ask };
  };

  test("nothing that it says shows one, and words stay words", async () => {
    const { vendor, gateway, ask } = await open();
    const said: string[] = [];
    for (const model of ["one/m", "two/m", "three/m"])
      for (const stream of [true, false]) said.push(await (await ask(model, stream)).text());
    const paths = [
      "/api/providers",
      "/api/recent",
      "/api/stats",
      "/health",
      "/metrics",
      "/api/tenants",
      "/api/config",
    ];
    for (const path of paths) said.push(await (await fetch(gateway.url + path)).text());
    said.push(...gateway.log);
    const all = said.join("\n");
    for (const secret of [inPath, vendorKey, inHeader, proxyPassword, serverToken]) {
      expect(all).not.toContain(secret);
      expect(all).not.toContain(encodeURIComponent(secret));
    }
    expect(all).not.toContain(Buffer.from(`user:${vendorKey}`).toString("base64"));
    expect(all).toContain("the local model must be a text");
    expect(all).toContain(`${vendor.url}/***/v1`);
    await gateway.stop();
    vendor.stop();
  });

  test("a vendor that writes them into every member of its error, or so that we cut them in two, shows none", async () => {
    const { vendor, gateway, ask } = await open();
    const shown: string[] = [];
    for (let before = 0; before < vendorKey.length; before++)
      for (const length of [200, 300, 1_000, 2_000]) {
        const said = `${"x".repeat(length - before - 1)} ${vendorKey}`;
        vendor.script(() => ({
          status: 400,
          body: { error: { message: said, param: vendorKey, code: said, type: "invalid_request_error" } },
        }));
        shown.push(await (await ask("two/m", false)).text(), await (await ask("one/m", true)).text());
      }
    const part = vendorKey.slice(0, 6);
    for (const each of shown) expect(each.includes(part) ? each.slice(each.indexOf(part)) : "").toBe("");
    await gateway.stop();
    vendor.stop();
  });

  test("a proxy's password is masked in a text that repeats it", async () => {
    const { vendor, gateway } = await open();
    const { redact } = gateway.app.services;
    const sent = Buffer.from(`user:${proxyPassword}`).toString("base64");
    expect(redact(`407 for ${proxyPassword} (${sent}), tools at ${serverToken}`)).toBe(
      "407 for *** (***), tools at ***",
    );
    expect(redact("the research team asks for application/json")).toBe(
      "the research team asks for application/json",
    );
    await gateway.stop();
    vendor.stop();
  });
});
