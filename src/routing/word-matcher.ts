// Keyword lists compiled into whole-word matchers: "hi" is not in "which", 你好 is in 你好吗. It must
// never build a pattern per keyword nor scan a text twice: native searches, then a check of both edges.

/** A text made comparable by `foldText`; matchers take nothing else. */
export type FoldedText = string & { readonly folded: unique symbol };

export type WordMatcher = {
  /** The matching keywords, in the list's order and the config's spelling: each once, at most `enough`. */
  foundIn(text: FoldedText, enough?: number): readonly string[];
  countDistinct(text: FoldedText): number;
  /** The keyword that occurs first in the text; of two at one position, the longer one. */
  earliestIn(text: FoldedText): string | null;
};

type Keyword = {
  readonly written: string;
  /** Folded words of a phrase, because any white space may separate them. */
  readonly parts: readonly string[];
  readonly needsStart: boolean;
  readonly needsEnd: boolean;
};

/**
 * Composed (NFC) and without case. It goes through upper case, because only then ß, ẞ and ss, ς and σ, ſ and s become
 * equal; İ and ı become a plain i.
 */
export function foldText(text: string): FoldedText {
  // As many bytes as UTF-16 units means ASCII; counting them natively is far cheaper than searching for a non-ASCII
  // letter.
  if (Buffer.byteLength(text, "utf8") === text.length) return text.toLowerCase() as FoldedText;
  return text
    .normalize("NFC")
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replaceAll("ς", "σ")
    .replaceAll("i\u0307", "i")
    .normalize("NFC") as FoldedText;
}

const asciiWord = Uint8Array.from({ length: 128 }, (_, code) =>
  /[a-z0-9]/i.test(String.fromCharCode(code)) ? 1 : 0,
);

/** Letters, marks and digits, except those of scripts written without spaces. */
const spacedWord =
  /^[[\p{L}\p{M}\p{N}]--[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Bopomofo}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]]$/v;

function isSpacedWord(code: number): boolean {
  return code < 128 ? asciiWord[code] === 1 : spacedWord.test(String.fromCodePoint(code));
}

function hasWordAt(text: string, at: number): boolean {
  const code = text.codePointAt(at);
  return code !== undefined && isSpacedWord(code);
}

function hasWordBefore(text: string, at: number): boolean {
  if (at === 0) return false;
  const unit = text.charCodeAt(at - 1);
  const isLowHalf = unit >= 0xdc00 && unit <= 0xdfff && at > 1;
  const code = isLowHalf ? text.codePointAt(at - 2) : unit;
  return isSpacedWord(code !== undefined && code > 0xffff ? code : unit);
}

function isBlank(code: number): boolean {
  if (code <= 32) return code === 32 || (code >= 9 && code <= 13);
  return code === 0xa0 || (code > 0x1000 && /^\s$/.test(String.fromCharCode(code)));
}

/** Where the phrase that starts at `at` ends, or -1. */
function endOf(text: string, at: number, parts: readonly string[]): number {
  let end = at + (parts[0]?.length ?? 0);
  for (let index = 1; index < parts.length; index++) {
    const part = parts[index] ?? "";
    let next = end;
    while (next < text.length && isBlank(text.charCodeAt(next))) next++;
    if (next === end || !text.startsWith(part, next)) return -1;
    end = next + part.length;
  }
  return end;
}

/** Where the keyword first occurs as a separate word, or -1. */
function indexOfKeyword(text: string, keyword: Keyword): number {
  const first = keyword.parts[0] ?? "";
  for (let at = text.indexOf(first); at >= 0; at = text.indexOf(first, at + 1)) {
    if (keyword.needsStart && hasWordBefore(text, at)) continue;
    const end = keyword.parts.length === 1 ? at + first.length : endOf(text, at, keyword.parts);
    if (end >= 0 && !(keyword.needsEnd && hasWordAt(text, end))) return at;
  }
  return -1;
}

function compileKeyword(written: string): Keyword | null {
  const folded = foldText(written).trim();
  if (folded === "") return null;
  return {
    written,
    parts: folded.split(/\s+/),
    needsStart: hasWordAt(folded, 0),
    needsEnd: hasWordBefore(folded, folded.length),
  };
}

/** Blank keywords never match; keywords that fold to the same text are one. */
export function compileWords(written: readonly string[]): WordMatcher {
  const byText = new Map<string, Keyword>();
  for (const each of written) {
    const keyword = compileKeyword(each);
    const text = keyword?.parts.join(" ") ?? "";
    if (keyword !== null && !byText.has(text)) byText.set(text, keyword);
  }
  const keywords = [...byText.values()];
  const foundIn = (text: FoldedText, enough = keywords.length): readonly string[] => {
    const found: string[] = [];
    for (const keyword of keywords) {
      if (found.length >= enough) break;
      if (indexOfKeyword(text, keyword) >= 0) found.push(keyword.written);
    }
    return found;
  };
  return {
    foundIn,
    countDistinct: (text) => foundIn(text).length,
    earliestIn(text) {
      let best: { readonly at: number; readonly length: number; readonly written: string } | null = null;
      for (const keyword of keywords) {
        const at = indexOfKeyword(text, keyword);
        const length = keyword.parts.join(" ").length;
        if (at >= 0 && (best === null || at < best.at || (at === best.at && length > best.length)))
          best = { at, length, written: keyword.written };
      }
      return best?.written ?? null;
    },
  };
}
