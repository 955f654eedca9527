// Web sources that an answer's text cites: each format has its own place for them. What a vendor sends goes into the extras
// of every other format, as one list. It must never invent a source, nor cite a file as a page.

import type { StreamEvent } from "../canon/event.ts";
import type { DialectName, Extras } from "../canon/request.ts";
import { isRecord } from "./decoding.ts";

/** `start` and `end` in UTF-16 units of the block's text; null: the whole text. */
export type Citation = {
  readonly url: string;
  readonly title: string | null;
  readonly start: number | null;
  readonly end: number | null;
};

type Members = Readonly<Record<string, unknown>>;
const formats: readonly DialectName[] = [
  "openai-chat",
  "anthropic-messages",
  "openai-responses",
  "google-genai",
];

/** The list in an encoder's own extras. */
export function storedCitations(ownExtras: Members): readonly Citation[] {
  return Array.isArray(ownExtras["cited"]) ? (ownExtras["cited"] as readonly Citation[]) : [];
}

/** An answer's events with the citations of its texts, stored for every format but the vendor's own. */
export class Citations {
  private text = "";
  constructor(private readonly vendor: DialectName) {}

  addTo(events: readonly StreamEvent[]): readonly StreamEvent[] {
    const { vendor } = this;
    if (!events.some(({ type }) => type === "text-end")) {
      if (vendor === "google-genai") for (const event of events) this.readText(event);
      return events;
    }
    const last = events.at(-1);
    // Google sends citations at the very end, with the last text.
    const grounding = last?.type === "finish" && vendor === "google-genai" ? groundingIn(last.extras) : null;
    const lastText = events.findLastIndex(({ type }) => type === "text-end");
    return events.map((event, at) => {
      this.readText(event);
      if (event.type !== "text-end") return event;
      const cited = [
        ...citationsIn(event.extras?.[vendor] ?? {}),
        ...(grounding !== null && at === lastText ? groundingCitations(grounding, this.text) : []),
      ];
      if (cited.length === 0) return event;
      const byFormat = formats.filter((each) => each !== vendor).map((each) => [each, { cited }]);
      return { ...event, extras: { ...event.extras, ...(Object.fromEntries(byFormat) as Extras) } };
    });
  }

  /** Only Google's offsets need the text to convert. */
  private readText(event: StreamEvent): void {
    if (event.type === "text-start") this.text = "";
    else if (event.type === "text-delta") this.text += event.text;
  }
}

const textOrNull = (value: unknown): string | null =>
  typeof value === "string" && value !== "" ? value : null;
const countOrNull = (value: unknown): number | null =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : null;
const isWebPage = (url: string | null): url is string => url !== null && /^https?:\/\//i.test(url);

/** Anthropic's citations, or annotations in either of OpenAI's forms. */
function citationsIn(ownExtras: Members): readonly Citation[] {
  const { citations, annotations } = ownExtras;
  return [...listOf(citations), ...listOf(annotations)].flatMap((each) => {
    const citation = isRecord(each["url_citation"]) ? each["url_citation"] : each;
    // The source of a client's own search result may or may not be a page.
    const url = textOrNull(citation["url"]) ?? textOrNull(citation["source"]);
    if (!isWebPage(url)) return [];
    const title = textOrNull(citation["title"]);
    return [
      { url, title, start: countOrNull(citation["start_index"]), end: countOrNull(citation["end_index"]) },
    ];
  });
}

const listOf = (value: unknown): readonly Members[] => (Array.isArray(value) ? value.filter(isRecord) : []);

function groundingIn(extras: Extras | undefined): Members | null {
  const candidate = extras?.["google-genai"]?.["candidate"];
  const grounding = isRecord(candidate) ? candidate["groundingMetadata"] : null;
  return isRecord(grounding) ? grounding : null;
}

/** Google counts bytes. */
function groundingCitations(grounding: Members, text: string): readonly Citation[] {
  const pages = listOf(grounding["groundingChunks"]).map(({ web }) => {
    const url = isRecord(web) ? textOrNull(web["uri"]) : null;
    return isRecord(web) && isWebPage(url) ? { url, title: textOrNull(web["title"]) } : null;
  });
  const bytes = Buffer.from(text);
  const unitAt = (at: unknown): number | null => {
    const place = countOrNull(at);
    return place === null || place > bytes.length ? null : bytes.toString("utf8", 0, place).length;
  };
  const supported = listOf(grounding["groundingSupports"]).flatMap(
    ({ segment, groundingChunkIndices: at }) => {
      const { startIndex, endIndex } = isRecord(segment) ? segment : {};
      const place = { start: unitAt(startIndex ?? 0), end: unitAt(endIndex) };
      return (Array.isArray(at) ? at : []).flatMap((index: unknown) => {
        const page = typeof index === "number" ? pages[index] : undefined;
        return page == null ? [] : [{ ...page, ...place }];
      });
    },
  );
  if (supported.length > 0) return supported;
  return pages.flatMap((page) => (page === null ? [] : [{ ...page, start: null, end: null }]));
}

/** The members of an OpenAI annotation, for a text that begins at `offset` of the whole answer. */
export const annotationOf = (
  { url, title, start, end }: Citation,
  offset: number,
  length: number,
): Members => ({
  start_index: offset + (start ?? 0),
  end_index: offset + Math.min(end ?? length, length),
  url,
  title: title ?? url,
});

/** Replaces Anthropic's own proof of a citation, which Anthropic would verify. */
export const citationMark = "clawgate.cited";

export const anthropicCitation = ({ url, title }: Citation): Members => ({
  type: "web_search_result_location",
  url,
  title,
  cited_text: "",
  encrypted_index: citationMark,
});

/** Google's form, built from the texts' citations and the place of each text in the whole answer. */
export function groundingOf(
  texts: readonly { readonly text: string; readonly cited: readonly Citation[] }[],
): Members | null {
  const pages: { url: string; title: string | null }[] = [];
  const supports: Members[] = [];
  let offset = 0;
  for (const { text, cited } of texts) {
    const sizeTo = (at: number): number => Buffer.byteLength(text.slice(0, at));
    for (const { url, title, start, end } of cited) {
      let at = pages.findIndex((page) => page.url === url);
      if (at < 0) at = pages.push({ url, title }) - 1;
      const segment = {
        startIndex: offset + sizeTo(start ?? 0),
        endIndex: offset + sizeTo(end ?? text.length),
        text: text.slice(start ?? 0, end ?? text.length),
      };
      supports.push({ segment, groundingChunkIndices: [at] });
    }
    offset += Buffer.byteLength(text);
  }
  if (pages.length === 0) return null;
  return {
    groundingChunks: pages.map(({ url, title }) => ({
      web: { uri: url, ...(title === null ? {} : { title }) },
    })),
    groundingSupports: supports,
  };
}
