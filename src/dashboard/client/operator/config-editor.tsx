// Edits the config file: the text with line numbers, a check with its problems and the diff, then saving, and the way back.
// What was typed is kept in memory while the viewer looks at another page; it is never stored in the browser.

import type { JSX } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, callApi } from "../api.ts";
import { Panel } from "../components/panel.tsx";
import { Sheet } from "../components/sheet.tsx";
import { Problem } from "../components/states.tsx";
import { ActionButton } from "../components/write-access.tsx";
import { shown } from "../formatting.ts";
import { useMayWrite } from "../session.ts";
import { type Action, useAction } from "../use-action.ts";
import { ConfigText } from "./config-text.tsx";
import { type Draft, DraftContext } from "./config-draft.ts";
import { ConfigReview } from "./config-review.tsx";
import type { ConfigCheck, ConfigFile } from "./shapes.ts";

type Checked = { readonly text: string; readonly check: ConfigCheck };

const isCheck = (value: unknown): value is ConfigCheck =>
  typeof value === "object" && value !== null && "problems" in value && Array.isArray(value.problems);

/** A refused text is a result too: its problems are what the viewer wants to see. */
async function checkOf(call: Promise<ConfigCheck>): Promise<ConfigCheck> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ApiError && isCheck(error.answer))
      return { ...error.answer, ok: false, refusal: error.message };
    throw error;
  }
}

const check = async (text: string): Promise<Checked> => ({
  text,
  check: await checkOf(callApi<ConfigCheck>("/api/config/check", { method: "POST", body: { text } })),
});

const save = async ({ text, etag }: Draft): Promise<Checked> => ({
  text,
  check: await checkOf(
    callApi<ConfigCheck>("/api/config", { method: "PUT", body: { text }, headers: { "if-match": etag } }),
  ),
});

/** `etag`: of the version that the viewer sees; another one is not taken back unseen. */
const undo = (etag: string): Promise<ConfigCheck> =>
  checkOf(callApi<ConfigCheck>("/api/config/undo", { method: "POST", headers: { "if-match": etag } }));

/** A file whose text can be shown. */
export type EditableFile = ConfigFile & { readonly etag: string; readonly text: string };

type ConfigEditorProps = { readonly file: EditableFile; reload(): void };

