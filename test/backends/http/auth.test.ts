import { describe, expect, test } from "bun:test";
import { keySigner, noSigner, tokenOfText, tokenSigner } from "../../../src/backends/http/auth.ts";
import { Failure } from "../../../src/canon/failure.ts";

async function signed(signer: ReturnType<typeof noSigner>): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  await signer.sign(headers);
  return headers;
}

test("keys in every style, and none", async () => {
  expect(await signed(keySigner("k", "bearer"))).toEqual({ authorization: "Bearer k" });
  expect(await signed(keySigner("k", "x-api-key"))).toEqual({ "x-api-key": "k" });
  expect(await signed(keySigner("k", "x-goog-api-key"))).toEqual({ "x-goog-api-key": "k" });
  expect(await signed(noSigner())).toEqual({});
});

describe("a token from elsewhere", () => {
  const unreadable = "cannot be read";
  function tokens(values: readonly string[]) {
    let reads = 0;
    let now = 0;
    const signer = tokenSigner(
      () => {
        const value = values[Math.min(reads++, values.length - 1)] ?? "";
        return value === unreadable
          ? Promise.reject(new Error("ENOENT /secret/path"))
          : Promise.resolve(value);
      },
      () => now,
      1_000,
    );
    return { signer, reads: () => reads, advance: (ms: number) => void (now += ms) };
  }

  test("is held for its time and read again after it", async () => {
    const { signer, reads, advance } = tokens(["one\n", "two"]);
    expect(await signed(signer)).toEqual({ authorization: "Bearer one" });
    advance(999);
    expect(await signed(signer)).toEqual({ authorization: "Bearer one" });
    advance(1);
    expect(await signed(signer)).toEqual({ authorization: "Bearer two" });
    expect(reads()).toBe(2);
  });

  test("is read again after a 401", async () => {
    const { signer } = tokens(["stale", "fresh"]);
    expect(signer.forget(await signed(signer))).toBe(true);
    expect(await signed(signer)).toEqual({ authorization: "Bearer fresh" });
  });

  test("a late 401 of an old token does not forget the new one", async () => {
    const { signer, reads } = tokens(["stale", "fresh", "newer"]);
    const refused = await signed(signer);
    signer.forget(refused);
    await signed(signer);
    expect(signer.forget(refused)).toBe(true);
    expect(await signed(signer)).toEqual({ authorization: "Bearer fresh" });
    expect(reads()).toBe(2);
  });

  test("only a token that is read can change by reading again", async () => {
    for (const signer of [keySigner("k", "bearer"), keySigner("k", "x-api-key"), noSigner()])
      expect(signer.forget(await signed(signer))).toBe(false);
  });

  test("is read once for many requests at a time", async () => {
    const { signer, reads } = tokens(["one"]);
    const all = await Promise.all(Array.from({ length: 20 }, () => signed(signer)));
    expect(new Set(all.map((each) => each["authorization"]))).toEqual(new Set(["Bearer one"]));
    expect(reads()).toBe(1);
  });

  test.each(["", "  ", "two words", "line\r\nx-evil: 1", "é", "x".repeat(20_000), unreadable])(
    "%p is none, is told without its text, and the next try reads again",
    async (bad) => {
      const { signer } = tokens([bad, "good"]);
      const thrown: unknown = await signed(signer).catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(Failure);
      expect((thrown as Failure).kind).toBe("credentials-rejected");
      expect((thrown as Failure).message).not.toContain("secret");
      expect(await signed(signer)).toEqual({ authorization: "Bearer good" });
    },
  );
});

describe("a token inside a text", () => {
  const text = JSON.stringify({
    auth: { "a/b": "slash", "c~d": "tilde", list: ["zero", "one"], "": "empty", number: 5 },
    "": "root",
  });

  test.each([
    ["/auth/a~1b", "slash"],
    ["/auth/c~0d", "tilde"],
    ["/auth/list/1", "one"],
    ["/auth/", "empty"],
    ["/", "root"],
    [null, text],
    ["", text],
  ])("%p", (pointer, token) => {
    expect(tokenOfText(text, pointer)).toBe(token);
  });

  test.each([
    "/auth",
    "/auth/number",
    "/none",
    "/none/deeper",
    "/auth/list/7",
    "/__proto__",
    "/constructor/name",
  ])("%s points at no text", (pointer) => {
    const bare = pointer.startsWith("/constructor") ? "{}" : text;
    expect(() => tokenOfText(bare, pointer)).toThrow("there is no text at");
  });

  test("what is not JSON is refused", () => {
    expect(() => tokenOfText("not json", "/a")).toThrow();
  });
});
