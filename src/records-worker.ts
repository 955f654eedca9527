// The thread that reads the records, so that no report delays a request. A file of its own beside main.ts, because the compiled program
// finds its threads only there.

import { answerMessages } from "./metrics/reading-thread.ts";

answerMessages();