export function ConfigEditor({ file, reload }: ConfigEditorProps): JSX.Element {
  const mayWrite = useMayWrite() && file.writable;
  const desk = useContext(DraftContext);
  // The file as last seen: after a save before it is read again.
  const [seen, setSeen] = useState<Draft>({ etag: file.etag, text: file.text });
  const [draft, setDraft] = useState<Draft>(desk.draft ?? seen);
  const [said, setSaid] = useState<string | null>(null);
  const place = useRef<HTMLTextAreaElement>(null);
  const isChanged = draft.text !== seen.text;
  const isOld = draft.etag !== seen.etag;

  const put = (next: Draft): void => {
    desk.draft = next.text === seen.text ? null : next;
    setDraft(next);
  };
  useEffect(() => {
    const now = { etag: file.etag, text: file.text };
    setSeen(now);
    // Nothing was typed, or what was typed is in the file: the newest file is shown. Otherwise the viewer decides.
    if (desk.draft !== null && desk.draft.text !== now.text) return;
    desk.draft = null;
    setDraft(now);
  }, [file.etag, file.text]);
  useEffect(() => {
    if (!isChanged) return;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [isChanged]);

  const review = useAction(check);
  const finish = (words: string): void => {
    review.clear();
    setSaid(words);
    reload();
  };
  const store = useAction(save, ({ check: answer, text }) => {
    if (!answer.ok) return;
    const now = { etag: answer.etag ?? draft.etag, text };
    setSeen(now);
    // What was typed while the save ran is a change of the file that was saved.
    const next = { ...now, text: draft.text };
    desk.draft = next.text === text ? null : next;
    setDraft(next);
    finish(withRestart("Saved, and in force.", answer));
  });
  const back = useAction(undo, (answer) => {
    if (answer.ok) finish(withRestart("The version before is back, and in force.", answer));
  });
  const change = (text: string): void => {
    setSaid(null);
    put({ ...draft, text });
  };
  const reviewed = review.result?.text === draft.text ? review.result.check : null;
  const refused = store.result?.text === draft.text && !store.result.check.ok ? store.result.check : null;
  const taken = back.result?.ok === false ? back.result : null;
  const found = refused ?? taken ?? reviewed;

  return (
    <Panel
      title={shown(file.path, 200)}
      note={
        file.writable
          ? "secrets are placeholders; leave one, and its value stays"
          : shown(file.problem ?? "the file cannot be written", 300)
      }
      class="editor-panel"
    >
      {isOld && isChanged ? (
        <ChangedElsewhere keep={() => put({ ...draft, etag: seen.etag })} discard={() => put(seen)} />
      ) : null}
      <ConfigText
        area={place}
        text={draft.text}
        problems={found?.problems ?? []}
        isReadOnly={!mayWrite}
        change={change}
        submit={() => review.run(draft.text)}
      />
      <div class="button-row editor-actions">
        <ActionButton
          action={review}
          input={draft.text}
          kind={reviewed?.ok === true ? "plain" : "primary"}
          isOff={!isChanged}
          busy="Checking…"
        >
          Review changes
        </ActionButton>
        <ActionButton
          action={store}
          input={draft}
          kind={reviewed?.ok === true ? "primary" : "plain"}
          isOff={reviewed?.ok !== true || isOld}
          busy="Saving…"
        >
          Save
        </ActionButton>
        <button
          type="button"
          class="button"
          disabled={!isChanged}
          onClick={() => {
            review.clear();
            put(seen);
          }}
        >
          Discard
        </button>
        <UndoButton action={back} etag={seen.etag} isOff={file.backups === 0} />
      </div>
      {said === null ? null : (
        <p class="outcome outcome-good" role="status">
          {said}
        </p>
      )}
      {[review.error, store.error, back.error].map((error) =>
        error === null ? null : (
          <Problem
            key={error.message}
            error={
              error.status === 412
                ? new ApiError(
                    "The file was changed meanwhile, and nothing was saved. Your text is still here.",
                    412,
                  )
                : error
            }
            {...(error.status === 412 ? { retry: reload } : {})}
          />
        ),
      )}
      {found === null ? null : <ConfigReview check={found} editor={place} />}
    </Panel>
  );
}

const withRestart = (words: string, { needs_restart: waiting }: ConfigCheck): string =>
  waiting.length === 0 ? words : `${words} After a restart only: ${waiting.join(", ")}.`;

function ChangedElsewhere({ keep, discard }: { keep(): void; discard(): void }): JSX.Element {
  return (
    <div class="notice" role="alert">
      <p>The file was changed since you began. Your text is still here.</p>
      <div class="button-row">
        <button type="button" class="button" onClick={keep}>
          Keep my text and review it against the new file
        </button>
        <button type="button" class="button" onClick={discard}>
          Take the new file
        </button>
      </div>
    </div>
  );
}

type UndoButtonProps = {
  readonly action: Action<string, ConfigCheck>;
  readonly etag: string;
  readonly isOff: boolean;
};

function UndoButton({ action, etag, isOff }: UndoButtonProps): JSX.Element {
  const [isAsked, setAsked] = useState(false);
  const mayWrite = useMayWrite();
  const run = {
    isBusy: action.isBusy,
    run: (): void => {
      setAsked(false);
      action.run(etag);
    },
  };
  return (
    <>
      <button
        type="button"
        class="button"
        disabled={!mayWrite || action.isBusy || isOff}
        onClick={() => setAsked(true)}
      >
        Undo the last save
      </button>
      {isAsked ? (
        <Sheet title="Undo the last save" place="center" close={() => setAsked(false)}>
          <div class="form">
            <p>The version before the last change of the file is written back and put in force.</p>
            <div class="button-row">
              <ActionButton action={run} input={undefined} kind="primary">
                Undo
              </ActionButton>
              <button type="button" class="button" onClick={() => setAsked(false)}>
                Cancel
              </button>
            </div>
          </div>
        </Sheet>
      ) : null}
    </>
  );
}
