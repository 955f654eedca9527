// Shortens ids that are longer than OpenAI's API accepts, so that different ids stay different; both of its formats use
// it.

/** 128 bits of a digest in hexadecimal. */
export function digest(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 32);
}

/** The API takes at most 64 characters; Claude Code's id is 150 characters of JSON. A digest keeps users apart. */
export function encodeUser(user: string): string {
  return user.length <= 64 ? user : `user_${digest(user)}`;
}
