// The other side of text-worker.ts: answers questions about config texts in a thread of its own, one after the other.

import { answerTo, type TextQuestion } from "./text-questions.ts";

/** Question and answer as JSON: the runtime takes ten times as long to copy objects from one thread to another. */
export type ThreadQuestion = { readonly id: number; readonly question: string };
export type ThreadAnswer =
  { readonly id: number; readonly answer: string } | { readonly id: number; readonly error: string };

export function answerTextQuestions(): void {
  addEventListener("message", ({ data }: MessageEvent<ThreadQuestion>) => {
    postMessage(answered(data));
  });
}

function answered({ id, question }: ThreadQuestion): ThreadAnswer {
  try {
    return { id, answer: JSON.stringify(answerTo(JSON.parse(question) as TextQuestion)) };
  } catch (error) {
    // Its message may quote the text.
    return { id, error: error instanceof Error ? error.name : "Error" };
  }
}
