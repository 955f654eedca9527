// Written by scripts/catalogue.ts (scripts/takes-table.ts); change those, not this. What each model takes: sampling
// parameters, its way of thinking, and what differs from a model that takes anything (canon/takes.ts).
//
// Corrected, because:
// ^claude-(?:opus-4-1|(?:opus|sonnet|haiku)-4-[56])$: `temperature` and `top_p` cannot both be specified for this model (CLIProxyAPI#193, #1125, new-api#5122)
// ^claude-(?:instant|v?2|3)(?!-7)(?:-|$): extended thinking came with Claude 3.7 (pi-ai: reasoning false)
// ^claude-(?:(?:opus|sonnet)-4-[6-9]|[a-z]+-[5-9])(?:-|$): does not support assistant message prefill (opencode#13768, deepagents#1585, claude-code#52433)
// ^gpt-(?:3\.5|35|4(?:-|$)): OpenAI's structured outputs begin with gpt-4o-2024-08-06; before, JSON mode
// ^o\d: Unsupported parameter: 'parallel_tool_calls' (langchain#29704, tensorzero#2805, llama_index#20865, litellm#8980)
// ^gpt-35-turbo: Azure's spelling of gpt-3.5-turbo
// ^gpt-5(?:\.1)?-codex(?:-mini)?$: OpenAI's model pages: codex models know no minimal and no none; xhigh came with gpt-5.1-codex-max
// ^gpt-5\.(?:1-codex-max|[23]-codex.*)$: pi-ai's thinkingLevelMap: off null, xhigh xhigh
// ^gpt-5-pro$: OpenAI's model page: high only
// ^gpt-5\.[2-9]-pro$: OpenAI's model pages and pi-ai's thinkingLevelMap: off null, xhigh xhigh
// ^gem(?:ini-(?:1|2\.0)|ma-[1-3]): Thinking is not enabled for this model (pi-ai: reasoning false)
// ^gemma-4: pi-ai's thinkingLevelMap: minimal MINIMAL, high HIGH, the rest null
// ^gemini-pro$: no Pro knows MINIMAL (pi-ai's thinkingLevelMap)
// ^gemini-(?:live-2\.5|robotics-er-1\.5): models of the 2.5 generation under other names
// ^gemini-2\.5-flash-lite: ai.google.dev/gemini-api/docs/thinking: 512 to 24576
// ^gemini-2\.5(?!-pro|-flash-lite): ai.google.dev/gemini-api/docs/thinking: 0 switches it off, so the least that thinks is 1
// ^gemini-3-pro(?!-image): pi-ai's thinkingLevelMap: minimal and medium null

export const takesSource = "@ai-sdk/anthropic 4.0.105, @ai-sdk/openai 4.0.118, @ai-sdk/google 4.0.121";

