// The checks with random bodies and kills at full length: 48,000 bodies, 20 kills. What they check is said in their own files.

import "../pipeline/fuzzed-bodies.test.ts";
import "../binary-killed.test.ts";
