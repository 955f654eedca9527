// Addresses that their vendors publish without a version in the path: no version is appended. Data only.

const published: ReadonlySet<string> = new Set([
  "api.githubcopilot.com",
  "api.individual.githubcopilot.com",
  "api.business.githubcopilot.com",
  "api.enterprise.githubcopilot.com",
  // https://kilo.ai/docs/gateway
  "api.kilo.ai/api/gateway",
]);

/** `address`: host and path without a trailing slash. */
export function isUnversioned(address: string): boolean {
  return published.has(address);
}
