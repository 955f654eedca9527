// The filters of a list: those in force as chips that can be taken away, and a form for one more. They live in the address.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { shown } from "../formatting.ts";
import { addressWith, navigate, type Place } from "../location.ts";
import { type FilterKey, filterFields, filtersOf } from "../request-filters.ts";
import { Icon } from "./icon.tsx";

function FilterForm({ place, close }: { readonly place: Place; close(): void }): JSX.Element {
  const [key, setKey] = useState<FilterKey>("status");
  const [value, setValue] = useState("");
  const field = filterFields.find((each) => each.key === key);
  const add = (event: Event): void => {
    event.preventDefault();
    const trimmed = value.trim();
    if (trimmed === "") return;
    close();
    navigate(addressWith(place, { [key]: trimmed, cursor: null }));
  };
  return (
    <form class="filter-form" onSubmit={add}>
      <select
        aria-label="Filter by"
        value={key}
        onChange={({ currentTarget }) => setKey(currentTarget.value as FilterKey)}
      >
        {filterFields.map((each) => (
          <option key={each.key} value={each.key}>
            {each.label}
          </option>
        ))}
      </select>
      <input
        aria-label="Value"
        placeholder={field?.example}
        value={value}
        autoFocus
        maxLength={500}
        inputMode={key === "min_usd" ? "decimal" : "text"}
        onInput={({ currentTarget }) => setValue(currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") close();
        }}
      />
      <button type="submit" class="button primary" disabled={value.trim() === ""}>
        Add
      </button>
    </form>
  );
}

export function FilterBar({ place }: { readonly place: Place }): JSX.Element {
  const [isAdding, setAdding] = useState(false);
  const filters = filtersOf(place.query);
  const inForce = filterFields.filter(({ key }) => filters[key] !== undefined);
  const without = (keys: readonly FilterKey[]): void =>
    navigate(addressWith(place, { ...Object.fromEntries(keys.map((key) => [key, null])), cursor: null }));
  return (
    <div class="filters" role="group" aria-label="Filters">
      {inForce.map(({ key, label }) => (
        <span key={key} class="chip">
          <span class="muted">{label}</span> {shown(filters[key], 40)}
          <button type="button" aria-label={`Remove the filter ${label}`} onClick={() => without([key])}>
            <Icon name="close" />
          </button>
        </span>
      ))}
      {isAdding ? (
        <FilterForm place={place} close={() => setAdding(false)} />
      ) : (
        <button type="button" class="quiet" onClick={() => setAdding(true)}>
          <Icon name="plus" /> Filter
        </button>
      )}
      {inForce.length > 1 ? (
        <button type="button" class="quiet" onClick={() => without(inForce.map(({ key }) => key))}>
          Clear
        </button>
      ) : null}
    </div>
  );
}
