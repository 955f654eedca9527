// What a program writes into the manual is fresh.

import { describe, expect, test } from "bun:test";
import { generatedParts, withPart } from "../../scripts/generated-parts.ts";
import { textOf } from "./documents.ts";

describe("the generated parts", () => {
  test.each(generatedParts.map((part) => [part.page, part.marker, part] as const))(
    "%s, %s: fresh, else run `npm run reference`",
    (page, marker, part) => {
      const text = textOf(page);
      expect(withPart(text, marker, part.text())).toBe(text);
    },
  );

  test("a part goes between its markers and changes nothing else", () => {
    const page = "# a\n<!-- x:begin -->\nwhat stood here before\n<!-- x:end -->\nb\n";
    const fresh = withPart(page, "x", "new");
    expect(fresh).toBe("# a\n<!-- x:begin -->\n\nnew\n\n<!-- x:end -->\nb\n");
    expect(withPart(fresh ?? "", "x", "new")).toBe(fresh);
  });

  test("a page without the pair of markers is none", () => {
    expect(withPart("# no markers", "x", "new")).toBeNull();
    expect(withPart("<!-- x:end -->\n<!-- x:begin -->", "x", "new")).toBeNull();
  });
});
