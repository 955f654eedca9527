// What is asked about a config text that takes long for a large one: reading it, masking it, putting secrets back, the difference of
// two, a change of a tenant's keys. Questions and answers are what JSON can hold, because a thread answers them. It must never read a file.

import { secretFinder } from "../../canon/redact.ts";
import { readDocument, sentDocument, type SentDocument } from "../../config/document.ts";
import { editConfig, EditProblem } from "../../config/edit.ts";
import {
  addTenantKey,
  expireTenantKey,
  type KeyPlace,
  type NewKey,
  removeTenantKey,
} from "../../config/tenant-key-edit.ts";
import { type MaskedText, maskText, type RestoredText, restoreText } from "./masked-text.ts";
import { unifiedDiff } from "./unified-diff.ts";

export type KeyChange = { readonly tenant: string } & (
  | { readonly do: "add"; readonly key: NewKey }
  | { readonly do: "remove"; readonly place: KeyPlace }
  | { readonly do: "expire"; readonly place: KeyPlace; readonly expires: string }
);

/** The known secrets, and the key of the placeholders' tags. */
type Secrets = { readonly known: readonly string[]; readonly tagKey: string };

type TextQuestions = {
  read: { readonly text: string };
  mask: { readonly text: string; readonly secrets: Secrets };
  restore: { readonly edited: string; readonly original: MaskedText; readonly secrets: Secrets };
  diff: {
    readonly before: MaskedText | null;
    readonly after: string;
    readonly name: string;
    readonly secrets: Secrets;
  };
  changeKeys: { readonly text: string; readonly changes: readonly KeyChange[] };
};

export type TextAnswers = {
  /** Null: it cannot be handed over. */
  read: SentDocument | null;
  mask: MaskedText | null;
  restore: RestoredText;
  /** "" also for what is not YAML: it cannot be masked. */
  diff: string;
  changeKeys: { readonly text: string } | { readonly problem: string };
};

export type TextQuestion = {
  readonly [K in keyof TextQuestions]: { readonly ask: K } & TextQuestions[K];
}[keyof TextQuestions];

export function answerTo(question: TextQuestion): TextAnswers[keyof TextAnswers] {
  switch (question.ask) {
    case "read":
      return sentDocument(readDocument(question.text));
    case "mask":
      return maskText(question.text, maskingOf(question.secrets));
    case "restore":
      return restoreText(question.edited, question.original, maskingOf(question.secrets));
    case "diff": {
      const after = maskText(question.after, maskingOf(question.secrets));
      if (question.before === null || after === null) return "";
      return unifiedDiff(question.before.text, after.text, question.name);
    }
    case "changeKeys":
      return changedKeys(question.text, question.changes);
  }
}

const maskingOf = ({ known, tagKey }: Secrets) => ({ holdsSecret: secretFinder(known), tagKey });

function changedKeys(text: string, changes: readonly KeyChange[]): TextAnswers["changeKeys"] {
  try {
    const edit = editConfig(text);
    for (const change of changes) {
      if (change.do === "add") addTenantKey(edit, change.tenant, change.key);
      else if (change.do === "remove") removeTenantKey(edit, change.tenant, change.place);
      else expireTenantKey(edit, change.tenant, change.place, change.expires);
    }
    return { text: edit.text() };
  } catch (thrown) {
    if (thrown instanceof EditProblem) return { problem: thrown.message };
    throw thrown;
  }
}
