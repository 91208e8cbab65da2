import { ANTHROPIC_FORMAT } from './wire-anthropic.js';
import { GEMINI_FORMAT } from './wire-gemini.js';
import { OPENAI_FORMAT } from './wire-openai.js';

export const FORMATS = { gemini: GEMINI_FORMAT, openai: OPENAI_FORMAT, anthropic: ANTHROPIC_FORMAT };
export type Wire = keyof typeof FORMATS;

/** A body with what matters; the rest is as each provider sends it. */
export const openai = (message: object, more: object = {}): object => ({
  id: 'x',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
  ...more,
});
export const gemini = (parts: unknown, more: object = {}): object => ({
  candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP', index: 0 }],
  usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 3, totalTokenCount: 10 },
  ...more,
});
export const anthropic = (content: unknown, more: object = {}): object => ({
  id: 'x',
  type: 'message',
  role: 'assistant',
  content,
  stop_reason: 'end_turn',
  usage: { input_tokens: 7, output_tokens: 3 },
  ...more,
});
/** A plain good answer: `yes`, for 7 and 3 tokens. */
export const GOOD = {
  gemini: gemini([{ text: 'yes' }]),
  openai: openai({ content: 'yes' }),
  anthropic: anthropic([{ type: 'text', text: 'yes' }]),
};

