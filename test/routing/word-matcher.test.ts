import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { compileWords, foldText } from "../../src/routing/word-matcher.ts";

const found = (text: string, ...keywords: string[]): readonly string[] =>
  compileWords(keywords).foundIn(foldText(text));

describe("a keyword is a whole word", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["hi", "which", false],
    ["hi", "hi", true],
    ["hi", "HI!", true],
    ["hi", "_hi_", true],
    ["hi", "hi2", false],
    ["hi", "2hi", false],
    ["hi", "hi²", false],
    ["ja", "java", false],
    ["ja", "ja, java", true],
    ["ja", "ninja ja", true],
    ["no", "note", false],
    ["ds", "adds", false],
    ["r1", "r12", false],
    ["r1", "r1-lite", true],
    // Letters of any spaced script stop a word, composed or not.
    ["hi", "hié", false],
    ["hi", "hie\u0301", false],
    ["hi", "hi\u0301", false],
    ["hi", "hiй", false],
    ["hi", "𝒜hi", false],
    ["hi", "😀hi😀", true],
    ["не", "нет", false],
    ["не", "Не!", true],
    ["и", "й", false],
    ["и", "и\u0306", false],
    ["हि", "हिन्दी", false],
    ["번역", "번역 해줘", true],
    ["번역", "재번역", false],
    // Scripts without blanks do not.
    ["你好", "你好吗", true],
    ["好", "你好吗", true],
    ["こんにちは", "みなさんこんにちは", true],
    ["コーヒ", "コーヒー", true],
    ["hi", "你hi好", true],
    ["api", "このAPIは", true],
    ["ไทย", "ภาษาไทยครับ", true],
    // An edge that is a sign needs no boundary there; the other edge still does.
    ["c++", "c++17", true],
    ["c++", "objc++", false],
    [".net", "asp.net", true],
    [".net", "asp.nets", false],
    // Phrases.
    ["what is", "what is", true],
    ["what is", "what \n\t\u00a0\u3000 is it", true],
    ["what is", "whatis", false],
    ["what is", "what was is", false],
    ["what is", "somewhat is", false],
    ["what is", "what isn", false],
    ["what is", "what what is", true],
    ["a b a b c", "a b a b a b c", true],
  ];
  test.each([...cases])("%p in %p: %p", (keyword, text, isThere) => {
    expect(found(text, keyword)).toEqual(isThere ? [keyword] : []);
  });
});

describe("without case, in any composition", () => {
  const equal: readonly (readonly [string, string])[] = [
    ["STRASSE", "straße"],
    ["STRAẞE", "Straße"],
    ["ÜBERSETZE", "u\u0308bersetze"],
    ["ЧТО ТАКОЕ", "что такое"],
    ["ΟΔΟΣ", "οδος"],
    ["İSTANBUL", "istanbul"],
    ["IŞIK", "ışik"],
    ["ﬁn", "FIN"],
    ["plain ASCII", "PLAIN ascii"],
  ];
  test.each([...equal])("%p and %p", (left, right) => {
    expect(foldText(left)).toBe(foldText(right));
    expect(found(`(${left})`, right)).toEqual([right]);
  });

  test("a text is folded to one form whoever asks", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect<string>(foldText(text.normalize("NFD"))).toBe(foldText(text.normalize("NFC")));
      }),
    );
  });
});

describe("a list", () => {
  test("counts each keyword once", () => {
    const words = compileWords(["refactor", "debug", "Refactor", "code  review", "code review", " "]);
    expect(words.countDistinct(foldText("refactor refactor REFACTOR"))).toBe(1);
    expect(words.countDistinct(foldText("debug, refactor, code review"))).toBe(3);
    expect(words.countDistinct(foldText(""))).toBe(0);
  });

  test("tells what was found in its own order and spelling, and no more than asked", () => {
    const words = compileWords(["Debug", "refactor", "deadlock"]);
    const text = foldText("deadlock, refactor, debug");
    expect(words.foundIn(text)).toEqual(["Debug", "refactor", "deadlock"]);
    expect(words.foundIn(text, 2)).toEqual(["Debug", "refactor"]);
  });

  test("the earliest in the text, of two the longer", () => {
    const words = compileWords(["SIMPLE", "CODE", "CODE_REVIEW"]);
    expect(words.earliestIn(foldText("code_review, not simple"))).toBe("CODE_REVIEW");
    expect(words.earliestIn(foldText("Simple code"))).toBe("SIMPLE");
    expect(words.earliestIn(foldText("simpler codes"))).toBeNull();
  });

  test("an empty one finds nothing", () => {
    const words = compileWords([]);
    expect(words.foundIn(foldText("anything"))).toEqual([]);
    expect(words.earliestIn(foldText("anything"))).toBeNull();
  });
});

