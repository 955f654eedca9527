// Chooses the range of time: four usual ones, or one of the viewer's own. It lives in the address.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { addressWith, navigate, type Place } from "../location.ts";
import { choiceOf, inputTime, localInput, millisecondsOf, rangeChoices, rangeOf } from "../time-range.ts";
import { Sheet } from "./sheet.tsx";

function OwnRange({ place, close }: { readonly place: Place; close(): void }): JSX.Element {
  const range = rangeOf(place.query);
  const now = Date.now();
  const [from, setFrom] = useState(localInput(millisecondsOf(range.from, now) ?? Number.NaN));
  const [to, setTo] = useState(localInput(millisecondsOf(range.to ?? "now", now) ?? Number.NaN));
  const fromMs = inputTime(from);
  const toMs = inputTime(to);
  const isOrdered = fromMs !== null && toMs !== null && fromMs < toMs;
  const apply = (event: Event): void => {
    event.preventDefault();
    if (!isOrdered) return;
    close();
    navigate(addressWith(place, { from: String(fromMs), to: String(toMs), cursor: null }));
  };
  return (
    <Sheet title="Own range" place="center" close={close}>
      <form class="form" onSubmit={apply}>
        <label>
          From
          <input
            type="datetime-local"
            value={from}
            onInput={({ currentTarget }) => setFrom(currentTarget.value)}
          />
        </label>
        <label>
          To
          <input
            type="datetime-local"
            value={to}
            onInput={({ currentTarget }) => setTo(currentTarget.value)}
          />
        </label>
        {isOrdered ? null : <p class="field-problem">From must lie before To.</p>}
        <button type="submit" class="button primary" disabled={!isOrdered}>
          Show
        </button>
      </form>
    </Sheet>
  );
}

export function RangePicker({ place }: { readonly place: Place }): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const chosen = choiceOf(rangeOf(place.query));
  const pick = (from: string): void => navigate(addressWith(place, { from, to: null, cursor: null }));
  return (
    <div class="segments" role="group" aria-label="Range of time">
      {rangeChoices.map((choice) => (
        <button
          key={choice.from}
          type="button"
          title={choice.name}
          aria-pressed={chosen === choice}
          onClick={() => pick(choice.from)}
        >
          {choice.label}
        </button>
      ))}
      <button type="button" aria-pressed={chosen === null} onClick={() => setOpen(true)}>
        Own
      </button>
      {isOpen ? <OwnRange place={place} close={() => setOpen(false)} /> : null}
    </div>
  );
}