export const modelRows = `
claude-2 all none efforts= -schemas
claude-2-0 all none efforts= -schemas
claude-2-1 all none efforts= -schemas
claude-3 all none efforts= -schemas
claude-3-5 all none efforts= -schemas
claude-3-5-haiku all none efforts= -schemas
claude-3-5-sonnet all none efforts= -schemas
claude-3-7 all budget efforts= -schemas
claude-3-7-sonnet all budget efforts= -schemas
claude-3-haiku all none efforts= -schemas
claude-3-opus all none efforts= -schemas
claude-3-sonnet all none efforts= -schemas
claude-fable-5 none adaptive efforts=low,medium,high,xhigh,max -prefill -thinkingOff
claude-fable-5-1 none adaptive efforts=low,medium,high,xhigh,max -forcedTools -prefill -thinkingOff
claude-fable-5-2 none adaptive efforts=low,medium,high,xhigh,max -forcedTools -prefill -thinkingOff
claude-haiku-4-5 one budget efforts=
claude-haiku-5-5 none adaptive efforts=low,medium,high,xhigh,max -prefill -thinkingOffAboveHigh
claude-instant all none efforts= -schemas
claude-instant-1 all none efforts= -schemas
claude-instant-1-2 all none efforts= -schemas
claude-opus-4 all budget efforts= -schemas
claude-opus-4-0 all budget efforts= -schemas
claude-opus-4-1 one budget efforts=
claude-opus-4-5 one budget efforts=low,medium,high
claude-opus-4-6 one adaptive efforts=low,medium,high,max -prefill
claude-opus-4-7 none adaptive efforts=low,medium,high,xhigh,max -prefill
claude-opus-4-8 none adaptive efforts=low,medium,high,xhigh,max -prefill
claude-opus-5 none adaptive efforts=low,medium,high,xhigh,max -prefill -thinkingOffAboveHigh
claude-opus-5-5 none adaptive efforts=low,medium,high,xhigh,max -forcedTools -prefill -thinkingOff -thinkingOffAboveHigh
claude-sonnet-4 all budget efforts= -schemas
claude-sonnet-4-0 all budget efforts= -schemas
claude-sonnet-4-5 one budget efforts=
claude-sonnet-4-6 one adaptive efforts=low,medium,high,max -prefill
claude-sonnet-5 none adaptive efforts=low,medium,high,xhigh,max -prefill
claude-sonnet-5-5 none adaptive efforts=low,medium,high,xhigh,max -forcedTools -prefill -thinkingOff -thinkingOffAboveHigh
claude-v2 all none efforts= -schemas
gemini-1.0-pro all none
gemini-1.5 all none
gemini-1.5-flash all none
gemini-1.5-flash-8b all none
gemini-1.5-pro all none
gemini-2.0 all none
gemini-2.0-flash all none
gemini-2.0-flash-lite all none
gemini-2.5 all budget budgets=1-24576
gemini-2.5-computer-use-preview-10-2025 all budget budgets=1-24576
gemini-2.5-flash all budget budgets=1-24576
gemini-2.5-flash-lite all budget budgets=512-24576
gemini-2.5-flash-lite-preview-06-17 all budget budgets=512-24576
gemini-2.5-flash-lite-preview-09-2025 all budget budgets=512-24576
gemini-2.5-flash-preview-04-17 all budget budgets=1-24576
gemini-2.5-flash-preview-05-20 all budget budgets=1-24576
gemini-2.5-flash-preview-09-2025 all budget budgets=1-24576
gemini-2.5-pro all budget budgets=128-32768 -thinkingOff
gemini-2.5-pro-preview-05-06 all budget budgets=128-32768 -thinkingOff
gemini-2.5-pro-preview-06-05 all budget budgets=128-32768 -thinkingOff
gemini-3-flash all adaptive efforts=minimal,low,medium,high -thinkingOff +signedCalls
gemini-3-pro all adaptive efforts=low,high -thinkingOff +signedCalls
gemini-3-pro-image all budget budgets=0-32768 +signedCalls
gemini-3.1-flash-image all adaptive efforts=minimal,low,medium,high -thinkingOff +signedCalls
gemini-3.1-flash-lite all adaptive efforts=minimal,low,medium,high -thinkingOff +signedCalls
gemini-3.1-pro all adaptive efforts=low,medium,high -thinkingOff +signedCalls
gemini-3.1-pro-preview-customtools all adaptive efforts=low,medium,high -thinkingOff +signedCalls
gemini-3.5-flash all adaptive efforts=minimal,low,medium,high -thinkingOff +signedCalls
gemini-3.5-flash-lite all adaptive efforts=minimal,low,medium,high -thinkingOff +signedCalls
gemini-3.6-flash all adaptive efforts=minimal,low,medium,high -thinkingOff +signedCalls
gemini-3.7-flash all adaptive efforts=low,medium,high -thinkingOff +signedCalls
gemini-3.8-flash all adaptive efforts=low,medium,high -thinkingOff +signedCalls
gemini-4-argon all adaptive efforts=minimal,low,medium,high -thinkingOff +signedCalls
gemini-4-carbon all adaptive efforts=minimal,low,medium,high -thinkingOff +signedCalls
gemini-4-hydrogen all adaptive efforts=low,medium,high,xhigh -thinkingOff +signedCalls
gemini-flash all adaptive efforts=low,medium,high -thinkingOff +signedCalls
gemini-flash-lite all adaptive efforts=minimal,low,medium,high -thinkingOff +signedCalls
gemini-live-2.5-flash all budget budgets=1-24576
gemini-live-2.5-flash-preview-native-audio all budget budgets=1-24576
gemini-nano-banana-2.1 all adaptive efforts=minimal,low,medium,high -thinkingOff +signedCalls
gemini-pro all adaptive efforts=low,medium,high -thinkingOff +signedCalls
gemini-robotics-er-1.5 all budget budgets=1-24576
gemini-robotics-er-2 all adaptive efforts=minimal,low,medium,high -thinkingOff +signedCalls
gemma-2 all none
gemma-3 all none
gemma-3-27b-it all none
gemma-4 all adaptive efforts=minimal,high
gemma-4-26b-a4b-it all adaptive efforts=minimal,high
gemma-4-31b-it all adaptive efforts=minimal,high
gpt-3.5-turbo all none efforts= -schemas -verbosity
gpt-35-turbo all none efforts= -schemas -verbosity
gpt-4 all none efforts= -schemas -verbosity
gpt-4-turbo all none efforts= -schemas -verbosity
gpt-4.1 all none efforts= -verbosity
gpt-4.1-mini all none efforts= -verbosity
gpt-4.1-nano all none efforts= -verbosity
gpt-4.5 all none efforts= -verbosity
gpt-4o all none efforts= -verbosity
gpt-4o-mini all none efforts= -verbosity
gpt-5 none adaptive efforts=minimal,low,medium,high -thinkingOff -penalties -stops +newerLimit
gpt-5-chat all none efforts= -verbosity
gpt-5-codex none adaptive efforts=low,medium,high -thinkingOff -penalties -stops +newerLimit
gpt-5-mini none adaptive efforts=minimal,low,medium,high -thinkingOff -penalties -stops +newerLimit
gpt-5-nano none adaptive efforts=minimal,low,medium,high -thinkingOff -penalties -stops +newerLimit
gpt-5-pro none adaptive efforts=high -thinkingOff -penalties -stops +newerLimit
gpt-5.1 none adaptive efforts=none,low,medium,high +samplesUnthinking -penalties -stops +newerLimit
gpt-5.1-chat none adaptive +samplesUnthinking -thinkingOff -penalties -stops +newerLimit
gpt-5.1-codex none adaptive efforts=low,medium,high +samplesUnthinking -thinkingOff -penalties -stops +newerLimit
gpt-5.1-codex-max none adaptive efforts=low,medium,high,xhigh +samplesUnthinking -thinkingOff -penalties -stops +newerLimit
gpt-5.1-codex-mini none adaptive efforts=low,medium,high +samplesUnthinking -thinkingOff -penalties -stops +newerLimit
gpt-5.2 none adaptive efforts=none,low,medium,high,xhigh +samplesUnthinking -penalties -stops +newerLimit
gpt-5.2-chat none adaptive +samplesUnthinking -thinkingOff -penalties -stops +newerLimit
gpt-5.2-codex none adaptive efforts=low,medium,high,xhigh +samplesUnthinking -thinkingOff -penalties -stops +newerLimit
gpt-5.2-pro none adaptive efforts=medium,high,xhigh +samplesUnthinking -thinkingOff -penalties -stops +newerLimit
gpt-5.3-chat none adaptive +samplesUnthinking -thinkingOff -penalties -stops +newerLimit
gpt-5.3-codex none adaptive efforts=low,medium,high,xhigh +samplesUnthinking -thinkingOff -penalties -stops +newerLimit
gpt-5.3-codex-spark none adaptive efforts=low,medium,high,xhigh +samplesUnthinking -thinkingOff -penalties -stops +newerLimit
gpt-5.4 none adaptive efforts=none,low,medium,high,xhigh +samplesUnthinking -penalties -stops +newerLimit
gpt-5.4-mini none adaptive efforts=none,low,medium,high,xhigh +samplesUnthinking -penalties -stops +newerLimit
gpt-5.4-nano none adaptive efforts=none,low,medium,high,xhigh +samplesUnthinking -penalties -stops +newerLimit
gpt-5.4-pro none adaptive efforts=medium,high,xhigh +samplesUnthinking -thinkingOff -penalties -stops +newerLimit
gpt-5.5 none adaptive efforts=none,low,medium,high,xhigh +samplesUnthinking -penalties -stops +newerLimit
gpt-5.5-pro none adaptive efforts=medium,high,xhigh +samplesUnthinking -thinkingOff -penalties -stops +newerLimit
gpt-5.6 none adaptive efforts=none,low,medium,high,xhigh,max +samplesUnthinking -penalties -stops +newerLimit
gpt-5.6-cyber none adaptive +samplesUnthinking -thinkingOff -penalties -stops +newerLimit
gpt-5.6-luna none adaptive efforts=none,low,medium,high,xhigh,max +samplesUnthinking -penalties -stops +newerLimit
gpt-5.6-sol none adaptive efforts=none,low,medium,high,xhigh,max +samplesUnthinking -penalties -stops +newerLimit
gpt-5.6-terra none adaptive efforts=none,low,medium,high,xhigh,max +samplesUnthinking -penalties -stops +newerLimit
gpt-6-astra none adaptive efforts=low,medium,high,xhigh,max -thinkingOff -penalties -stops +newerLimit
gpt-6-luna none adaptive efforts=none,low,medium,high,xhigh,max +samplesUnthinking -penalties -stops +newerLimit
gpt-6-sol none adaptive efforts=none,low,medium,high,xhigh,max +samplesUnthinking -penalties -stops +newerLimit
gpt-6.1-sol none adaptive efforts=low,medium,high,xhigh,max -thinkingOff -penalties -stops +newerLimit
gpt-6.1-terra none adaptive efforts=none,low,medium,high,xhigh,max +samplesUnthinking -penalties -stops +newerLimit
o1 none adaptive efforts=low,medium,high -thinkingOff -penalties -stops -parallelChoice -verbosity +newerLimit
o1-mini none adaptive efforts=low,medium,high -thinkingOff -penalties -stops -parallelChoice -verbosity +newerLimit
o1-pro none adaptive efforts=low,medium,high -thinkingOff -penalties -stops -parallelChoice -verbosity +newerLimit
o3 none adaptive efforts=low,medium,high -thinkingOff -penalties -stops -parallelChoice -verbosity +newerLimit
o3-deep-research none adaptive efforts=low,medium,high -thinkingOff -penalties -stops -parallelChoice -verbosity +newerLimit
o3-mini none adaptive efforts=low,medium,high -thinkingOff -penalties -stops -parallelChoice -verbosity +newerLimit
o3-pro none adaptive efforts=low,medium,high -thinkingOff -penalties -stops -parallelChoice -verbosity +newerLimit
o4-mini none adaptive efforts=low,medium,high -thinkingOff -penalties -stops -parallelChoice -verbosity +newerLimit
o4-mini-deep-research none adaptive efforts=low,medium,high -thinkingOff -penalties -stops -parallelChoice -verbosity +newerLimit
`;

