// POST /api/route and POST /api/providers/{id}/test on the whole app: broken questions, deadlines, clients that leave early.

import { describe, expect, test } from "bun:test";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { fakeClock } from "../support/clock.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const cleanups = cleanupsAfterEach();

const vendorKey = "vendor-key-0123456789";

async function open(
  config: object = {},
  clock?: ReturnType<typeof fakeClock>,
): Promise<{ readonly gateway: TestGateway; readonly vendor: Upstream }> {
  const vendor = cleanups.stopAtEnd(startUpstream());
  const gateway = cleanups.stopAtEnd(
    await startTestGateway({
      config: {
        providers: { one: { base_url: vendor.url, api_key: vendorKey, model: "fake-large" } },
        auth: { admin_key: "admin-key-0123456789" },
        ...config,
      },
      ...(clock === undefined ? {} : { clock }),
    }),
  );
  return { gateway, vendor };
}

const errorOf = async (answer: Response): Promise<{ status: number; message: string; param: unknown }> => {
  const { error } = (await answer.json()) as { error: { message: string; param: unknown } };
  return { status: answer.status, message: error.message, param: error.param };
};

describe("route", () => {
  const ask = (gateway: TestGateway, body: BodyInit, query = ""): Promise<Response> =>
    fetch(`${gateway.url}/api/route${query}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer admin-key-0123456789" },
      body,
    });

  test.each([
    ["no JSON", "{", "not usable JSON"],
    ["no object", "[]", ""],
    ["too deep", `{"a":${"[".repeat(500)}${"]".repeat(500)}}`, "not usable JSON"],
    ["a model that is no text", '{"model":7,"messages":[]}', "model"],
  ])("%s is 400", async (_name, body, words) => {
    const { gateway } = await open();
    const { status, message } = await errorOf(await ask(gateway, body));
    expect(status).toBe(400);
    expect(message).toContain(words);
  });

  test("bytes that are no UTF-8 are 400", async () => {
    const { gateway } = await open();
    const { status, message } = await errorOf(await ask(gateway, new Uint8Array([0x7b, 0xff, 0x7d])));
    expect({ status, message }).toEqual({ status: 400, message: "The body is not valid UTF-8." });
  });

  test("an endpoint that does not exist is 400 and names the parameter", async () => {
    const { gateway } = await open();
    const asked = await ask(gateway, '{"messages":[{"role":"user","content":"hi"}]}', "?door=telnet");
    expect(await errorOf(asked)).toMatchObject({ status: 400, param: "door" });
  });

  test("nothing is called, nothing is recorded", async () => {
    const { gateway, vendor } = await open();
    const answer = await ask(gateway, '{"messages":[{"role":"user","content":"hi"}]}');
    expect(await answer.json()).toMatchObject({ provider: "one", model: "fake-large" });
    expect(vendor.count("/v1/chat")).toBe(0);
    expect(gateway.records()).toEqual([]);
  });
});

describe("test", () => {
  const ask = (gateway: TestGateway, query = "", signal?: AbortSignal): Promise<Response> =>
    fetch(`${gateway.url}/api/providers/one/test${query}`, {
      method: "POST",
      headers: { authorization: "Bearer admin-key-0123456789" },
      ...(signal === undefined ? {} : { signal }),
    });

  test("a vendor that never answers is given up after 30 s", async () => {
    const clock = fakeClock();
    const { gateway, vendor } = await open({}, clock);
    vendor.script(() => ({ isSilent: true }));
    const asking = ask(gateway);
    await vendor.waitFor((request) => request.method === "POST");
    await clock.advance(30_100);
    const answer = await asking;
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      ok: false,
      error: { kind: "timed-out", message: expect.stringContaining("30 s"), hint: expect.any(String) },
    });
  });

  test("who asked and left takes the request along", async () => {
    const { gateway, vendor } = await open();
    vendor.script(() => ({ isSilent: true }));
    const leaving = new AbortController();
    const asking = ask(gateway, "", leaving.signal).catch((thrown: unknown) => thrown);
    await vendor.waitFor((request) => request.method === "POST");
    leaving.abort();
    await asking;
    const record = await gateway.waitForRecord((each) => each.tags.includes("provider-test"));
    expect(record).toMatchObject({ failure: "cancelled", provider: null, layer: "direct" });
    await gateway.assertClean(vendor.requests);
  });

  test("a model that the vendor does not have, and its hint", async () => {
    const { gateway, vendor } = await open();
    const error = { message: "The model does not exist.", code: "model_not_found" };
    vendor.script(() => ({ status: 404, body: { error } }));
    const answer = await ask(gateway, "?model=no-such-model");
    expect(await answer.json()).toMatchObject({
      ok: false,
      model: "no-such-model",
      error: { kind: "model-missing", hint: expect.stringContaining("--model") },
    });
  });

  test("without the admin key or the token it is refused", async () => {
    const { gateway, vendor } = await open();
    const answer = await fetch(`${gateway.url}/api/providers/one/test`, { method: "POST" });
    expect(answer.status).toBe(401);
    expect(vendor.count("/v1/chat")).toBe(0);
  });
});
