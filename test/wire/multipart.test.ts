// Form data as clients write it, and as they should not.

import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { BrokenForm, boundaryOf, scanForm } from "../../src/wire/multipart.ts";

const bytesOf = async (form: FormData): Promise<{ bytes: Buffer; boundary: string }> => {
  const request = new Request("http://localhost/", { method: "POST", body: form });
  const boundary = boundaryOf(request.headers.get("content-type") ?? "") ?? "";
  return { bytes: Buffer.from(await request.arrayBuffer()), boundary };
};

test("every field and file is found where it stands, whatever its bytes are", async () => {
  const name = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => /^[\w[\] .-]+$/.test(text));
  const file = fc.uint8Array({ maxLength: 300 });
  const awkward = fc.array(fc.constantFrom(13, 10, 45, 45, 0, 255), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(name, fc.oneof(fc.string(), file, awkward)), { maxLength: 8 }),
      async (entries) => {
        const form = new FormData();
        const wanted = entries.map(([key, value]): [string, boolean, string] => {
          if (typeof value === "string") {
            form.append(key, value);
            return [key, false, ""];
          }
          const bytes = Buffer.from(value as Uint8Array);
          form.append(key, new File([bytes], "a.bin"));
          return [key, true, bytes.toString("hex")];
        });
        const { bytes, boundary } = await bytesOf(form);
        const found = scanForm(bytes, boundary).map(({ name: key, isFile, start, end }) => [
          key,
          isFile,
          isFile ? bytes.subarray(start, end).toString("hex") : "",
        ]);
        expect(found).toEqual(wanted);
      },
    ),
    { numRuns: 200 },
  );
});

test("a form that is cut anywhere is broken, never a smaller one", async () => {
  const form = new FormData();
  form.append("model", "m");
  form.append("file", new File(["\r\n--x\r\n"], "a"));
  const { bytes, boundary } = await bytesOf(form);
  const whole = bytes.lastIndexOf("--") + 2;
  for (let at = 0; at < whole; at++)
    expect(() => scanForm(bytes.subarray(0, at), boundary)).toThrow(BrokenForm);
  expect(scanForm(bytes.subarray(0, whole), boundary).length).toBe(2);
});

test("random bytes are broken or a form, never a crash", () => {
  const piece = fc.oneof(
    fc.constantFrom("--b", "--b--", "\r\n", "\r\n\r\n", 'content-disposition: form-data; name="a"', "x"),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const bytes = Buffer.from(pieces.join(""));
      try {
        for (const { start, end, from, to } of scanForm(bytes, "b")) {
          expect(start).toBeLessThanOrEqual(end);
          expect(from).toBeLessThan(to);
          expect(to).toBeLessThanOrEqual(bytes.length);
        }
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(BrokenForm);
      }
    }),
    { numRuns: 3_000 },
  );
});

describe("boundaries", () => {
  test.each([
    ["multipart/form-data; boundary=abc", "abc"],
    ['multipart/form-data; charset=utf-8; boundary="a b"', "a b"],
    ["Multipart/Form-Data;boundary=----x", "----x"],
    ["multipart/form-data", null],
    ["multipart/form-data; boundary=", null],
    [`multipart/form-data; boundary=${"a".repeat(71)}`, null],
    ["multipart/mixed; boundary=abc", null],
    ["application/json", null],
  ])("%s: %p", (type, boundary) => {
    expect(boundaryOf(type)).toBe(boundary);
  });

  test("empty values, two parts of one name, a preamble", () => {
    const part = (name: string, value: string) =>
      `--b\r\nContent-Disposition: form-data; name=${name}\r\n\r\n${value}\r\n`;
    const text = `hello\r\n${part("a", "")}${part("a", "1")}--b--`;
    const bytes = Buffer.from(text);
    const values = scanForm(bytes, "b").map(({ start, end }) => bytes.toString("utf8", start, end));
    expect(values).toEqual(["", "1"]);
  });
});
