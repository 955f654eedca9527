// The thread that reads, masks and compares config texts, so that a large one delays no request. A file of its own beside main.ts,
// because the compiled program finds its threads only there.

import { answerTextQuestions } from "./operator/config-editor/text-thread.ts";

answerTextQuestions();
