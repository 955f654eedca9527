// The rows are complete and true to themselves, and every provider of ClawGate-py's catalogue is among them.

import { describe, expect, test } from "bun:test";
import { quirks } from "../../../src/backends/http/quirks.ts";
import { headersAt, localServers, quirksAt, vendors } from "../../../src/backends/http/vendors.ts";
import { resolveBaseUrl } from "../../../src/backends/settings.ts";
import { capabilitiesOf } from "../../../src/catalog/model-capabilities.ts";
import { modelsByHost } from "../../../src/catalog/models.generated.ts";
import { documentedVariables, keyVariables } from "../../../src/config/environment.ts";
import { keyVariablesOf } from "../../../src/config/discovery.ts";

const rows = [...vendors, ...localServers];

test("ids, addresses and key variables are one row's own", () => {
  const ids = rows.map((row) => row.id);
  const addresses = rows.map((row) => row.baseUrl);
  const keys = rows.flatMap(keyVariablesOf);
  for (const each of [ids, addresses, keys]) expect(new Set(each).size).toBe(each.length);
});

test("every key variable that ClawGate-py documents switches a row on, and is read from .env", () => {
  const keys = new Set(rows.flatMap(keyVariablesOf));
  expect(keyVariables.filter((name) => !keys.has(name))).toEqual([]);
  expect(documentedVariables.filter((name) => keys.has(name))).toEqual([]);
});

describe.each(rows.map((row) => [row.name, row] as const))("%s", (_name, row) => {
  test("has an address that stays as it is", () => {
    expect(resolveBaseUrl(row.baseUrl, row.backend)).toEqual({ url: row.baseUrl });
  });

  test("names every model once, without spaces, and its default not again", () => {
    const models = [...(row.model === null ? [] : [row.model]), ...row.models];
    expect(new Set(models).size).toBe(models.length);
    for (const model of models) expect(model).toMatch(/^\S+$/);
  });

  test("gets the quirks and headers of its row, and no quirk meant for another format", () => {
    if (!vendors.includes(row)) {
      expect([row.quirks, quirksAt(row.baseUrl, row.backend)]).toEqual([[], []]);
      return;
    }
    expect(quirksAt(row.baseUrl, row.backend)).toEqual(row.quirks);
    expect(quirksAt(row.baseUrl, "openai-responses")).toEqual(row.quirksOf?.["openai-responses"] ?? []);
    expect(headersAt(row.baseUrl)).toEqual(row.headers ?? {});
    for (const name of [...row.quirks, ...Object.values(row.quirksOf ?? {}).flat()])
      expect(Object.hasOwn(quirks, name)).toBe(true);
  });
});

describe.each(vendors.map((row) => [row.name, row] as const))("%s, in the cloud", (_name, row) => {
  test("is spoken to over TLS, with a key, and has a default model", () => {
    expect(new URL(row.baseUrl).protocol).toBe("https:");
    expect(row.keyVariable).toMatch(/^[A-Z][A-Z_]*_(?:KEY|TOKEN)$/);
    expect(row.model).not.toBeNull();
  });

  test("lists only models that the bundled list knows, where there is a list", () => {
    const { host } = new URL(row.baseUrl);
    const chat = [row.model ?? "", ...row.models].filter((model) => !/embed/.test(model));
    const unknown = chat.filter((model) => capabilitiesOf({ baseUrl: row.baseUrl }, model).tools === null);
    const hasList = Object.hasOwn(modelsByHost, host);
    expect(hasList ? unknown : []).toEqual([]);
  });
});

test("servers on this machine are spoken to on loopback only", () => {
  for (const row of localServers) expect(new URL(row.baseUrl).hostname).toBe("127.0.0.1");
});

test("vendors that want the headers of another program get none from us, and say so", () => {
  const asking = vendors.filter((row) => row.needsHeaders !== undefined);
  expect(asking.map((row) => row.id)).toEqual(["kimi", "github-copilot"]);
  for (const row of asking) {
    expect(row.headers).toBeUndefined();
    expect(row.note).toContain("headers");
  }
});

test("OpenRouter gets ClawGate's own name", () => {
  expect(headersAt("https://openrouter.ai/api/v1")).toEqual({
    "http-referer": "https://clawgate.local",
    "x-title": "ClawGate",
  });
});

test("an unknown address has neither quirks nor headers", () => {
  for (const url of ["https://api.openai.com.evil.org/v1", "http://127.0.0.1:1/v1"])
    expect([quirksAt(url, "openai-compat"), headersAt(url)]).toEqual([[], {}]);
});

test("Moonshot's Chinese address deviates like the other one", () => {
  expect(quirksAt("https://api.moonshot.cn/v1", "openai-compat")).toEqual(
    quirksAt("https://api.moonshot.ai/v1", "openai-compat"),
  );
});
