// The trials of bodies and kills at full length: 48,000 bodies, 20 kills. What they hold stands where they are.

import "../pipeline/fuzzed-bodies.test.ts";
import "../binary-killed.test.ts";
