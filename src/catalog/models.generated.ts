// Written by scripts/catalogue.ts; change that, not this. One line for each model that a vendor sells:
// id, what it takes (t tools, v images, r thinking), context window, longest answer and, where known, USD per million
// tokens: input, output, cache read, cache write. A dash is unknown.

export const modelsSource = "@earendil-works/pi-ai 1.5.2";
export const modelsDate = "2026-11-10";

export const modelsByHost: Readonly<Record<string, string>> = {
  "api.anthropic.com": `
claude-fable-5 tvr 1000000 128000 10 50 1 12.5
claude-fable-5-1 tvr 1000000 128000 10 50 0.25 12.5
claude-fable-5-2 tvr 1000000 128000 8 40 0.2 10
claude-haiku-4-5 tvr 200000 64000 1 5 0.1 1.25
claude-haiku-4-5-20251001 tvr 200000 64000 1 5 0.1 1.25
claude-haiku-5-5 tvr 1000000 128000
claude-opus-4-5 tvr 200000 64000 5 25 0.5 6.25
claude-opus-4-5-20251101 tvr 200000 64000 5 25 0.5 6.25
claude-opus-4-6 tvr 1000000 128000 5 25 0.5 6.25
claude-opus-4-7 tvr 1000000 128000 5 25 0.5 6.25
claude-opus-4-8 tvr 1000000 128000 5 25 0.5 6.25
claude-opus-5 tvr 1000000 128000 5 25 0.5 6.25
claude-opus-5-5 tvr 1000000 128000 4 20 0.2 5
claude-sonnet-4-5 tvr 200000 64000 3 15 0.3 3.75
claude-sonnet-4-5-20250929 tvr 200000 64000 3 15 0.3 3.75
claude-sonnet-4-6 tvr 1000000 128000 3 15 0.3 3.75
claude-sonnet-5 tvr 1000000 128000 2 10 0.2 2.5
claude-sonnet-5-5 tvr 1000000 128000 2 10 0.1 2.5
`,
  "api.cerebras.ai": `
gpt-oss-120b tr 131072 40960 0.35 0.75 0.35 -
qwen-3.8-27b tvr 131072 40960 0.99 1.49 0.99 -
`,
  "api.deepseek.com": `
deepseek-flash tvr 1000000 384000 0.3 1.2 0.006 -
deepseek-v4-pro tr 1000000 384000 1.32 3.96 0.044 -
`,
  "api.githubcopilot.com": `
claude-fable-5 tvr 1000000 128000
claude-fable-5.1 tvr 1000000 128000
claude-haiku-4.5 tvr 200000 64000
claude-haiku-5.5 tvr 1000000 128000
claude-opus-4.8 tvr 1000000 64000
claude-opus-5 tvr 1000000 64000
claude-opus-5.5 tvr 1000000 128000
claude-sonnet-4.6 tvr 1000000 32000
claude-sonnet-5 tvr 1000000 128000
claude-sonnet-5.5 tvr 1000000 128000
gemini-3.8-flash tvr 1000000 64000
gemini-4-argon tvr 1048576 65536
gpt-5.3-codex tvr 1000000 128000
gpt-5.4-nano tvr 400000 128000
gpt-5.6-luna tvr 1050000 128000
gpt-5.6-sol tvr 1050000 128000
gpt-5.6-terra tvr 1050000 128000
gpt-6-astra tvr 1000000 128000
gpt-6-luna tvr 1000000 128000
gpt-6-sol tvr 1000000 128000
gpt-6.1-sol tvr 1050000 128000
gpt-6.1-terra tvr 1050000 128000
grok-4.5 tvr 500000 128000
grok-4.6 tvr 500000 128000
grok-4.7 tvr 500000 128000
kimi-k3 tvr 1048576 131072
mai-code-1.1-flash tvr 256000 128000
`,
  "generativelanguage.googleapis.com": `
deep-research-max-preview-04-2026 tvr 1048576 65536
deep-research-preview-04-2026 tvr 1048576 65536
gemini-2.5-computer-use-preview-10-2025 tvr 128000 64000
gemini-2.5-flash tvr 1048576 65536 0.3 2.5 0.03 -
gemini-2.5-flash-lite tvr 1048576 65536 0.1 0.4 0.01 -
gemini-2.5-pro tvr 1048576 65536
gemini-3-flash-preview tvr 1048576 65536 0.5 3 0.05 -
gemini-3.1-flash-lite tvr 1048576 65536 0.25 1.5 0.025 -
gemini-3.1-flash-lite-preview tvr 1048576 65536 0.25 1.5 0.025 -
gemini-3.1-pro-preview tvr 1048576 65536
gemini-3.1-pro-preview-customtools tvr 1048576 65536
gemini-3.5-flash tvr 1048576 65536 1.5 9 0.15 -
gemini-3.5-flash-lite tvr 1048576 65536 0.3 2.5 0.03 -
gemini-3.6-flash tvr 1048576 65536 0.75 3.75 0.075 -
gemini-3.7-flash tvr 1048576 65536 0.75 3.75 0.075 -
gemini-3.8-flash tvr 1048576 65536 0.75 3.75 0.075 -
gemini-4-argon tvr 1048576 32768 2 10 0.1 -
gemini-flash-latest tvr 1048576 65536 1.5 9 0.15 -
gemini-flash-lite-latest tvr 1048576 65536 0.25 1.5 0.025 -
gemini-pro-latest tvr 1048576 65536
gemini-robotics-er-2-preview tvr 131072 65536 1 5 0.1 -
gemma-4-26b-a4b-it tvr 262144 32768
gemma-4-31b-it tvr 262144 32768
`,
  "api.groq.com": `
llama-3.1-8b-instant t 131072 131072 0.05 0.08 - -
llama-3.3-70b-versatile t 131072 32768 0.59 0.79 - -
openai/gpt-oss-120b tr 131072 65536 0.15 0.6 0.075 -
openai/gpt-oss-20b tr 131072 65536 0.075 0.3 0.0375 -
openai/gpt-oss-safeguard-20b tr 131072 65536 0.075 0.3 0.0375 -
qwen/qwen3.6-27b tvr 131072 16384 0.6 3 0.3 -
qwen/qwen3.8-27b tvr 131072 16384 0.8 4 - -
`,
  "router.huggingface.co": `
MiniMaxAI/MiniMax-M1-80k tr 1000000 80000 0.55 2.2 - -
MiniMaxAI/MiniMax-M2 tr 204800 131072 0.3 1.2 - -
MiniMaxAI/MiniMax-M2.1 tr 204800 131072 0.3 1.2 - -
MiniMaxAI/MiniMax-M2.5 tr 204800 131072 0.3 1.2 0.03 -
MiniMaxAI/MiniMax-M2.7 tr 204800 131072 0.3 1.2 0.06 -
MiniMaxAI/MiniMax-M3 tvr 524288 512000 0.3 1.2 - -
MiniMaxAI/MiniMax-M3.1-Flash tvr 1000000 512000 0.15 0.6 - -
Qwen/Qwen2.5-Coder-32B-Instruct t 131072 8192 0.06 0.2 - -
Qwen/Qwen3-235B-A22B tr 40960 16384 0.2 0.8 - -
Qwen/Qwen3-235B-A22B-Instruct-2507 t 262144 16384 0.855 2.565 - -
Qwen/Qwen3-235B-A22B-Thinking-2507 tr 262144 81920 0.3 3 - -
Qwen/Qwen3-30B-A3B tr 40960 16384 0.12 0.5 - -
Qwen/Qwen3-32B tr 131072 16384 0.29 0.59 - -
Qwen/Qwen3-8B tr 40960 32768 0.07 0.18 - -
Qwen/Qwen3-Coder-30B-A3B-Instruct t 262144 65536 0.07 0.26 - -
Qwen/Qwen3-Coder-480B-A35B-Instruct t 262144 65536 2 2 - -
Qwen/Qwen3-Coder-Next t 262144 65536 0.2 1.5 - -
Qwen/Qwen3-Next-80B-A3B-Instruct t 262144 32768 0.25 1 - -
Qwen/Qwen3-VL-235B-A22B-Instruct tv 131072 32768 0.3 1.5 - -
Qwen/Qwen3-VL-235B-A22B-Thinking tvr 131072 32768 0.98 3.95 - -
Qwen/Qwen3-VL-30B-A3B-Instruct tv 131072 32768 0.2 0.7 - -
Qwen/Qwen3.5-122B-A10B tvr 262144 65536 0.4 3.2 - -
Qwen/Qwen3.5-27B tvr 262144 65536 0.3 2.4 - -
Qwen/Qwen3.5-35B-A3B tvr 262144 65536 0.25 2 - -
Qwen/Qwen3.5-397B-A17B tvr 262144 32768 0.6 3.6 - -
Qwen/Qwen3.5-9B tvr 262144 65536 0.17 0.25 - -
Qwen/Qwen3.6-27B tvr 262144 65536 0.47 3.19 - -
Qwen/Qwen3.6-35B-A3B tvr 262144 65536 0.15 0.95 - -
Qwen/Qwen3.8-2.4T-A95B tr 262144 131072 2.5 6.25 - -
Qwen/Qwen3.8-27B tvr 262144 32768 0.4 3 - -
XiaomiMiMo/MiMo-V2.5 tr 262144 131072 0.4 2 - -
XiaomiMiMo/MiMo-V2.5-Pro tr 1048576 131072 1 3 - -
deepseek-ai/DeepSeek-R1 tr 64000 32768 0.7 2.5 - -
deepseek-ai/DeepSeek-R1-0528 tr 163840 32768 3 5 - -
deepseek-ai/DeepSeek-V3 t 64000 8192 0.4 1.3 - -
deepseek-ai/DeepSeek-V3-0324 t 163840 163840 0.27 1.12 - -
deepseek-ai/DeepSeek-V3.1 tr 131072 8192 0.27 1 - -
deepseek-ai/DeepSeek-V3.2 tr 163840 65536 0.28 0.4 - -
deepseek-ai/DeepSeek-V4-Flash tr 1048576 384000 0.14 0.28 - -
deepseek-ai/DeepSeek-V4-Flash-0731 tr 1048576 384000 0.14 0.28 - -
deepseek-ai/DeepSeek-V4-Flash-Vision-Exp tvr 1048576 384000 0.44 1.32 - -
deepseek-ai/DeepSeek-V4-Pro tr 1048576 393216 0.435 0.87 0.003625 -
deepseek-ai/DeepSeek-V4-Pro-0813 tr 1000000 384000 1.32 3.96 - -
deepseek-ai/DeepSeek-V4.1-Flash tvr 1048576 384000 0.3 1.2 - -
deepseek-ai/DeepSeek-V4.1-Flash-1017 tvr 1048576 384000 0.3 1.2 - -
google/gemma-3-12b-it tv 131072 131072 0.05 0.15 - -
google/gemma-3-27b-it tv 131072 131072 0.08 0.16 - -
google/gemma-3-4b-it tv 131072 131072 0.05 0.1 - -
google/gemma-4-26B-A4B-it tvr 262144 32768 0.13 0.4 - -
google/gemma-4-31B-it tvr 262144 32768 0.14 0.4 - -
meta-llama/Llama-3.1-8B-Instruct t 131072 - 0.06 0.06 - -
meta-llama/Llama-3.3-70B-Instruct t 131072 - 0.59 0.79 - -
moonshotai/Kimi-K2-Instruct t 131072 16384 1 3 - -
moonshotai/Kimi-K2-Instruct-0905 t 262144 16384 1 3 - -
moonshotai/Kimi-K2-Thinking tr 262144 262144 0.6 2.5 0.15 -
moonshotai/Kimi-K2.5 tvr 262144 262144 0.6 3 0.1 -
moonshotai/Kimi-K2.6 tvr 262144 262144 0.95 4 0.16 -
moonshotai/Kimi-K2.7-Code tvr 262144 262144 0.95 4 - -
moonshotai/Kimi-K3 tvr 1000000 131072 3 15 - -
openai/gpt-oss-120b tr 131072 32768 0.25 0.69 - -
openai/gpt-oss-20b tr 131072 32768 0.1 0.5 - -
stepfun-ai/Step-3.5-Flash tr 262144 256000 0.1 0.3 - -
stepfun-ai/Step-3.7-Flash tvr 262144 256000 0.2 1.15 - -
tencent/Hy3 tr 262144 128000 0.14 0.58 - -
tencent/Hy4-preview tr 1000000 64000 0.834 2.501 - -
thinkingmachines/Inkling tvr 1048576 1048576 1 4.05 - -
thinkingmachines/Inkling-Small tvr 524288 1048576 0.5 1.2 - -
zai-org/GLM-4.5-Air tr 131072 98304 0.13 0.85 - -
zai-org/GLM-4.5V tvr 65536 16384 0.6 1.8 - -
zai-org/GLM-4.6 tr 204800 131072 0.55 2.2 - -
zai-org/GLM-4.6V-Flash tvr 131072 32768 0.3 0.9 - -
zai-org/GLM-4.7 tr 204800 131072 0.6 2.2 0.11 -
zai-org/GLM-4.7-Flash tr 200000 128000
zai-org/GLM-5 tr 202752 131072 1 3.2 0.2 -
zai-org/GLM-5.1 tr 202752 131072 1 3.2 0.2 -
zai-org/GLM-5.2 tr 262144 131072 1.4 4.4 - -
zai-org/GLM-5.3 tr 1048576 131072 1.4 4.4 - -
zai-org/GLM-5.3-Flash tvr 1048576 131072 0.15 0.5 - -
`,
  "api.kimi.com": `
k3 tvr 1048576 131072
k3-256k tvr 262144 131072
k3.1-pro tvr 1048576 131072
k3.1-pro-highspeed tvr 1048576 131072
kimi-for-coding tvr 1048576 32768
kimi-for-coding-highspeed tvr 262144 32768
`,
  "api.minimax.io": `
MiniMax-M2.7 tr 204800 131072 0.3 1.2 0.06 0.375
MiniMax-M2.7-highspeed tr 204800 131072 0.6 2.4 0.06 0.375
MiniMax-M3 tvr 1000000 524288
MiniMax-M3.1-Flash tvr 1000000 524288 0.15 0.6 0.015 -
`,
  "api.minimaxi.com": `
MiniMax-M2.7 tr 204800 131072 0.3137 1.2549 0.0627 0.3922
MiniMax-M2.7-highspeed tr 204800 131072 0.6275 2.5098 0.0627 0.3922
MiniMax-M3 tvr 1000000 524288
MiniMax-M3.1-Flash tvr 1000000 524288 0.1494 0.5976 0.0149 -
`,
  "api.mistral.ai": `
codestral-2508 t 256000 8192 0.3 0.9 0.03 -
codestral-latest t 256000 - 0.3 0.9 0.03 -
deepseek-v4-1-flash-1017 tr 1048576 128000 0.3 1.2 0.007 -
devstral-2512 t 262144 262144 0.4 2 0.04 -
devstral-latest t 262144 262144 0.4 2 0.04 -
devstral-medium-latest t 262144 262144 0.4 2 0.04 -
glm-5-2 tr 1048576 131072 1.4 4.4 0.14 -
labs-devstral-small-2512 tv 256000 256000
labs-leanstral-1-5-1 tvr 262144 128000
magistral-medium-latest tvr 262144 16384 2 5 0.2 -
ministral-14b-2512 tv 262144 262144 0.2 0.2 0.02 -
ministral-3b-2512 tv 131072 262144 0.1 0.1 0.01 -
ministral-3b-latest tv 131072 128000 0.1 0.1 0.01 -
ministral-8b-2512 tv 262144 262144 0.15 0.15 0.015 -
ministral-8b-latest tv 262144 128000 0.15 0.15 0.015 -
mistral-large-2512 tv 262144 262144 0.5 1.5 0.05 -
mistral-large-4 tvr 1048576 262144 0.7 2.1 0.07 -
mistral-large-4-0-8 tvr 1048576 262144 0.7 2.1 0.07 -
mistral-large-latest tv 262144 262144 0.5 1.5 0.05 -
mistral-medium-2505 tv 131072 131072 0.4 2 0.04 -
mistral-medium-2508 tv 262144 262144 0.4 2 0.04 -
mistral-medium-2604 tvr 262144 262144 1.5 7.5 0.15 -
mistral-medium-3.5 tvr 262144 262144 1.5 7.5 - -
mistral-medium-latest tvr 262144 262144 1.5 7.5 0.15 -
mistral-small-2506 tv 128000 16384 0.1 0.3 0.01 -
mistral-small-2603 tvr 262144 256000 0.15 0.6 0.015 -
mistral-small-latest tvr 262144 256000 0.15 0.6 0.015 -
open-mistral-nemo t 128000 128000 0.15 0.15 0.015 -
pixtral-12b tv 128000 128000 0.15 0.15 0.015 -
voxtral-small-2507 t 32768 32000 0.1 0.4 0.01 -
voxtral-small-latest t 32768 32000 0.1 0.4 0.01 -
zai-glm-5-2 tr 1048576 131072 1.4 4.4 0.14 -
zai-glm-5-3 tr 1048576 131072 1.4 4.4 0.14 -
zai-glm-5-3-flash tvr 1048576 131072 0.15 0.5 0.03 -
`,
  "api.moonshot.ai": `
kimi-k2.6 tvr 262144 262144 0.95 4 0.16 -
kimi-k2.7-code tvr 262144 262144 0.95 4 0.19 -
kimi-k2.7-code-highspeed tvr 262144 262144 1.9 8 0.38 -
kimi-k3 tvr 1048576 1048576 3 15 0.3 -
kimi-k3.1-pro tvr 1048576 1048576 2 10 0.2 -
kimi-k3.1-pro-highspeed tvr 1048576 1048576 4 20 0.2 -
`,
  "api.moonshot.cn": `
kimi-k2.6 tvr 262144 262144 0.9711 4.0337 0.1643 -
kimi-k2.7-code tvr 262144 262144 0.9711 4.0337 0.1942 -
kimi-k2.7-code-highspeed tvr 262144 262144 1.9421 8.0673 0.3884 -
kimi-k3 tvr 1048576 1048576 3 15 0.3 -
kimi-k3.1-pro tvr 1048576 1048576 1.9437 10.1671 0.1944 -
kimi-k3.1-pro-highspeed tvr 1048576 1048576 3.8874 20.3342 0.1944 -
`,
  "api.openai.com": `
chat-latest tvr 400000 128000 5 30 0.5 -
gpt-4 t 8192 8192 30 60 - -
gpt-4-turbo tv 128000 - 10 30 - -
gpt-4.1 tv 1047576 32768 2 8 0.5 -
gpt-4.1-mini tv 1047576 32768 0.4 1.6 0.1 -
gpt-4.1-nano tv 1047576 32768 0.1 0.4 0.025 -
gpt-4o tv 128000 16384 2.5 10 1.25 -
gpt-4o-2024-05-13 tv 128000 - 5 15 - -
gpt-4o-2024-08-06 tv 128000 16384 2.5 10 1.25 -
gpt-4o-2024-11-20 tv 128000 16384 2.5 10 1.25 -
gpt-4o-mini tv 128000 16384 0.15 0.6 0.075 -
gpt-5 tvr 400000 128000 1.25 10 0.125 -
gpt-5-chat-latest tv 128000 16384 1.25 10 0.125 -
gpt-5-mini tvr 400000 128000 0.25 2 0.025 -
gpt-5-nano tvr 400000 128000 0.05 0.4 0.005 -
gpt-5-pro tvr 400000 128000 15 120 - -
gpt-5.1 tvr 400000 128000 1.25 10 0.125 -
gpt-5.2 tvr 400000 128000 1.75 14 0.175 -
gpt-5.2-pro tvr 400000 128000 21 168 - -
gpt-5.3-codex tvr 400000 128000 1.75 14 0.175 -
gpt-5.3-codex-spark tvr 128000 32000 1.75 14 0.175 -
gpt-5.4 tvr 1050000 128000
gpt-5.4-mini tvr 400000 128000 0.75 4.5 0.075 -
gpt-5.4-nano tvr 400000 128000 0.2 1.25 0.02 -
gpt-5.4-pro tvr 1050000 128000
gpt-5.5 tvr 1050000 128000
gpt-5.5-pro tvr 1050000 128000
gpt-5.6-cyber tvr 400000 128000 12.5 75 1.25 15.625
gpt-5.6-luna tvr 1050000 128000
gpt-5.6-sol tvr 1050000 128000
gpt-5.6-terra tvr 1050000 128000
gpt-6-astra tvr 1050000 128000
gpt-6-luna tvr 1050000 128000
gpt-6-sol tvr 1050000 128000
gpt-6.1-sol tvr 1050000 128000
gpt-6.1-terra tvr 1050000 128000
gpt-daybreak-blue-latest tvr 1050000 128000
gpt-daybreak-red-latest tvr 400000 128000 12.5 75 1.25 15.625
o1 tvr 200000 100000 15 60 7.5 -
o1-pro tvr 200000 100000 150 600 - -
o3 tvr 200000 100000 2 8 0.5 -
o3-mini tr 200000 100000 1.1 4.4 0.55 -
o3-pro tvr 200000 100000 20 80 - -
o4-mini tvr 200000 100000 1.1 4.4 0.275 -
`,
  "opencode.ai": `
beam-free tr 1048576 131072
big-pickle tr 200000 32000
claude-fable-5 tvr 1000000 128000 10 50 1 12.5
claude-fable-5-1 tvr 1000000 128000 10 50 0.25 12.5
claude-fable-5-2 tvr 1000000 128000 8 40 0.2 10
claude-haiku-4-5 tvr 200000 64000 1 5 0.1 1.25
claude-haiku-5-5 tvr 1000000 128000
claude-opus-4-5 tvr 200000 64000 5 25 0.5 6.25
claude-opus-4-6 tvr 1000000 128000 5 25 0.5 6.25
claude-opus-4-7 tvr 1000000 128000 5 25 0.5 6.25
claude-opus-4-8 tvr 1000000 128000 5 25 0.5 6.25
claude-opus-5 tvr 1000000 128000 5 25 0.5 6.25
claude-opus-5-5 tvr 1000000 128000 4 20 0.2 5
claude-sonnet-4-5 tvr 200000 64000
claude-sonnet-4-6 tvr 1000000 64000 3 15 0.3 3.75
claude-sonnet-5 tvr 1000000 128000 2 10 0.2 2.5
claude-sonnet-5-5 tvr 1000000 128000 2 10 0.1 2.5
deepseek-v4-pro tr 1000000 384000 1.74 3.48 0.145 -
deepseek-v4.1-flash tvr 1000000 384000 0.3 1.2 0.006 -
deepseek-v4.1-flash-free tvr 200000 32000
flint-40b-free tr 262144 65536
gemini-3-flash tvr 1048576 65536 0.5 3 0.05 -
gemini-3.1-pro tvr 1048576 65536
gemini-3.5-flash tvr 1048576 65536 1.5 9 0.15 -
gemini-3.5-flash-lite tvr 1048576 65536 0.3 2.5 0.03 -
gemini-3.6-flash tvr 1048576 65536 0.75 3.75 0.075 -
gemini-3.7-flash tvr 1048576 65536 0.75 3.75 0.075 -
gemini-3.8-flash tvr 1048576 65536 0.75 3.75 0.075 -
gemini-4-argon tvr 1048576 65536 2 10 0.1 -
glm-5 tr 204800 131072 1 3.2 0.2 -
glm-5.1 tr 204800 131072 1.4 4.4 0.26 -
glm-5.2 tr 1000000 131072 1.4 4.4 0.26 -
glm-5.3 tr 1000000 131072 1.4 4.4 0.26 -
glm-5.3-flash tvr 1000000 131072 0.15 0.5 0.03 -
glm-5.3-flash-free tvr 200000 32000
gpt-5 tvr 400000 128000 1.07 8.5 0.107 -
gpt-5-codex tvr 400000 128000 1.07 8.5 0.107 -
gpt-5-nano tvr 400000 128000 0.05 0.4 0.005 -
gpt-5.1 tvr 400000 128000 1.07 8.5 0.107 -
gpt-5.1-codex tvr 400000 128000 1.07 8.5 0.107 -
gpt-5.1-codex-max tvr 400000 128000 1.25 10 0.125 -
gpt-5.1-codex-mini tvr 400000 128000 0.25 2 0.025 -
gpt-5.2 tvr 400000 128000 1.75 14 0.175 -
gpt-5.2-codex tvr 400000 128000 1.75 14 0.175 -
gpt-5.3-codex tvr 400000 128000 1.75 14 0.175 -
gpt-5.4 tvr 272000 128000
gpt-5.4-mini tvr 400000 128000 0.75 4.5 0.075 -
gpt-5.4-nano tvr 400000 128000 0.2 1.25 0.02 -
gpt-5.4-pro tvr 1050000 128000 30 180 30 -
gpt-5.5 tvr 1050000 128000
gpt-5.5-pro tvr 1050000 128000 30 180 30 -
gpt-5.6-luna tvr 1050000 128000
gpt-5.6-sol tvr 1050000 128000
gpt-5.6-terra tvr 1050000 128000
gpt-6-astra tvr 1050000 128000
gpt-6-luna tvr 1050000 128000
gpt-6-sol tvr 1050000 128000
gpt-6.1-sol tvr 1050000 128000
grok-4.5 tvr 500000 500000
grok-4.6 tvr 500000 500000
grok-4.7 tvr 500000 500000
grok-build-0.1 tvr 256000 256000 1 2 0.2 -
hy3 tr 256000 128000 0.14 0.58 0.035 -
hy4 tvr 1048576 65536 0.834 2.501 0.042 -
hy4-preview tr 1024000 64000 0.834 2.501 0.042 -
iceman-contributor-free tr 262144 131072
iceman-free tr 262144 131072
inkling-2-small-free tvr 1048576 131072
kimi-k2.5 tvr 262144 65536 0.6 3 0.1 -
kimi-k2.6 tvr 262144 65536 0.95 4 0.16 -
kimi-k2.7-code tvr 262144 262144 0.95 4 0.19 -
kimi-k3 tvr 1048576 131072 3 15 0.3 3
kimi-k3.1-pro tvr 1048576 131072 2 10 0.2 2
longcat-2.0 tr 1000000 131072 0.3 1.2 0.006 -
longcat-2.5-free tvr 1000000 262144
mimo-v2.5 tvr 1000000 128000 0.14 0.28 0.0028 -
mimo-v2.5-pro tr 1048576 128000 0.435 0.87 0.003625 -
mimo-v2.6-flash tvr 1048576 131072 0.14 0.28 0.0028 -
mimo-v2.6-flash-free tvr 200000 32000
mimo-v2.6-pro tvr 1048576 131072 0.435 0.87 0.003625 -
minimax-m2.5 tr 204800 131072 0.3 1.2 0.06 -
minimax-m2.7 tr 204800 131072 0.3 1.2 0.06 -
minimax-m3 tvr 512000 128000 0.3 1.2 0.06 -
minimax-m3.1-flash tvr 1000000 512000 0.15 0.6 0.015 -
minimax-m3.1-flash-free tvr 1000000 512000
mistral-large-4 tvr 524288 262144 0.68 2.09 0.07 -
muse-ember-1.0 tvr 1048576 270000 0.1 0.5 0.004 -
muse-spark-1.2 tvr 1048576 131072 1.25 4.25 0.15 -
muse-spark-1.2-contributor tvr 1048576 131072 0.1 0.2 0.002 -
muse-spark-1.3 tvr 1048576 131072 1.25 4.25 0.15 -
muse-spark-1.3-contributor tvr 1048576 131072 0.1 0.2 0.002 -
muse-wonder-1.0 tvr 1048576 131072 4 20 0.2 -
nemotron-3.5-lightning-free tr 262144 262144
nemotron-3.5-super-vl-free tvr 1048576 131072
qwen3.5-plus tvr 262144 65536 0.2 1.2 0.02 0.25
qwen3.6-plus tvr 262144 65536 0.5 3 0.05 0.625
qwen3.7-plus tvr 1000000 65536
qwen3.8-flash tvr 1000000 131072 0.15 0.47 0.016 0.2
qwen3.8-max tvr 262144 131072 2 6 0.25 2.5
step-5-preview tvr 1000000 65536 1 2.7 0.1 -
`,
  "openrouter.ai": `
aion-labs/aion-2.0 tr 131072 32768 0.8 1.6 0.2 -
aion-labs/aion-3.0 tr 131072 32768 3 6 0.75 -
aion-labs/aion-3.0-mini tr 131072 32768 0.7 1.4 0.18 -
aion-labs/aion-3.5 tr 262144 32768 3 6 0.75 -
aion-labs/aion-3.5-mini tr 262144 32768 0.7 1.4 0.18 -
amazon/nova-2-lite-v1 tvr 1000000 65535 0.3 2.5 - -
amazon/nova-lite-v1 tv 300000 5120 0.06 0.24 - -
amazon/nova-micro-v1 t 128000 5120 0.035 0.14 - -
amazon/nova-premier-v1 tv 1000000 32000 2.5 12.5 0.625 -
amazon/nova-pro-v1 tv 300000 5120 0.8 3.2 - -
anthropic/claude-fable-5 tvr 1000000 128000 10 50 1 12.5
anthropic/claude-fable-5.1 tvr 1000000 128000 10 50 0.25 12.5
anthropic/claude-fable-5.1:batch tvr 1000000 128000 5 25 0.125 6.25
anthropic/claude-fable-5.2 tvr 1000000 128000 8 40 0.2 10
anthropic/claude-fable-5.2:batch tvr 1000000 128000 4 20 0.1 5
anthropic/claude-fable-5:batch tvr 1000000 128000 5 25 0.5 6.25
anthropic/claude-haiku-4.5 tvr 200000 64000 1 5 0.1 1.25
anthropic/claude-haiku-4.5:batch tvr 200000 64000 0.5 2.5 0.05 0.625
anthropic/claude-haiku-5.5 tvr 1000000 128000
anthropic/claude-haiku-5.5:batch tvr 1000000 128000
anthropic/claude-opus-4.1 tvr 200000 32000 15 75 1.5 18.75
anthropic/claude-opus-4.1:batch tvr 200000 32000 7.5 37.5 0.75 9.375
anthropic/claude-opus-4.5 tvr 200000 64000 5 25 0.5 6.25
anthropic/claude-opus-4.5:batch tvr 200000 64000 2.5 12.5 0.25 3.125
anthropic/claude-opus-4.6 tvr 1000000 128000 5 25 0.5 6.25
anthropic/claude-opus-4.6:batch tvr 1000000 128000 2.5 12.5 0.25 3.125
anthropic/claude-opus-4.7 tvr 1000000 128000 5 25 0.5 6.25
anthropic/claude-opus-4.7:batch tvr 1000000 128000 2.5 12.5 0.25 3.125
anthropic/claude-opus-4.8 tvr 1000000 128000 5 25 0.5 6.25
anthropic/claude-opus-4.8:batch tvr 1000000 128000 2.5 12.5 0.25 3.125
anthropic/claude-opus-5 tvr 1000000 128000 5 25 0.5 6.25
anthropic/claude-opus-5.5 tvr 1000000 128000 4 20 0.2 5
anthropic/claude-opus-5.5:batch tvr 1000000 128000 2 10 0.1 2.5
anthropic/claude-opus-5:batch tvr 1000000 128000 2.5 12.5 0.25 3.125
anthropic/claude-sonnet-4.5 tvr 1000000 64000
anthropic/claude-sonnet-4.5:batch tvr 1000000 64000
anthropic/claude-sonnet-4.6 tvr 1000000 128000 3 15 0.3 3.75
anthropic/claude-sonnet-4.6:batch tvr 1000000 128000 1.5 7.5 0.15 1.875
anthropic/claude-sonnet-5 tvr 1000000 128000 2 10 0.2 2.5
anthropic/claude-sonnet-5.5 tvr 1000000 128000 2 10 0.1 2.5
anthropic/claude-sonnet-5.5:batch tvr 1000000 128000 1 5 0.05 1.25
anthropic/claude-sonnet-5:batch tvr 1000000 128000 1 5 0.1 1.25
auto tvr 2000000 30000
bytedance-seed/seed-1.6 tvr 262144 32768
bytedance-seed/seed-1.6-flash tvr 262144 32768
bytedance-seed/seed-2-1-turbo tvr 262144 235929 0.5 2.5 - -
bytedance-seed/seed-2.0-code tvr 262144 131072
bytedance-seed/seed-2.0-lite tvr 262144 131072
bytedance-seed/seed-2.0-mini tvr 262144 131072
cohere/command-a t 256000 8192 2.5 10 - -
cohere/command-a-plus tvr 192000 64000 0.3 1.5 0.15 -
cohere/command-r-08-2024 t 128000 4000 0.15 0.6 - -
cohere/command-r-plus-08-2024 t 128000 4000 2.5 10 - -
cohere/command-r7b-12-2024 t 128000 4000 0.0375 0.15 - -
cohere/north-mini-code:free tr 256000 64000
deepseek/deepseek-chat t 163840 16384 0.32 0.89 - -
deepseek/deepseek-chat-v3-0324 t 128000 115200 0.29 1.14 0.11 -
deepseek/deepseek-chat-v3.1 tr 163840 147456 0.25 0.95 0.13 -
deepseek/deepseek-r1-0528 tr 163840 32768 0.5 2.15 0.35 -
deepseek/deepseek-v3.1-terminus tr 163840 147456 0.27 1 - -
deepseek/deepseek-v3.2 tr 163840 147456 0.26 0.38 0.13 -
deepseek/deepseek-v3.2-exp tr 163840 147456 0.27 0.41 - -
deepseek/deepseek-v4-flash tr 1048575 943717 0.091 0.182 0.0182 -
deepseek/deepseek-v4-flash-0731 tr 1048576 943718 0.0434 0.3 0.035 -
deepseek/deepseek-v4-flash-0731:batch tr 1048576 384000 0.048 0.144 0.012 -
deepseek/deepseek-v4-flash-vision-exp tvr 1048575 943717 0.44 1.32 0.014 -
deepseek/deepseek-v4-pro tr 1024000 384000 0.95526 1.91052 0.079605 -
deepseek/deepseek-v4-pro-0813 tr 1048576 943718 0.111 4.44 0.097 -
deepseek/deepseek-v4.1-flash tvr 1048576 943718 0.006 0.5 0.005 -
deepseek/deepseek-v4.1-flash-1017 tvr 1048576 943718 0.006 0.5 0.005 -
deepseek/deepseek-v4.1-flash-1017:batch tvr 1048576 943718 0.011 0.2 0.002 -
deepseek/deepseek-v4.1-flash:batch tvr 1048576 131072 0.112 0.336 0.00336 -
dots-studio/dots-3-note-preview:free tvr 512000 460800
elorian/glimpse tvr 262144 256000 0.6 3 0.06 -
fireworks/ember-1 tvr 1048576 943718 3 15 0.3 -
google/gemini-2.5-flash tvr 1048576 65535 0.3 2.5 0.03 0.083333
google/gemini-2.5-flash-lite tvr 1048576 65535 0.1 0.4 0.01 0.083333
google/gemini-2.5-pro tvr 1048576 65536
google/gemini-2.5-pro-preview tvr 1048576 65536
google/gemini-3-flash-preview tvr 1048576 65536 0.5 3 0.05 0.083333
google/gemini-3-flash-preview:batch tvr 1048576 65536 0.25 1.5 - -
google/gemini-3-pro-image tvr 65536 32768 2 12 0.2 0.375
google/gemini-3.1-flash-lite tvr 1048576 65536 0.25 1.5 0.025 0.083333
google/gemini-3.1-flash-lite-preview tvr 1048576 65536 0.25 1.5 0.025 0.083333
google/gemini-3.1-flash-lite:batch tvr 1048576 65536 0.125 0.75 0.0125 -
google/gemini-3.1-pro-preview tvr 1048576 65536
google/gemini-3.1-pro-preview-customtools tvr 1048576 65536
google/gemini-3.1-pro-preview:batch tvr 1048576 65536
google/gemini-3.5-flash tvr 1048576 65536 1.5 9 0.15 0.083333
google/gemini-3.5-flash-lite tvr 1048576 65536 0.3 2.5 0.03 0.083333
google/gemini-3.5-flash-lite:batch tvr 1048576 65536 0.15 1.25 0.015 -
google/gemini-3.5-flash:batch tvr 1048576 65536 0.75 4.5 0.075 -
google/gemini-3.6-flash tvr 1048576 65536 0.75 3.75 0.075 0.041667
google/gemini-3.6-flash:batch tvr 1048576 65536 0.375 1.875 0.0375 0.041667
google/gemini-3.7-flash tvr 1048576 65536 0.75 3.75 0.075 0.041667
google/gemini-3.7-flash:batch tvr 1048576 65536 0.375 1.875 0.0375 0.041667
google/gemini-3.8-flash tvr 1048576 65536 0.825 4.125 0.0825 0.041667
google/gemini-3.8-flash:batch tvr 1048576 65536 0.375 1.875 0.0375 0.041667
google/gemini-4-argon tvr 1048576 943718 2 10 0.1 0.1875
google/gemini-4-argon:batch tvr 1048576 943718 1 5 0.05 0.1875
google/gemini-nano-banana-2.1 tvr 65536 58982 1.5 7.5 - -
google/gemma-3-12b-it tv 131072 16384 0.05 0.15 - -
google/gemma-3-27b-it tv 131072 117964 0.08 0.45 0.04 -
google/gemma-4-26b-a4b-it tvr 256000 128000 0.08 0.1 0.046 -
google/gemma-4-26b-a4b-it:free tvr 262144 32768
google/gemma-4-31b-it tvr 262144 16384 0.2 0.4 - -
google/gemma-4-31b-it:free tvr 262144 32768
ibm-granite/granite-4.2-8b tr 131072 117964 0.06 0.25 0.015 -
inclusionai/ling-3.0-flash tr 262144 32768 0.021 0.063 0.0042 -
inclusionai/ling-3.0-flash-vl tvr 131072 32768 0.06 0.18 0.012 -
inclusionai/ling-3.0-tiny tr 262144 250000 0.015 0.045 0.003 -
inclusionai/ling-3.1-flash tr 1000000 262144 0.045 0.135 0.009 -
liquid/lfm-2.5-2.6b tr 128000 8192 0.35 0.5 0.04 -
liquid/lfm-2.5-2.6b:free tr 65536 8192
liquid/lfm-2.5-24b-a2b tr 128000 8192 0.05 0.7 0.025 -
liquid/lfm-3-1.7b tr 262144 8192 0.08 0.2 0.02 -
liquid/lfm-3-1.7b:free tr 262144 8192
meituan/longcat-2.0 tr 1048756 262144 0.3 1.2 0.006 -
meta-llama/llama-3.1-8b-instruct t 131072 16384 0.02 0.04 - -
meta-llama/llama-3.3-70b-instruct t 128000 115200 0.71 0.71 0.71 -
meta-llama/llama-4-maverick tv 524288 32768 0.35 1 0.17 -
meta-llama/llama-4-scout tv 327680 16384 0.1 0.3 - -
meta/muse-ember tvr 1048576 943718 0.1 0.5 0.004 0.125
meta/muse-glimmer-30b tvr 131072 16384 0.3 1.2 0.04 -
meta/muse-glimmer-30b:batch tvr 131072 16384 0.24 0.96 0.032 -
meta/muse-spark-1.1 tvr 1048576 943718 1.25 4.25 0.15 -
meta/muse-spark-1.2 tvr 1048576 943718 1.25 4.25 0.15 -
meta/muse-spark-1.2-contributor tvr 1048576 943718 0.1 0.2 0.002 -
meta/muse-spark-1.3 tvr 1048576 943718 1.25 4.25 0.15 -
meta/muse-spark-1.3-contributor tvr 1048576 943718 0.1 0.2 0.002 -
meta/muse-spark-open tvr 1048576 131072 1.25 4.25 0.15 -
meta/muse-wonder tvr 1048576 943718 4 20 0.2 -
minimax/minimax-m2.5 tr 65536 58982 0.3 1.2 0.06 -
minimax/minimax-m2.7 tr 196608 176947 0.21 0.84 0.042 -
minimax/minimax-m3 tvr 524288 512000 0.3 1.2 0.06 -
minimax/minimax-m3.1-flash tvr 1048576 524288 0.15 0.6 0.015 -
minimax/minimax-m3:batch tvr 524288 512000 0.224 0.88 0.0448 -
mistralai/codestral-2508 t 256000 204800 0.3 0.9 0.03 -
mistralai/devstral-2512 t 262144 209715 0.4 2 0.04 -
mistralai/ministral-14b-2512 tv 262144 209715 0.2 0.2 0.02 -
mistralai/ministral-3b-2512 tv 131072 104857 0.1 0.1 0.01 -
mistralai/ministral-8b-2512 tv 262144 209715 0.15 0.15 0.015 -
mistralai/mistral-large t 128000 102400 2 6 0.2 -
mistralai/mistral-large-2407 t 131072 104857 2 6 0.2 -
mistralai/mistral-large-2512 tv 262144 209715 0.5 1.5 0.05 -
mistralai/mistral-large-4-0 tvr 1048576 262144 0.7 2.1 0.07 -
mistralai/mistral-medium-3 tv 131072 104857 0.4 2 0.04 -
mistralai/mistral-medium-3-5 tvr 262144 209715 1.5 7.5 - -
mistralai/mistral-medium-3-5:batch tvr 262144 209715 0.75 3.75 - -
mistralai/mistral-medium-3.1 tv 131072 104857 0.4 2 0.04 -
mistralai/mistral-nemo t 131072 16384 0.029 0.03 - -
mistralai/mistral-saba t 32768 26214 0.2 0.6 0.02 -
mistralai/mistral-small-2603 tvr 262144 209715 0.15 0.6 0.015 -
mistralai/mistral-small-3.1-24b-instruct tv 128000 102400 0.351 0.555 - -
mistralai/mistral-small-3.2-24b-instruct tv 32768 26214 0.1 0.3 0.01 -
mistralai/mixtral-8x22b-instruct t 65536 52428 2 6 0.2 -
mistralai/voxtral-small-24b-2507 t 32768 26214 0.1 0.3 0.01 -
moonshotai/kimi-k2 t 131072 98304 0.57 2.3 - -
moonshotai/kimi-k2-0905 t 262144 98304 0.6 2.5 - -
moonshotai/kimi-k2-thinking tr 262144 98304 0.6 2.5 0.15 -
moonshotai/kimi-k2.5 tvr 256000 - 0.41 2.06 0.07 -
moonshotai/kimi-k2.6 tvr 262144 235929 0.65 3.41 0.15 -
moonshotai/kimi-k2.7-code tvr 262144 235929 0.6 3.5 0.16 -
moonshotai/kimi-k3 tvr 1048576 131072 0.192 16 0.182 -
moonshotai/kimi-k3.1-pro tvr 1048576 131072 2 10 0.2 -
moonshotai/kimi-k3:batch tvr 1048576 16384 2.28 11.4 0.228 -
nex-agi/nex-n2.5-pro tvr 262144 235929 0.075 0.25 0.015 -
nex-agi/nex-n2.6 tvr 262144 235929 0.12 0.4 0.024 -
nvidia/nemotron-3-nano-30b-a3b tr 262144 235929 0.06 0.24 0.012 -
nvidia/nemotron-3-nano-omni-30b-a3b-reasoning:free tvr 256000 65536
nvidia/nemotron-3-super-120b-a12b tr 262144 16384 0.075 0.4 - -
nvidia/nemotron-3-ultra-550b-a55b tr 202800 182520 0.6 2.4 0.12 -
nvidia/nemotron-3-ultra-550b-a55b:free tr 1000000 65536
nvidia/nemotron-3.5-lightning tr 262144 235929 0.07 0.2 0.04 -
nvidia/nemotron-3.5-lightning:free tr 1000000 65536
nvidia/nemotron-3.5-super-vl tvr 1048576 943718 0.15 0.47 0.02 -
nvidia/nemotron-3.5-super-vl:free tvr 1000000 131072
openai/gpt-3.5-turbo-0613 t 4095 3685 1 2 - -
openai/gpt-3.5-turbo-16k t 16385 - 3 4 - -
openai/gpt-4 t 8191 - 30 60 - -
openai/gpt-4-turbo:batch tv 128000 - 5 15 - -
openai/gpt-4.1 tv 1047576 32768 2 8 0.5 -
openai/gpt-4.1-mini tv 1047576 32768 0.4 1.6 0.1 -
openai/gpt-4.1-mini:batch tv 1047576 32768 0.2 0.8 0.05 -
openai/gpt-4.1-nano tv 1047576 942818 0.1 0.4 0.03 -
openai/gpt-4.1-nano:batch tv 1047576 32768 0.05 0.2 0.0125 -
openai/gpt-4.1:batch tv 1047576 32768 1 4 0.25 -
openai/gpt-4o tv 128000 16384 2.5 10 1.25 -
openai/gpt-4o-2024-05-13 tv 128000 - 5 15 - -
openai/gpt-4o-2024-08-06 tv 128000 16384 2.5 10 1.25 -
openai/gpt-4o-2024-11-20 tv 128000 16384 2.5 10 1.25 -
openai/gpt-4o-mini tv 128000 16384 0.15 0.6 0.075 -
openai/gpt-4o-mini-2024-07-18 tv 128000 16384 0.15 0.6 0.075 -
openai/gpt-4o-mini:batch tv 128000 16384 0.075 0.3 0.0375 -
openai/gpt-4o:batch tv 128000 16384 1.25 5 0.625 -
openai/gpt-5 tvr 400000 128000 1.25 10 0.125 -
openai/gpt-5-mini tvr 400000 128000 0.25 2 0.025 -
openai/gpt-5-mini:batch tvr 400000 128000 0.125 1 0.0125 -
openai/gpt-5-nano tvr 400000 128000 0.05 0.4 0.005 -
openai/gpt-5-nano:batch tvr 400000 128000 0.025 0.2 0.0025 -
openai/gpt-5-pro tvr 400000 128000 15 120 - -
openai/gpt-5-pro:batch tvr 400000 128000 7.5 60 - -
openai/gpt-5.1 tvr 400000 128000 1.25 10 0.125 -
openai/gpt-5.1-codex tvr 400000 128000 1.25 10 0.13 -
openai/gpt-5.1-codex-max tvr 400000 128000 1.25 10 0.125 -
openai/gpt-5.1-codex-mini tvr 400000 128000 0.25 2 0.03 -
openai/gpt-5.1:batch tvr 400000 128000 0.625 5 0.0625 -
openai/gpt-5.2 tvr 400000 128000 1.75 14 0.175 -
openai/gpt-5.2-chat tv 128000 32000 1.75 14 0.175 -
openai/gpt-5.2-codex tvr 400000 128000 1.75 14 0.175 -
openai/gpt-5.2-pro tvr 400000 128000 21 168 - -
openai/gpt-5.2-pro:batch tvr 400000 128000 10.5 84 - -
openai/gpt-5.2:batch tvr 400000 128000 0.875 7 0.0875 -
openai/gpt-5.3-codex tvr 400000 128000 1.75 14 0.175 -
openai/gpt-5.4 tvr 1050000 128000
openai/gpt-5.4-mini tvr 400000 128000 0.75 4.5 0.075 -
openai/gpt-5.4-mini:batch tvr 400000 128000 0.375 2.25 0.0375 -
openai/gpt-5.4-nano tvr 400000 128000 0.2 1.25 0.02 -
openai/gpt-5.4-nano:batch tvr 400000 128000 0.1 0.625 0.01 -
openai/gpt-5.4-pro tvr 1050000 128000
openai/gpt-5.4-pro:batch tvr 1050000 128000
openai/gpt-5.4:batch tvr 1050000 128000
openai/gpt-5.5 tvr 1050000 128000
openai/gpt-5.5-pro tvr 1050000 128000
openai/gpt-5.5-pro:batch tvr 1050000 128000
openai/gpt-5.5:batch tvr 1050000 128000
openai/gpt-5.6-luna tvr 1050000 128000
openai/gpt-5.6-luna-pro tvr 1050000 128000
openai/gpt-5.6-luna-pro:batch tvr 1050000 128000
openai/gpt-5.6-luna:batch tvr 1050000 128000
openai/gpt-5.6-sol tvr 1050000 128000
openai/gpt-5.6-sol-pro tvr 1050000 128000
openai/gpt-5.6-sol-pro:batch tvr 1050000 128000
openai/gpt-5.6-sol:batch tvr 1050000 128000
openai/gpt-5.6-terra tvr 1050000 128000
openai/gpt-5.6-terra-pro tvr 1050000 128000
openai/gpt-5.6-terra-pro:batch tvr 1050000 128000
openai/gpt-5.6-terra:batch tvr 1050000 128000
openai/gpt-5:batch tvr 400000 128000 0.625 5 0.0625 -
openai/gpt-6-astra tvr 1050000 128000
openai/gpt-6-astra-pro tvr 1050000 128000
openai/gpt-6-astra-pro:batch tvr 1050000 128000
openai/gpt-6-astra:batch tvr 1050000 128000
openai/gpt-6-luna tvr 1050000 128000
openai/gpt-6-luna-pro tvr 1050000 128000
openai/gpt-6-luna-pro:batch tvr 1050000 128000
openai/gpt-6-luna:batch tvr 1050000 128000
openai/gpt-6-sol tvr 1050000 128000
openai/gpt-6-sol-pro tvr 1050000 128000
openai/gpt-6-sol-pro:batch tvr 1050000 128000
openai/gpt-6-sol:batch tvr 1050000 128000
openai/gpt-6.1-sol tvr 1050000 128000
openai/gpt-6.1-sol-pro tvr 1050000 128000
openai/gpt-6.1-sol-pro:batch tvr 1050000 128000
openai/gpt-6.1-sol:batch tvr 1050000 128000
openai/gpt-6.1-terra tvr 1050000 128000
openai/gpt-6.1-terra-pro tvr 1050000 128000
openai/gpt-6.1-terra-pro:batch tvr 1050000 128000
openai/gpt-6.1-terra:batch tvr 1050000 128000
openai/gpt-audio t 128000 16384 2.5 10 - -
openai/gpt-audio-mini t 128000 16384 0.6 2.4 - -
openai/gpt-chat-latest tv 400000 128000 5 30 0.5 -
openai/gpt-oss-120b tr 131072 65536 0.15 0.6 0.075 -
openai/gpt-oss-120b:batch tr 131072 117964 0.0296 0.136 - -
openai/gpt-oss-20b tr 131072 117964 0.03 0.13 0.03 -
openai/gpt-oss-20b:batch tr 131072 117964 0.024 0.112 - -
openai/gpt-oss-safeguard-20b tr 131072 65536 0.075 0.3 0.0375 -
openai/o3 tvr 200000 100000 2 8 0.5 -
openai/o3-mini:batch tr 200000 100000 0.55 2.2 0.275 -
openai/o3-pro tvr 200000 100000 20 80 - -
openai/o3:batch tvr 200000 100000 1 4 0.25 -
openai/o4-mini:batch tvr 200000 100000 0.55 2.2 0.1375 -
openrouter/auto tvr 2000000 -
openrouter/auto-beta tvr 2000000 64000
openrouter/auto-code tvr 2000000 64000
openrouter/free tvr 200000 -
openrouter/fusion tr 1000000 30000
openrouter/pareto-code tr 2000000 -
particle-ai/particle-1 tvr 1048576 131072 0.05 0.5 0.003 -
perceptron/perceptron-mk1.5 tvr 36864 8192 0.15 1.5 - -
prism-ml/ternary-bonsai-2-27b tvr 262144 32768 0.075 0.5 0.0375 -
prism-ml/ternary-bonsai-2-9b tvr 262144 65536 0.08 0.13 0.04 -
qwen/qwen-2.5-72b-instruct t 32768 16384 0.36 0.4 - -
qwen/qwen-2.5-7b-instruct t 32768 29491 0.1 0.2 - -
qwen/qwen-plus t 1000000 32768
qwen/qwen3-14b tr 40960 36864 0.1 0.22 - -
qwen/qwen3-235b-a22b-2507 t 131072 117964 0.14 0.8 0.05 -
qwen/qwen3-235b-a22b-thinking-2507 tr 128000 16384 0.45 3.5 - -
qwen/qwen3-30b-a3b tr 40960 16384 0.12 0.5 - -
qwen/qwen3-30b-a3b-instruct-2507 t 262144 235929 0.1 0.3 0.1 -
qwen/qwen3-32b tr 40960 16384 0.08 0.28 - -
qwen/qwen3-coder t 262144 65536 0.3 1 0.1 -
qwen/qwen3-coder-30b-a3b-instruct t 262144 235929 0.15 0.6 - -
qwen/qwen3-coder-flash t 1000000 65536
qwen/qwen3-coder-next t 262144 235929 0.12 0.8 0.07 -
qwen/qwen3-next-80b-a3b-instruct t 262144 16384 0.09 1.1 - -
qwen/qwen3-vl-235b-a22b-instruct tv 131072 32768 0.21 1.9 0.1 -
qwen/qwen3-vl-30b-a3b-instruct tv 262144 16384 0.15 0.6 - -
qwen/qwen3-vl-30b-a3b-thinking tvr 262144 235929 0.29 1 - -
qwen/qwen3-vl-8b-instruct tv 262144 235929 0.25 0.75 0.12 -
qwen/qwen3.5-122b-a10b tvr 262144 65536 0.26 2.08 - -
qwen/qwen3.5-27b tvr 262144 81920 0.26 2.6 - -
qwen/qwen3.5-35b-a3b tvr 262144 81920 0.14 1 0.05 -
qwen/qwen3.5-397b-a17b tvr 256000 64000 0.6 3.6 0.12 -
qwen/qwen3.5-9b tvr 262144 235929 0.17 0.25 - -
qwen/qwen3.5-flash-02-23 tvr 1000000 65536 0.065 0.26 - -
qwen/qwen3.5-plus-02-15 tvr 1000000 65536
qwen/qwen3.5-plus-20260420 tvr 1000000 65536
qwen/qwen3.6-27b tvr 262144 81920 0.32 3.2 - -
qwen/qwen3.6-35b-a3b tvr 262144 235929 0.1 0.9 0.025 -
qwen/qwen3.6-flash tvr 1000000 65536
qwen/qwen3.6-plus tvr 1000000 65536
qwen/qwen3.7-flash tvr 1000000 65536
qwen/qwen3.7-max tr 1000000 131072 1.475 4.425 0.295 1.84375
qwen/qwen3.7-plus tvr 1000000 131072
qwen/qwen3.7-plus:batch tvr 262144 131072 0.23 0.92 - -
qwen/qwen3.8-2.4t-a95b tr 1048576 131072 2 6 0.25 -
qwen/qwen3.8-27b tvr 262144 235929 0.15 1.875 0.0375 -
qwen/qwen3.8-27b:batch tvr 262144 235929 0.16 2 0.04 -
qwen/qwen3.8-flash tvr 1000000 131072 0.15 0.47 0.016 -
qwen/qwen3.8-max-0902 tvr 1000000 131072 2 6 0.25 -
qwen/qwen3.8-max-0902:batch tvr 262144 131072 1.15 3.45 - -
qwen/qwen3.8-max-prime tvr 1000000 131072 4 12 0.5 -
qwen/qwen3.8-omni-flash tvr 1000000 131072 0.15 0.47 0.016 -
recursive/flint-v1.0:free tr 262144 235929
reflection/beam-1.0-501b-a23b tr 1048576 943718 0.3 1 0.04 -
rekaai/reka-edge tv 16384 14745 0.1 0.1 - -
relace/relace-search t 256000 128000 1 3 - -
ricursiveai/ripple-65b-preview tr 1048576 131072 0.2 0.6 0.05 -
sakana/fugu-max tvr 1000000 128000 2 6 0.25 -
sakana/fugu-ultra tvr 1000000 128000
sakana/fugu-ultra-v2 tvr 1000000 128000
sakana/sakana-namazu tvr 262144 65536 0.95 4 0.15 -
stepfun/step-3.5-flash tr 262144 65536 0.1 0.3 - -
stepfun/step-3.7-flash tvr 256000 230400 0.2 1.15 0.04 -
stepfun/step-5-preview tvr 1000000 64000 1 2.7 0.1 -
tencent/hy3 tr 262144 128000 0.132 0.528 0.033 -
tencent/hy3-preview tr 262144 235929 0.18 0.6 0.06 -
tencent/hy4 tvr 1048576 65536 0.417 1.2505 0.021 -
tencent/hy4-preview tr 1048576 64000 0.834 2.501 0.042 -
thinkingmachines/inkling tvr 524288 471859 1 4.05 0.17 -
thinkingmachines/inkling-2-small:free tvr 1048576 131072
thinkingmachines/inkling-small tvr 524288 262144 0.45 1.2 0.1 -
thinkingmachines/inkling-small:batch tvr 524288 262144 0.36 0.96 0.08 -
typesafe/jev-router tvr 1000000 64000
unbiased/pareto-26.10 tv 1048576 131072 0.8 3.2 0.03 -
unbiased/pareto-26.9 tv 262144 131072 2.5 7.5 0.25 -
upstage/solar-mini4 tr 524288 131072 0.05 0.2 0.005 -
upstage/solar-pro4 tr 524288 131072 0.15 0.6 0.03 -
x-ai/grok-4.20 tvr 2000000 1800000
x-ai/grok-4.3 tvr 1000000 900000
x-ai/grok-4.3:batch tvr 1000000 900000
x-ai/grok-4.5 tvr 500000 450000
x-ai/grok-4.6 tvr 500000 450000
x-ai/grok-4.6:batch tvr 500000 450000
x-ai/grok-4.7 tvr 500000 450000
x-ai/grok-4.7:batch tvr 500000 450000
x-ai/grok-build-0.1 tvr 256000 230400
xiaomi/mimo-v2.5 tvr 1000000 65536 0.4 2 0.08 -
xiaomi/mimo-v2.5-pro tr 262144 235929 0.48 1.8 0.096 -
xiaomi/mimo-v2.6-flash tvr 1048576 131072 0.14 0.28 0.0028 -
xiaomi/mimo-v2.6-pro tvr 1048576 131072 0.435 0.87 0.0036 -
xiaomi/mimo-v2.6-pro-ultraspeed tvr 1048576 131072 4.35 8.7 0.036 -
xingchen-agi/xing4.0-29b-a4b:free tr 262144 235929
z-ai/glm-4.5 tr 131072 98304 0.6 2.2 0.11 -
z-ai/glm-4.5-air tr 131072 98304 0.2 1.1 0.03 -
z-ai/glm-4.5v tvr 65536 16384 0.6 1.8 0.11 -
z-ai/glm-4.6 tr 202752 131072 0.5 2 0.1 -
z-ai/glm-4.6v tvr 131072 32768 0.3 0.9 0.055 -
z-ai/glm-4.7 tr 204800 131072 0.6 2.2 0.11 -
z-ai/glm-4.7-flash tr 131072 117964 0.0605 0.4 - -
z-ai/glm-5 tr 202752 131072 0.6 1.9 0.119 -
z-ai/glm-5-turbo tr 202752 131072 1.2 4 0.24 -
z-ai/glm-5.1 tr 202752 131072 1.4 4.4 0.26 -
z-ai/glm-5.2 tr 1048576 943718 0.0062 6.8 0.0052 -
z-ai/glm-5.2:batch tr 1048576 943718 0.527 1.075 0.178 -
z-ai/glm-5.3 tr 1048576 943718 0.0699 1.4 0.0689 -
z-ai/glm-5.3-flash tvr 1048575 943717 0.15 0.5 0.03 -
z-ai/glm-5.3-flash:batch tvr 1048576 943718 0.03 0.061 0.013 -
z-ai/glm-5.3-flashx tvr 1048576 131072 0.37 1.25 0.075 -
z-ai/glm-5.3-flashx-legal tvr 1048576 131072 0.37 1.25 0.075 -
z-ai/glm-5.3-prime tr 1000000 131072 2.8 8.8 0.56 -
z-ai/glm-5.3:batch tr 1048576 131072 0.45 2 0.1 -
z-ai/glm-5v-turbo tvr 202752 131072 1.2 4 0.24 -
~anthropic/claude-fable-latest tvr 1000000 128000 8 40 0.2 10
~anthropic/claude-haiku-latest tvr 1000000 128000
~anthropic/claude-opus-latest tvr 1000000 128000 4 20 0.2 5
~anthropic/claude-sonnet-latest tvr 1000000 128000 2 10 0.1 2.5
~deepseek/deepseek-flash-latest tvr 1048576 943718 0.006 0.5 0.005 -
~deepseek/deepseek-pro-latest tr 1048576 393216 0.0999 8 0.0999 -
~deepseek/deepseek-v4-flash-latest tr 1048576 943718 0.0434 0.3 0.035 -
~google/gemini-flash-latest tvr 1048576 65536 0.75 3.75 0.075 0.041667
~google/gemini-pro-latest tvr 1048576 943718 2 10 0.1 0.1875
~moonshotai/kimi-latest tvr 1048576 131072 0.1824 9.3388 0.18 -
~openai/gpt-astra-latest tvr 1050000 128000
~openai/gpt-luna-latest tvr 1050000 128000
~openai/gpt-mini-latest tvr 400000 128000 0.75 4.5 0.075 -
~openai/gpt-sol-latest tvr 1050000 128000
~openai/gpt-terra-latest tvr 1050000 128000
~unbiased/pareto-latest tv 1048576 131072 0.8 3.2 0.03 -
~x-ai/grok-latest tvr 500000 450000
~z-ai/glm-flash-latest tvr 1048576 131072 0.0399 0.0784 0.03 -
~z-ai/glm-latest tr 1048576 943718 0.0699 1.4 0.0689 -
`,
  "ai-gateway.vercel.sh": `
alibaba/qwen-3-14b tr 40960 16384 0.12 0.24 - -
alibaba/qwen-3-235b t 262144 16384 0.22 0.88 - -
alibaba/qwen-3-30b tr 40960 16384 0.12 0.5 - -
alibaba/qwen-3-32b tr 128000 8192 0.15 0.6 - -
alibaba/qwen3-coder t 262144 32768 0.22 1.8 0.022 -
alibaba/qwen3-coder-30b-a3b t 262144 8192 0.15 0.6 - -
alibaba/qwen3-coder-next t 256000 256000 0.5 1.2 - -
alibaba/qwen3-max-thinking tr 256000 65536
alibaba/qwen3-next-80b-a3b-instruct t 262114 262114 0.15 1.2 - -
alibaba/qwen3-next-80b-a3b-thinking tr 262144 262144 0.15 1.2 - -
alibaba/qwen3-vl-instruct tv 262144 262144 0.2 0.88 0.11 -
alibaba/qwen3.5-flash tvr 1000000 64000 0.1 0.4 0.01 0.125
alibaba/qwen3.5-plus tvr 1000000 64000
alibaba/qwen3.6-27b tvr 256000 256000 0.6 3.6 - -
alibaba/qwen3.6-plus tvr 1000000 64000
alibaba/qwen3.7-flash tvr 991000 64000
alibaba/qwen3.7-max tr 991000 64000 2.5 7.5 0.5 3.125
alibaba/qwen3.7-plus tvr 1000000 64000
alibaba/qwen3.8-2.4t-a95b tvr 262144 128000 2 6 0.25 -
alibaba/qwen3.8-27b tvr 262144 262144 0.06 2.3 0.059 -
alibaba/qwen3.8-flash tvr 991000 128000 0.15 0.47 0.016 0.2
alibaba/qwen3.8-max tvr 262144 128000 2 6 0.25 -
alibaba/qwen3.8-max-0902 tvr 991000 128000 2 6 0.25 2.5
alibaba/qwen3.8-max-prime tvr 1000000 131072 4 12 0.5 5
alibaba/qwen3.8-omni-flash tvr 1000000 131072 0.15 0.47 0.016 -
amazon/nova-2-lite tvr 1000000 1000000 0.33 2.75 0.0825 -
amazon/nova-lite tv 300000 8192 0.06 0.24 0.015 -
amazon/nova-micro t 128000 8192 0.035 0.14 0.0087 -
amazon/nova-pro tv 300000 8192 0.8 3.2 0.2 -
anthropic/claude-fable-5 tvr 1000000 128000 10 50 1 12.5
anthropic/claude-fable-5-batch tvr 1000000 128000 5 25 0.5 6.25
anthropic/claude-fable-5.1 tvr 1000000 128000 10 50 0.25 12.5
anthropic/claude-fable-5.1-batch tvr 1000000 128000 5 25 0.125 6.25
anthropic/claude-fable-5.2 tvr 1000000 128000 8 40 0.2 10
anthropic/claude-fable-5.2-batch tvr 1000000 128000 4 20 0.1 5
anthropic/claude-fable-5.2-fast tvr 1000000 128000 16 80 0.4 20
anthropic/claude-haiku-4.5 tvr 200000 64000 1 5 0.1 1.25
anthropic/claude-haiku-4.5-batch tvr 200000 64000 0.5 2.5 0.05 0.625
anthropic/claude-haiku-5.5 tvr 1000000 128000
anthropic/claude-haiku-5.5-batch tvr 1000000 128000
anthropic/claude-opus-4.5 tvr 200000 64000 5 25 0.5 6.25
anthropic/claude-opus-4.5-batch tvr 200000 64000 2.5 12.5 0.25 3.125
anthropic/claude-opus-4.6 tvr 1000000 128000 5 25 0.5 6.25
anthropic/claude-opus-4.6-batch tvr 1000000 128000 2.5 12.5 0.25 3.125
anthropic/claude-opus-4.7 tvr 1000000 128000 5 25 0.5 6.25
anthropic/claude-opus-4.7-batch tvr 1000000 128000 2.5 12.5 0.25 3.125
anthropic/claude-opus-4.8 tvr 1000000 128000 5 25 0.5 6.25
anthropic/claude-opus-4.8-batch tvr 1000000 128000 2.5 12.5 0.25 3.125
anthropic/claude-opus-4.8-fast tvr 1000000 128000 10 50 1 12.5
anthropic/claude-opus-5 tvr 1000000 128000 5 25 0.5 6.25
anthropic/claude-opus-5-batch tvr 1000000 128000 2.5 12.5 0.25 3.125
anthropic/claude-opus-5-fast tvr 1000000 128000 10 50 1 12.5
anthropic/claude-opus-5.5 tvr 1000000 128000 4 20 0.2 5
anthropic/claude-opus-5.5-batch tvr 1000000 128000 2 10 0.1 2.5
anthropic/claude-opus-5.5-fast tvr 1000000 128000 8 40 0.4 10
anthropic/claude-sonnet-4.5 tvr 1000000 64000
anthropic/claude-sonnet-4.5-batch tvr 1000000 64000
anthropic/claude-sonnet-4.6 tvr 1000000 128000 3 15 0.3 3.75
anthropic/claude-sonnet-4.6-batch tvr 1000000 128000 1.5 7.5 0.15 1.875
anthropic/claude-sonnet-5 tvr 1000000 128000 2 10 0.2 2.5
anthropic/claude-sonnet-5-batch tvr 1000000 128000 1 5 0.1 1.25
anthropic/claude-sonnet-5.5 tvr 1000000 128000 2 10 0.1 2.5
anthropic/claude-sonnet-5.5-batch tvr 1000000 128000 1 5 0.05 1.25
bytedance/seed-1.6 tvr 256000 32000
bytedance/seed-1.8 tvr 256000 64000
bytedance/seed-2.1-turbo tvr 262144 262144 0.5 2.5 0.1 -
callstack/apex tvr 262144 131072 0.5 3 0.2 -
cohere/command-a t 256000 8000 2.5 10 - -
deepseek/deepseek-r1 tr 128000 8192 1.35 5.4 - -
deepseek/deepseek-v3.1 tr 163840 128000 0.25 0.95 0.13 -
deepseek/deepseek-v3.2 t 128000 8000 0.62 1.85 - -
deepseek/deepseek-v3.2-thinking t 128000 8000 0.62 1.85 - -
deepseek/deepseek-v4-flash tr 1000000 384000 0.13 0.26 0.028 -
deepseek/deepseek-v4-flash-0731 tr 1000000 384000 0.13 0.26 0.028 -
deepseek/deepseek-v4-flash-vision-exp tvr 1048576 1048576 0.2156 0.6468 0.0068 -
deepseek/deepseek-v4-pro tr 1048600 1048600 1.32 3.96 0.132 -
deepseek/deepseek-v4-pro-0813 tr 1000000 384000 0.66 1.98 0.066 -
deepseek/deepseek-v4.1-flash tvr 1048576 32768 0.3 1.2 0.007 -
deepseek/deepseek-v4.1-flash-1017 tvr 1048576 262144 0.3 1.2 0.007 -
deepseek/deepseek-v4.1-flash-1017-fast tvr 1048576 262144 0.6 2.4 0.014 -
deepseek/deepseek-v4.1-flash-1017-ultrafast tvr 1048576 1048576 2.4 9.6 0.048 -
deepseek/deepseek-v4.1-flash-fast tvr 1048576 32768 0.6 2.4 0.014 -
fireworks/ember-1 tvr 1048576 1048576 3 15 0.3 -
google/gemini-2.5-flash tvr 1000000 65535 0.3 2.5 0.03 -
google/gemini-2.5-flash-batch tvr 1000000 64000 0.15 1.25 0.03 -
google/gemini-2.5-flash-lite tvr 1048576 65535 0.1 0.4 0.01 -
google/gemini-2.5-flash-lite-batch tvr 1048576 65535 0.05 0.2 0.01 -
google/gemini-2.5-pro tvr 1048576 65535
google/gemini-2.5-pro-batch tvr 1048576 65535
google/gemini-3-flash tvr 1000000 65000
google/gemini-3-flash-batch tvr 1000000 64000
google/gemini-3.1-flash-lite tvr 1000000 65000 0.25 1.5 0.03 -
google/gemini-3.1-flash-lite-batch tvr 1000000 65000 0.125 0.75 0.015 -
google/gemini-3.1-pro-preview tvr 1000000 64000
google/gemini-3.1-pro-preview-batch tvr 1000000 64000
google/gemini-3.5-flash tvr 1000000 64000 1.5 9 0.15 -
google/gemini-3.5-flash-lite tvr 1000000 65000 0.3 2.5 0.03 -
google/gemini-3.5-flash-lite-batch tvr 1000000 65000 0.15 1.25 0.015 -
google/gemini-3.6-flash tvr 1000000 64000 0.75 3.75 0.075 -
google/gemini-3.6-flash-batch tvr 1000000 64000 0.375 1.875 0.0375 -
google/gemini-3.7-flash tvr 1000000 65535 0.75 3.75 0.075 -
google/gemini-3.8-flash tvr 1000000 65535 0.75 3.75 0.075 -
google/gemini-4-argon tvr 1000000 1000000 2 10 0.1 -
google/gemma-4-26b-a4b-it tvr 262144 131072 0.15 0.6 0.015 -
google/gemma-4-31b-it tvr 262144 131072 0.14 0.4 - -
humansand/ampersand-v0.1 tr 1000000 32768
inception/mercury-2 tr 128000 128000 0.25 0.75 0.025 -
inception/mercury-2.5 tr 260000 65536 0.04 0.15 0.004 -
inception/mercury-3 tr 1000000 131072 0.1 0.35 0.01 -
inception/mercury-coder-small t 32000 16384 0.25 1 - -
inclusionai/ling-3.0-flash tr 256000 32000 0.021 0.063 0.0042 -
inclusionai/ling-3.0-flash-fin tr 256000 32000 0.075 0.22 0.015 -
inclusionai/ling-3.0-flash-sante tr 256000 32000 0.075 0.22 0.015 -
inclusionai/ling-3.0-flash-vl tvr 256000 32000 0.075 0.22 0.015 -
inclusionai/ling-3.1-flash tr 262144 32768 0.3 0.9 0.06 -
inclusionai/ling-3.1-flash-1019 tr 1000000 262144 0.3 0.9 0.06 -
interfaze/interfaze-beta tvr 1000000 32000 1.5 3.5 - -
liquid/lfm2.5-24b-a2b tr 128000 8200 0.05 0.7 0.025 -
meituan/longcat-2.5 tvr 1048576 131072 0.3 1.2 0.006 -
meta/llama-3.1-70b t 128000 8192 0.72 0.72 - -
meta/llama-3.1-8b t 128000 8192 0.22 0.22 - -
meta/llama-3.3-70b t 128000 8192 0.72 0.72 - -
meta/llama-4-maverick tv 128000 8192 0.24 0.97 - -
meta/llama-4-scout tv 128000 8192 0.17 0.66 - -
meta/muse-ember tvr 1048576 1048576 0.1 0.5 0.004 -
meta/muse-glimmer-30b tvr 131072 131072 0.35 1.5 0.04 -
meta/muse-spark-1.1 tvr 1048576 1048576 1.25 4.25 0.15 -
meta/muse-spark-1.2 tvr 1048576 1048576 1.25 4.25 0.15 -
meta/muse-spark-1.2-contributor tvr 1048576 1048576 0.1 0.2 0.002 -
meta/muse-spark-1.3 tvr 1048576 1048576 1.25 4.25 0.15 -
meta/muse-spark-1.3-contributor tvr 1048576 1048576 0.1 0.2 0.002 -
meta/muse-spark-open tvr 1048576 1048576 1.25 4.25 0.15 -
meta/muse-wonder-1.0 tvr 1048576 1048576 4 20 0.2 -
minimax/minimax-m2 tr 205000 205000 0.3 1.2 0.03 0.375
minimax/minimax-m2.1 tr 204800 131072 0.3 1.2 0.03 0.375
minimax/minimax-m2.1-lightning tr 204800 131072 0.3 2.4 0.03 0.375
minimax/minimax-m2.5 tr 204800 131000 0.3 1.2 0.03 0.375
minimax/minimax-m2.5-highspeed tr 204800 131000 0.6 2.4 0.03 0.375
minimax/minimax-m2.7 tr 204800 131000 0.3 1.2 0.06 0.375
minimax/minimax-m2.7-highspeed tr 204800 131100 0.6 2.4 0.06 0.375
minimax/minimax-m3 tvr 512000 512000 0.3 1.2 0.06 -
minimax/minimax-m3.1-flash tvr 1048576 1048576 0.15 0.6 0.015 -
mistral/codestral t 128000 4000 0.3 0.9 0.03 -
mistral/ministral-14b tv 262144 256000 0.2 0.2 0.02 -
mistral/ministral-3b tv 131072 4000 0.1 0.1 0.01 -
mistral/ministral-8b tv 262144 4000 0.15 0.15 0.015 -
mistral/mistral-large-3 tv 262144 256000 0.5 1.5 0.05 -
mistral/mistral-large-4 tvr 1048576 262144 0.7 2.1 0.07 -
mistral/mistral-medium-3.5 tvr 262144 256000 1.5 7.5 0.15 -
mistral/mistral-nemo t 131072 131072 0.029 0.03 - -
mistral/mistral-small tv 262144 4000 0.15 0.6 0.015 -
mixedbread/toast-1 t 131000 4000 0.3 0.72 0.036 -
moonshotai/kimi-k2 t 131072 131072 0.57 2.3 - -
moonshotai/kimi-k2.5 tvr 256000 256000 0.6 3 - -
moonshotai/kimi-k2.6 tvr 262000 262000 0.95 4 0.16 -
moonshotai/kimi-k2.7-code tvr 256000 32768 0.95 4 0.19 -
moonshotai/kimi-k2.7-code-highspeed tvr 262144 32768 1.9 8 0.38 -
moonshotai/kimi-k3 tvr 1000000 131072 3 15 0.3 -
moonshotai/kimi-k3-fast tvr 1000000 131072 4.5 22.5 0.45 -
moonshotai/kimi-k3.1-pro tvr 1000000 131072 2 10 0.2 -
moonshotai/kimi-k3.1-pro-highspeed tvr 1048576 131072 4 20 0.2 4
nvidia/nemotron-3-nano-30b-a3b tr 262144 262144 0.05 0.2 0.025 -
nvidia/nemotron-3-super-120b-a12b tr 256000 32000 0.15 0.65 - -
nvidia/nemotron-3-ultra-550b-a55b tr 1000000 65000 0.6 2.4 0.12 -
nvidia/nemotron-3.5-lightning tr 262144 131072 0.06 0.16 0.03 -
nvidia/nemotron-3.5-lightning-free tr 1000000 65000
nvidia/nemotron-3.5-super-vl tvr 1048576 1048576 0.2 0.5 0.04 -
nvidia/nemotron-nano-12b-v2-vl tvr 131072 131072 0.2 0.6 - -
nvidia/nemotron-nano-9b-v2 tr 131072 131072 0.06 0.23 - -
openai/gpt-4.1 tv 1047576 32768 2 8 0.5 -
openai/gpt-4.1-batch tv 1047576 32768 1 4 0.25 -
openai/gpt-4.1-fast tv 1047576 32768 3.5 14 0.875 -
openai/gpt-4.1-mini tv 1047576 32768 0.4 1.6 0.1 -
openai/gpt-4.1-mini-batch tv 1047576 32768 0.2 0.8 0.05 -
openai/gpt-4.1-mini-fast tv 1047576 32768 0.7 2.8 0.175 -
openai/gpt-4.1-nano tv 1047576 32768 0.1 0.4 0.03 -
openai/gpt-4o tv 128000 16384 2.5 10 1.25 -
openai/gpt-4o-batch tv 128000 16384 1.25 5 0.625 -
openai/gpt-4o-fast tv 128000 16384 4.25 17 2.125 -
openai/gpt-4o-mini tv 128000 16384 0.15 0.6 0.075 -
openai/gpt-4o-mini-batch tv 128000 16384 0.075 0.3 0.0375 -
openai/gpt-4o-mini-fast tv 128000 16384 0.25 1 0.125 -
openai/gpt-5 tvr 400000 128000 1.25 10 0.125 -
openai/gpt-5-batch tvr 400000 128000 0.625 5 0.0625 -
openai/gpt-5-codex tvr 400000 128000 1.25 10 0.13 -
openai/gpt-5-fast tvr 400000 128000 2.5 20 0.25 -
openai/gpt-5-mini tvr 400000 128000 0.25 2 0.025 -
openai/gpt-5-mini-batch tvr 400000 128000 0.125 1 0.0125 -
openai/gpt-5-mini-fast tvr 400000 128000 0.45 3.6 0.045 -
openai/gpt-5-nano tvr 400000 128000 0.05 0.4 0.005 -
openai/gpt-5-nano-batch tvr 400000 128000 0.025 0.2 0.0025 -
openai/gpt-5-pro tvr 400000 272000 15 120 - -
openai/gpt-5-pro-batch tvr 400000 272000 7.5 60 - -
openai/gpt-5.1-codex tvr 400000 128000 1.25 10 0.13 -
openai/gpt-5.1-codex-max tvr 400000 128000 1.25 10 0.125 -
openai/gpt-5.1-codex-mini tvr 400000 128000 0.25 2 0.03 -
openai/gpt-5.1-thinking tvr 400000 128000 1.25 10 0.125 -
openai/gpt-5.1-thinking-fast tvr 400000 128000 2.5 20 0.25 -
openai/gpt-5.2 tvr 400000 128000 1.75 14 0.175 -
openai/gpt-5.2-batch tvr 400000 128000 0.875 7 0.0875 -
openai/gpt-5.2-codex tvr 400000 128000 1.75 14 0.175 -
openai/gpt-5.2-fast tvr 400000 128000 3.5 28 0.35 -
openai/gpt-5.2-pro tvr 400000 128000 21 168 - -
openai/gpt-5.3-codex tvr 400000 128000 1.75 14 0.175 -
openai/gpt-5.3-codex-fast tvr 400000 128000 3.5 28 0.35 -
openai/gpt-5.4 tvr 1050000 128000
openai/gpt-5.4-batch tvr 1050000 128000
openai/gpt-5.4-fast tvr 1050000 128000 5 30 0.5 -
openai/gpt-5.4-mini tvr 400000 128000 0.75 4.5 0.075 -
openai/gpt-5.4-mini-batch tvr 400000 128000 0.375 2.25 0.0375 -
openai/gpt-5.4-mini-fast tvr 400000 128000 1.5 9 0.15 -
openai/gpt-5.4-nano tvr 400000 128000 0.2 1.25 0.02 -
openai/gpt-5.4-nano-batch tvr 400000 128000 0.1 0.625 0.01 -
openai/gpt-5.4-pro tvr 1050000 128000
openai/gpt-5.5 tvr 1000000 128000
openai/gpt-5.5-batch tvr 1000000 128000
openai/gpt-5.5-fast tvr 1000000 128000 12.5 75 1.25 -
openai/gpt-5.5-pro tvr 1000000 128000
openai/gpt-5.5-pro-batch tvr 1000000 128000
openai/gpt-5.6-luna tvr 1050000 128000
openai/gpt-5.6-luna-batch tvr 1050000 128000
openai/gpt-5.6-luna-fast tvr 1050000 128000
openai/gpt-5.6-sol tvr 1050000 128000
openai/gpt-5.6-sol-batch tvr 1050000 128000
openai/gpt-5.6-sol-fast tvr 1050000 128000
openai/gpt-5.6-terra tvr 1050000 128000
openai/gpt-5.6-terra-batch tvr 1050000 128000
openai/gpt-5.6-terra-fast tvr 1050000 128000
openai/gpt-6-astra tvr 1050000 128000
openai/gpt-6-astra-batch tvr 1050000 128000
openai/gpt-6-astra-fast tvr 1050000 128000
openai/gpt-6-luna tvr 1050000 128000
openai/gpt-6-luna-batch tvr 1050000 128000
openai/gpt-6-luna-fast tvr 1050000 128000
openai/gpt-6-sol tvr 1050000 128000
openai/gpt-6-sol-batch tvr 1050000 128000
openai/gpt-6-sol-fast tvr 1050000 128000
openai/gpt-6.1-sol tvr 1050000 128000
openai/gpt-6.1-sol-batch tvr 1050000 128000
openai/gpt-6.1-sol-fast tvr 1050000 128000
openai/gpt-6.1-terra tvr 1050000 128000
openai/gpt-6.1-terra-fast tvr 1050000 128000
openai/gpt-oss-120b tr 131072 131072 0.1 0.5 0.1 -
openai/gpt-oss-20b tr 131072 8192 0.03 0.14 - -
openai/gpt-oss-safeguard-120b tr 128000 16000 0.15 0.6 - -
openai/gpt-oss-safeguard-20b tr 128000 16000 0.07 0.2 - -
openai/o1 tvr 200000 100000 15 60 7.5 -
openai/o3 tvr 200000 100000 2 8 0.5 -
openai/o3-fast tvr 200000 100000 3.5 14 0.875 -
openai/o3-mini tr 200000 100000 1.1 4.4 0.55 -
openai/o3-pro tvr 200000 100000 20 80 - -
openai/o4-mini tvr 200000 100000 1.1 4.4 0.275 -
particle/particle-1 tvr 1048576 131072 0.125 0.5 0.015 -
poolside/laguna-s-2.1 tr 1000000 131072 0.09 0.18 0.009 -
quiverai/arrow-2 tvr 131072 131072 4 20 0.4 5
quiverai/arrow-2-telos tvr 131072 131072 6 30 0.6 7.5
reflection/beam tr 1048576 131072
reflection/beam-free tr 1048576 131072
sakana/fugu-max tvr 1000000 1000000 2 6 0.25 -
sakana/fugu-ultra tvr 1000000 1000000
sakana/fugu-ultra-v2 tvr 1000000 1000000
sakana/namazu tvr 256000 256000 0.95 4 0.15 -
spacexai/grok-4.20-multi-agent tvr 2000000 2000000
spacexai/grok-4.20-multi-agent-batch tvr 2000000 2000000
spacexai/grok-4.20-multi-agent-beta tvr 2000000 2000000
spacexai/grok-4.20-non-reasoning tv 2000000 2000000
spacexai/grok-4.20-non-reasoning-batch tv 2000000 2000000
spacexai/grok-4.20-non-reasoning-beta tv 2000000 2000000
spacexai/grok-4.20-reasoning tvr 2000000 2000000
spacexai/grok-4.20-reasoning-batch tvr 2000000 2000000
spacexai/grok-4.20-reasoning-beta tvr 2000000 2000000
spacexai/grok-4.3 tvr 1000000 1000000
spacexai/grok-4.3-batch tvr 1000000 1000000
spacexai/grok-4.5 tvr 500000 500000
spacexai/grok-4.6 tvr 500000 500000
spacexai/grok-4.7 tvr 500000 500000
spacexai/grok-build-0.1 tvr 256000 256000
spacexai/grok-voice-3.0 tr - -
stealth/glyph-cluster tr 256000 256000
stepfun/step-3.7-flash tvr 256000 256000 0.2 1.15 0.04 -
stepfun/step-5-preview tvr 1048576 1048576 1 2.7 0.1 -
tencent/hy3 tr 262144 262144 0.14 0.58 0.035 -
tencent/hy4 tvr 1024000 64000 0.417 1.2505 0.021 -
tencent/hy4-preview tr 1024000 64000 0.834 2.501 0.042 -
thinkingmachines/inkling tvr 256000 256000 1 4.05 0.17 -
thinkingmachines/inkling-small tvr 1000000 1000000 0.45 1.2 0.1 -
xiaomi/mimo-v2.6-flash tvr 1048576 131072 0.14 0.28 0.0028 -
xiaomi/mimo-v2.6-pro tvr 1048576 131072 0.435 0.87 0.0036 -
xiaomi/mimo-v2.6-pro-ultraspeed tvr 1048576 131072 4.35 8.7 0.036 -
zai/glm-4.5 tr 128000 96000 0.6 2.2 0.11 -
zai/glm-4.5-air tr 128000 96000 0.2 1.1 0.03 -
zai/glm-4.5v tvr 66000 16000 0.6 1.8 0.11 -
zai/glm-4.6 tr 200000 96000 0.6 2.2 0.11 -
zai/glm-4.7 tr 200000 120000 0.6 2.2 - -
zai/glm-4.7-flash tr 200000 131000 0.07 0.4 - -
zai/glm-4.7-flashx tr 200000 128000 0.06 0.4 0.01 -
zai/glm-5 tr 202800 131100 1 3.2 - -
zai/glm-5-turbo tr 202800 131100 1.2 4 0.24 -
zai/glm-5.1 tr 202800 64000 1.4 4.4 0.26 -
zai/glm-5.2 tr 1000000 128000 1.4 4.4 0.14 -
zai/glm-5.2-fast tr 1000000 128000 2.8 8.8 0.56 -
zai/glm-5.3 tr 1000000 1000000 1.4 4.4 0.14 -
zai/glm-5.3-fast tr 1048576 262144 2.1 6.6 0.21 -
zai/glm-5.3-flash tvr 1000000 131000 0.15 0.5 0.03 -
zai/glm-5.3-flashx tvr 1000000 131072 0.37 1.25 0.075 -
zai/glm-5.3-flashx-legal tvr 1000000 131072 0.37 1.25 0.075 -
zai/glm-5v-turbo tvr 200000 128000 1.2 4 0.24 -
`,
  "api.x.ai": `
grok-4.3 tvr 1000000 30000
grok-4.5 tvr 500000 500000
grok-4.6 tvr 500000 500000
grok-4.7 tvr 500000 500000
`,
  "api.z.ai": `
glm-4.7 tr 204800 131072 0.6 2.2 0.11 -
glm-5-turbo tr 200000 131072 1.2 4 0.24 -
glm-5.2 tr 1000000 131072 1.4 4.4 0.26 -
glm-5.2-highspeed tr 1000000 131072
glm-5.3 tr 1000000 131072 1.4 4.4 0.26 -
glm-5.3-flash tvr 1000000 131072 0.15 0.5 0.03 -
glm-5.3-highspeed tr 1000000 131072
`,
  "open.bigmodel.cn": `
glm-4.6v tvr 128000 32768 0.3 0.9 0.05 -
glm-5.3 tr 1000000 131072 1.4 4.4 0.26 -
glm-5.3-flash tvr 1000000 131072 0.15 0.5 0.03 -
glm-5.3-highspeed tr 1000000 131072
`,
};
