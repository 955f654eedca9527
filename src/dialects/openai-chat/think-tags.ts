// Separates thinking that a model writes between <think> tags at the head of its answer, where its server does not do so
// (MiniMax, open models behind plain servers). It must never look for tags after the head: there they belong to the answer.

const opening = "<think>";
const closing = "</think>";

export type Piece = { readonly kind: "text" | "thinking"; readonly text: string };

export type ThinkTags = {
  take(text: string): Piece[];
  /** The answer continues with something else, or is over. */
  end(): Piece[];
};

/** Thinking with tags, as such a model wrote it. */
export const inThinkTags = (thoughts: string): string => `${opening}\n${thoughts}\n${closing}\n\n`;

export function thinkTags(): ThinkTags {
  let state: "head" | "thinking" | "gap" | "text" = "head";
  let held = "";
  let hasThought = false;

  const thought = (text: string): Piece[] => {
    const answer = hasThought ? text : text.trimStart();
    if (answer === "") return [];
    hasThought = true;
    return [{ kind: "thinking", text: answer }];
  };
  const plain = (text: string): Piece[] => (text === "" ? [] : [{ kind: "text", text }]);

  const step = (): Piece[] => {
    if (state === "head") {
      const begun = held.trimStart();
      if (begun.length < opening.length && opening.startsWith(begun)) return [];
      if (!begun.startsWith(opening)) {
        state = "text";
        return step();
      }
      held = begun.slice(opening.length);
      state = "thinking";
    }
    if (state === "thinking") {
      const at = held.indexOf(closing);
      if (at < 0) {
        // The tag may be split across pieces, and white space before it does not belong to the thinking.
        const kept = Math.max(0, held.length - closing.length);
        const ready = held.slice(0, kept).trimEnd();
        held = held.slice(ready.length);
        return thought(ready);
      }
      const pieces = thought(held.slice(0, at).trimEnd());
      held = held.slice(at + closing.length);
      state = "gap";
      return [...pieces, ...step()];
    }
    const text = state === "gap" ? held.trimStart() : held;
    held = "";
    if (text !== "") state = "text";
    return plain(text);
  };

  return {
    take(text) {
      if (state === "text") return plain(text);
      held += text;
      return step();
    },
    end() {
      const rest = held;
      held = "";
      const wasThinking = state === "thinking";
      state = "text";
      return wasThinking ? thought(rest.trimEnd()) : plain(rest);
    },
  };
}
