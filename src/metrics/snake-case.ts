// Field names as the HTTP API writes them: the keys of our own types in snake case. Types and one function.

type SnakeName<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? First extends Lowercase<First>
    ? `${First}${SnakeName<Rest>}`
    : `_${Lowercase<First>}${SnakeName<Rest>}`
  : Name;

/** The same fields under the API's names; nested values stay as they are. */
export type SnakeCased<T> = { readonly [K in keyof T as SnakeName<K & string>]: T[K] };

export function snakeCased<T extends object>(value: T): SnakeCased<T> {
  const entries = Object.entries(value).map(([key, field]) => [
    key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    field as unknown,
  ]);
  return Object.fromEntries(entries) as SnakeCased<T>;
}
