// Clients that keep their settings where no other program may write: what a person does instead.

export type Instructed = { readonly id: string; readonly title: string; readonly steps: readonly string[] };

export const instructed: readonly Instructed[] = [
  {
    id: "cursor",
    title: "Cursor",
    steps: [
      "Cursor sends its requests from its own servers: give the gateway an address that they reach by https, with a reverse proxy or a tunnel in front of it.",
      "Set auth.keys (or tenants) in the config of the gateway before you open it: `clawgate help security` says what else matters then.",
      'In Cursor, open Settings, Models, API Keys: switch on "Override OpenAI Base URL" and put in that address with /v1 at its end.',
      "Put one of the gateway's keys in as the OpenAI API key, and switch it on.",
      "Add the model `auto`, or another name that GET /v1/models lists, and choose it.",
    ],
  },
];
