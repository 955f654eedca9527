// The shapes that the dashboard expects are those that the gateway's reports have: the compiler compares them.

import { expect, test } from "bun:test";
import type { Finding as GatewayFinding } from "../../src/operator/examination/finding.ts";
import type { ProviderTest } from "../../src/operator/provider-test.ts";
import type { ConfigReport } from "../../src/operator/reports/config-report.ts";
import type { ProviderReport } from "../../src/operator/reports/provider-report.ts";
import type { tenantReport } from "../../src/operator/reports/tenant-report.ts";
import type { RouteExplanation } from "../../src/operator/route-explanation.ts";
import type {
  ConfigAnswer,
  Finding,
  ProvidersAnswer,
  ProviderTestAnswer,
  RouteAnswer,
  TenantEntry,
} from "../../src/dashboard/client/operator/shapes.ts";

/** True only where what the gateway reports can be read as what the page expects. */
type Fits<Reported, Expected> = Reported extends Expected ? true : false;

const fits: readonly true[] = [
  true satisfies Fits<ProviderReport, ProvidersAnswer>,
  true satisfies Fits<ProviderTest, ProviderTestAnswer>,
  true satisfies Fits<RouteExplanation, RouteAnswer>,
  true satisfies Fits<Awaited<ReturnType<typeof tenantReport>>["tenants"][number], TenantEntry>,
  true satisfies Fits<ConfigReport, ConfigAnswer>,
  true satisfies Fits<GatewayFinding, Finding>,
];

test("every report of the gateway has the shape that its page expects", () => {
  expect(fits).toHaveLength(6);
});