const spacedWord =
  "[[\\p{L}\\p{M}\\p{N}]--[\\p{scx=Han}\\p{scx=Hiragana}\\p{scx=Katakana}\\p{scx=Bopomofo}\\p{scx=Thai}\\p{scx=Lao}\\p{scx=Khmer}\\p{scx=Myanmar}]]";
const beginsWithWord = new RegExp(`^${spacedWord}`, "v");
const endsWithWord = new RegExp(`${spacedWord}$`, "v");

/** The same law said plainly: every place, every cut, too slow for the road. */
function reference(keyword: string, text: string): boolean {
  const folded = foldText(keyword).trim();
  const whole = foldText(text);
  if (folded === "") return false;
  const body = folded
    .split(/\s+/)
    .map((part) => Array.from(part, (each) => `\\u{${each.codePointAt(0)?.toString(16)}}`).join(""))
    .join("\\s+");
  const here = new RegExp(`^${body}`, "u");
  const places = Array.from(whole, (_, index) => Array.from(whole).slice(0, index).join("").length);
  return places.some((at) => {
    const match = here.exec(whole.slice(at))?.[0];
    if (match === undefined) return false;
    const startsInside = beginsWithWord.test(folded) && endsWithWord.test(whole.slice(0, at));
    return (
      !startsInside && !(endsWithWord.test(folded) && beginsWithWord.test(whole.slice(at + match.length)))
    );
  });
}

describe("for any text", () => {
  const pieces = [
    "h",
    "i",
    "hi",
    "ja",
    "no",
    "a",
    "1",
    "²",
    "_",
    "-",
    "+",
    ".",
    " ",
    "  ",
    "\n",
    "\u00a0",
    "\u2003",
  ];
  const letters = [
    "ß",
    "SS",
    "İ",
    "ı",
    "é",
    "e",
    "\u0301",
    "и",
    "й",
    "你",
    "好",
    "こ",
    "ー",
    "ン",
    "\u3000",
    "\ufeff",
  ];
  const others = ["ไ", "한", "😀", "𝒜", "𠀀", "\u0345", "ς", "Σ", "\u001c", "\u200d"];
  const text = fc
    .array(fc.constantFrom(...pieces, ...letters, ...others), { maxLength: 14 })
    .map((parts) => parts.join(""));

  test("equals the reference", () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), text, text, (some, before, after) => {
        // Most random keywords occur nowhere: one of them is put into the text.
        const whole = `${before}${some[0] ?? ""}${after}`;
        for (const keyword of some)
          expect(compileWords([keyword]).countDistinct(foldText(whole)) === 1).toBe(
            reference(keyword, whole),
          );
      }),
      { numRuns: 1500 },
    );
  });

  test("never throws, and never counts more than there are keywords", () => {
    const anything = fc.string({ unit: "binary", maxLength: 40 });
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 5 }), anything, (keywords, said) => {
        const words = compileWords(keywords);
        const count = words.countDistinct(foldText(said));
        expect(count).toBeLessThanOrEqual(keywords.length);
        expect(words.earliestIn(foldText(said)) !== null).toBe(count > 0);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("a megabyte of near misses is read to its end", () => {
  const words = compileWords(["no", "what is", "a a a b", "aaaa", "design pattern", "что такое", "!!"]);
  const million = 1_000_000;
  const cases: readonly (readonly [string, string])[] = [
    ["words that run on", "no".repeat(million / 2)],
    ["phrases that break off", "what ".repeat(million / 5)],
    ["one phrase with a megabyte of blanks", `what${" ".repeat(million)}`],
    ["blanks between every word", `a${" ".repeat(50)}`.repeat(million / 51)],
    ["one letter", "a".repeat(million)],
    ["Cyrillic", "что ".repeat(million / 4)],
    ["marks", `no${"\u0323".repeat(million / 2)}`],
  ];
  test.each([...cases])("%s", (_, text) => {
    expect(words.countDistinct(foldText(text))).toBe(0);
    expect(words.countDistinct(foldText(`${text} !!`))).toBe(1);
  });
});
