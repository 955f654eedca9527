// Which parts of an upstream's address people may see.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { secretsInAddress, shownAddress } from "../../../src/backends/http/shown-address.ts";
import { vendors } from "../../../src/backends/http/vendors.ts";

const hex = "0123456789abcdef0123456789abcdef";

describe("what vendors publish is shown as it is", () => {
  test.each([
    ...vendors.map((row) => row.baseUrl),
    "https://dashscope.aliyuncs.com/compatible-mode/v1",
    "https://my-resource.openai.azure.com/openai/deployments/gpt-4o-mini-2024-07-18",
    "https://my-resource.openai.azure.com/openai/v1",
    `https://gateway.ai.cloudflare.com/v1/${hex}/my-gateway/openai`,
    `https://api.cloudflare.com/client/v4/accounts/${hex}/ai/v1`,
    "https://aiplatform.googleapis.com/v1/projects/my-project-123/locations/us-central1/endpoints/openapi",
    "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1",
    "https://adb-1.azuredatabricks.net/serving-endpoints",
    "https://api.endpoints.example/text-generation-inference/v1",
    "http://[::1]:8080/v1",
  ])("%s", (address) => {
    expect(shownAddress(address)).toBe(address);
    expect(secretsInAddress(address)).toEqual([]);
  });
});

describe("what may be a token is masked, and known as a secret", () => {
  test.each([
    ["https://h/v1/sk-abcdef1234567890", "https://h/v1/***", "sk-abcdef1234567890"],
    ["https://h/sk-abcdef1234567890/v1", "https://h/***/v1", "sk-abcdef1234567890"],
    ["https://h/bot123456:AAxx-yy_zz/v1", "https://h/***/v1", "bot123456:AAxx-yy_zz"],
    [`https://h/${hex}/v1`, "https://h/***/v1", hex],
    [
      "https://h/0b9e0f4c-7d4e-4c55-9a39-5a5be3b9a0a5/v1",
      "https://h/***/v1",
      "0b9e0f4c-7d4e-4c55-9a39-5a5be3b9a0a5",
    ],
    ["https://h/proxy/AbCdEfGhIjKlMnOp/v1", "https://h/proxy/***/v1", "AbCdEfGhIjKlMnOp"],
    ["https://h/s3cr3tt0k3n/v1", "https://h/***/v1", "s3cr3tt0k3n"],
    ["https://h/my-secret-path/v1", "https://h/***/v1", "my-secret-path"],
    ["https://h/key%2Bone%2Ftwo%3D/v1", "https://h/***/v1", "key+one/two="],
    ["https://h/accounts/sk-abcdef1234567890/v1", "https://h/accounts/***/v1", "sk-abcdef1234567890"],
    ["http://user:hunter22@h/v1", "http://h/v1", "hunter22"],
    ["http://only-a-token@h/v1", "http://h/v1", "only-a-token"],
    ["http://h/v1?key=canary-1&x=y", "http://h/v1", "canary-1"],
  ])("%s", (address, shown, secret) => {
    expect(shownAddress(address)).toBe(shown);
    expect(secretsInAddress(address)).toContain(secret);
  });

  test("of a proxy's credentials the form in which they are sent as well", () => {
    expect(secretsInAddress("http://us%20er:p%40ss@h:3128")).toContain(
      Buffer.from("us er:p@ss").toString("base64"),
    );
  });

  test("what is not an address is not shown", () => {
    expect(shownAddress("sk-abcdef1234567890")).toBe("***");
  });

  test("random tokens of 12 characters and more, wherever they stand", () => {
    const token = fc
      .stringMatching(/^[A-Za-z0-9_-]{12,48}$/)
      .filter(
        (text) =>
          /\d/.test(text) &&
          text.split(/[-_]/).some((part) => /^(?=.*\d)(?=.*[a-z])[a-z\d]{5,}$/i.test(part)),
      );
    fc.assert(
      fc.property(
        token,
        fc.constantFrom("https://h/v1/", "https://h/api/", "https://h/"),
        (secret, start) => {
          fc.pre(!/^v\d[a-z0-9.-]{0,15}$/i.test(secret));
          expect(shownAddress(`${start}${secret}/v1`)).not.toContain(secret);
        },
      ),
    );
  });
});
