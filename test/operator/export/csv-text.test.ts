// CSV that a spreadsheet and a terminal can be given: RFC 4180, no formulas, exact amounts.

import { expect, test } from "bun:test";
import { csvLine, exactUsd } from "../../../src/operator/export/csv-text.ts";

test("fields are quoted as RFC 4180 demands", () => {
  expect(csvLine(["a", 'say "hi"', "b,c", "two\nlines", null, 7, true, " space"])).toBe(
    'a,"say ""hi""","b,c","two\nlines",,7,true," space"\r\n',
  );
});

test.each(["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "－1", "＋1", "＠x"])(
  "%j is a text and no formula",
  (text) => {
    expect(csvLine([text]).replace(/^"/, "")).toStartWith("'");
  },
);

test("a formula in quotes keeps them apart from the apostrophe", () => {
  expect(csvLine(['=HYPERLINK("http://x","y")'])).toBe('"\'=HYPERLINK(""http://x"",""y"")"\r\n');
});

test("numbers are numbers, negative ones too", () => {
  expect(csvLine([-1, 0.5])).toBe("-1,0.5\r\n");
});

test("escape sequences cannot steer a terminal", () => {
  const line = csvLine(["\u001b]0;title\u0007 \u009b31m red\u0000"]);
  expect(line).not.toMatch(/(?![\r\n])\p{Cc}/u);
  expect(line).toContain("title");
});

test("amounts keep their nano-USD, without an exponent", () => {
  expect(exactUsd(1 / 1e9)).toBe("0.000000001");
  expect(exactUsd(123_456_789_012_345 / 1e9)).toBe("123456.789012345");
  expect(exactUsd(0)).toBe("0");
  expect(exactUsd(100)).toBe("100");
  expect(exactUsd(null)).toBeNull();
  for (const nano of [1, 3, 1_000_000_007, 987_654_321_987])
    expect(Math.round(Number(exactUsd(nano / 1e9)) * 1e9)).toBe(nano);
});
