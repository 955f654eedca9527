// A command that asks /api/route where such a request would go now. The gateway stores no prompt, so the text is a placeholder.

import type { RequestDetail } from "./api-shapes.ts";

/** One word of a POSIX shell, whatever is in it. */
const shellWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** ASCII only: a terminal shows every character as what it is. */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    /[^\u0020-\u007e]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

const text = "the text of your prompt";
const parameters = { type: "object", properties: {} };

/** A body of the endpoint's format; endpoints that do not chat are asked as if they did. */
function bodyOf(door: string, model: string, hasTools: boolean): Readonly<Record<string, unknown>> {
  if (door === "messages")
    return {
      model,
      max_tokens: 1024,
      messages: [{ role: "user", content: text }],
      ...(hasTools ? { tools: [{ name: "tool", input_schema: parameters }] } : {}),
    };
  if (door === "responses")
    return {
      model,
      input: text,
      ...(hasTools ? { tools: [{ type: "function", name: "tool", parameters }] } : {}),
    };
  return {
    model,
    messages: [{ role: "user", content: text }],
    ...(hasTools ? { tools: [{ type: "function", function: { name: "tool", parameters } }] } : {}),
  };
}

type Asked = Pick<RequestDetail, "door" | "requested_model" | "tenant" | "facts">;

export function routeCommand(request: Asked, origin: string, needsKey: boolean): string {
  const { door, requested_model, tenant, facts } = request;
  const asked = door === "messages" || door === "responses" ? door : "chat";
  const query = new URLSearchParams({ door: asked, ...(tenant === null ? {} : { tenant }) });
  return [
    `curl -sS ${shellWord(`${origin}/api/route?${query.toString()}`)}`,
    ...(needsKey ? ['-H "authorization: Bearer $CLAWGATE_ADMIN_KEY"'] : []),
    "-H 'content-type: application/json'",
    `-d ${shellWord(asciiJson(bodyOf(asked, requested_model, facts?.["has_tools"] === true)))}`,
  ].join(" \\\n  ");
}
