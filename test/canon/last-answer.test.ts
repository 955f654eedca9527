import { expect, test } from "bun:test";
import { keepingLastAnswer } from "../../src/canon/last-answer.ts";

test("is asked again only for another text, and after a failure", () => {
  const asked: string[] = [];
  const ask = keepingLastAnswer((text) => {
    asked.push(text);
    if (text === "bad") throw new Error("no");
    return { text };
  });
  const first = ask("a");
  expect(ask("a")).toBe(first);
  expect(ask("b")).toEqual({ text: "b" });
  expect(() => ask("bad")).toThrow("no");
  expect(() => ask("bad")).toThrow("no");
  expect(ask("b")).toEqual({ text: "b" });
  expect(asked).toEqual(["a", "b", "bad", "bad"]);
});
