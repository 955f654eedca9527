// The box to try a request in: one or two texts, decided as a client's request would be, side by side. Nothing is sent to a provider.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ApiError, apiPath, callApi } from "../api.ts";
import { Panel } from "../components/panel.tsx";
import { Segments } from "../components/segments.tsx";
import { useApi } from "../use-api.ts";
import { useAction } from "../use-action.ts";
import { Differences, RouteResult } from "./route-result.tsx";
import { type Decided, headerLines, requestBody } from "./routing-model.ts";
import type { RouteAnswer, TenantEntry } from "./shapes.ts";

type Format = "chat" | "messages" | "responses" | "gemini";

const formats: readonly (readonly [Format, string])[] = [
  ["chat", "OpenAI chat"],
  ["messages", "Anthropic"],
  ["responses", "Responses"],
  ["gemini", "Gemini"],
];

type Setting = {
  readonly format: Format;
  readonly model: string;
  readonly tenant: string;
  readonly system: string;
  readonly headers: string;
};

const plain: Setting = { format: "chat", model: "auto", tenant: "", system: "", headers: "" };

type Question = { readonly setting: Setting; readonly texts: readonly string[] };

async function decide({ setting, texts }: Question): Promise<readonly Decided[]> {
  const { headers } = headerLines(setting.headers);
  const path = apiPath("/api/route", { door: setting.format, tenant: setting.tenant });
  return Promise.all(
    texts.map(async (text): Promise<Decided> => {
      const body = requestBody({ ...setting, text });
      try {
        return { answer: await callApi<RouteAnswer>(path, { method: "POST", body, headers }), error: null };
      } catch (error) {
        // A refusal is a result as well: it is what the client would get.
        if (!(error instanceof ApiError)) throw error;
        return { answer: null, error };
      }
    }),
  );
}

type SettingsProps = { readonly setting: Setting; change(part: Partial<Setting>): void };

function Settings({ setting, change }: SettingsProps): JSX.Element {
  const tenants = useApi<{ readonly tenants: readonly TenantEntry[] }>("/api/tenants").data?.tenants ?? [];
  const { problems } = headerLines(setting.headers);
  return (
    <>
      <div class="form-row">
        <Segments
          label="Format"
          choices={formats}
          chosen={setting.format}
          choose={(format) => change({ format })}
        />
        <label>
          Model
          <input
            value={setting.model}
            class="mono"
            autocapitalize="off"
            spellcheck={false}
            onInput={({ currentTarget }) => change({ model: currentTarget.value })}
          />
        </label>
        {tenants.length === 0 ? null : (
          <label>
            As tenant
            <select
              value={setting.tenant}
              onChange={({ currentTarget }) => change({ tenant: currentTarget.value })}
            >
              <option value="">nobody in particular</option>
              {tenants.map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      <details class="more">
        <summary>System prompt and headers</summary>
        <div class="two-columns">
          <label>
            System prompt
            <textarea
              rows={3}
              value={setting.system}
              onInput={({ currentTarget }) => change({ system: currentTarget.value })}
            />
          </label>
          <label>
            Headers, one a line
            <textarea
              rows={3}
              class="mono"
              spellcheck={false}
              placeholder="x-openclaw-source: subagent"
              value={setting.headers}
              aria-invalid={problems.length > 0}
              onInput={({ currentTarget }) => change({ headers: currentTarget.value })}
            />
          </label>
        </div>
        {problems.map((problem) => (
          <p key={problem} class="field-problem" role="alert">
            {problem}
          </p>
        ))}
      </details>
    </>
  );
}

type TextProps = {
  readonly label: string;
  readonly value: string;
  readonly placeholder: string;
  change(value: string): void;
  submit(): void;
};

function TextBox({ label, value, placeholder, change, submit }: TextProps): JSX.Element {
  return (
    <label>
      {label}
      <textarea
        rows={4}
        value={value}
        placeholder={placeholder}
        onInput={({ currentTarget }) => change(currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
        }}
      />
    </label>
  );
}

export function RouteTester(): JSX.Element {
  const [setting, setSetting] = useState(plain);
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const route = useAction(decide);
  const texts = second.trim() === "" ? [first] : [first, second];
  const isReady = first.trim() !== "" && headerLines(setting.headers).problems.length === 0;
  const submit = (): void => {
    if (isReady) route.run({ setting, texts });
  };
  const [left, right] = route.result ?? [];
  return (
    <Panel title="Try it" note="a dry run: no provider is asked, nothing is counted">
      <form
        class="form route-tester"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Settings setting={setting} change={(part) => setSetting({ ...setting, ...part })} />
        <div class="two-columns">
          <TextBox
            label="Text"
            value={first}
            placeholder="What a client would ask"
            change={setFirst}
            submit={submit}
          />
          <TextBox
            label="Text to compare with (optional)"
            value={second}
            placeholder="Another one, decided beside it"
            change={setSecond}
            submit={submit}
          />
        </div>
        <div class="button-row">
          <button type="submit" class="button primary" disabled={!isReady || route.isBusy}>
            {route.isBusy ? "Deciding…" : "Where would it go?"}
          </button>
          <span class="hint">Ctrl + Enter</span>
        </div>
      </form>
      {left === undefined ? null : (
        <div class="route-results" aria-live="polite">
          <div class={right === undefined ? "one-column" : "two-columns"}>
            <RouteResult title={right === undefined ? "Decision" : "First text"} decided={left} />
            {right === undefined ? null : <RouteResult title="Second text" decided={right} />}
          </div>
          {left.answer === null || right?.answer === null || right === undefined ? null : (
            <Differences left={left.answer} right={right.answer} />
          )}
        </div>
      )}
    </Panel>
  );
}