/** The same answer in shapes that were seen, or are like those. */
export const OTHER_SHAPES: [Wire, unknown][] = [
  ['openai', openai({ role: 'model', content: 'yes' })],
  ['openai', openai({ content: 'yes', tool_calls: [{ id: 1, function: { name: 'f', arguments: { a: 1 } } }] })],
  ['openai', openai({ content: 'yes' }, { id: 123, created: 'now', model: null, system_fingerprint: [] })],
  ['openai', openai({ content: 'yes', refusal: false, reasoning_content: null, annotations: 'none' })],
  ['openai', openai({ content: [{ type: 'text', text: 'y' }, 'e', { text: 's' }] })],
  ['openai', openai({ content: { type: 'text', text: 'yes' } })],
  ['openai', openai({ content: [{ type: 'output_text', text: { value: 'yes', annotations: [] } }] })],
  [
    'openai',
    openai({
      content: [
        { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
        { type: 'text', text: 'yes' },
      ],
    }),
  ],
  ['openai', openai({ content: [{ type: 'answer', text: 'yes' }] })],
  ['openai', openai({ content: 'yes' }, { usage: { prompt_tokens: '7', completion_tokens: '3' } })],
  ['openai', openai({ content: 'yes' }, { usage: [], error: null })],
  ['openai', openai({ content: 'yes' }, { error: {}, warnings: ['x'] })],
  ['openai', { choices: [{ text: 'yes', index: '0', finish_reason: 'eos' }] }],
  ['openai', { choices: [{ delta: { content: 'yes' } }] }],
  ['openai', { choices: { message: { content: 'yes' } } }],
  ['openai', { choices: [{ message: 'yes' }] }],
  ['openai', { code: 200, data: { choices: [{ message: { content: 'yes' } }] } }],
  ['openai', { message: { role: 'assistant', content: 'yes' }, done: true, done_reason: 'stop' }],
  ['openai', { output: [{ type: 'message', content: [{ type: 'output_text', text: 'yes' }] }] }],
  ['gemini', gemini({ text: 'yes' })],
  ['gemini', gemini([{ text: 'hm', thought: true }, { text: 'yes' }])],
  ['gemini', gemini([{ text: 'yes', thoughtSignature: 1 }, { executableCode: { code: 'x' } }, { inlineData: null }])],
  ['gemini', gemini([{ functionCall: 'f' }, { text: 'yes' }])],
  ['gemini', { candidates: { content: [{ parts: [{ text: 'yes' }] }], finishReason: 1 } }],
  ['gemini', gemini([{ text: 'yes' }], { usageMetadata: { promptTokenCount: '7', candidatesTokenCount: '3' } })],
  ['gemini', gemini([{ text: 'yes' }], { promptFeedback: { blockReason: '', safetyRatings: 'none' }, responseId: 5 })],
  ['gemini', { candidates: [{ content: 'yes', groundingMetadata: { groundingChunks: 7 }, safetyRatings: {} }] }],
  [
    'gemini',
    { candidates: [{ content: { parts: [{ text: 'yes' }] }, finishReason: 'CONTINUATION', continuationToken: 't' }] },
  ],
  ['gemini', [gemini([{ text: 'y' }]), gemini([{ text: 'es' }])]],
  ['anthropic', anthropic('yes')],
  [
    'anthropic',
    anthropic([
      { type: 'thinking', thinking: 'hm' },
      { type: 'text', text: 'yes', citations: null },
    ]),
  ],
  ['anthropic', anthropic([{ type: 'text', text: 'yes' }, { type: 'brand_new', data: [] }, null, 7])],
  ['anthropic', anthropic([{ type: 'tool_use', id: 1, name: 'f', input: 'x' }, { text: 'yes' }])],
  ['anthropic', anthropic([{ type: 'redacted_thinking' }, { type: 'text', text: 'yes', citations: [{ type: 'x' }] }])],
  ['anthropic', anthropic([{ type: 'text', text: 'yes' }], { type: 'completion', id: 5, usage: null, role: 'model' })],
  ['anthropic', anthropic([{ type: 'text', text: 'yes' }], { usage: { input_tokens: '7', output_tokens: '3' } })],
  ['anthropic', { completion: 'yes', stop_reason: 'stop_sequence' }],
  ['anthropic', { type: 'message', message: anthropic([{ type: 'text', text: 'yes' }]) }],
];

/** The same answer from servers that always stream. */
export const STREAMS: [Wire, string][] = [
  [
    'openai',
    'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\ndata: {"choices":[{"delta":{"content":"y"}}]}\n\n: ping\n\ndata: {"choices":[{"delta":{"content":"es"}}]}\n\ndata: [DONE]\n\n',
  ],
  [
    'openai',
    '{"message":{"content":"y"},"done":false}\n{"message":{"content":"es"},"done":true,"done_reason":"stop"}\n',
  ],
  [
    'gemini',
    'data: {"candidates":[{"content":{"parts":[{"text":"y"}]}}]}\r\n\r\ndata: {"candidates":[{"content":{"parts":[{"text":"es"}]},"finishReason":"STOP"}]}\r\n\r\n',
  ],
  [
    'anthropic',
    'event: message_start\ndata: {"type":"message_start","message":{"content":[],"usage":{"input_tokens":7}}}\n\nevent: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"hm"}}\n\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"yes"}}\n\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}\n\n',
  ],
];

/** Refusals for the content that come as an answer. */
export const REFUSED: [Wire, unknown][] = [
  ...['SAFETY', 'OTHER', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'IMAGE_SAFETY', 'MODEL_ARMOR', 'JAILBREAK'].map(
    (blockReason): [Wire, unknown] => [
      'gemini',
      { promptFeedback: { blockReason }, usageMetadata: { promptTokenCount: 7 } },
    ],
  ),
  ...['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII', 'IMAGE_SAFETY', 'LANGUAGE', 3, 7].map(
    (finishReason): [Wire, unknown] => ['gemini', { candidates: [{ finishReason }] }],
  ),
  ['openai', openai({ content: null, refusal: 'I cannot help with that.' })],
  ['openai', openai({ content: [{ type: 'refusal', refusal: 'No.' }] })],
  ['openai', { choices: [{ message: { content: '' }, finish_reason: 'content_filter' }] }],
  ['openai', { choices: [{ message: { content: null }, finish_reason: 'sensitive' }] }],
  [
    'openai',
    {
      choices: [
        {
          message: {},
          finish_reason: 'error',
          error: { code: 403, message: 'Input required moderation, but was flagged' },
        },
      ],
    },
  ],
  ['openai', { choices: null, base_resp: { status_code: 1026, status_msg: 'input new_sensitive' } }],
  ['anthropic', anthropic([], { stop_reason: 'refusal' })],
  ['anthropic', anthropic([{ type: 'text', text: '' }], { stop_reason: 'refusal' })],
];

/** Good answers with all that providers put beside the text. */
export const RICH: Readonly<Record<Wire, object>> = {
  openai: openai(
    { content: 'yes', refusal: null, annotations: [], audio: null, tool_calls: [], reasoning_content: 'hm' },
    {
      service_tier: 'default',
      system_fingerprint: 'fp',
      usage: {
        prompt_tokens: 7,
        completion_tokens: 3,
        total_tokens: 10,
        prompt_tokens_details: { cached_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 1 },
      },
    },
  ),
  gemini: gemini([{ text: 'yes', thoughtSignature: 'c2ln' }], {
    modelVersion: 'm',
    responseId: 'r',
    promptFeedback: { safetyRatings: [{ category: 'HARM', probability: 'LOW', blocked: false }] },
    usageMetadata: {
      promptTokenCount: 7,
      candidatesTokenCount: 3,
      totalTokenCount: 10,
      promptTokensDetails: [{ modality: 'TEXT', tokenCount: 7 }],
    },
  }),
  anthropic: anthropic([{ type: 'text', text: 'yes', citations: [{ type: 'char_location', cited_text: 'q' }] }], {
    model: 'm',
    stop_sequence: null,
    stop_details: { type: 'refusal' },
    container: { id: 'c', expires_at: 'now' },
    usage: { input_tokens: 7, output_tokens: 3, cache_read_input_tokens: 0, iterations: [{ type: 'message' }] },
  }),
};
