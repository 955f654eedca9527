// The changes that quirks make to a parsed chat or Messages body, as functions. It must never change its input.

export type Body = Record<string, unknown>;

export function isBody(value: unknown): value is Body {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function without(body: Body, ...keys: readonly string[]): Body {
  if (!keys.some((key) => Object.hasOwn(body, key))) return body;
  return Object.fromEntries(Object.entries(body).filter(([key]) => !keys.includes(key)));
}

export function renamed(body: Body, from: string, to: string): Body {
  if (body[from] === undefined) return body;
  const { [from]: value, ...rest } = body;
  return { ...rest, [to]: rest[to] ?? value };
}

export function eachMessage(body: Body, rewrite: (message: Body) => Body): Body {
  const { messages } = body;
  if (!Array.isArray(messages)) return body;
  const list: readonly unknown[] = messages;
  return { ...body, messages: list.map((message) => (isBody(message) ? rewrite(message) : message)) };
}

export const hasTools = ({ tools }: Body): boolean => Array.isArray(tools) && tools.length > 0;

/** Nine letters and digits, the same for a call and its result and in every turn. */
function shortToolId(id: unknown): unknown {
  if (typeof id !== "string" || /^[a-zA-Z0-9]{9}$/.test(id)) return id;
  const digest = new Bun.CryptoHasher("sha256").update(id).digest();
  const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  return [...digest.subarray(0, 9)].map((byte) => letters.charAt(byte % letters.length)).join("");
}

export function withShortIds(message: Body): Body {
  const { tool_calls: calls, tool_call_id: resultOf } = message;
  const list: readonly unknown[] | null = Array.isArray(calls) ? calls : null;
  return {
    ...message,
    ...(resultOf === undefined ? {} : { tool_call_id: shortToolId(resultOf) }),
    ...(list === null
      ? {}
      : { tool_calls: list.map((call) => (isBody(call) ? { ...call, id: shortToolId(call["id"]) } : call)) }),
  };
}

const skipsCheck = { google: { thought_signature: "skip_thought_signature_validator" } };

/** Only the first of parallel calls has a signature. */
export function withSignature(message: Body): Body {
  const { tool_calls: calls } = message;
  if (message["role"] !== "assistant" || !Array.isArray(calls)) return message;
  const list: readonly unknown[] = calls;
  const isSigned = list.some(
    (call) => isBody(call) && isBody(call["extra_content"]) && isBody(call["extra_content"]["google"]),
  );
  if (isSigned) return message;
  return {
    ...message,
    tool_calls: list.map((call, at) =>
      at === 0 && isBody(call)
        ? {
            ...call,
            extra_content: { ...(isBody(call["extra_content"]) ? call["extra_content"] : {}), ...skipsCheck },
          }
        : call,
    ),
  };
}

export function lacksThoughts({ messages }: Body): boolean {
  if (!Array.isArray(messages)) return false;
  const list: readonly unknown[] = messages;
  return list.some((message) => {
    if (!isBody(message) || message["role"] !== "assistant" || !Array.isArray(message["content"]))
      return false;
    const types = (message["content"] as readonly unknown[]).map((block) =>
      isBody(block) ? block["type"] : null,
    );
    return types.includes("tool_use") && !types.includes("thinking") && !types.includes("redacted_thinking");
  });
}

export const withoutExtra = (message: Body): Body =>
  Array.isArray(message["tool_calls"])
    ? {
        ...message,
        tool_calls: (message["tool_calls"] as readonly unknown[]).map((call) =>
          isBody(call) ? without(call, "extra_content") : call,
        ),
      }
    : message;