/** The newest of each family, for names that are not listed; the first pattern that fits counts. */
export const familyRows = String.raw`
^claude-opus(?:-|$) none adaptive efforts=low,medium,high,xhigh,max -forcedTools -prefill -thinkingOff -thinkingOffAboveHigh
^claude-sonnet(?:-|$) none adaptive efforts=low,medium,high,xhigh,max -forcedTools -prefill -thinkingOff -thinkingOffAboveHigh
^claude-haiku(?:-|$) none adaptive efforts=low,medium,high,xhigh,max -prefill -thinkingOffAboveHigh
^claude-fable(?:-|$) none adaptive efforts=low,medium,high,xhigh,max -forcedTools -prefill -thinkingOff
^claude- none adaptive efforts=low,medium,high,xhigh,max -forcedTools -prefill -thinkingOff -thinkingOffAboveHigh
^gpt-\d none adaptive efforts=low,medium,high,xhigh,max -thinkingOff -penalties -stops +newerLimit
^o\d none adaptive efforts=low,medium,high -thinkingOff -penalties -stops -parallelChoice -verbosity +newerLimit
^gemini-.*flash-lite(?:-|$) all adaptive efforts=minimal,low,medium,high -thinkingOff +signedCalls
^gemini-.*flash(?:-|$) all adaptive efforts=low,medium,high -thinkingOff +signedCalls
^gemini-.*pro(?:-|$) all adaptive efforts=low,medium,high -thinkingOff +signedCalls
^gemini- all adaptive efforts=low,medium,high -thinkingOff +signedCalls
^gemma- all adaptive efforts=minimal,high
`;
